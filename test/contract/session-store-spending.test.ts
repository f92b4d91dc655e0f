/**
 * What every session store must do so that a refresh token is spent once.
 */

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { SessionStore } from '../../src/session/store.ts';
import { claimOn, createdIn, randomKey, StoresUnderTest, storeNames } from './session-store.ts';

const stores = new StoresUnderTest();

beforeAll(() => stores.start());

afterAll(() => stores.stop());

describe.each(storeNames)('a session store in %s', (name) => {
  let store: SessionStore;
  beforeAll(async () => {
    store = await stores.open(name);
  });

  describe('gives the refresh token to one owner at a time', () => {
    it('begins a claim, shows it, and takes its repeat for begun', async () => {
      const session = await createdIn(store);
      const claim = claimOn(session, { owner: 'me' });

      expect(await store.beginSpending(claim)).toBe('begun');
      expect(await store.beginSpending(claim)).toBe('begun');
      expect((await store.read(session.id))?.tokens.spending).toEqual({ owner: 'me', until: claim.until });
    });

    it('is busy for others, also when the claim has run out', async () => {
      const session = await createdIn(store);
      await store.beginSpending({ ...claimOn(session, { owner: 'me' }), until: 1 });

      expect(await store.beginSpending(claimOn(session, { owner: 'other' }))).toBe('busy');
    });

    it('has one winner of many at the same time', async () => {
      const session = await createdIn(store);
      const owners = Array.from({ length: 20 }, (_, place) => `owner-${place}`);

      const answers = await Promise.all(owners.map((owner) => store.beginSpending(claimOn(session, { owner }))));

      expect(answers.filter((answer) => answer === 'begun')).toHaveLength(1);
      expect(answers.filter((answer) => answer === 'busy')).toHaveLength(19);
    });

    it('says changed for tokens that are no longer these, and gone without a session', async () => {
      const session = await createdIn(store);

      expect(await store.beginSpending(claimOn(session, { owner: 'me', version: 2 }))).toBe('changed');
      expect(await store.beginSpending(claimOn({ id: randomKey() }, { owner: 'me' }))).toBe('gone');
    });

    it("extends one's own claim alone", async () => {
      const session = await createdIn(store);
      await store.beginSpending(claimOn(session, { owner: 'me' }));
      const later = { ...claimOn(session, { owner: 'me' }), until: systemClock.now() + 99_000 };

      expect(await store.extendSpending({ ...later, owner: 'other' })).toBe(false);
      expect(await store.extendSpending(later)).toBe(true);
      expect((await store.read(session.id))?.tokens.spending?.until).toBe(later.until);
    });

    it("takes one's own claim back unspent, and lets another begin", async () => {
      const session = await createdIn(store);
      await store.beginSpending(claimOn(session, { owner: 'me' }));

      expect(await store.abandonSpending(claimOn(session, { owner: 'other' }))).toBe(false);
      expect(await store.abandonSpending(claimOn(session, { owner: 'me' }))).toBe(true);
      expect(await store.abandonSpending(claimOn(session, { owner: 'me' }))).toBe(false);
      expect(await store.beginSpending(claimOn(session, { owner: 'other' }))).toBe('begun');
    });

    it("takes another's claim only as it was seen, so that an owner who moved it on meanwhile keeps it", async () => {
      const session = await createdIn(store);
      const seen = claimOn(session, { owner: 'slow' });
      await store.beginSpending(seen);
      await store.extendSpending({ ...seen, until: seen.until + 5_000 });

      expect(await store.abandonSpending(seen, { onlyUnmoved: true })).toBe(false);
      expect(await store.abandonSpending({ ...seen, until: seen.until + 5_000 }, { onlyUnmoved: true })).toBe(true);
      expect(await store.abandonSpending(seen, { onlyUnmoved: true })).toBe(false);
    });

    it('saves new tokens and ends the claim', async () => {
      const session = await createdIn(store);
      const claim = claimOn(session, { owner: 'me' });
      await store.beginSpending(claim);
      const sealed = randomBytes(80);

      expect(await store.saveTokens(claim, sealed)).toBe(true);
      expect(await store.read(session.id)).toMatchObject({ version: 1, tokens: { version: 2, sealed } });
      expect((await store.read(session.id))?.tokens.spending).toBeUndefined();
      expect(await store.beginSpending(claimOn(session, { owner: 'other' }))).toBe('changed');
      expect(await store.beginSpending(claimOn(session, { owner: 'other', version: 2 }))).toBe('begun');
    });

    it('takes a repeated save for done, also when it was sealed again', async () => {
      const session = await createdIn(store);
      const claim = claimOn(session, { owner: 'me' });
      await store.beginSpending(claim);
      const sealed = randomBytes(80);
      await store.saveTokens(claim, sealed);

      expect(await store.saveTokens(claim, sealed)).toBe(true);
      expect(await store.saveTokens(claim, randomBytes(80))).toBe(true);
      expect(await store.read(session.id)).toMatchObject({ tokens: { version: 2, sealed } });
    });

    it('refuses to save for whom the claim is not', async () => {
      const session = await createdIn(store);

      expect(await store.saveTokens(claimOn(session, { owner: 'me' }), randomBytes(8))).toBe(false);
      await store.beginSpending(claimOn(session, { owner: 'me' }));
      expect(await store.saveTokens(claimOn(session, { owner: 'other' }), randomBytes(8))).toBe(false);
      expect(await store.saveTokens(claimOn(session, { owner: 'me', version: 2 }), randomBytes(8))).toBe(false);
      await store.abandonSpending(claimOn(session, { owner: 'me' }));
      expect(await store.saveTokens(claimOn(session, { owner: 'me' }), randomBytes(8))).toBe(false);
      expect(await store.read(session.id)).toMatchObject({ tokens: { version: 1, sealed: session.tokens } });
    });
  });
});
