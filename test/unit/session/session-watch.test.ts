import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProblemError } from '../../../src/errors.ts';
import { MemorySessionStore } from '../../../src/session/memory-store.ts';
import type { EndReason, OpenedSession } from '../../../src/session/session.ts';
import { type SessionChange, SessionWatch } from '../../../src/session/session-watch.ts';
import type { EndedListener } from '../../../src/session/store.ts';
import { ManualClock } from '../../support/clock.ts';
import { beginningAt, lifetimes, type SessionsAt, sessionsAt, tokensAt } from './sessions-at.ts';

const minute = 60_000;

let clock: ManualClock;
let store: MemorySessionStore;
let at: SessionsAt;
let watch: SessionWatch;
let held: string[];
/** How often the store was asked, and whether it is away. */
let reads: number;
let isAway: boolean;
let tellOfGap: () => void;

beforeEach(() => {
  clock = new ManualClock();
  store = new MemorySessionStore({ clock });
  at = sessionsAt({ store, clock });
  held = [];
  reads = 0;
  isAway = false;
  const read = store.read.bind(store);
  store.read = (id) => {
    reads += 1;
    return isAway ? Promise.reject(new ProblemError('store-unavailable')) : read(id);
  };
  watch = new SessionWatch({
    store: {
      onEnded: (listener: EndedListener, onGap?: () => void) => {
        tellOfGap = () => onGap?.();
        return store.onEnded(listener, onGap);
      },
    },
    sessions: at.sessions,
    reports: at.reports,
    lifetimes,
    clock,
    onEnded: (session, reason) => held.push(`${session.id} ${reason} ${session.tokens.refreshToken}`),
  });
});

afterEach(async () => {
  watch.close();
  await store.close();
});

async function watched(changes?: Parameters<SessionsAt['signIn']>[0]) {
  const { session, cookie } = await at.signIn(changes);
  const told: SessionChange[] = [];
  const stop = watch.watch(session, (change) => told.push(change));
  return { session, cookie, told, stop, kinds: () => told.map(({ kind }) => kind) };
}

const reasonsOf = (told: readonly SessionChange[]) =>
  told.flatMap((change): readonly EndReason[] => (change.kind === 'ended' ? [change.reason] : []));

