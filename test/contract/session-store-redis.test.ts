/**
 * What the session store in Redis must do beside the contract: for many instances,
 * with an end on every key, and in an outage.
 */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Secret } from '../../src/base/secret.ts';
import { codeOf } from '../../src/errors.ts';
import { connectRedis } from '../../src/redis/client.ts';
import type { SessionStore } from '../../src/session/store.ts';
import { eventually } from '../support/eventually.ts';
import { claimOn, newSession, StoresUnderTest } from './session-store.ts';

const stores = new StoresUnderTest();

beforeAll(() => stores.start());

afterAll(() => stores.stop());

describe('two instances on one Redis', () => {
  it("LO-01, SE-12: see each other's sessions, and each other's ends at once", async () => {
    const [here, there] = [await stores.open('Redis'), await stores.open('Redis')];
    const session = newSession();
    await here.create(session);
    expect(await there.read(session.id)).toMatchObject({ sealed: session.sealed });
    const heard: string[] = [];
    const stop = [here, there].map((store, place) =>
      store.onEnded((id, reason) => heard.push(`${place} ${id} ${reason}`)),
    );

    await there.end(session.id, 'back-channel');

    expect(await here.read(session.id)).toBeUndefined();
    await eventually(() =>
      expect(heard.sort()).toEqual([`0 ${session.id} back-channel`, `1 ${session.id} back-channel`]),
    );
    for (const each of stop) each();
  });

  it('tells a listener when it may have missed an end, and hears again by itself', async () => {
    const store = await stores.open('Redis');
    const heard: string[] = [];
    let gaps = 0;
    const stop = store.onEnded(
      (id) => heard.push(id),
      () => {
        gaps += 1;
      },
    );
    await stores.server.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await eventually(() => gaps > 0);
    const session = newSession();
    await eventually(() => store.create(session));

    await store.end(session.id, 'signed-out');

    await eventually(() => expect(heard).toEqual([session.id]));
    stop();
  });

  it('goes on hearing when a listener fails', async () => {
    const store = await stores.open('Redis');
    const heard: string[] = [];
    const stops = [
      store.onEnded(() => {
        throw new Error('a listener of this test');
      }),
      store.onEnded((id) => heard.push(id)),
    ];
    const sessions = Array.from({ length: 20 }, () => newSession());
    await Promise.all(sessions.map((session) => store.create(session)));

    // Together, so that many messages come in one piece and the first failure has others behind it.
    await Promise.all(sessions.map(({ id }) => store.end(id, 'signed-out')));

    await eventually(() => expect(heard.sort()).toEqual(sessions.map(({ id }) => id).sort()));
    expect(await store.ping()).toBe(true);
    for (const stop of stops) stop();
  });
});

describe('what lies in Redis', () => {
  it.each(['session', 'tokens', 'card'])('is no session without its %s, and no state of one', async (part) => {
    const store = await stores.open('Redis');
    const session = newSession();
    await store.create(session);
    expect(await store.readState(session.id)).toBeDefined();

    await stores.server.cli('DEL', `cc:{${session.id}}:${part}`);

    expect(await store.read(session.id)).toBeUndefined();
    expect(await store.readState(session.id)).toBeUndefined();
  });

  it("TS-07: has an end on every key, no later than the session's", async () => {
    await stores.server.cli('FLUSHALL');
    const store = await stores.open('Redis');
    const lifetimeMs = 60_000;
    const now = systemClock.now();
    const session = newSession({ expiresAt: now + lifetimeMs });
    const claim = claimOn(session, { owner: 'me' });
    const key = 'k'.repeat(43);
    await store.addToIndex({ index: 'sub', key, id: session.id, expiresAt: session.expiresAt }, now);
    await store.addToIndex({ index: 'sid', key: `${key}2`, id: session.id, expiresAt: session.expiresAt }, now);
    await store.create(session);
    const atFirst = await stores.server.dumpAll();
    expect(atFirst).toHaveLength(5);
    expect(atFirst.filter(({ ttlMs }) => ttlMs <= 0 || ttlMs > lifetimeMs)).toEqual([]);
    await store.touch(session.id, { seenAt: now + 1, expiresAt: now + lifetimeMs });
    await store.replaceRecord({ id: session.id, version: 1, sealed: Buffer.from('record') });
    await store.beginSpending(claim);
    await store.extendSpending(claim);
    await store.saveTokens(claim, Buffer.from('tokens'));
    const versions = {
      record: { version: 2, sealed: Buffer.from('r') },
      tokens: { version: 2, sealed: Buffer.from('t') },
    };
    await store.reseal({ id: session.id, ...versions, card: Buffer.from('c') });
    await store.setNotBefore('sub', key, { instant: 1, ttlMs: lifetimeMs });
    await store.setNotBefore('sub', key, { instant: 2, ttlMs: 1_000 });
    await store.useOnce('state', 'hash', { id: 'claim', ttlMs: lifetimeMs });
    await store.useOnce('jti', 'hash', { id: 'claim', ttlMs: lifetimeMs });

    const keys = await stores.server.dumpAll();

    expect(keys.map((each) => each.key)).toEqual([
      'cc:jti:hash',
      `cc:nbf:{${key}}`,
      `cc:sid:{${key}2}`,
      'cc:state:hash',
      `cc:sub:{${key}}`,
      `cc:{${session.id}}:card`,
      `cc:{${session.id}}:session`,
      `cc:{${session.id}}:tokens`,
    ]);
    expect(keys.filter(({ ttlMs }) => ttlMs <= 0 || ttlMs > lifetimeMs)).toEqual([]);

    await store.end(session.id, 'signed-out');
    await store.removeFromIndex({ index: 'sub', key, id: session.id });
    await store.removeFromIndex({ index: 'sid', key: `${key}2`, id: session.id });
    const left = (await stores.server.dumpAll()).map((each) => each.key);
    expect(left).toEqual(['cc:jti:hash', `cc:nbf:{${key}}`, 'cc:state:hash']);
  });

  it('gives a session of which a part was taken away to nobody', async () => {
    const store = await stores.open('Redis');
    for (const part of ['session', 'tokens', 'card']) {
      const session = newSession();
      await store.create(session);
      expect(await store.read(session.id)).toBeDefined();

      await stores.server.cli('DEL', `cc:{${session.id}}:${part}`);

      expect(await store.read(session.id)).toBeUndefined();
    }
  });

  it('LO-01: takes no write to what is left of a session whose record is gone', async () => {
    const store = await stores.open('Redis');
    const session = newSession();
    const claim = claimOn(session, { owner: 'me' });
    await store.create(session);
    await store.beginSpending(claim);
    expect(await store.extendSpending(claim)).toBe(true);

    await stores.server.cli('DEL', `cc:{${session.id}}:session`);

    expect(await store.extendSpending(claim)).toBe(false);
    expect(await store.saveTokens(claim, session.tokens)).toBe(false);
    expect(await store.abandonSpending(claim)).toBe(false);
    expect(await store.beginSpending(claim)).toBe('gone');
  });

  it('is written by scripts that run after a restart, too', async () => {
    const store = await stores.open('Redis');
    await store.create(newSession());
    await stores.server.cli('SCRIPT', 'FLUSH');
    const session = newSession();

    expect(await store.create(session)).toBe(true);
    expect(await store.end(session.id, 'signed-out')).toBe(true);
  });

  it('needs one round trip to be read', async () => {
    const store = await stores.open('Redis');
    const session = newSession();
    await store.create(session);
    const watched = await stores.server.monitor();

    await store.read(session.id);

    await eventually(() => watched.lines().some((line) => line.includes(':card')));
    const asked = watched.lines().filter((line) => line.includes(session.id));
    expect(asked.map((line) => /"([A-Za-z]+)"/.exec(line)?.[1])).toEqual(['HMGET', 'HMGET', 'GET']);
    watched.close();
  });
});

