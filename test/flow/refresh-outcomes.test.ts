/**
 * Every way in which a refresh can fail, while the access token still serves and
 * when it has ended: what the browser gets, what becomes of the session and of the
 * claim on its refresh token, is what docs/refresh-failures.md promises.
 */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { type Fault, oauthFault } from '../support/hostile/fault.ts';
import type { RefreshSwitches } from '../support/hostile/script.ts';
import { echo, startUpstream, type Upstream } from '../support/upstream.ts';
import { watchClaims } from './claims-watch.ts';
import { startTwins, type Twins } from './twin-worlds.ts';

let twins: Twins;
let upstream: Upstream;

beforeAll(async () => {
  upstream = await startUpstream(echo);
  const rules = [
    'routes:',
    `  - { path: /api/own, upstream: ${upstream.origin} }`,
    `  - { path: /api/other, upstream: ${upstream.origin}, audience: https://other.example.test }`,
  ].join('\n');
  twins = await startTwins({
    env: { PROVIDER_TIMEOUT: '1s', RULES_FILE: '/rules.yaml', API_AUDIENCE: undefined },
    files: { '/rules.yaml': rules },
  });
});

afterAll(async () => {
  await twins.close();
  await upstream.stop();
});

beforeEach(() => {
  twins.hostile.reset();
  twins.clock.advance(31_000); // past the limit of sign-ins, and past every pause
});

/** What the page promises of one failure. */
interface Promised {
  readonly ends: boolean;
  readonly level: string;
  readonly pauses: boolean;
}

const page = new Map<string, Promised>(
  [...readFileSync('docs/refresh-failures.md', 'utf8').matchAll(/^\| `(.+?)` \|.+$/gm)].map(([row, name = '']) => {
    const [, , session, answer, , pauses, level = ''] = row.split(' | ').map((cell) => cell.replaceAll('|', '').trim());
    const ends = session === 'ends';
    if ((answer === '401') !== ends) throw new Error(`the page contradicts itself about ${name}`);
    return [name, { ends, level, pauses: pauses === 'yes' }];
  }),
);

function promisedOf(failure: string): Promised {
  const promised = page.get(failure);
  if (promised === undefined) throw new Error(`the page has no row for ${failure}`);
  return promised;
}

/** How the provider fails: by the transport, or by what it says. */
type Failing = Fault | { readonly switches: Partial<RefreshSwitches> };
type Case = readonly [failure: string, how: string, failing: Failing];

const instead = (status: number, rest: Omit<Extract<Fault, { kind: 'instead' }>, 'kind' | 'status'> = {}): Fault => ({
  ...{ kind: 'instead', status },
  ...rest,
});
const challenge = (value: string) => ({ headers: { 'www-authenticate': value } });
const html = { headers: { 'content-type': 'text/html' }, body: '<h1>no</h1>' };

const cases: readonly Case[] = [
  ['refused', 'invalid_grant', oauthFault('invalid_grant')],
  ['refused', 'invalid_grant with 401', oauthFault('invalid_grant', 401)],
  ['refused', 'another code with 400', oauthFault('invalid_request')],
  ['refused', 'a code that nobody has heard of', oauthFault('refresh_token_expired')],
  ['refused', 'an empty 400', instead(400)],
  ['refused', '400 with a challenge', instead(400, challenge('Bearer error="invalid_token"'))],
  ['refused', '401 with a challenge', instead(401, challenge('Bearer error="invalid_token"'))],
  ['client-refused', 'invalid_client', oauthFault('invalid_client', 401)],
  ['client-refused', 'unauthorized_client', oauthFault('unauthorized_client')],
  ['client-refused', 'a challenge for the client', instead(401, challenge('Basic realm="op"'))],
  ['target-refused', 'invalid_target', oauthFault('invalid_target')],
  ['unreachable', '500', instead(500)],
  ['unreachable', '500 that names invalid_grant', oauthFault('invalid_grant', 500)],
  ['unreachable', '502 with a page', instead(502, html)],
  ['unreachable', '503 with Retry-After', instead(503, { headers: { 'retry-after': '7' } })],
  ['unreachable', '429', instead(429, { headers: { 'retry-after': '3' }, json: { error: 'slow_down' } })],
  ['unreachable', 'temporarily_unavailable', oauthFault('temporarily_unavailable')],
  ['unreachable', '200 with a page', instead(200, html)],
  ['unreachable', '403 with a page', instead(403, html)],
  ['unreachable', '404', instead(404)],
  ['unreachable', 'a redirect', { kind: 'redirect', to: 'http://127.0.0.1:9/' }],
  ['unreachable', 'a reset before anything was done', { kind: 'reset', at: 'before-processing' }],
  ['unreachable', 'no answer', { kind: 'hang', at: 'before-processing' }],
  ['invalid', 'the ID token of another person', { switches: { claims: { sub: 'mallory' } } }],
  ['invalid', 'the ID token of another issuer', { switches: { claims: { iss: 'https://other.example' } } }],
  ['invalid', 'an ID token for somebody else', { switches: { claims: { aud: 'other' } } }],
  ['invalid', 'a bad signature', { switches: { jose: { hmac: 'spki-pem' } } }],
  ['invalid', 'a token with a line break', { switches: { fields: { access_token: 'a\r\nX: 1' } } }],
  ['invalid', 'another type of token', { switches: { fields: { token_type: 'DPoP' } } }],
];

