/**
 * Somebody has all that lies in Redis, or may write to it: what that is worth.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { Secret } from '../../../src/base/secret.ts';
import { connectRedis } from '../../../src/redis/client.ts';
import { SessionCookie } from '../../../src/session/cookie.ts';
import { RedisSessionStore } from '../../../src/session/redis-store.ts';
import { SessionSeal } from '../../../src/session/seal.ts';
import { eventually } from '../../support/eventually.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { holdsSecret } from '../../support/secrets.ts';
import { beginningAt, newKeySecret, type SessionsAt, type SignedIn, sessionsAt, tokensAt } from './sessions-at.ts';

const secrets = {
  'the access token': 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl',
  'the refresh token': 'refresh-token-3f9a1c',
  'the subject': 'subject-of-alice-77',
  'the e-mail': 'alice.anders@example.test',
  'the name': 'Alice Anders',
  'the session at the provider': 'provider-session-of-alice',
  'the csurf secret': 'csurf-secret-of-alice',
  'the address': '192.0.2.77',
};

let server: RedisServer;
let store: RedisSessionStore;
let at: SessionsAt;
const [k1, k2] = [newKeySecret(), newKeySecret()];
const withKeys = (...keySecrets: readonly Secret[]) => sessionsAt({ store, clock: systemClock, secrets: keySecrets });

beforeAll(async () => {
  server = await startRedis({ persistence: 'aof', settings: ['rdbcompression no', 'aof-use-rdb-preamble no'] });
  const log = { info: () => undefined, warn: () => undefined };
  const redis = connectRedis({ url: new Secret(server.url), timeoutMs: 500, clock: systemClock, log });
  store = new RedisSessionStore({ redis, clock: systemClock });
  await eventually(() => store.ping());
});

afterAll(async () => {
  await store.close();
  await server.stop();
});

beforeEach(async () => {
  await server.cli('FLUSHALL');
  at = withKeys(k1);
});

function signIn(): Promise<SignedIn> {
  const now = systemClock.now();
  const tokens = tokensAt(now, {
    refreshToken: secrets['the refresh token'],
    sets: { '': { accessToken: secrets['the access token'], expiresAt: now + 1, issuedAt: now, scope: ['openid'] } },
  });
  return at.signIn({
    identity: {
      ...beginningAt(now).identity,
      subject: secrets['the subject'],
      sid: secrets['the session at the provider'],
      claims: { name: secrets['the name'], email: secrets['the e-mail'] },
    },
    tokens,
    csrfSecret: secrets['the csurf secret'],
    address: secrets['the address'],
  });
}

/** Sign-in, refresh, other claims, a state and a logout token: all that is ever written. */
async function useEverything(): Promise<SignedIn> {
  const signedIn = await signIn();
  const { session } = signedIn;
  const claim = { owner: 'instance', until: systemClock.now() + 1_000 };
  await at.sessions.beginSpending(session, claim);
  await at.sessions.saveTokens(session, claim, session.tokens);
  await at.sessions.replaceIdentity(session, { ...session.identity, authTime: 1 });
  await at.sessions.claimOnce('state', 'a-state-in-clear-text', { id: 'request', ttlMs: 60_000 });
  await at.sessions.claimOnce('jti', 'a-jti-in-clear-text', { id: 'request', ttlMs: 60_000 });
  return signedIn;
}

function allBytesOn(directory: string): Buffer {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Buffer.concat(files.map(({ parentPath, name }) => readFileSync(join(parentPath, name))));
}

