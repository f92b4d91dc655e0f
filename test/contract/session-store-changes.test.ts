/**
 * What every session store must tell of changes: `onChanged` of src/session/store.ts.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { NewSession, SessionStore } from '../../src/session/store.ts';
import { eventually } from '../support/eventually.ts';
import { claimOn, createdIn, hour, StoresUnderTest, storeNames } from './session-store.ts';

const stores = new StoresUnderTest();

beforeAll(() => stores.start());

afterAll(() => stores.stop());

const bytes = Buffer.from('sealed anew');

/** Every write to a session that exists, in an order in which each takes place. */
const writes: readonly (readonly [name: string, write: (store: SessionStore, of: NewSession) => Promise<unknown>])[] = [
  ['touch', (store, { id }) => store.touch(id, { seenAt: systemClock.now(), expiresAt: systemClock.now() + hour })],
  ['replaceRecord', (store, { id }) => store.replaceRecord({ id, version: 1, sealed: bytes })],
  ['beginSpending', (store, of) => store.beginSpending(claimOn(of, { owner: 'me' }))],
  ['extendSpending', (store, of) => store.extendSpending(claimOn(of, { owner: 'me' }))],
  ['abandonSpending', (store, of) => store.abandonSpending(claimOn(of, { owner: 'me' }))],
  [
    'reseal',
    (store, { id }) =>
      store.reseal({ id, record: { version: 2, sealed: bytes }, tokens: { version: 1, sealed: bytes }, card: bytes }),
  ],
  ['beginSpending', (store, of) => store.beginSpending(claimOn(of, { owner: 'me' }))],
  ['saveTokens', (store, of) => store.saveTokens(claimOn(of, { owner: 'me' }), bytes)],
  ['end', (store, { id }) => store.end(id, 'signed-out')],
];

describe.each(storeNames)('a session store in %s', (name) => {
  let store: SessionStore;
  let session: NewSession;
  let told: (string | undefined)[];

  beforeAll(async () => {
    store = await stores.open(name);
    store.onChanged((id) => told.push(id));
  });

  beforeEach(async () => {
    told = [];
    session = await createdIn(store);
  });

  it('SE-13: is in touch while it answers', async () => {
    expect(await store.ping()).toBe(true);
    expect(store.isInTouch).toBe(true);
  });

  it('LO-01: tells of each own write before whoever made it goes on', async () => {
    for (const [write, make] of writes) {
      await store.read(session.id);
      told.length = 0;

      const outcome = await make(store, session);

      expect([write, outcome, told[0]]).toEqual([write, outcome === 'begun' ? 'begun' : true, session.id]);
    }
  });

  it('tells nobody who has stopped listening', async () => {
    const heard: unknown[] = [];
    store.onChanged((id) => heard.push(id))();

    await store.end(session.id, 'signed-out');

    expect(told).toContain(session.id);
    expect(heard).toEqual([]);
  });
});

describe('a session store in Redis', () => {
  let here: SessionStore;
  let elsewhere: SessionStore;

  beforeAll(async () => {
    here = await stores.open('Redis');
    elsewhere = await stores.open('Redis');
  });

  it.each(['read', 'readState'] as const)('LO-01: tells of each write of another since the last %s', async (read) => {
    const session = await createdIn(elsewhere);
    const told = new Set<string | undefined>();
    here.onChanged((id) => told.add(id));

    for (const [, make] of writes) {
      await here[read](session.id);
      told.clear();
      expect(await make(elsewhere, session)).not.toBe(false);
      await eventually(() => expect(told).toContain(session.id));
    }
  });

  it('SE-04: tells that Redis let a session go by itself', async () => {
    const session = await createdIn(elsewhere, { expiresAt: systemClock.now() + 300 });
    const told: (string | undefined)[] = [];
    await here.read(session.id);
    here.onChanged((id) => told.push(id));

    await eventually(() => expect(told).toContain(session.id));
  });

  it('SE-13: tells that it may have missed changes when the connection breaks, and is in touch again', async () => {
    const told: (string | undefined)[] = [];
    here.onChanged((id) => told.push(id));

    await stores.server.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');

    await eventually(() => expect(told).toContain(undefined));
    await eventually(() => expect(here.isInTouch).toBe(true));
    const session = await createdIn(elsewhere);
    await here.read(session.id);
    await elsewhere.end(session.id, 'signed-out');
    await eventually(() => expect(told).toContain(session.id));
  });

  it('LO-01: tells of an own write of which it is not known whether it took place', async () => {
    await eventually(() => expect(here.isInTouch).toBe(true));
    const session = await createdIn(here);
    await here.read(session.id);
    const told: (string | undefined)[] = [];
    here.onChanged((id) => told.push(id));

    stores.server.freeze();
    const failure = await here.end(session.id, 'signed-out').catch((error: unknown) => error);
    const toldBy = [...told];
    stores.server.thaw();

    expect(failure).toMatchObject({ code: 'store-unavailable' });
    expect(toldBy).toContain(session.id);
  });

  it('SE-13: is out of touch within three seconds of silence, though the connection stays', async () => {
    await eventually(() => expect(here.isInTouch).toBe(true));

    stores.server.freeze();
    const frozenAt = performance.now();
    await eventually(() => !here.isInTouch, 6_000);
    const tookMs = performance.now() - frozenAt;
    stores.server.thaw();

    expect(tookMs).toBeGreaterThan(200);
    expect(tookMs).toBeLessThan(3_000);
    await eventually(() => expect(here.isInTouch).toBe(true));
  });
});
