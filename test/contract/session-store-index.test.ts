/**
 * What every session store must do to find sessions by whose they are, and to remember what was used once.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { SessionStore } from '../../src/session/store.ts';
import { eventually } from '../support/eventually.ts';
import { hour, randomKey, StoresUnderTest, storeNames } from './session-store.ts';

const stores = new StoresUnderTest();

beforeAll(() => stores.start());

afterAll(() => stores.stop());

describe.each(storeNames)('a session store in %s', (name) => {
  let store: SessionStore;
  beforeAll(async () => {
    store = await stores.open(name);
  });

  describe('finds sessions by whose they are', () => {
    it('LO-12: adds, lists and removes members', async () => {
      const key = randomKey();
      const expiresAt = systemClock.now() + hour;

      expect(await store.addToIndex({ index: 'sub', key, id: 'a', expiresAt }, 1)).toBe(true);
      expect(await store.addToIndex({ index: 'sub', key, id: 'b', expiresAt }, 1)).toBe(true);
      expect([...(await store.membersOf('sub', key))].sort()).toEqual(['a', 'b']);
      await store.removeFromIndex({ index: 'sub', key, id: 'a' });
      await store.removeFromIndex({ index: 'sub', key, id: 'a' });
      expect(await store.membersOf('sub', key)).toEqual(['b']);
    });

    it('LO-11: keeps the two indexes, and two keys of one, apart', async () => {
      const [key, other] = [randomKey(), randomKey()];
      await store.addToIndex({ index: 'sid', key, id: 'a', expiresAt: systemClock.now() + hour }, 1);

      expect(await store.membersOf('sub', key)).toEqual([]);
      expect(await store.membersOf('sid', other)).toEqual([]);
      expect(await store.membersOf('sid', key)).toEqual(['a']);
    });

    it('forgets a member at its end, and keeps those that live longer', async () => {
      const key = randomKey();
      const now = systemClock.now();
      await store.addToIndex({ index: 'sub', key, id: 'long', expiresAt: now + hour }, 1);
      await store.addToIndex({ index: 'sub', key, id: 'short', expiresAt: now + 500 }, 1);

      await eventually(async () => expect(await store.membersOf('sub', key)).toEqual(['long']), 3_000);
    });

    it('refuses a sign-in from before the not-before, and takes one from after', async () => {
      const key = randomKey();
      await store.setNotBefore('sub', key, { instant: 5_000, ttlMs: hour });
      const entry = { index: 'sub', key, expiresAt: systemClock.now() + hour } as const;

      expect(await store.addToIndex({ ...entry, id: 'early' }, 4_999)).toBe(false);
      expect(await store.addToIndex({ ...entry, id: 'late' }, 5_000)).toBe(true);
      expect(await store.membersOf('sub', key)).toEqual(['late']);
    });

    it('LO-12: gives the members when the not-before is set, as often as it is asked, until each was removed', async () => {
      const key = randomKey();
      const expiresAt = systemClock.now() + hour;
      await store.addToIndex({ index: 'sub', key, id: 'a', expiresAt }, 1);
      await store.addToIndex({ index: 'sub', key, id: 'b', expiresAt }, 1);
      const bar = async () => [...(await store.setNotBefore('sub', key, { instant: 7_000, ttlMs: hour }))].sort();

      expect(await bar()).toEqual(['a', 'b']);
      expect(await bar()).toEqual(['a', 'b']);
      await store.removeFromIndex({ index: 'sub', key, id: 'a' });
      expect(await bar()).toEqual(['b']);
    });

    it('lets the not-before only grow', async () => {
      const key = randomKey();
      expect(await store.notBefore('sub', key)).toBeUndefined();

      await store.setNotBefore('sub', key, { instant: 5_000, ttlMs: hour });
      await store.setNotBefore('sub', key, { instant: 4_000, ttlMs: 10 });

      expect(await store.notBefore('sub', key)).toBe(5_000);
      await store.setNotBefore('sub', key, { instant: 6_000, ttlMs: hour });
      expect(await store.notBefore('sub', key)).toBe(6_000);
    });

    it('forgets the not-before after its time', async () => {
      const key = randomKey();
      await store.setNotBefore('sub', key, { instant: 5_000, ttlMs: 150 });

      await eventually(async () => expect(await store.notBefore('sub', key)).toBeUndefined(), 3_000);
    });
  });

  describe('remembers what was used once', () => {
    it('CB-20, LO-16: the first claim and its repeats, no other', async () => {
      const hash = randomKey();

      expect(await store.useOnce('state', hash, { id: 'first', ttlMs: hour })).toBe(true);
      expect(await store.useOnce('state', hash, { id: 'first', ttlMs: hour })).toBe(true);
      expect(await store.useOnce('state', hash, { id: 'second', ttlMs: hour })).toBe(false);
      expect(await store.useOnce('jti', hash, { id: 'second', ttlMs: hour })).toBe(true);
    });

    it('has one winner of many at the same time', async () => {
      const hash = randomKey();

      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, place) => store.useOnce('state', hash, { id: `claim-${place}`, ttlMs: hour })),
      );

      expect(answers.filter(Boolean)).toHaveLength(1);
    });

    it('forgets it after its time', async () => {
      const hash = randomKey();
      await store.useOnce('state', hash, { id: 'first', ttlMs: 100 });

      expect(await eventually(() => store.useOnce('state', hash, { id: 'second', ttlMs: hour }), 3_000)).toBe(true);
    });
  });
});
