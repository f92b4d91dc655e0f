import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { randomToken } from '../../../src/base/random.ts';
import { Secret } from '../../../src/base/secret.ts';
import { ProblemError } from '../../../src/errors.ts';
import { connectRedis } from '../../../src/redis/client.ts';
import { SessionCookie } from '../../../src/session/cookie.ts';
import { ExpressSessionStore } from '../../../src/session/express-store.ts';
import { MemorySessionStore } from '../../../src/session/memory-store.ts';
import { RedisSessionStore } from '../../../src/session/redis-store.ts';
import type { SessionStore } from '../../../src/session/store.ts';
import { eventually } from '../../support/eventually.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { type SessionApp, startSessionApp } from './express-app.ts';
import { beginningAt, newKeySecret, type SessionsAt, sessionsAt } from './sessions-at.ts';

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis.stop());

async function openRedisStore(): Promise<SessionStore> {
  const log = { info: () => undefined, warn: () => undefined };
  const connection = connectRedis({ url: new Secret(redis.url), timeoutMs: 1_000, clock: systemClock, log });
  await eventually(() => connection.ping());
  return new RedisSessionStore({ redis: connection, clock: systemClock });
}

const stores = [
  { name: 'memory', open: async (): Promise<SessionStore> => new MemorySessionStore({ clock: systemClock }) },
  { name: 'Redis', open: openRedisStore },
];

let store: SessionStore;
let at: SessionsAt;
let app: SessionApp;

async function startOver(opened: SessionStore, publicUrl = 'https://app.example'): Promise<void> {
  store = opened;
  at = sessionsAt({ store, clock: systemClock, publicUrl });
  app = await startSessionApp(at, beginningAt(systemClock.now()));
}

async function stop(): Promise<void> {
  await app.close();
  await store.close();
}

const valueIn = (field: string | undefined) => /^[^=]+=([^;]*)/.exec(field ?? '')?.[1] ?? '';
const cookieHeader = (field: string | undefined) => (field ?? '').split(';')[0];
const isSignedIn = async (field: string | undefined) =>
  (await at.sessions.look(at.request(valueIn(field)))) !== undefined;