describe('a stolen dump of Redis', () => {
  it('TS-03, TS-04: holds no token, name, address or cookie, in any spelling, in memory or on disk', async () => {
    const { secret, cookie } = await useEverything();
    await server.cli('SAVE');
    const all = {
      ...secrets,
      'the secret': secret,
      'the cookie': cookie,
      'the state': 'a-state-in-clear-text',
      'the jti': 'a-jti-in-clear-text',
    };
    const keys = await server.dumpAll();
    const memory = Buffer.concat(keys.map(({ bytes }) => bytes));
    const disk = allBytesOn(server.directory);

    expect(keys.map(({ key }) => key.replace(/\{[\w-]{43}\}|(?<=:)[\w-]{43}$/, '…')).sort()).toEqual([
      'cc:jti:…',
      'cc:sid:…',
      'cc:state:…',
      'cc:sub:…',
      'cc:…:card',
      'cc:…:session',
      'cc:…:tokens',
    ]);
    // The search finds what does lie there: the name of the session's record.
    const record = keys.find(({ key }) => key.endsWith(':session'))?.key ?? 'no record';
    expect([holdsSecret(memory, record), holdsSecret(disk, record)]).toEqual([true, true]);
    const found = Object.entries(all).filter(([, text]) => holdsSecret(memory, text) || holdsSecret(disk, text));
    expect(found).toEqual([]);
  });

  it('TS-04: holds nothing that works as a cookie', async () => {
    const { cookie } = await useEverything();
    const keys = await server.dumpAll();
    const texts = keys.flatMap(({ key, value, fields, members }) => [
      key,
      ...key.split(/[:{}]/),
      ...[value, ...fields.values()].flatMap((bytes) => spellings(bytes)),
      ...fields.keys(),
      ...members.keys(),
    ]);
    const raw = texts.flatMap((text) => [text, encodeURIComponent(text), `s%3A${text}`, `s%3A${text}.${text}`]);

    const opened: string[] = [];
    for (const value of raw) if ((await at.sessions.look(at.request(value))) !== undefined) opened.push(value);

    expect(raw.length).toBeGreaterThan(100);
    expect(opened).toEqual([]);
    expect(await at.sessions.look(at.request(cookie))).toBeDefined();
  });

  it('TS-03: is of no use with the configuration, but for the card, which names nobody', async () => {
    const { session } = await useEverything();
    const thief = withKeys(k1);
    const stored = await store.read(session.id);
    const guess = new SessionSeal('', { keys: thief.keys, frontendId: 'main' });

    expect(guess.open(stored?.sealed ?? Buffer.alloc(0), { part: 'session', version: 2 })).toEqual({
      fault: 'not-authentic',
    });
    expect(await thief.sessions.lookById(session.id)).toEqual({
      id: session.id,
      seenAt: session.seenAt,
      card: { ...session.card, agent: 'Firefox on Linux', address: '192.0.2.0' },
    });
  });
});

function spellings(bytes: Buffer | undefined): readonly string[] {
  if (bytes === undefined) return [];
  return [bytes.toString(), bytes.toString('latin1'), bytes.toString('base64url'), bytes.toString('hex')];
}

