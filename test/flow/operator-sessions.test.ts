import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { runProgram } from '../support/processes.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { type Served, startServed } from '../support/served.ts';

const secrets = randomBytes(32).toString('base64url');
let redis: RedisServer;
let served: Served;

beforeAll(async () => {
  redis = await startRedis();
  served = await startServed({ upstream: 'http://127.0.0.1:9', redisUrl: redis.url, secrets });
});

afterAll(async () => {
  await served.close();
  await redis.stop();
});

/** The program, with the settings that the server runs with. */
const claimcheck = (parameters: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runProgram({
    entry: 'src/cli/main.ts',
    parameters: ['sessions', ...parameters],
    env: {
      PUBLIC_URL: served.origin,
      ISSUER: served.provider.issuer,
      CLIENT_ID: 'served',
      CLIENT_SECRET: 'not-needed-to-read-the-store-0123456789',
      SESSION_SECRETS: secrets,
      API_UPSTREAM: 'http://127.0.0.1:9',
      REDIS_URL: redis.url,
      ...env,
    },
  });

async function sessionOf(browser: Browser) {
  const answer = await browser.fetch(`${served.origin}/session`, { from: `${served.origin}/` });
  return answer.json() as { authenticated: boolean; session: { id: string }; user: { sub: string } };
}

async function signIn() {
  const browser = await served.signIn();
  const { session, user } = await sessionOf(browser);
  return { browser, handle: session.id, sub: user.sub };
}

const isSignedIn = async (browser: Browser) => (await sessionOf(browser)).authenticated;
const statusOf = async (browser: Browser) =>
  (await browser.fetch(`${served.origin}/sessions`, { from: `${served.origin}/` })).status;
const eventsOf = (browser: Browser) =>
  browser.openStream(`${served.origin}/session/events`, { from: `${served.origin}/` });

describe('claimcheck sessions, beside a server that runs', () => {
  it('LO-27: lists the sessions of a person by handle, instants, device and network, and nothing more', async () => {
    const { handle, browser, sub } = await signIn();
    const cookie = browser.cookieHeader(`${served.origin}/session`) ?? '';

    const { code, stdout, stderr } = await claimcheck(['list', '--sub', sub]);

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [head, ...rows] = stdout.trimEnd().split('\n');
    expect(head?.split(/ {2,}/)).toEqual(['HANDLE', 'CREATED', 'LAST SEEN', 'USER AGENT', 'ADDRESS']);
    const row = rows.find((line) => line.startsWith(handle))?.split(/ {2,}/);
    expect(row).toEqual([
      handle,
      expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      expect.any(String),
      '127.0.0.0', // truncated
    ]);
    for (const secret of [secrets, sub, cookie.slice(cookie.indexOf('=') + 1)]) expect(stdout).not.toContain(secret);
    expect(await isSignedIn(browser)).toBe(true);
  });

  it('LO-27, LO-01: ends one by its handle, at once for the server and its event streams, and no other', async () => {
    const ended = await signIn();
    const other = await signIn();
    const stream = await eventsOf(ended.browser);
    await stream.next('state');

    const { code, stdout, stderr } = await claimcheck(['end', '--sub', ended.sub, '--id', ended.handle]);

    expect({ code, stdout }).toEqual({ code: 0, stdout: 'ended 1\n' });
    expect(JSON.parse((await stream.next('ended', 500)).data)).toMatchObject({ reason: 'revoked' });
    expect(JSON.parse(stderr)).toMatchObject({ event: 'session.ended', outcome: 'success', reason: 'revoked' });
    expect(stderr).not.toContain(ended.handle);
    expect(await isSignedIn(ended.browser)).toBe(false);
    expect(await isSignedIn(other.browser)).toBe(true);
    expect({ status: await statusOf(ended.browser) }).toEqual({ status: 401 });
    expect({ status: await statusOf(other.browser) }).toEqual({ status: 200 });
  });

  it('LO-27: a handle of nobody, and a person of another issuer, end nothing', async () => {
    const { browser, handle, sub } = await signIn();
    const nobodies = ['end', '--sub', sub, '--id', 'A'.repeat(22)];
    const elsewhere = ['end', '--sub', sub, '--issuer', 'https://other.example', '--id', handle];
    const another = ['end', '--sub', 'somebody-else', '--id', handle];
    const strange = ['end', '--sub', sub, '--sid', 'no-such-sid'];

    for (const parameters of [nobodies, elsewhere, another, strange]) {
      expect(await claimcheck(parameters)).toMatchObject({ code: 3, stdout: 'ended 0\n' });
    }

    expect(await isSignedIn(browser)).toBe(true);
    expect(await claimcheck(['end', '--sub', sub, '--id', handle])).toMatchObject({ code: 0 });
    expect(await isSignedIn(browser)).toBe(false);
  });

  it('LO-27: ends all of a person, who may sign in again', async () => {
    const first = await signIn();
    const second = await signIn();

    expect((await claimcheck(['end', '--sub', first.sub])).code).toBe(0);

    expect(await isSignedIn(first.browser)).toBe(false);
    expect(await isSignedIn(second.browser)).toBe(false);
    for (const { browser } of [first, second]) expect({ status: await statusOf(browser) }).toEqual({ status: 401 });
    expect((await claimcheck(['list', '--sub', first.sub])).stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(await isSignedIn((await signIn()).browser)).toBe(true);
  });
});