/** Shown elsewhere: the one takes a minute, the other a sign-out in the midst of it. */
const shownElsewhere = ['save-failed', 'signed-out'];

function play(failing: Failing): void {
  if ('switches' in failing) Object.assign(twins.hostile.script.refresh, failing.switches);
  else twins.hostile.script.refresh.fault = failing;
}

/** Somebody whose session is known, and the tag of it that the provider gave. */
async function visitor(path: string) {
  const { browser, sid } = await twins.signIn();
  const answer = await get(browser, path);
  expect(answer.status).toBe(200);
  return { browser, sid, token: tokenIn(answer), refreshes: twins.hostile.hits('refresh') };
}

const get = (browser: Browser, path = '/api/own') =>
  browser.fetch(twins.first.origin + path, { from: `${twins.first.origin}/` });

function tokenIn(answer: Awaited<ReturnType<typeof get>>): string {
  const { headers } = answer.json<{ headers: readonly (readonly [string, string])[] }>();
  return headers.find(([name]) => name.toLowerCase() === 'authorization')?.[1] ?? 'none';
}

/** What the log tells of failed refreshes from a line on. */
const failuresSince = (line: number) =>
  twins.first.log.slice(line).filter(({ message }) => message === 'refresh failed');

async function tokensInRedis(): Promise<readonly string[]> {
  return (await twins.redis.cli('KEYS', 'cc:{*}:tokens')).split('\n').filter((key) => key !== '');
}

/** No claim stands on any session. */
async function expectNoClaim(): Promise<void> {
  await eventually(async () => {
    const claims = (await tokensInRedis()).map((key) => twins.redis.cli('HEXISTS', key, 'spending'));
    expect((await Promise.all(claims)).filter((claim) => claim !== '0')).toEqual([]);
  });
}

async function expectEnded(browser: Browser, path: string): Promise<void> {
  const answer = await get(browser, path);
  expect(answer.status).toBe(401);
  expect(answer.json()).toMatchObject({ code: 'session-ended', login_url: '/login' });
  expect(answer.all('set-cookie')).toEqual([]); // docs/decisions/0024
  expect(await twins.first.session(browser)).toEqual({ authenticated: false, login_url: '/login' });
  expect(await twins.isSignedIn(browser, twins.second)).toBe(false);
}

/** The provider is well again: so is the session, with another token. */
async function expectToGoOn({ browser, token }: { browser: Browser; token: string }, path: string): Promise<void> {
  twins.hostile.reset();
  twins.clock.advance(31_000);
  const answer = await get(browser, path);
  expect(answer.status).toBe(200);
  expect(tokenIn(answer)).not.toBe(token);
}