describe('a watched session', () => {
  it('LO-26: its watchers hear at once why it ended, once, and are let go', async () => {
    const { session, told } = await watched();
    const second: SessionChange[] = [];
    watch.watch(session, (change) => second.push(change));
    const other = await watched();

    await at.sessions.end(session, 'back-channel');
    await at.sessions.end(session, 'signed-out');

    expect(told).toEqual([{ kind: 'ended', reason: 'back-channel' }]);
    expect(second).toEqual(told);
    expect(other.told).toEqual([]);
    expect(watch.size).toBe(1);
    expect(held).toEqual([`${session.id} back-channel refresh-token-of-alice`]);
  });

  it('tells who was let go nothing more, and keeps nothing of a session without watchers', async () => {
    const { session, told, stop } = await watched();
    const kept: SessionChange[] = [];
    watch.watch(session, (change) => kept.push(change));

    stop();
    stop();
    await at.sessions.end(session, 'revoked');

    expect(told).toEqual([]);
    expect(reasonsOf(kept)).toEqual(['revoked']);
    const next = await watched();
    next.stop();
    expect(watch.size).toBe(0);
    await at.sessions.end(next.session, 'revoked');
    expect(held).toHaveLength(1);
  });

  it('forgets a session without watchers by and by, and begins anew with one that is watched again', async () => {
    const { session, stop } = await watched();
    stop();
    await clock.advance(1_000);
    const again: SessionChange[] = [];
    watch.watch(session, (change) => again.push(change))();
    tellOfGap();
    await clock.advance(1_000);
    expect(reads).toBe(0);

    watch.watch(session, (change) => again.push(change));
    await at.sessions.end(session, 'revoked');

    expect(reasonsOf(again)).toEqual(['revoked']);
    expect(held).toHaveLength(1);
  });

  it('LO-26: one that ended between its opening and the watch is told of at once', async () => {
    const { session } = await at.signIn();
    await at.sessions.end(session, 'signed-out');
    const told: SessionChange[] = [];

    watch.watch(session, (change) => told.push(change));

    expect(told).toEqual([{ kind: 'ended', reason: 'signed-out' }]);
    expect(watch.size).toBe(0);
    expect((await watched()).told).toEqual([]);
  });

  it('asks the store nothing until an end comes near', async () => {
    const { told } = await watched();

    await clock.advance(29 * minute - 1);

    expect(reads).toBe(0);
    expect(told).toEqual([]);
    await clock.advance(500);
    expect(reads).toBe(1);
  });

  it('SE-04, SE-06: is warned of a minute ahead of the idle end, once, and ends in the store', async () => {
    const { session, told, kinds } = await watched();

    await clock.advance(29 * minute + 500);
    expect(kinds()).toEqual(['expiring']);
    await clock.advance(minute - 1_000);
    expect(kinds()).toEqual(['expiring']);
    await clock.advance(1_000);

    expect(kinds()).toEqual(['expiring', 'ended']);
    expect(reasonsOf(told)).toEqual(['idle']);
    expect(await store.read(session.id)).toBeUndefined();
    expect(held).toEqual([`${session.id} idle refresh-token-of-alice`]);
  });

  it('SE-04: goes on with activity that was noted elsewhere, and is warned of again', async () => {
    const { session, cookie, kinds } = await watched();
    const elsewhere = sessionsAt({ store, clock });
    await clock.advance(20 * minute);
    await at.sessions.open(at.request(cookie));
    await clock.advance(10 * minute);
    expect(kinds()).toEqual([]);
    await clock.advance(19 * minute + 500);
    expect(kinds()).toEqual(['expiring']);

    await at.sessions.open(at.request(cookie));
    await clock.advance(2 * minute);
    expect(kinds()).toEqual(['expiring']);
    await clock.advance(27 * minute + 500);
    expect(kinds()).toEqual(['expiring', 'expiring']);
    await clock.advance(minute);

    expect(kinds()).toEqual(['expiring', 'expiring', 'ended']);
    expect(await elsewhere.sessions.lookById(session.id)).toBeUndefined();
  });

  it('SE-05: ends at its lifetime, whatever the activity', async () => {
    const { cookie, told, kinds } = await watched();
    for (let passed = 0; passed < 8 * 60 - 10; passed += 10) {
      await clock.advance(10 * minute);
      await at.sessions.open(at.request(cookie));
    }
    expect(kinds()).toEqual([]);

    await clock.advance(9 * minute + 500);
    expect(kinds()).toEqual(['expiring']);
    await clock.advance(minute);

    expect(reasonsOf(told)).toEqual(['lifetime']);
  });

  it('SE-05: ends with its access token where there is no refresh token', async () => {
    const { told, kinds } = await watched({ tokens: tokensAt(clock.now(), { refreshToken: undefined }) });

    await clock.advance(4 * minute + 500);
    expect(kinds()).toEqual(['expiring']);
    await clock.advance(minute);

    expect(reasonsOf(told)).toEqual(['lifetime']);
  });
});

describe('what becomes known of a session', () => {
  async function renewed(session: OpenedSession, refreshToken: string): Promise<OpenedSession> {
    const claim = { owner: refreshToken, until: clock.now() + minute };
    await at.sessions.beginSpending(session, claim);
    const saved = await at.sessions.saveTokens(session, claim, tokensAt(clock.now(), { refreshToken }));
    if (saved === undefined) throw new Error('it lives');
    return saved;
  }

  it('is told once, whoever sees it and in whatever order', async () => {
    const { session, told, kinds } = await watched();
    const second = await renewed(session, 'second');
    const third = await renewed(second, 'third');

    watch.saw(second);
    watch.saw(third);
    watch.saw(second);
    watch.saw(session);
    watch.saw(third);

    expect(kinds()).toEqual(['refreshed', 'refreshed']);
    expect(told.at(-1)).toMatchObject({ session: { tokens: { refreshToken: 'third' } } });
    await at.sessions.end(session, 'idle');
    expect(held).toEqual([`${session.id} idle third`]);
  });

  it('is told of claims, and not of the same claims written again', async () => {
    const { session, kinds } = await watched();
    const { identity } = session;

    const changed = await at.sessions.replaceIdentity(session, { ...identity, claims: { name: 'Alice Bellamy' } });
    if (changed === undefined) throw new Error('it lives');
    watch.saw(changed);
    const again = await at.sessions.replaceIdentity(changed, { ...identity, claims: { name: 'Alice Bellamy' } });
    if (again === undefined) throw new Error('it lives');
    watch.saw(again);

    expect(kinds()).toEqual(['claims-changed']);
  });

  it('is told to those who watch when another begins to watch with something newer', async () => {
    const { session, kinds } = await watched();
    const newer = await renewed(session, 'second');

    watch.watch(newer, () => undefined);

    expect(kinds()).toEqual(['refreshed']);
  });

  it('is nothing for a session that nobody watches', async () => {
    const { session } = await at.signIn();
    watch.saw(session);
    expect(watch.size).toBe(0);
    expect((await watched()).told).toEqual([]);
  });
});