describe('somebody who may write to Redis', () => {
  it.each([
    ['session', ['sealed']],
    ['session', ['v', 'sealed', 'seen']],
    ['tokens', ['sealed']],
    ['tokens', ['v', 'sealed']],
    ['card', []],
  ])('TS-05: cannot put the %s of one session into another (%j)', async (part, fields) => {
    const [mine, theirs] = [await signIn(), await signIn()];
    const [from, to] = [mine, theirs].map(({ session }) => `cc:{${session.id}}:${part}`);
    if (from === undefined || to === undefined) throw new Error('two were made');
    if (fields.length === 0) await server.cli('COPY', from, to, 'REPLACE');
    for (const field of fields) {
      const value = (await server.dumpAll()).find(({ key }) => key === from)?.fields.get(field);
      await server.cli('HSET', to, field, value ?? '');
    }

    expect(await at.sessions.look(at.request(theirs.cookie))).toBeUndefined();
    expect(at.reports.lines).toEqual([`unreadable ${theirs.session.id} ${part} not-authentic`]);
    expect(await at.sessions.look(at.request(mine.cookie))).toMatchObject({ subject: secrets['the subject'] });
  });

  it('TS-05: cannot put the tokens in the place of the record', async () => {
    const { session, cookie } = await signIn();
    const tokens = (await store.read(session.id))?.tokens.sealed ?? Buffer.alloc(0);
    await server.cli('HSET', `cc:{${session.id}}:session`, 'sealed', tokens);

    expect(await at.sessions.look(at.request(cookie))).toBeUndefined();
    expect(at.reports.lines).toEqual([`unreadable ${session.id} session not-authentic`]);
  });

  it('TS-05: cannot pass an older write off as the newest', async () => {
    const { session, cookie } = await signIn();
    const first = (await store.read(session.id))?.tokens.sealed ?? Buffer.alloc(0);
    const claim = { owner: 'instance', until: systemClock.now() + 1_000 };
    await at.sessions.beginSpending(session, claim);
    await at.sessions.saveTokens(session, claim, { ...session.tokens, refreshToken: 'the second' });
    expect((await at.sessions.look(at.request(cookie)))?.tokens.refreshToken).toBe('the second');

    await server.cli('HSET', `cc:{${session.id}}:tokens`, 'sealed', first);

    const tokensSeenBy = async ({ sessions, request }: SessionsAt) => (await sessions.look(request(cookie)))?.tokens;
    expect(await tokensSeenBy(withKeys(k1))).toBeUndefined();
    expect((await tokensSeenBy(at))?.refreshToken).toBe('the second'); // whoever holds the newest keeps to it
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a byte', Buffer.from([1])],
    ['text', Buffer.from('{"subject":"admin"}')],
    ['zeros', Buffer.alloc(300)],
  ])('TS-05: crashes nothing with %s in the place of a sealed part', async (_case, bytes) => {
    for (const part of ['session', 'tokens', 'card'] as const) {
      const { session, cookie } = await signIn();
      const key = `cc:{${session.id}}:${part}`;
      await server.cli(...(part === 'card' ? ['SET', key, bytes, 'KEEPTTL'] : ['HSET', key, 'sealed', bytes]));

      expect(await at.sessions.look(at.request(cookie))).toBeUndefined();
    }
    const fresh = await signIn();
    expect(await at.sessions.look(at.request(fresh.cookie))).toBeDefined();
  });

  it.each([['v'], ['seen']])('is answered as if there were no session when %s is no number', async (field) => {
    const { session, cookie } = await signIn();
    await server.cli('HSET', `cc:{${session.id}}:session`, field, 'NaN');

    expect(await at.sessions.look(at.request(cookie))).toBeUndefined();
  });
});

describe('a rotation of SESSION_SECRETS over Redis', () => {
  it('TS-06: signs nobody out, rewrites what is used, and lets go of what is not', async () => {
    const used = await signIn();
    const unused = await signIn();
    const during = withKeys(k2, k1);

    expect(await during.sessions.look(during.request(used.cookie))).toMatchObject({ subject: secrets['the subject'] });
    const newest = await eventually(async () => {
      const after = withKeys(k2);
      expect(await after.sessions.lookBySecret(used.secret)).toMatchObject({ tokens: used.session.tokens });
      return after;
    });

    const cookie = new SessionCookie(newest).valueFor(used.secret);
    expect((await newest.sessions.open(newest.request(cookie))).session).toMatchObject({
      version: 1,
      tokensVersion: 1,
    });
    expect(await newest.sessions.look(newest.request(used.cookie))).toBeUndefined();
    expect(await newest.sessions.lookBySecret(unused.secret)).toBeUndefined();
    expect(newest.reports.lines).toEqual([`unreadable ${unused.session.id} session unknown-key`]);
    expect(during.reports.lines).toEqual([]);
    const expected = { index: 'sub', issuer: used.session.identity.issuer, value: secrets['the subject'] } as const;
    expect(await newest.sessions.endAllOf(expected, { notBefore: 0, reason: 'back-channel' })).toBe(1);
  });

  it('TS-07: leaves an end on every key that it rewrote', async () => {
    const { cookie, secret } = await signIn();
    const during = withKeys(k2, k1);
    await during.sessions.look(during.request(cookie));
    await eventually(async () => (await withKeys(k2).sessions.lookBySecret(secret)) !== undefined);

    const keys = await server.dumpAll();

    expect(keys).toHaveLength(7); // indexed under both keys, by subject and by sid
    expect(keys.filter(({ ttlMs }) => ttlMs <= 0 || ttlMs > 8 * 3_600_000)).toEqual([]);
  });
});
