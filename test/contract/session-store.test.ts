/**
 * What every session store must do with sessions: the sentences of src/session/store.ts.
 */

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { EndReason } from '../../src/session/session.ts';
import type { SessionStore } from '../../src/session/store.ts';
import { eventually } from '../support/eventually.ts';
import { claimOn, createdIn, hour, newSession, randomKey, StoresUnderTest, storeNames } from './session-store.ts';

const stores = new StoresUnderTest();

beforeAll(() => stores.start());

afterAll(() => stores.stop());

describe.each(storeNames)('a session store in %s', (name) => {
  let store: SessionStore;
  beforeAll(async () => {
    store = await stores.open(name);
  });

  describe('keeps sessions', () => {
    it('answers absence, and does not throw for it', async () => {
      expect(await store.read(randomKey())).toBeUndefined();
      expect(await store.readState(randomKey())).toBeUndefined();
    });

    it('gives back what was created, byte for byte', async () => {
      const bytes = Buffer.from([0, 255, 13, 10, 36, 45, 1, 128]);
      const session = await createdIn(store, {
        sealed: bytes,
        tokens: Buffer.from('\r\n$-1\r\n'),
        card: Buffer.from([0]),
      });

      expect(await store.read(session.id)).toEqual({
        version: 1,
        reseals: 0,
        sealed: bytes,
        seenAt: session.seenAt,
        tokens: { version: 1, sealed: Buffer.from('\r\n$-1\r\n'), spending: undefined },
        card: Buffer.from([0]),
      });
    });

    it('gives the state of what it holds, after every kind of write', async () => {
      const session = await createdIn(store);
      const { id } = session;
      const claim = claimOn(session, { owner: 'me' });
      const writes = [
        () => store.replaceRecord({ id, version: 1, sealed: randomBytes(9) }),
        () => store.touch(id, { seenAt: session.seenAt + 7, expiresAt: session.expiresAt }),
        () => store.beginSpending(claim),
        () => store.extendSpending({ ...claim, until: claim.until + 9 }),
        () => store.saveTokens(claim, randomBytes(9)),
        () =>
          store.reseal({
            id,
            record: { version: 2, sealed: randomBytes(9) },
            tokens: { version: 2, sealed: randomBytes(9) },
            card: randomBytes(9),
          }),
      ];
      const states = [];
      for (const write of [() => store.readState(id), ...writes]) {
        await write();
        const state = await store.readState(id);
        const { version, reseals, seenAt, tokens } = (await store.read(id)) ?? expect.unreachable();
        const { version: tokensVersion, spending } = tokens;
        expect(state).toEqual({ version, tokensVersion, reseals, seenAt, spending });
        states.push(JSON.stringify(state));
      }
      expect(new Set(states).size).toBe(writes.length + 1);

      await store.end(id, 'signed-out');

      expect(await store.readState(id)).toBeUndefined();
    });

    it('creates an id once: the same again is a repeat, another is refused', async () => {
      const session = await createdIn(store);

      expect(await store.create(session)).toBe(true);
      expect(await store.create({ ...newSession(), id: session.id })).toBe(false);
      expect((await store.read(session.id))?.sealed).toEqual(session.sealed);
    });

    it('SE-04: forgets a session at its end', async () => {
      const { id } = await createdIn(store, { expiresAt: systemClock.now() + 500 });
      expect(await store.read(id)).toBeDefined();

      await eventually(async () => expect(await store.read(id)).toBeUndefined(), 3_000);
    });

    it('answers a ping', async () => {
      expect(await store.ping()).toBe(true);
    });
  });

  describe('writes a record only over the version it was made from', () => {
    it('counts the write', async () => {
      const { id } = await createdIn(store);
      const sealed = randomBytes(50);

      expect(await store.replaceRecord({ id, version: 1, sealed })).toBe(true);
      expect(await store.read(id)).toMatchObject({ version: 2, sealed, tokens: { version: 1 } });
    });

    it('takes a repeat for done, and refuses one that comes too late', async () => {
      const { id } = await createdIn(store);
      const write = { id, version: 1, sealed: randomBytes(50) };
      await store.replaceRecord(write);

      expect(await store.replaceRecord(write)).toBe(true);
      expect(await store.replaceRecord({ ...write, sealed: randomBytes(50) })).toBe(false);
      expect(await store.read(id)).toMatchObject({ version: 2, sealed: write.sealed });
    });

    it('lets one of many at the same time through', async () => {
      const { id } = await createdIn(store);
      const writes = Array.from({ length: 20 }, () => ({ id, version: 1, sealed: randomBytes(20) }));

      const answers = await Promise.all(writes.map((write) => store.replaceRecord(write)));

      expect(answers.filter(Boolean)).toHaveLength(1);
      expect((await store.read(id))?.sealed).toEqual(writes[answers.indexOf(true)]?.sealed);
    });
  });

  describe('takes the same content sealed anew', () => {
    it('TS-06: without counting it, and with a claim standing', async () => {
      const session = await createdIn(store);
      const claim = claimOn(session, { owner: 'me' });
      await store.beginSpending(claim);
      const [record, tokens, card] = [randomBytes(9), randomBytes(9), randomBytes(9)];
      const fresh = {
        id: session.id,
        record: { version: 1, sealed: record },
        tokens: { version: 1, sealed: tokens },
        card,
      };

      expect(await store.reseal(fresh)).toBe(true);
      expect(await store.reseal(fresh)).toBe(true);
      expect(await store.read(session.id)).toMatchObject({
        version: 1,
        sealed: record,
        tokens: { version: 1, sealed: tokens, spending: { owner: 'me' } },
        card,
      });
      expect(await store.saveTokens(claim, randomBytes(9))).toBe(true);
    });

    it.each([
      ['the record', { version: 2, sealed: randomBytes(9) }, { version: 1, sealed: randomBytes(9) }],
      ['the tokens', { version: 1, sealed: randomBytes(9) }, { version: 2, sealed: randomBytes(9) }],
    ])('but nothing when %s changed meanwhile', async (_part, record, tokens) => {
      const session = await createdIn(store);

      expect(await store.reseal({ id: session.id, record, tokens, card: randomBytes(9) })).toBe(false);
      expect(await store.read(session.id)).toMatchObject({ sealed: session.sealed, card: session.card });
    });
  });

  describe('notes activity', () => {
    it('SE-04: moves the end, and changes no version', async () => {
      const session = await createdIn(store, { expiresAt: systemClock.now() + 800 });
      const seenAt = session.seenAt + 100;

      expect(await store.touch(session.id, { seenAt, expiresAt: systemClock.now() + hour })).toBe(true);
      await eventually(() => systemClock.now() > session.expiresAt + 50, 3_000);
      expect(await store.read(session.id)).toMatchObject({ version: 1, seenAt, tokens: { version: 1 } });
    });

    it('moves the end back, too', async () => {
      const { id, seenAt } = await createdIn(store);

      await store.touch(id, { seenAt, expiresAt: systemClock.now() + 100 });

      await eventually(async () => expect(await store.read(id)).toBeUndefined(), 3_000);
    });

    it('lets an older activity change nothing', async () => {
      const { id, seenAt } = await createdIn(store);
      await store.touch(id, { seenAt: seenAt + 500, expiresAt: systemClock.now() + hour });

      expect(await store.touch(id, { seenAt: seenAt + 100, expiresAt: systemClock.now() + 1 })).toBe(true);
      expect((await store.read(id))?.seenAt).toBe(seenAt + 500);
    });

    it('races with no write: both take place', async () => {
      const { id, seenAt } = await createdIn(store);
      const sealed = randomBytes(10);

      const answers = await Promise.all([
        store.touch(id, { seenAt: seenAt + 1, expiresAt: systemClock.now() + hour }),
        store.replaceRecord({ id, version: 1, sealed }),
        store.touch(id, { seenAt: seenAt + 2, expiresAt: systemClock.now() + hour }),
      ]);

      expect(answers).toEqual([true, true, true]);
      expect(await store.read(id)).toMatchObject({ version: 2, sealed, seenAt: seenAt + 2 });
    });
  });

  describe('ends sessions', () => {
    it('LO-01, TS-11: removes every part and tells all listeners', async () => {
      const { id } = await createdIn(store);
      const told: [string, EndReason][] = [];
      const stop = store.onEnded((ended, reason) => told.push([ended, reason]));

      expect(await store.end(id, 'signed-out')).toBe(true);
      expect(await store.read(id)).toBeUndefined();
      await eventually(() => expect(told).toEqual([[id, 'signed-out']]));

      const second = await createdIn(store);
      stop();
      await store.end(second.id, 'idle');
      const third = await createdIn(store);
      const stopThird = store.onEnded((ended, reason) => told.push([ended, reason]));
      await store.end(third.id, 'revoked');
      await eventually(() => expect(told).toContainEqual([third.id, 'revoked']));
      expect(told).not.toContainEqual([second.id, 'idle']);
      stopThird();
    });

    it('answers that there was none, and tells nobody', async () => {
      const [ended, other] = [await createdIn(store), await createdIn(store)];
      const told: string[] = [];
      const stop = store.onEnded((id) => told.push(id));
      await store.end(ended.id, 'idle');

      expect(await store.end(ended.id, 'idle')).toBe(false);
      await store.end(other.id, 'idle');
      await eventually(() => expect(told).toEqual([ended.id, other.id]));
      stop();
    });

    it('LO-01: nothing revives an ended session', async () => {
      const session = await createdIn(store);
      const { id } = session;
      const claim = claimOn(session, { owner: 'me' });
      await store.beginSpending(claim);
      await store.end(id, 'signed-out');
      const now = systemClock.now();

      expect(await store.touch(id, { seenAt: now + 1, expiresAt: now + hour })).toBe(false);
      expect(await store.replaceRecord({ id, version: 1, sealed: randomBytes(9) })).toBe(false);
      const anew = { version: 1, sealed: randomBytes(9) };
      expect(await store.reseal({ id, record: anew, tokens: anew, card: randomBytes(9) })).toBe(false);
      expect(await store.saveTokens(claim, randomBytes(9))).toBe(false);
      expect(await store.extendSpending(claim)).toBe(false);
      expect(await store.abandonSpending(claim)).toBe(false);
      expect(await store.beginSpending(claim)).toBe('gone');
      expect(await store.read(id)).toBeUndefined();
    });

    it('LO-01: wins whenever it comes, among writes of all kinds', async () => {
      const session = await createdIn(store);
      const { id } = session;
      const claim = claimOn(session, { owner: 'me' });
      const touch = () => store.touch(id, { seenAt: systemClock.now() + 9, expiresAt: systemClock.now() + hour });

      await Promise.all([
        touch(),
        store.beginSpending(claim),
        store.replaceRecord({ id, version: 1, sealed: randomBytes(9) }),
        store.end(id, 'signed-out'),
        store.saveTokens(claim, randomBytes(9)),
        touch(),
      ]);

      expect(await store.read(id)).toBeUndefined();
    });
  });
});
