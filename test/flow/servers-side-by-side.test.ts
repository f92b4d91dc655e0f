/**
 * Servers that share one Redis and the same `SESSION_SECRETS`, and differ in one thing: the
 * authorization server, the client there, or the public host. Nothing of the one is
 * anything at the other, and none ends what is not its own.
 */

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import type { Answer } from '../support/browser-answer.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { openRaw, rawRequest } from '../support/raw.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { holdsSecret } from '../support/secrets.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { client, startWorld, type World } from '../support/world.ts';
import { ranWith } from '../unit/cli/running.ts';
import { filesWith, production } from '../unit/config/settings.ts';
import { HostileWorld, sessionCookies } from './provider-world.ts';
import { connectTo, openSocket, rulesFor, speaking } from './web-socket-world.ts';

const clock = new ShiftedClock();
const secrets = randomBytes(32).toString('base64url');
const otherClient = { clientId: 'another-client', clientSecret: randomBytes(24).toString('hex') };
let redis: RedisServer;
let upstream: Upstream;
let hostile: HostileProvider;
let otherHostile: HostileProvider;
let ours: World;
/** With everything as ours. */
let twin: World;
let others: Readonly<Record<'ISSUER' | 'CLIENT_ID' | 'PUBLIC_URL', World>>;

beforeAll(async () => {
  const clients = [{ clientId: client.id, clientSecret: client.secret }, otherClient];
  [redis, upstream, hostile, otherHostile] = await Promise.all([
    startRedis(),
    startUpstream((request) => {
      const isUpgrade = request.headers.some(([name]) => name.toLowerCase() === 'upgrade');
      return isUpgrade ? speaking()(request) : { body: 'x' };
    }),
    startHostileProvider({ clients, clock }),
    startHostileProvider({ clients, clock }),
  ]);
  ours = await serverWith({});
  const PUBLIC_URL = ours.origin;
  twin = await serverWith({ PUBLIC_URL });
  others = {
    ISSUER: await serverWith({ PUBLIC_URL, ISSUER: otherHostile.issuer }),
    CLIENT_ID: await serverWith({
      ...{ PUBLIC_URL, CLIENT_ID: otherClient.clientId, CLIENT_SECRET: otherClient.clientSecret },
    }),
    PUBLIC_URL: await serverWith({}),
  };
});

afterAll(async () => {
  await Promise.all([ours, twin, ...Object.values(others)].map((each) => each.close()));
  await Promise.all([hostile.close(), otherHostile.close(), upstream.stop()]);
  await redis.stop();
});

beforeEach(async () => {
  await redis.cli('FLUSHALL');
  hostile.reset();
  otherHostile.reset();
  clock.advance(11_000);
  upstream.forget();
});

function serverWith(env: Readonly<Record<string, string>>): Promise<World> {
  const files = { 'rules.yaml': rulesFor(upstream.origin) };
  const shared = { SESSION_SECRETS: secrets, RULES_FILE: 'rules.yaml', API_UPSTREAM: undefined };
  const { ISSUER: issuer = hostile.issuer } = env;
  return startWorld({ issuer, redisUrl: redis.url, clock, files, env: { ...shared, ...env } });
}

const worldOf = (other: keyof typeof others) => new HostileWorld(others[other], providerOf(other));
const providerOf = (other: keyof typeof others) => (other === 'ISSUER' ? otherHostile : hostile);

async function signedIn(at: World = ours): Promise<Browser> {
  const browser = at.browser();
  await browser.navigate(`${at.origin}/login`, { from: `${at.origin}/` });
  expect(await isSignedIn(at, browser)).toBe(true);
  return browser;
}

/** Signs in at one of several that have one public address, and gives the answer to its callback. */
async function signedInAt(here: HostileWorld, browser: Browser, query = ''): Promise<Answer> {
  const { pathname, search } = await here.upToCallback(browser, query);
  return here.land(browser, here.world.origin + pathname + search);
}

const isSignedIn = async (at: World, browser: Browser) => (await at.session(browser))['authenticated'] === true;