describe.each(cases)('a refresh that fails, %s: %s', (failure, _how, failing) => {
  const path = failure === 'target-refused' ? '/api/other' : '/api/own';

  it('RF-06, RF-07, RF-08: with a token that has ended', async () => {
    const { ends, level } = promisedOf(failure);
    const sessions = (await tokensInRedis()).length;
    const person = await visitor(path);
    const line = twins.first.log.length;
    twins.clock.advance(301_000);
    play(failing);

    const answer = await get(person.browser, path);

    expect(answer.status).toBe(ends ? 401 : 503);
    expect(answer.all('set-cookie')).toEqual([]);
    expect(answer.header('x-error-source')).toBe(ends ? 'claimcheck' : 'provider');
    if (!ends) expect(answer.header('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(failuresSince(line)).toMatchObject([{ level, failure }]);
    if (ends) await expectEnded(person.browser, path);
    expect((await tokensInRedis()).length).toBe(sessions + (ends ? 0 : 1));
    await expectNoClaim();
    expect(twins.hostile.hits('refresh')).toBe(person.refreshes + 1);
    if (!ends) await expectToGoOn(person, path);
  });

  it('RF-06, RF-07, RF-08: with a token that still serves', async () => {
    const { ends, level } = promisedOf(failure);
    const person = await visitor(path);
    const line = twins.first.log.length;
    twins.clock.advance(285_000);
    play(failing);

    const answer = await get(person.browser, path);

    expect(answer.status).toBe(200);
    expect(tokenIn(answer)).toBe(person.token);
    await eventually(() => expect(failuresSince(line)).toMatchObject([{ level, failure }]), 5_000);
    await expectNoClaim();
    if (ends) return await expectEnded(person.browser, path);
    const again = await get(person.browser, path);
    expect([again.status, tokenIn(again)]).toEqual([200, person.token]);
    await expectNoClaim(); // it may have tried again, and who comes meanwhile waits for what comes of that
    await expectToGoOn(person, path);
  });
});

describe('a refresh that cannot be made', () => {
  /** Another instance claims the refresh token and says nothing more. */
  const claim = async () => {
    const [key = ''] = await tokensInRedis();
    const until = String(twins.clock.now() + 15_000);
    await twins.redis.cli('HSET', key, 'spending', '1', 'owner', 'another', 'until', until);
    return key;
  };

  beforeEach(() => twins.redis.cli('FLUSHALL'));

  const look = async (key: string) => {
    if ((await twins.redis.cli('EXISTS', key)) === '1')
      await twins.redis.cli('HSET', key, 'written', String(performance.now()));
    return twins.redis.cli('EXISTS', key.replace(':tokens', ':session'));
  };

  it.each([
    ['late', 16_000],
    ['owner-gone', 15_100], // as long as a claim stands
  ] as const)('RF-05, RF-07: %s, with a token that has ended and one that serves', async (failure, standsMs) => {
    const { ends } = promisedOf(failure);
    const serving = await visitor('/api/own');
    twins.clock.advance(285_000);
    const key = await claim();
    using claims = await watchClaims(twins.redis);
    const served = await get(serving.browser);
    expect([served.status, tokenIn(served)]).toEqual([200, serving.token]);
    await claims.lookedAfter(1);
    twins.clock.advance(standsMs);
    // Whoever waits looks again, and once more. An owner that is at work moves its claim on.
    if (!ends) await twins.redis.cli('HSET', key, 'until', String(twins.clock.now() + 15_000));
    else await eventually(async () => (await look(key)) === '0', 10_000);

    const answer = await get(serving.browser);

    expect(answer.status).toBe(ends ? 401 : 503);
    expect(twins.hostile.hits('refresh')).toBe(0);
    if (ends) await expectEnded(serving.browser, '/api/own');
    else expect(await twins.isSignedIn(serving.browser, twins.second)).toBe(true);
  });

  it('RF-15: paused, with a token that has ended and one that serves', async () => {
    const people = [];
    for (let n = 0; n < 6; n++) people.push(await visitor('/api/own'));
    twins.clock.advance(285_000);
    play(instead(500));
    for (const { browser, token } of people) expect(tokenIn(await get(browser))).toBe(token);
    await eventually(() => twins.hostile.hits('refresh') >= 5);
    twins.clock.advance(0);
    const asked = twins.hostile.hits('refresh');

    for (const { browser, token } of people) expect(tokenIn(await get(browser))).toBe(token);
    twins.clock.advance(16_000);
    const answers = await Promise.all(people.map(({ browser }) => get(browser)));

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    expect(promisedOf('paused').ends).toBe(false);
    expect(twins.hostile.hits('refresh')).toBeLessThanOrEqual(asked + 1);
    for (const person of people) await expectToGoOn(person, '/api/own');
  });
});

it('shows every row of the page', () => {
  const shown = new Set([...cases.map(([failure]) => failure), 'late', 'owner-gone', 'paused', ...shownElsewhere]);
  expect(shown).toEqual(new Set(page.keys()));
});