describe.each(stores)('signing in and out over $name', ({ open }) => {
  beforeEach(async () => startOver(await open()));
  afterEach(stop);

  it('CK-01, CK-02, CK-14: sets one cookie with exactly these attributes, and it opens the session that was begun', async () => {
    const answer = await app.ask('/sign-in');

    expect(answer.status).toBe(200);
    expect(answer.setCookie).toEqual([
      expect.stringMatching(
        /^__Host-Http-claimcheck=s%3A[\w-]{43}\.[\w%]{43,129}; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
      ),
    ]);
    const opened = await at.sessions.open(at.request(valueIn(answer.setCookie[0])));
    expect(opened.session).toEqual(app.begun[0]);
    expect(at.sessions.renewedCookie(at.request(valueIn(answer.setCookie[0])))).toBeUndefined();
  });

  it('CK-08: never adopts a cookie that was planted, signed by us or not', async () => {
    const planted = randomToken(256);
    const signed = new SessionCookie(at).valueFor(planted);
    for (const value of [signed, planted, `s%3A${planted}.${'A'.repeat(43)}`]) {
      const answer = await app.ask('/sign-in', `__Host-Http-claimcheck=${value}`);

      expect(valueIn(answer.setCookie[0])).not.toContain(planted);
      expect(await isSignedIn(answer.setCookie[0])).toBe(true);
    }
    expect(await at.sessions.look(at.request(signed))).toBeUndefined();
    expect(await at.sessions.lookBySecret(planted)).toBeUndefined();
  });

  it('SE-09: gives a new id at every sign-in, and the old value is dead', async () => {
    const first = await app.ask('/sign-in');

    const second = await app.ask('/sign-in', cookieHeader(first.setCookie[0]));

    expect(valueIn(second.setCookie[0])).not.toBe(valueIn(first.setCookie[0]));
    expect(await isSignedIn(first.setCookie[0])).toBe(false);
    expect(await isSignedIn(second.setCookie[0])).toBe(true);
    expect(at.reports.lines).toEqual([`ended ${app.begun[0]?.id} subject-of-alice replaced`]);
  });

  it('CK-12, LO-01: deletes the cookie with the attributes it was set with, after the session has ended', async () => {
    const signedIn = await app.ask('/sign-in');

    const answer = await app.ask('/sign-out', cookieHeader(signedIn.setCookie[0]));

    const withoutValue = (field: string | undefined) => (field ?? '').replace(/=[^;]*/, '=');
    expect(answer.setCookie).toHaveLength(1);
    expect(answer.setCookie[0]?.replace(' Expires=Thu, 01 Jan 1970 00:00:00 GMT;', '')).toBe(
      withoutValue(signedIn.setCookie[0]),
    );
    expect(await isSignedIn(signedIn.setCookie[0])).toBe(false);
    expect(at.reports.lines).toEqual([`ended ${app.begun[0]?.id} subject-of-alice signed-out`]);
  });

  it('sets no cookie for a session that was begun and ended for the same answer', async () => {
    const answer = await app.ask('/in-and-out');

    expect(answer.setCookie).toEqual([at.sessions.removedCookie()]);
    expect(app.begun).toHaveLength(1);
    expect(await store.read(app.begun[0]?.id ?? '')).toBeUndefined();
  });

  it('CK-13: sets no cookie and writes nothing for a request that does neither', async () => {
    const signedIn = await app.ask('/sign-in');
    const own = cookieHeader(signedIn.setCookie[0]);
    const before = await store.read(app.begun[0]?.id ?? '');

    for (const cookie of [undefined, own, '__Host-Http-claimcheck=x', 'other=1; ; =']) {
      expect((await app.ask('/nothing', cookie)).setCookie).toEqual([]);
    }
    expect(await store.read(app.begun[0]?.id ?? '')).toEqual(before);
    expect(at.reports.lines).toEqual([]);
  });

  it('sets no cookie when the session is refused, and the one that the browser had is over', async () => {
    const first = await app.ask('/sign-in');
    app.beginning = { ...app.beginning, issuedAt: systemClock.now() - 60_000 };
    await at.sessions.endAllOf(
      { index: 'sub', issuer: app.beginning.identity.issuer, value: app.beginning.identity.subject },
      { notBefore: systemClock.now(), reason: 'back-channel' },
    );

    const answer = await app.ask('/sign-in', cookieHeader(first.setCookie[0]));

    expect(answer).toMatchObject({ status: 500, setCookie: [], text: 'internal' });
    expect(app.begun).toHaveLength(1);
    expect(await isSignedIn(first.setCookie[0])).toBe(false);
  });

  it('sets no cookie when the session is too large to be saved', async () => {
    const { identity } = app.beginning;
    app.beginning = { ...app.beginning, identity: { ...identity, claims: { x: 'x'.repeat(70_000) } } };

    expect(await app.ask('/sign-in')).toMatchObject({ status: 500, setCookie: [] });
    app.beginning = { ...app.beginning, identity };
    expect(await app.ask('/sign-in')).toMatchObject({ status: 200, setCookie: [expect.any(String)] });
  });

  it('CK-10: verifies an older cookie and signs with the new key, without a restart', async () => {
    const [oldest] = [newKeySecret()];
    at.keys.replace([oldest]);
    const signedIn = await app.ask('/sign-in');
    at.keys.replace([newKeySecret(), oldest]);

    const again = await app.ask('/sign-in', cookieHeader(signedIn.setCookie[0]));

    expect(await isSignedIn(signedIn.setCookie[0])).toBe(false);
    expect(at.reports.lines).toContain(`ended ${app.begun[0]?.id} subject-of-alice replaced`);
    expect(new SessionCookie(at).verify(valueIn(again.setCookie[0]))).toMatchObject({ isCurrent: true });
  });

  it('gives a carrier only where it is mounted', async () => {
    expect((await app.ask('/not-mounted')).status).toBe(500);
    expect((await app.ask('/nothing')).status).toBe(200);
  });
});

describe('a frontend on a loopback name', () => {
  afterEach(stop);

  it('CK-01: has a cookie without prefix and Secure', async () => {
    await startOver(await openRedisStore(), 'http://localhost:3000');

    const signedIn = await app.ask('/sign-in');
    expect(signedIn.setCookie).toEqual([
      expect.stringMatching(/^claimcheck=s%3A[\w-]{43}\.[\w%]{43,129}; Path=\/; HttpOnly; SameSite=Strict$/),
    ]);
    const signedOut = await app.ask('/sign-out', cookieHeader(signedIn.setCookie[0]));
    expect(signedOut.setCookie).toEqual([
      'claimcheck=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Strict',
    ]);
  });
});

describe('a store that is away', () => {
  beforeEach(async () => startOver(await openRedisStore()));
  afterEach(async () => {
    redis.thaw();
    await stop();
  });

  it('SE-13: fails a sign-in with 503, and sets no cookie for a session that was not saved', async () => {
    expect((await app.ask('/sign-in')).status).toBe(200);
    redis.freeze();

    const answer = await app.ask('/sign-in');

    expect(answer).toEqual({ status: 503, setCookie: [], text: 'store-unavailable' });
    expect(app.begun).toHaveLength(1);
  });

  it('SE-13: fails a sign-in that was to replace a session with 503, and ends nothing', async () => {
    const first = await app.ask('/sign-in');
    redis.freeze();

    expect(await app.ask('/sign-in', cookieHeader(first.setCookie[0]))).toMatchObject({ status: 503, setCookie: [] });

    redis.thaw();
    await eventually(() => store.ping());
    expect(await isSignedIn(first.setCookie[0])).toBe(true);
  });

  it('SE-13: fails a sign-out with 503 and keeps the cookie, for it did not take place', async () => {
    const first = await app.ask('/sign-in');
    redis.freeze();

    const answer = await app.ask('/sign-out', cookieHeader(first.setCookie[0]));

    expect(answer).toEqual({ status: 503, setCookie: [], text: 'store-unavailable' });
  });

  it('SE-13: signs nobody out who asks for nothing', async () => {
    const first = await app.ask('/sign-in');
    redis.freeze();

    expect(await app.ask('/nothing', cookieHeader(first.setCookie[0]))).toMatchObject({ status: 503, setCookie: [] });
    expect(await app.ask('/nothing')).toMatchObject({ status: 200, setCookie: [] });
  });

  it('SE-13: fails a sign-in whose save is the first to fail', async () => {
    const create = store.create.bind(store);
    store.create = () => Promise.reject(new ProblemError('store-unavailable'));

    expect(await app.ask('/sign-in')).toEqual({ status: 503, setCookie: [], text: 'store-unavailable' });
    store.create = create;
    expect((await app.ask('/sign-in')).setCookie).toHaveLength(1);
  });
});