describe('SE-13: a Redis that does not answer', () => {
  afterEach(() => stores.server.thaw());

  const every = (store: SessionStore): readonly (() => Promise<unknown>)[] => {
    const session = newSession();
    const claim = claimOn(session, { owner: 'me' });
    const { id } = session;
    return [
      () => store.read(id),
      () => store.create(session),
      () => store.replaceRecord({ id, version: 1, sealed: session.sealed }),
      () => store.touch(id, { seenAt: 1, expiresAt: session.expiresAt }),
      () => store.beginSpending(claim),
      () => store.saveTokens(claim, session.tokens),
      () => store.end(id, 'signed-out'),
      () => store.addToIndex({ index: 'sub', key: 'k', id, expiresAt: session.expiresAt }, 1),
      () => store.membersOf('sub', 'k'),
      () => store.notBefore('sub', 'k'),
      () => store.setNotBefore('sub', 'k', { instant: 1, ttlMs: 1_000 }),
      () => store.useOnce('state', 'h', { id: 'c', ttlMs: 1_000 }),
    ];
  };
  const codesOf = (calls: readonly (() => Promise<unknown>)[]) =>
    Promise.all(calls.map((call) => call().then(() => 'an answer', codeOf)));

  it('is an outage in every question, within the deadline, and answers again after it', async () => {
    const store = await stores.open('Redis');
    const session = newSession();
    await store.create(session);
    stores.server.freeze();
    const begun = performance.now();

    const codes = await codesOf(every(store));

    expect(new Set(codes)).toEqual(new Set(['store-unavailable']));
    expect(performance.now() - begun).toBeLessThan(1_500);
    expect(await store.ping()).toBe(false);
    stores.server.thaw();
    await eventually(() => store.ping());
    expect(await store.read(session.id)).toMatchObject({ sealed: session.sealed });
  });

  it('is an outage while it is stopped, at once, and answers again when it is back', async () => {
    const store = await stores.open('Redis');
    await stores.server.halt();
    await eventually(async () => !(await store.ping()));
    const begun = performance.now();

    const codes = await codesOf(every(store));

    expect(new Set(codes)).toEqual(new Set(['store-unavailable']));
    expect(performance.now() - begun).toBeLessThan(500);
    await stores.server.start();
    await eventually(() => store.ping());
    expect(await store.read(newSession().id)).toBeUndefined();
  });

  it('is given up and connected to anew when it stays silent under load', async () => {
    const lines: string[] = [];
    const log = { info: (line: string) => lines.push(line), warn: (line: string) => lines.push(line) };
    const redis = connectRedis({ url: new Secret(stores.server.url), timeoutMs: 300, clock: systemClock, log });
    await eventually(() => redis.ping());
    stores.server.freeze();

    // Asked every few ms: a socket that is written to never counts as silent for the library.
    await eventually(() => {
      void redis.ping();
      expect(lines).toContain('redis cannot be reached');
    }, 3_000);
    stores.server.thaw();
    await eventually(() => redis.ping());

    expect(lines).toEqual(['redis is reached', 'redis cannot be reached', 'redis is reached']);
    await redis.close();
  });
});