describe('when ends may have been missed', () => {
  it('LO-26: looks once at each, and finds those that are gone', async () => {
    const lives = await watched();
    const gone = await watched();
    await vanish(gone.session);

    tellOfGap();
    await clock.advance(0);

    expect(reasonsOf(gone.told)).toEqual(['revoked']);
    expect(lives.told).toEqual([]);
    expect(reads).toBe(2);
    await clock.advance(10 * minute);
    expect(reads).toBe(2);
  });

  it('says idle of one whose time was up meanwhile', async () => {
    const { session, told } = await watched();
    await clock.advance(28 * minute);
    await vanish(session);
    clock.advanceSync(2 * minute);

    tellOfGap();
    await clock.advance(0);

    expect(reasonsOf(told)).toEqual(['idle']);
  });

  it('SE-13: ends nobody while the store is away, and looks again until it can tell', async () => {
    const lives = await watched();
    const gone = await watched();
    await vanish(gone.session);
    isAway = true;

    tellOfGap();
    await clock.advance(10_000);
    expect([...lives.told, ...gone.told]).toEqual([]);
    expect(reads).toBeGreaterThan(4);
    expect(reads).toBeLessThan(16);
    isAway = false;
    await clock.advance(3_000);

    expect(reasonsOf(gone.told)).toEqual(['revoked']);
    expect(lives.told).toEqual([]);
  });

  it('SE-13: nor at the idle end, where only the store knows of activity elsewhere', async () => {
    const { kinds } = await watched();
    isAway = true;
    await clock.advance(31 * minute);
    expect(kinds()).toEqual([]);

    isAway = false;
    await clock.advance(3_000);
    expect(kinds()).toEqual(['ended']);
  });

  it('looks at few at a time, however many there are', async () => {
    const all = await Promise.all(Array.from({ length: 100 }, () => watched()));
    let underWay = 0;
    let most = 0;
    const read = store.read;
    store.read = async (id) => {
      most = Math.max(most, ++underWay);
      await Promise.resolve();
      underWay -= 1;
      return read(id);
    };

    tellOfGap();
    tellOfGap();
    for (let round = 0; round < 20; round++) await clock.advance(0);

    expect(reads).toBe(100);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(16);
    expect(all.flatMap(({ told }) => told)).toEqual([]);
  });
});

it('LO-26: looks through a session that is left while it is looked at, and does not end what others use', async () => {
  const { session, cookie, stop } = await watched();
  await clock.advance(28 * minute);
  await at.sessions.open(at.request(cookie)); // noted in the store, not known to the watch
  const gate = Promise.withResolvers<void>();
  const read = store.read;
  store.read = async (id) => {
    await gate.promise;
    return read(id);
  };
  await clock.advance(3 * minute); // past the end that the watch knows of

  stop();
  gate.resolve();
  await clock.advance(0);

  store.read = read;
  expect(await at.sessions.lookById(session.id)).toBeDefined();
  expect(held).toEqual([]);
});

/** Gone from the store, without a word. */
async function vanish({ id }: OpenedSession): Promise<void> {
  const other = new MemorySessionStore({ clock });
  const read = store.read;
  store.read = (asked) => {
    if (asked !== id || isAway) return read(asked);
    reads += 1;
    return other.read(asked);
  };
  await other.close();
}

it('closes without a word', async () => {
  const { session, told } = await watched({ ...beginningAt(clock.now()) });

  watch.close();
  await at.sessions.end(session, 'signed-out');
  await clock.advance(40 * minute);

  expect(told).toEqual([]);
  expect(clock.pending).toBeLessThanOrEqual(1); // the store's own
});
