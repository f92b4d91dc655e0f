/** Everybody's sessions of a frontend, ended by an operator beside servers that run and share a Redis. */

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesOnDisk } from '../../src/config/files.ts';
import { Browser } from '../support/browser.ts';
import { runProgram } from '../support/processes.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { type Served, startServed } from '../support/served.ts';
import { ranWith } from '../unit/cli/running.ts';
import { type Frontends, startFrontends } from './frontends-world.ts';

const secretsOf = () => randomBytes(32).toString('base64url');
const jsonLines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('claimcheck sessions end --all, beside two servers in one Redis', () => {
  const secrets = secretsOf();
  let redis: RedisServer;
  let served: Served;
  let foreign: Served;

  beforeAll(async () => {
    redis = await startRedis();
    const common = { upstream: 'http://127.0.0.1:9', redisUrl: redis.url };
    [served, foreign] = await Promise.all([
      startServed({ ...common, secrets }),
      startServed({ ...common, secrets: secretsOf() }),
    ]);
  });

  afterAll(async () => {
    await Promise.all([served.close(), foreign.close()]);
    await redis.stop();
  });

  const claimcheck = (parameters: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    runProgram({
      entry: 'src/cli/main.ts',
      parameters: ['sessions', ...parameters],
      env: {
        ...{ PUBLIC_URL: served.origin, ISSUER: served.provider.issuer, CLIENT_ID: 'served' },
        CLIENT_SECRET: 'not-needed-to-read-the-store-0123456789',
        ...{ SESSION_SECRETS: secrets, API_UPSTREAM: 'http://127.0.0.1:9', REDIS_URL: redis.url },
        ...env,
      },
    });

  async function signedInAs(login: string, { origin }: Served = served): Promise<Browser> {
    const browser = new Browser();
    await browser.navigate(`${origin}/login?login_hint=${login}`, { from: `${origin}/` });
    expect(await statusOf(browser, origin)).toBe(200);
    return browser;
  }

  const statusOf = async (browser: Browser, origin = served.origin) =>
    (await browser.fetch(`${origin}/sessions`, { from: `${origin}/` })).status;
  const statusesOf = (browsers: readonly Browser[]) => Promise.all(browsers.map((each) => statusOf(each)));

  it('LO-27: ends nobody without the right number, and everybody with it, at once, and nobody elsewhere', async () => {
    const browsers = [await signedInAs('alice'), await signedInAs('bob'), await signedInAs('alice')];
    const elsewhere = await signedInAs('alice', foreign);
    const streams = await Promise.all(
      browsers.map((each) => each.openStream(`${served.origin}/session/events`, { from: `${served.origin}/` })),
    );
    for (const stream of streams) await stream.next('state');

    const again = "Nobody's session was ended. This would end 3; to do so: claimcheck sessions end --all --confirm 3\n";
    expect(await claimcheck(['end', '--all'])).toMatchObject({ code: 2, stdout: '', stderr: again });
    for (const wrong of ['2', '4', '0', '1000000']) {
      const stderr = `--confirm ${wrong} is not the number of sessions there are now. ${again}`;
      expect(await claimcheck(['end', '--all', '--confirm', wrong])).toMatchObject({ code: 2, stdout: '', stderr });
    }
    expect(await statusesOf(browsers)).toEqual([200, 200, 200]);

    const ended = await claimcheck(['end', '--all', '--confirm', '3']);

    for (const stream of streams) {
      expect(JSON.parse((await stream.next('ended', 500)).data)).toMatchObject({ reason: 'revoked' });
    }
    expect(await statusesOf(browsers)).toEqual([401, 401, 401]);
    expect(ended).toMatchObject({ code: 0, stdout: 'ended 3\n' });
    const events = jsonLines(ended.stderr);
    expect(events.map(({ event }) => event)).toEqual([...new Array(3).fill('session.ended'), 'sessions.ended-all']);
    expect(events.at(-1)).toMatchObject({
      outcome: 'success',
      operator: expect.stringMatching(/./),
      reason: 'revoked',
      count: 3,
    });
    expect(await statusOf(elsewhere, foreign.origin)).toBe(200);
    expect(await claimcheck(['end', '--all', '--confirm', '3'])).toMatchObject({
      code: 3,
      stdout: 'ended 0\n',
      stderr: '',
    });
    await signedInAs('bob');
  });

  it('LO-27: says how far it came where it broke off, and may be repeated', async () => {
    const browsers = [await signedInAs('alice'), await signedInAs('bob')];
    const found = /--confirm (\d+)\n$/.exec((await claimcheck(['end', '--all'])).stderr)?.[1] ?? '';
    // It may count, but end nothing.
    const rights = '~cc:* resetchannels &cc:ended -@all +hello +client|tracking +ping +info +subscribe +scan +get';
    await redis.cli('ACL', 'SETUSER', 'reader', 'on', '>app-password-1', ...rights.split(' '));

    const refused = await claimcheck(['end', '--all', '--confirm', found], {
      REDIS_URL: redis.urlFor('reader', 'app-password-1'),
    });

    expect(refused).toMatchObject({ code: 1, stdout: '' });
    const [event = '', complaint] = refused.stderr.split('\n');
    expect(JSON.parse(event)).toMatchObject({ event: 'sessions.ended-all', outcome: 'failure', count: 0 });
    expect(complaint).toMatch(/^Redis refuses it to the user of REDIS_URL .*evalsha/);
    expect(await statusesOf(browsers)).toEqual([200, 200]);

    expect(await claimcheck(['end', '--all', '--confirm', found])).toMatchObject({
      code: 0,
      stdout: `ended ${found}\n`,
    });
    expect(await statusesOf(browsers)).toEqual([401, 401]);
  });
});

describe('claimcheck sessions end --all, with several frontends', () => {
  let all: Frontends;

  beforeAll(async () => {
    all = await startFrontends();
  });

  afterAll(() => all.close());

  const end = (...args: readonly string[]) =>
    ranWith(['sessions', 'end', '--all', ...args], { env: all.world.env, files: filesOnDisk });

  it('LO-27: ends those of the one that is named, and asks which where none is', async () => {
    const [one, two] = [all.browser(), all.browser()];
    await all.orders.signIn(one);
    await all.desk.signIn(one);
    await all.desk.signIn(two);
    const live = () =>
      Promise.all(
        [all.orders.call(one), all.desk.call(one), all.desk.call(two)].map(async (call) => (await call).status),
      );

    expect(await end('--confirm', '3')).toMatchObject({
      code: 2,
      complaints: expect.stringContaining('name one with --frontend'),
    });
    expect(await end('--frontend', 'nobody')).toMatchObject({ code: 2 });
    expect(await end('--frontend', 'desk')).toEqual({
      code: 2,
      output: '',
      complaints: expect.stringContaining('claimcheck sessions end --all --frontend desk --confirm 2'),
    });
    expect(await live()).toEqual([200, 200, 200]);

    const { code, output, complaints } = await end('--frontend', 'desk', '--confirm', '2');

    expect({ code, output }).toEqual({ code: 0, output: 'ended 2' });
    expect(await live()).toEqual([200, 401, 401]);
    expect(jsonLines(complaints).at(-1)).toMatchObject({
      ...{ event: 'sessions.ended-all', frontend: 'desk', operator: 'somebody', count: 2 },
    });
  });
});