describe('the cost in Redis', () => {
  beforeEach(async () => startOver(await openRedisStore()));
  afterEach(stop);
  // node-redis asks by itself whether the server is there.
  const commands = async () => {
    const counts = await redis.commandCounts();
    return [...counts].reduce((sum, [name, count]) => (name === 'ping' ? sum : sum + count), 0);
  };

  // The store listens on a connection of its own, whose greeting may come later than the first command of the other.
  const isListening = async () => /\b1\b/.test(String(await redis.cli('PUBSUB', 'NUMSUB', 'cc:ended')));

  it('CK-13, CK-08: is nothing for strangers and for forged cookies', async () => {
    await eventually(isListening);
    await redis.cli('FLUSHALL');
    await app.ask('/nothing');
    const before = await commands();

    for (let round = 0; round < 50; round++) {
      await app.ask('/nothing');
      await app.ask('/nothing', `__Host-Http-claimcheck=s%3A${randomToken(256)}.${randomToken(256)}`);
    }

    expect((await commands()) - before).toBe(0);
    expect(await redis.dumpAll()).toEqual([]);
    await app.ask('/sign-in');
    expect(await commands()).toBeGreaterThan(before);
    expect(await redis.dumpAll()).not.toEqual([]);
  });

  it('is one write for a sign-in, though express-session saves it twice', async () => {
    expect((await app.ask('/sign-in')).status).toBe(200);
    const watched = await redis.monitor();

    expect((await app.ask('/sign-in')).status).toBe(200);
    await redis.cli('GET', 'the end of this test');

    await eventually(() => watched.lines().some((line) => line.includes('the end of this test')));
    const scripts = watched.lines().filter((line) => /"EVALSHA?"/.test(line));
    expect(scripts).toHaveLength(3); // two indexes and the session
    watched.close();
  });
});

describe('the store that express-session is given', () => {
  const stored = () => new ExpressSessionStore(at.sessions, { path: '/', secure: true, sameSite: 'strict' });
  const outcome = (begin: (done: (failure: unknown, value?: unknown) => void) => unknown) =>
    new Promise<readonly [failure: unknown, value: unknown]>((resolve) => {
      begin((failure, value) => resolve([failure, value]));
    });
  beforeEach(async () => startOver(new MemorySessionStore({ clock: systemClock })));
  afterEach(stop);

  it('has no touch, so express-session holds no answer back for it', () => {
    expect(stored().touch).toBeUndefined();
    expect(stored().get).toBeDefined();
  });

  it('refuses to write a session that nobody began', async () => {
    const { secret } = await at.signIn();
    const content = { cookie: { originalMaxAge: null }, isStored: true };

    for (const id of [secret, randomToken(256), 'x']) {
      const [failure] = await outcome((done) => stored().set(id, content, done));
      expect(failure).toBeInstanceOf(Error);
    }
  });

  it('CK-08: looks up nothing but secrets', async () => {
    const { secret, session } = await at.signIn();
    const get = (id: string) => outcome((done) => stored().get(id, done));
    const asked: string[] = [];
    const read = store.read.bind(store);
    store.read = (id) => {
      asked.push(id);
      return read(id);
    };

    expect(await get('x')).toEqual([null, null]);
    expect(await get(`${secret}A`)).toEqual([null, null]);
    expect(asked).toEqual([]);
    expect(await get(secret)).toEqual([null, expect.objectContaining({ isStored: true })]);
    expect(asked).toEqual([session.id]);
  });

  it('ends a session that it is told to destroy, for the reason revoked where nobody gave one', async () => {
    const { secret, session } = await at.signIn();

    await outcome((done) => stored().destroy(secret, done));

    expect(at.reports.lines).toEqual([`ended ${session.id} subject-of-alice revoked`]);
  });

  it('does not pretend to know the secrets of all', async () => {
    await at.signIn();
    for (const method of ['ids', 'all', 'length', 'clear'] as const) {
      const [failure] = await outcome((done) => stored()[method](done));
      expect(failure).toBeInstanceOf(Error);
    }
  });
});
