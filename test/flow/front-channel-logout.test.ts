import type { Browser as Chromium, Request } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { launchChromium } from '../support/chromium.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { client, reserveAddress, startWorld, type World } from '../support/world.ts';

const clock = new ShiftedClock();
let redis: RedisServer;
let hostile: HostileProvider;
let world: World;
let chromium: Chromium;

beforeAll(async () => {
  const address = await reserveAddress();
  const clients = [
    {
      clientId: client.id,
      clientSecret: client.secret,
      postLogoutRedirectUris: [`${address.origin}/`],
      frontchannelLogoutUri: `${address.origin}/frontchannel-logout`,
    },
  ];
  [redis, hostile, chromium] = await Promise.all([
    startRedis(),
    startHostileProvider({ clients, clock }),
    launchChromium(),
  ]);
  const env = { FRONTCHANNEL_LOGOUT: 'true' };
  const upstream = 'http://127.0.0.1:9';
  world = await startWorld({ issuer: hostile.issuer, upstream, redisUrl: redis.url, clock, env }, address);
});

afterAll(async () => {
  await chromium.close();
  await world.close();
  await Promise.all([hostile.close(), redis.stop()]);
});

beforeEach(() => {
  clock.advance(11_000);
});

afterEach(() => hostile.reset());

async function signIn(sub = 'alice') {
  hostile.user = { sub, claims: { name: sub, email: `${sub}@example.test` } };
  const browser = world.browser();
  await browser.navigate(`${world.origin}/login`, { from: `${world.origin}/` });
  const sid = hostile.grants.at(-1)?.sid ?? '';
  expect(await isSignedIn(browser)).toBe(true);
  return { browser, sid };
}

const isSignedIn = async (browser: Browser) => (await world.session(browser))['authenticated'] === true;

// As a frame of the provider's page sends it: without a cookie of ours.
const frame = (search: string, init: RequestInit = {}) =>
  fetch(`${world.origin}/frontchannel-logout${search}`, {
    headers: { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' },
    ...init,
  });

const query = (parameters: Readonly<Record<string, string>>) => `?${new URLSearchParams(parameters)}`;

describe('the authorization server signs a browser out in a frame', () => {
  it('LO-21, LO-22: by iss and sid, that session and no other, without any cookie', async () => {
    const ended = await signIn();
    const other = await signIn();

    const answer = await frame(query({ iss: hostile.issuer, sid: ended.sid }));

    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('');
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(await isSignedIn(ended.browser)).toBe(false);
    expect(await isSignedIn(other.browser)).toBe(true);
  });

  it('LO-23: nobody may store the answer, and the authorization server alone may frame it', async () => {
    const { sid } = await signIn();

    const framed = await frame(query({ iss: hostile.issuer, sid }));
    const elsewhere = await fetch(`${world.origin}/logout`);

    const { origin } = new URL(hostile.issuer);
    expect(framed.headers.get('cache-control')).toBe('no-cache, no-store');
    expect(framed.headers.get('content-security-policy')).toContain(`frame-ancestors ${origin};`);
    expect(framed.headers.get('x-frame-options')).toBeNull();
    expect(elsewhere.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(elsewhere.headers.get('x-frame-options')).toBe('DENY');
  });

  //  what is asked                    with which parameters
  const refused: readonly [string, (sid: string) => string][] = [
    ['sid alone', (sid) => query({ sid })],
    ['iss alone', () => query({ iss: hostile.issuer })],
    ['nothing', () => ''],
    ['another issuer', (sid) => query({ iss: 'https://evil.test', sid })],
    ['the issuer with a slash', (sid) => query({ iss: `${hostile.issuer}/`, sid })],
    ['an empty sid', () => query({ iss: hostile.issuer, sid: '' })],
    ['sid twice', (sid) => `${query({ iss: hostile.issuer, sid })}&sid=x`],
    ['iss twice', (sid) => `${query({ iss: hostile.issuer, sid })}&iss=https%3A%2F%2Fevil.test`],
  ];

  it.each(refused)('LO-21: %s is refused, and the session lives', async (_what, searchOf) => {
    const { browser, sid } = await signIn();

    expect((await frame(searchOf(sid))).status).toBe(400);
    expect(await isSignedIn(browser)).toBe(true);

    expect((await frame(query({ iss: hostile.issuer, sid }))).status).toBe(200); // the same, as it must be
    expect(await isSignedIn(browser)).toBe(false);
  });

  it('LO-21: HEAD, POST and a look ahead change nothing', async () => {
    const { browser, sid } = await signIn();
    const search = query({ iss: hostile.issuer, sid });

    expect((await frame(search, { method: 'HEAD' })).status).not.toBe(200);
    expect((await frame(search, { method: 'POST', headers: { Origin: world.origin } })).status).toBe(405);
    expect((await frame(search, { headers: { 'Sec-Purpose': 'prefetch' } })).status).toBe(403);
    expect(await isSignedIn(browser)).toBe(true);
    expect((await frame(search)).status).toBe(200);
    expect(await isSignedIn(browser)).toBe(false);
  });

  it('LO-20: an unknown sid has the answer of a known one and leaves nothing in the store', async () => {
    const size = async () => Number(await redis.cli('DBSIZE'));
    const before = await size();

    for (let at = 0; at < 20; at++) {
      expect((await frame(query({ iss: hostile.issuer, sid: `guessed-${at}` }))).status).toBe(200);
    }

    expect(await size()).toBe(before);
  });
});

describe('in a real browser', () => {
  it('LO-22: the frame of another site arrives without a cookie, and ends the session', async () => {
    hostile.user = { sub: 'carol', claims: { name: 'Carol', email: 'carol@example.test' } };
    const context = await chromium.newContext();
    const page = await context.newPage();
    await page.goto(world.origin);
    await page.locator('#sign-in').click();
    await page.locator('#signed-in').waitFor();
    const own = page.waitForRequest(`${world.origin}/session`);
    await page.reload();
    expect((await (await own).allHeaders())['cookie']).toContain('claimcheck=');

    const elsewhere = await context.newPage();
    const framed: Request[] = [];
    elsewhere.on('request', (request) => void framed.push(request));
    const parameters = new URLSearchParams({ client_id: client.id, logout_hint: 'carol' });
    await elsewhere.goto(`${hostile.issuer}/end_session?${parameters}`);

    await page.locator('#signed-out').waitFor();
    const ours = framed.filter((request) => request.url().startsWith(`${world.origin}/frontchannel-logout?`));
    expect(ours).toHaveLength(1);
    expect((await ours[0]?.allHeaders())?.['cookie']).toBeUndefined();
    await context.close();
  });
});

describe('where it is not set', () => {
  it('LO-21: there is no such route', async () => {
    const closed = await startWorld({ issuer: hostile.issuer, upstream: 'http://127.0.0.1:9', clock });
    const search = query({ iss: hostile.issuer, sid: 'any' });

    const answer = await fetch(`${closed.origin}/frontchannel-logout${search}`);

    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect((await frame(search)).status).toBe(200);
    await closed.close();
  });
});