/** The status of a request by hand, with all that a browser has of ours. */
async function statusAt(at: World, cookie: string, asked = 'GET /api/plain'): Promise<number | undefined> {
  const lines = [`Host: ${new URL(at.origin).host}`, `Cookie: ${cookie}`, 'Sec-Fetch-Site: same-origin'];
  using connection = await openRaw(at.port);
  connection.write(`${asked} HTTP/1.1\r\n${lines.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`);
  const { final } = await connection.waitFor((result) => result.final.length > 0);
  return final[0]?.status;
}

const cookieOf = (browser: Browser) => browser.cookieHeader(`${ours.origin}/`, { from: `${ours.origin}/` }) ?? '';
const storedBytes = async () => (await redis.dumpAll()).map(({ bytes }) => bytes.toString('latin1'));

const differing = ['ISSUER', 'CLIENT_ID', 'PUBLIC_URL'] as const;

describe.each(differing)('a server that has another %s', (other) => {
  it('SE-16, RF-10, CK-08: answers a session of ours as it does nobody, and leaves it as it is', async () => {
    const browser = await signedIn();
    const cookie = cookieOf(browser);
    const at = others[other];
    const refreshToken = [...hostile.issued.refreshTokens].at(-1) ?? '';
    const seen = hostile.log.length;
    const stored = await storedBytes();

    for (const asked of ['GET /api/plain', 'POST /session/refresh', 'GET /session/events', 'GET /sessions']) {
      expect({ asked, status: await statusAt(at, cookie, asked) }).toEqual({ asked, status: 401 });
    }
    expect(await statusAt(at, cookie, 'DELETE /sessions?except=current')).toBe(401);
    expect(await statusAt(at, cookie, 'POST /logout')).toBe(204);
    const socket = connectTo(at, '/api/live', { browser });
    await expect.poll(() => socket.status()).toBe(401);
    const session = await browser.fetch(`${at.origin}/session`, { from: `${at.origin}/` });
    expect(session.json()).toMatchObject({ authenticated: false });
    expect(session.all('set-cookie')).toEqual([]);

    expect(upstream.requests).toEqual([]);
    expect(hostile.log.slice(seen)).toEqual([]);
    expect(holdsSecret(Buffer.from(JSON.stringify(otherHostile.log)), refreshToken)).toBe(false);
    expect(await storedBytes()).toEqual(stored);
    for (const own of [ours, twin]) {
      expect(await statusAt(own, cookie)).toBe(200);
      expect(await statusAt(own, cookie, 'GET /session/events')).toBe(200);
    }
    (await openSocket(twin, '/api/live', { browser })).socket.close();
  });

  it('SE-16: a sign-in there ends no session of ours, whatever the browser began', async () => {
    const browser = await signedIn();
    const cookie = cookieOf(browser);
    expect(cookie).toContain('claimcheck-began-');

    const landed = await signedInAt(worldOf(other), browser);

    expect(sessionCookies(landed)).toHaveLength(1);
    expect(await statusAt(ours, cookie)).toBe(200);
    // Where it is the same server the earlier one ends.
    const again = await signedIn();
    const earlier = cookieOf(again);
    expect(sessionCookies(await signedInAt(new HostileWorld(twin, hostile), again, '?prompt=login'))).toHaveLength(1);
    expect(await statusAt(ours, earlier)).toBe(401);
  });

  it('LS-19, CB-02: does not take up a sign-in that began here, and spends no code', async () => {
    const browser = ours.browser();
    const here = new HostileWorld(ours, hostile);
    const callback = await here.upToCallback(browser);

    const landed = await worldOf(other).land(
      browser,
      new URL(callback.pathname + callback.search, others[other].origin),
    );

    expect(landed.header('location')).toContain('auth_error=state_mismatch');
    expect(sessionCookies(landed)).toEqual([]);
    expect(hostile.hits('token') + otherHostile.hits('token')).toBe(0);
    expect(sessionCookies(await here.land(browser, callback))).toHaveLength(1);
  });

  it('LO-27: an operator there ends nothing here', async () => {
    const browser = await signedIn();
    const env = { ISSUER: hostile.issuer, CLIENT_ID: client.id, PUBLIC_URL: ours.origin };
    const theirs = {
      ISSUER: { ISSUER: otherHostile.issuer },
      CLIENT_ID: { CLIENT_ID: otherClient.clientId },
      PUBLIC_URL: { PUBLIC_URL: others.PUBLIC_URL.origin },
    }[other];

    expect(await endAll({ ...env, ...theirs })).toEqual({ code: 3, output: 'ended 0' });
    expect(await isSignedIn(ours, browser)).toBe(true);
    expect((await endAll(env)).code).toBe(0);
    expect(await isSignedIn(ours, browser)).toBe(false);
  });
});

