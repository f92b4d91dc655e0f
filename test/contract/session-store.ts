/**
 * What every session store must do: the sentences of src/session/store.ts as tests.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { EndReason } from '../../src/session/session.ts';
import type { NewSession, SessionStore, Spending } from '../../src/session/store.ts';
import { eventually } from '../support/eventually.ts';

/** Makes the store that is checked. */
export interface StoreUnderTest {
  readonly name: string;
  open(): Promise<SessionStore>;
  close(): Promise<void>;
}

const hour = 3_600_000;

/** A new session with random content; `changes` stand instead. */
export function newSession(changes: Partial<NewSession> = {}): NewSession {
  const now = systemClock.now();
  return {
    id: randomBytes(32).toString('base64url'),
    sealed: randomBytes(200),
    tokens: randomBytes(300),
    card: randomBytes(60),
    seenAt: now,
    expiresAt: now + hour,
    ...changes,
  };
}

/** The claim of `owner` on the tokens of a session as it was created. */
export function claimOn({ id }: Pick<NewSession, 'id'>, owner: string, version = 1): Spending {
  return { id, version, owner, until: systemClock.now() + 10_000 };
}

function randomKey(): string {
  return randomBytes(32).toString('base64url');
}

/** Checks a store. */
export function describeSessionStore(subject: StoreUnderTest): void {
  describe(`a session store in ${subject.name}`, () => {
    let store: SessionStore;
    beforeAll(async () => {
      store = await subject.open();
    });
    afterAll(() => subject.close());
    const created = async (changes: Partial<NewSession> = {}) => {
      const session = newSession(changes);
      expect(await store.create(session)).toBe(true);
      return session;
    };

    describe('keeps sessions', () => {
      it('answers absence, and does not throw for it', async () => {
        expect(await store.read(randomKey())).toBeUndefined();
      });

      it('gives back what was created, byte for byte', async () => {
        const bytes = Buffer.from([0, 255, 13, 10, 36, 45, 1, 128]);
        const session = await created({ sealed: bytes, tokens: Buffer.from('\r\n$-1\r\n'), card: Buffer.from([0]) });

        expect(await store.read(session.id)).toEqual({
          version: 1,
          sealed: bytes,
          seenAt: session.seenAt,
          tokens: { version: 1, sealed: Buffer.from('\r\n$-1\r\n'), spending: undefined },
          card: Buffer.from([0]),
        });
      });

      it('creates an id once: the same again is a repeat, another is refused', async () => {
        const session = await created();

        expect(await store.create(session)).toBe(true);
        expect(await store.create({ ...newSession(), id: session.id })).toBe(false);
        expect((await store.read(session.id))?.sealed).toEqual(session.sealed);
      });

      it('SE-04: forgets a session at its end', async () => {
        const { id } = await created({ expiresAt: systemClock.now() + 150 });
        expect(await store.read(id)).toBeDefined();

        await eventually(async () => (await store.read(id)) === undefined, 2_000);
      });

      it('answers a ping', async () => {
        expect(await store.ping()).toBe(true);
      });
    });

    describe('writes a record only over the version it was made from', () => {
      it('counts the write', async () => {
        const { id } = await created();
        const sealed = randomBytes(50);

        expect(await store.replaceRecord({ id, version: 1, sealed })).toBe(true);
        expect(await store.read(id)).toMatchObject({ version: 2, sealed, tokens: { version: 1 } });
      });

      it('takes a repeat for done, and refuses one that comes too late', async () => {
        const { id } = await created();
        const write = { id, version: 1, sealed: randomBytes(50) };
        await store.replaceRecord(write);

        expect(await store.replaceRecord(write)).toBe(true);
        expect(await store.replaceRecord({ ...write, sealed: randomBytes(50) })).toBe(false);
        expect(await store.read(id)).toMatchObject({ version: 2, sealed: write.sealed });
      });

      it('lets one of many at the same time through', async () => {
        const { id } = await created();
        const writes = Array.from({ length: 20 }, () => ({ id, version: 1, sealed: randomBytes(20) }));

        const answers = await Promise.all(writes.map((write) => store.replaceRecord(write)));

        expect(answers.filter(Boolean)).toHaveLength(1);
        expect((await store.read(id))?.sealed).toEqual(writes[answers.indexOf(true)]?.sealed);
      });
    });

    describe('takes the same content sealed anew', () => {
      it('TS-06: without counting it, and with a claim standing', async () => {
        const session = await created();
        const claim = claimOn(session, 'me');
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
        const session = await created();

        expect(await store.reseal({ id: session.id, record, tokens, card: randomBytes(9) })).toBe(false);
        expect(await store.read(session.id)).toMatchObject({ sealed: session.sealed, card: session.card });
      });
    });

    describe('notes activity', () => {
      it('SE-04: moves the end, and changes no version', async () => {
        const session = await created({ expiresAt: systemClock.now() + 400 });
        const seenAt = session.seenAt + 100;

        expect(await store.touch(session.id, { seenAt, expiresAt: systemClock.now() + hour })).toBe(true);
        await eventually(() => systemClock.now() > session.expiresAt + 50, 2_000);
        expect(await store.read(session.id)).toMatchObject({ version: 1, seenAt, tokens: { version: 1 } });
      });

      it('moves the end back, too', async () => {
        const { id, seenAt } = await created();

        await store.touch(id, { seenAt, expiresAt: systemClock.now() + 100 });

        await eventually(async () => (await store.read(id)) === undefined, 2_000);
      });

      it('lets an older activity change nothing', async () => {
        const { id, seenAt } = await created();
        await store.touch(id, { seenAt: seenAt + 500, expiresAt: systemClock.now() + hour });

        expect(await store.touch(id, { seenAt: seenAt + 100, expiresAt: systemClock.now() + 1 })).toBe(true);
        expect((await store.read(id))?.seenAt).toBe(seenAt + 500);
      });

      it('races with no write: both take place', async () => {
        const { id, seenAt } = await created();
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

    describe('gives the refresh token to one owner at a time', () => {
      it('begins a claim, shows it, and takes its repeat for begun', async () => {
        const session = await created();
        const claim = claimOn(session, 'me');

        expect(await store.beginSpending(claim)).toBe('begun');
        expect(await store.beginSpending(claim)).toBe('begun');
        expect((await store.read(session.id))?.tokens.spending).toEqual({ owner: 'me', until: claim.until });
      });

      it('is busy for others, also when the claim has run out', async () => {
        const session = await created();
        await store.beginSpending({ ...claimOn(session, 'me'), until: 1 });

        expect(await store.beginSpending(claimOn(session, 'other'))).toBe('busy');
      });

      it('has one winner of many at the same time', async () => {
        const session = await created();
        const owners = Array.from({ length: 20 }, (_, place) => `owner-${place}`);

        const answers = await Promise.all(owners.map((owner) => store.beginSpending(claimOn(session, owner))));

        expect(answers.filter((answer) => answer === 'begun')).toHaveLength(1);
        expect(answers.filter((answer) => answer === 'busy')).toHaveLength(19);
      });

      it('says changed for tokens that are no longer these, and gone without a session', async () => {
        const session = await created();

        expect(await store.beginSpending(claimOn(session, 'me', 2))).toBe('changed');
        expect(await store.beginSpending(claimOn({ id: randomKey() }, 'me'))).toBe('gone');
      });

      it("extends one's own claim alone", async () => {
        const session = await created();
        await store.beginSpending(claimOn(session, 'me'));
        const later = { ...claimOn(session, 'me'), until: systemClock.now() + 99_000 };

        expect(await store.extendSpending({ ...later, owner: 'other' })).toBe(false);
        expect(await store.extendSpending(later)).toBe(true);
        expect((await store.read(session.id))?.tokens.spending?.until).toBe(later.until);
      });

      it("takes one's own claim back unspent, and lets another begin", async () => {
        const session = await created();
        await store.beginSpending(claimOn(session, 'me'));

        expect(await store.abandonSpending(claimOn(session, 'other'))).toBe(false);
        expect(await store.abandonSpending(claimOn(session, 'me'))).toBe(true);
        expect(await store.abandonSpending(claimOn(session, 'me'))).toBe(false);
        expect(await store.beginSpending(claimOn(session, 'other'))).toBe('begun');
      });

      it('saves new tokens and ends the claim', async () => {
        const session = await created();
        const claim = claimOn(session, 'me');
        await store.beginSpending(claim);
        const sealed = randomBytes(80);

        expect(await store.saveTokens(claim, sealed)).toBe(true);
        expect(await store.read(session.id)).toMatchObject({ version: 1, tokens: { version: 2, sealed } });
        expect((await store.read(session.id))?.tokens.spending).toBeUndefined();
        expect(await store.beginSpending(claimOn(session, 'other'))).toBe('changed');
        expect(await store.beginSpending(claimOn(session, 'other', 2))).toBe('begun');
      });

      it('takes a repeated save for done, also when it was sealed again', async () => {
        const session = await created();
        const claim = claimOn(session, 'me');
        await store.beginSpending(claim);
        const sealed = randomBytes(80);
        await store.saveTokens(claim, sealed);

        expect(await store.saveTokens(claim, sealed)).toBe(true);
        expect(await store.saveTokens(claim, randomBytes(80))).toBe(true);
        expect(await store.read(session.id)).toMatchObject({ tokens: { version: 2, sealed } });
      });

      it('refuses to save for whom the claim is not', async () => {
        const session = await created();

        expect(await store.saveTokens(claimOn(session, 'me'), randomBytes(8))).toBe(false);
        await store.beginSpending(claimOn(session, 'me'));
        expect(await store.saveTokens(claimOn(session, 'other'), randomBytes(8))).toBe(false);
        expect(await store.saveTokens(claimOn(session, 'me', 2), randomBytes(8))).toBe(false);
        await store.abandonSpending(claimOn(session, 'me'));
        expect(await store.saveTokens(claimOn(session, 'me'), randomBytes(8))).toBe(false);
        expect(await store.read(session.id)).toMatchObject({ tokens: { version: 1, sealed: session.tokens } });
      });
    });

    describe('ends sessions', () => {
      it('LO-01, TS-11: removes every part and tells all listeners', async () => {
        const { id } = await created();
        const told: [string, EndReason][] = [];
        const stop = store.onEnded((ended, reason) => told.push([ended, reason]));

        expect(await store.end(id, 'signed-out')).toBe(true);
        expect(await store.read(id)).toBeUndefined();
        await eventually(() => expect(told).toEqual([[id, 'signed-out']]));

        const second = await created();
        stop();
        await store.end(second.id, 'idle');
        const third = await created();
        const stopThird = store.onEnded((ended, reason) => told.push([ended, reason]));
        await store.end(third.id, 'revoked');
        await eventually(() => expect(told).toContainEqual([third.id, 'revoked']));
        expect(told).not.toContainEqual([second.id, 'idle']);
        stopThird();
      });

      it('answers that there was none, and tells nobody', async () => {
        const [ended, other] = [await created(), await created()];
        const told: string[] = [];
        const stop = store.onEnded((id) => told.push(id));
        await store.end(ended.id, 'idle');

        expect(await store.end(ended.id, 'idle')).toBe(false);
        await store.end(other.id, 'idle');
        await eventually(() => expect(told).toEqual([ended.id, other.id]));
        stop();
      });

      it('LO-01: nothing revives an ended session', async () => {
        const session = await created();
        const { id } = session;
        const claim = claimOn(session, 'me');
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
        const session = await created();
        const { id } = session;
        const claim = claimOn(session, 'me');
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
        await store.addToIndex({ index: 'sub', key, id: 'short', expiresAt: now + 150 }, 1);

        await eventually(async () => expect(await store.membersOf('sub', key)).toEqual(['long']), 2_000);
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

        await eventually(async () => expect(await store.notBefore('sub', key)).toBeUndefined(), 2_000);
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

        expect(await eventually(() => store.useOnce('state', hash, { id: 'second', ttlMs: hour }), 2_000)).toBe(true);
      });
    });
  });
}