async function endAll(env: Readonly<Record<string, string>>, ...more: readonly string[]) {
  const settings = { ...production, SESSION_SECRETS: secrets, REDIS_URL: redis.url, ...env };
  const { code, output } = await ranWith(['sessions', 'end', '--sub', 'alice', ...more], {
    env: settings,
    files: filesWith(),
  });
  return { code, output: output.trim() };
}

describe('one server after its ISSUER was changed', () => {
  it('LO-27: an operator may still end what the earlier one left, by its name', async () => {
    const browser = await signedIn();
    const env = { ISSUER: otherHostile.issuer, CLIENT_ID: client.id, PUBLIC_URL: ours.origin };

    expect((await endAll(env)).code).toBe(3);
    expect((await endAll(env, '--issuer', hostile.issuer)).code).toBe(0);

    expect(await isSignedIn(ours, browser)).toBe(false);
  });
});

describe('a logout token', () => {
  it('LO-11, LO-16: that was used at the server of another host is carried out here all the same, once', async () => {
    const browser = await signedIn();
    const token = hostile.logoutToken({ sub: 'alice' });
    const deliver = async (at: World) =>
      (await hostile.deliverLogoutToken(`${at.origin}/backchannel-logout`, token)).status;

    expect(await deliver(others.PUBLIC_URL)).toBe(200);
    expect(await isSignedIn(ours, browser)).toBe(true);
    expect(await deliver(ours)).toBe(200);
    expect(await isSignedIn(ours, browser)).toBe(false);
    expect(await deliver(twin)).toBe(400);
  });
});

describe('keys that the server keeps for its client', () => {
  it('CA-10: are those of one client at one issuer, whatever the host', async () => {
    const own = { CLIENT_AUTH_METHOD: 'private_key_jwt', CLIENT_KEY_ROTATION: '30d' };
    const keyed = async (env: Readonly<Record<string, string>>) => {
      const files = { 'rules.yaml': rulesFor(upstream.origin) };
      const shared = { SESSION_SECRETS: secrets, RULES_FILE: 'rules.yaml', API_UPSTREAM: undefined };
      const { ISSUER: issuer = hostile.issuer } = env;
      const settings = { ...shared, CLIENT_SECRET: undefined, ...own, ...env };
      return startWorld({ issuer, redisUrl: redis.url, clock, files, env: settings });
    };
    const worlds = [
      await keyed({}),
      await keyed({}),
      await keyed({ CLIENT_ID: 'a-third' }),
      await keyed({ ISSUER: otherHostile.issuer }),
    ];
    const kidsAt = async ({ port }: World) => {
      const { final } = await rawRequest(
        port,
        `GET /.well-known/jwks.json HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`,
        { responses: 1 },
      );
      return String(final[0]?.body).match(/"kid":"[^"]+"/g) ?? [];
    };
    for (const at of worlds) await expect.poll(async () => (await kidsAt(at)).length, { timeout: 5_000 }).toBe(1);

    const [first, sameClient, thirdClient, otherIssuer] = (await Promise.all(worlds.map(kidsAt))).map(String);

    expect(sameClient).toBe(first);
    expect(new Set([first, thirdClient, otherIssuer]).size).toBe(3);
    await Promise.all(worlds.map((at) => at.close()));
  });
});
