import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Secret } from '../../../src/base/secret.ts';
import { ProblemError } from '../../../src/errors.ts';
import {
  type CacheBounds,
  type CacheReports,
  cacheBounds,
  entryLifeMs,
  entryStayMs,
  SessionCache,
} from '../../../src/session/session-cache.ts';
import { SessionSnapshot } from '../../../src/session/snapshot.ts';
import { ManualClock } from '../../support/clock.ts';
import { lifetimes, newKeySecret, type SessionsAt, type SignedIn, sessionsAt, tokensAt } from './sessions-at.ts';
import { SlowStore } from './slow-store.ts';

const minute = 60_000;
let clock: ManualClock;
let store: SlowStore;
let secret: Secret;
let at: SessionsAt;

beforeEach(() => {
  clock = new ManualClock();
  store = new SlowStore({ clock });
  secret = newKeySecret();
  at = sessionsAt({ store, clock, secrets: [secret] });
});

afterEach(() => store.close());

const look = (cookie: string) => at.sessions.look(at.request(cookie));

/** How often the store is asked for the whole session when a cookie is looked at. */
async function readsFor(cookie: string): Promise<number> {
  const before = store.reads;
  await look(cookie);
  return store.reads - before;
}

/** Which questions to the store the look at a cookie costs. */
async function asksFor(cookie: string): Promise<{ reads: number; looks: number }> {
  const { looks } = store;
  const reads = await readsFor(cookie);
  return { reads, looks: store.looks - looks };
}

const nothing = { reads: 0, looks: 0 };
const oneLook = { reads: 0, looks: 1 };

/** A session that was looked at, and so is held. */
async function held(): Promise<SignedIn> {
  const signedIn = await at.signIn();
  await look(signedIn.cookie);
  expect(await asksFor(signedIn.cookie)).toEqual(nothing);
  return signedIn;
}

/** A look that has asked the store, which answers when `answer` is called. */
async function slowLook(cookie: string) {
  const answer = store.hold();
  const slow = look(cookie);
  await store.asked;
  return { slow, answer };
}

/** The cookie of another signature over the same secret. */
const resigned = (cookie: string) => cookie.slice(0, -1) + (cookie.endsWith('A') ? 'B' : 'A');

describe('a session that was opened a moment ago', () => {
  it('costs no question to the store, and is the one that lies there', async () => {
    const { session, cookie } = await held();

    expect(await look(cookie)).toEqual(session);
    expect(await asksFor(cookie)).toEqual(nothing);
  });

  it('SE-04: is opened at once while it lives, and not beyond its idle end', async () => {
    const { session, cookie } = await held();
    expect(at.sessions.openHeld(at.request(cookie))?.session).toEqual(session);
    expect(at.sessions.openHeld(at.request(resigned(cookie)))).toBeUndefined();

    await clock.advance(lifetimes.idleTimeoutMs - 1_000);
    await at.sessions.reread(session);
    await look(cookie);
    await clock.advance(1_000);

    expect(at.sessions.openHeld(at.request(cookie))).toBeUndefined();
  });

  it('is compared with the store after thirty seconds, and read no second time', async () => {
    const { session, cookie } = await held();

    await clock.advance(entryLifeMs);
    expect(at.sessions.openHeld(at.request(cookie))).toBeUndefined();
    expect(await asksFor(cookie)).toEqual(oneLook);
    expect(await asksFor(cookie)).toEqual(nothing);
    expect(await look(cookie)).toEqual(session);
  });

  it('is compared ahead of that where it is in use, so that no request waits', async () => {
    const { cookie } = await held();

    for (let second = 0; second < 120; second++) {
      await clock.advance(1_000);
      expect(at.sessions.openHeld(at.request(cookie))).toBeDefined();
    }

    expect(store.reads).toBe(1);
    expect(store.looks).toBe(4);
  });

  it('is compared ahead with few others at a time, each once', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => held()));
    await clock.advance(entryLifeMs - 1);
    const answer = store.hold();

    for (const { cookie } of [...all, ...all]) expect(at.sessions.openHeld(at.request(cookie))).toBeDefined();
    expect(store.looks).toBe(8);
    answer();
    await clock.advance(1);

    expect([store.looks, store.mostLooksAtOnce]).toEqual([50, 8]);
    for (const { cookie } of all) expect(at.sessions.openHeld(at.request(cookie))).toBeDefined();
  });

  it('is read whole where an older key signed or sealed it, so that it is seen that this key is in use', async () => {
    const { cookie } = await held();
    at.keys.replace([newKeySecret(), secret]);
    await look(cookie);

    await clock.advance(entryLifeMs);

    expect(await asksFor(cookie)).toEqual({ reads: 1, looks: 0 });
    expect(at.reports.keyUses.at(-1)).toMatch(/^older /);
  });

  it('goes when nobody used it for two minutes', async () => {
    const { cookie } = await held();

    await clock.advance(entryStayMs - 1);
    expect(await asksFor(cookie)).toEqual(oneLook);
    await clock.advance(entryStayMs + entryLifeMs);

    expect(await asksFor(cookie)).toEqual({ reads: 1, looks: 0 });
  });

  it('is found by its whole cookie only: another signature over its secret is forged', async () => {
    const { cookie } = await held();

    const request = at.request(resigned(cookie));

    await expect(at.sessions.open(request)).rejects.toMatchObject({ code: 'session-ended' });
    expect(request.record.detail).toBe('session: forged');
    expect(await readsFor(resigned(cookie))).toBe(0);
  });

  it('is never that of another cookie', async () => {
    const alice = await held();
    const bob = await held();

    expect((await look(alice.cookie))?.id).toBe(alice.session.id);
    expect((await look(bob.cookie))?.id).toBe(bob.session.id);
  });

  it('does not outlive its key: a cookie of a retired key is refused at once', async () => {
    const { cookie } = await held();

    at.keys.replace([newKeySecret()]);

    expect(await look(cookie)).toBeUndefined();
  });

  it('SE-04, SE-05: is judged by the time at each request: idle and lifetime end it while it is held', async () => {
    const { cookie } = await held();
    await clock.advance(lifetimes.idleTimeoutMs - entryLifeMs / 2);
    expect(await readsFor(cookie)).toBe(1);

    await clock.advance(entryLifeMs / 2);

    expect(await look(cookie)).toBeUndefined();
  });

  it('SE-13: is not used while the store would not tell of changes', async () => {
    const { cookie } = await held();

    store.isInTouch = false;
    expect(await asksFor(cookie)).toEqual({ reads: 1, looks: 0 });
    store.isInTouch = true;
    await look(cookie);

    expect(await asksFor(cookie)).toEqual(nothing);
  });
});

describe('a change by this process', () => {
  it('LO-01: ends what is held in the moment the sign-out is acknowledged', async () => {
    const { session, cookie } = await held();

    const isRefused = await at.sessions.end(session, 'signed-out').then(() => look(cookie));

    expect(isRefused).toBeUndefined();
  });

  it('shows new tokens and new claims at the next request', async () => {
    const { session, cookie } = await held();
    const claim = { owner: 'me', until: clock.now() + minute };
    const tokens = tokensAt(clock.now(), { refreshToken: 'the-next' });

    expect(await at.sessions.beginSpending(session, claim)).toBe('begun');
    expect((await look(cookie))?.spending).toEqual(claim);
    const saved = await at.sessions.saveTokens(session, claim, tokens);
    expect((await look(cookie))?.tokens.refreshToken).toBe('the-next');
    const named = { ...session.identity, claims: { name: 'Another' } };
    await at.sessions.replaceIdentity(saved ?? session, named);

    expect((await look(cookie))?.identity.claims).toEqual({ name: 'Another' });
  });

  it('wakes whoever waits for it, and nobody else', async () => {
    const [mine, other] = [await held(), await held()];
    const woken: string[] = [];
    const wait = async (name: string, { session }: SignedIn) => {
      await at.sessions.changed(session, minute);
      woken.push(name);
    };
    const waiting = [wait('mine', mine), wait('other', other)];

    await at.sessions.end(mine.session, 'signed-out');
    await waiting[0];
    expect(woken).toEqual(['mine']);
    await clock.advance(minute);
    await waiting[1];

    expect(woken).toEqual(['mine', 'other']);
  });
});

describe('a reading', () => {
  it('LO-01: that a change overtakes is not kept', async () => {
    const { session, cookie } = await at.signIn();
    const { slow, answer } = await slowLook(cookie);

    await at.sessions.end(session, 'signed-out');
    answer();
    await slow;

    expect(await look(cookie)).toBeUndefined();
  });

  it('that nothing overtakes is kept, also when another session changed meanwhile', async () => {
    const [{ cookie }, other] = [await at.signIn(), await at.signIn()];
    const { slow, answer } = await slowLook(cookie);

    await store.end(other.session.id, 'signed-out');
    answer();
    await slow;

    expect(await readsFor(cookie)).toBe(0);
  });

  it('that a change of keys overtakes is not kept', async () => {
    const { cookie } = await at.signIn();
    const { slow, answer } = await slowLook(cookie);

    at.keys.replace([newKeySecret()]);
    answer();
    await slow;

    expect(await look(cookie)).toBeUndefined();
  });
});

describe('a comparison', () => {
  /** A session that is held and was changed elsewhere, of which the store has told. */
  async function changedElsewhere(change: (signedIn: SignedIn) => Promise<unknown>): Promise<SignedIn> {
    const signedIn = await held();
    await change(signedIn);
    return signedIn;
  }

  it('SE-04: shows the activity that another noted, and reads nothing else again', async () => {
    const { session, cookie } = await changedElsewhere(({ session: { id } }) =>
      store.touch(id, { seenAt: clock.now() + 5_000, expiresAt: clock.now() + minute }),
    );

    expect(await asksFor(cookie)).toEqual(oneLook);
    expect(await look(cookie)).toEqual({ ...session, seenAt: clock.now() + 5_000 });
    expect(await asksFor(cookie)).toEqual(nothing);
  });

  it('shows that another spends the refresh token, and that it was given back', async () => {
    const claim = { owner: 'another', until: clock.now() + minute };
    const spending = ({ session: { id } }: SignedIn) => ({ id, version: 1, ...claim });
    const signedIn = await changedElsewhere((of) => store.beginSpending(spending(of)));

    expect((await look(signedIn.cookie))?.spending).toEqual(claim);
    await store.abandonSpending(spending(signedIn));
    expect((await look(signedIn.cookie))?.spending).toBeUndefined();

    expect(store.reads).toBe(1);
  });

  it.each([
    [
      'new tokens',
      async ({ session }: SignedIn) => {
        const claim = { owner: 'another', until: clock.now() + minute };
        await at.sessions.beginSpending(session, claim);
        await at.sessions.saveTokens(session, claim, tokensAt(clock.now(), { refreshToken: 'the-next' }));
      },
      { tokens: { refreshToken: 'the-next' } },
    ],
    [
      'other claims',
      ({ session }: SignedIn) =>
        at.sessions.replaceIdentity(session, { ...session.identity, claims: { name: 'Another' } }),
      { identity: { claims: { name: 'Another' } } },
    ],
  ] as const)('that finds %s reads the session', async (_what, change, seen) => {
    const { cookie } = await changedElsewhere(change);

    expect(await asksFor(cookie)).toEqual({ reads: 1, looks: 1 });
    expect(await look(cookie)).toMatchObject(seen);
    expect(await asksFor(cookie)).toEqual(nothing);
  });

  it('LO-01: that an end overtakes is not kept', async () => {
    const { session, cookie } = await held();
    await clock.advance(entryLifeMs);
    const { slow, answer } = await slowLook(cookie);

    await at.sessions.end(session, 'signed-out');
    answer();
    await slow;

    expect(at.sessions.openHeld(at.request(cookie))).toBeUndefined();
    expect(await look(cookie)).toBeUndefined();
  });

  it('that a write overtakes is not kept', async () => {
    const { session, cookie } = await held();
    await clock.advance(entryLifeMs);
    const { slow, answer } = await slowLook(cookie);

    const claim = { owner: 'another', until: clock.now() + minute };
    await at.sessions.beginSpending(session, claim);
    answer();
    await slow;

    expect((await look(cookie))?.spending).toEqual(claim);
  });

  it('that is under way when contact is lost is not believed: what answers may be another master', async () => {
    const { session, cookie } = await held();
    await clock.advance(entryLifeMs);
    const { slow, answer } = await slowLook(cookie);
    const { reads } = store;

    store.tellGap();
    answer();

    expect(await slow).toEqual(session);
    expect(store.reads - reads).toBe(1);
    expect(await asksFor(cookie)).toEqual(nothing);
  });

  it('finds that another sealed it anew, and reads it', async () => {
    const { session, cookie } = await held();
    const { version, sealed, tokens, card } = (await store.read(session.id)) ?? expect.unreachable();
    await store.reseal({ id: session.id, record: { version, sealed }, tokens, card });

    expect(await asksFor(cookie)).toEqual({ reads: 1, looks: 1 });
    expect(await asksFor(cookie)).toEqual(nothing);
  });

  it('LO-01: finds that a session has ended of which nobody told', async () => {
    const { session, cookie } = await held();
    store.isMute = true;
    await store.end(session.id, 'signed-out');
    store.isMute = false;
    expect(await look(cookie)).toBeDefined();

    await clock.advance(entryLifeMs);

    expect(await look(cookie)).toBeUndefined();
  });

  it('that a change of keys overtakes is not kept', async () => {
    const { cookie } = await held();
    await clock.advance(entryLifeMs);
    const { slow, answer } = await slowLook(cookie);

    at.keys.replace([newKeySecret()]);
    answer();
    await slow;

    expect(await look(cookie)).toBeUndefined();
  });

  it('that fails is no sign-out: the request is refused, and the next asks again', async () => {
    const { cookie } = await held();
    await clock.advance(entryLifeMs);
    const { readState } = store;
    store.readState = () => Promise.reject(new ProblemError('store-unavailable'));

    await expect(look(cookie)).rejects.toMatchObject({ code: 'store-unavailable' });
    store.readState = readState;

    expect(await asksFor(cookie)).toEqual(oneLook);
  });

  it('SE-13: that fails ahead of the end leaves what is held until then', async () => {
    const { cookie } = await held();
    store.readState = () => Promise.reject(new ProblemError('store-unavailable'));

    await clock.advance(entryLifeMs - 1);
    expect(at.sessions.openHeld(at.request(cookie))).toBeDefined();
    await clock.advance(1);

    expect(at.sessions.openHeld(at.request(cookie))).toBeUndefined();
  });
});

describe('activity', () => {
  it('SE-04: is noted once in a tenth of the idle timeout, whatever number of requests', async () => {
    const { cookie } = await held();
    const tenth = lifetimes.idleTimeoutMs / 10;
    const hundredRequests = () =>
      Promise.all(Array.from({ length: 100 }, () => at.sessions.open(at.request(cookie)))).then(() => look(cookie));

    await clock.advance(tenth - 1);
    await hundredRequests();
    expect(store.touches).toBe(0);
    await clock.advance(1);
    await hundredRequests();
    await hundredRequests();
    expect(store.touches).toBe(1);

    expect((await look(cookie))?.seenAt).toBe(clock.now());
  });

  it('SE-04: is noted once, also for a reading from before the note', async () => {
    const { cookie } = await held();
    await clock.advance(lifetimes.idleTimeoutMs / 10);
    const answer = store.hold();
    const slow = at.sessions.open(at.request(cookie));
    await store.asked;
    store.pass();
    await at.sessions.open(at.request(cookie));
    await look(cookie);
    expect(store.touches).toBe(1);

    answer();
    await slow;

    expect(store.touches).toBe(1);
  });

  it('SE-04: noted elsewhere keeps a session that looks idle by what is held here', async () => {
    const { session, cookie } = await held();
    await clock.advance(lifetimes.idleTimeoutMs - entryLifeMs / 2);
    await look(cookie);
    store.isMute = true;
    await store.touch(session.id, { seenAt: clock.now(), expiresAt: clock.now() + lifetimes.idleTimeoutMs });
    store.isMute = false;
    expect((await look(cookie))?.seenAt).toBeLessThan(clock.now());
    await clock.advance(entryLifeMs / 2);

    expect(await look(cookie)).toBeDefined();
  });
});

describe('the bounds', () => {
  interface Small {
    readonly cache: SessionCache;
    readonly told: string[];
    holding: readonly [entries: number, bytes: number];
  }

  function smallCache(bounds: CacheBounds): Small {
    const small: { told: string[]; holding: readonly [number, number] } = { told: [], holding: [0, 0] };
    const cacheReports: CacheReports = {
      looked: (result) => small.told.push(result),
      dropped: (reason, count) => small.told.push(`${reason} ${count}`),
      holds: (...holding) => {
        small.holding = holding;
      },
    };
    const cache = new SessionCache({ store, keys: at.keys, clock, cacheReports, bounds });
    return Object.assign(small, { cache });
  }

  async function fill({ cache }: Small, { count, storedBytes }: { count: number; storedBytes: number }) {
    const all: SignedIn[] = [];
    for (let n = 0; n < count; n++) {
      const signedIn = await at.signIn();
      const { session, cookie } = signedIn;
      if (!(session instanceof SessionSnapshot)) throw new Error('not opened by a store');
      await cache.keep({ cookie, id: session.id, isCurrent: true }, async () => ({ found: session, storedBytes }));
      all.push(signedIn);
    }
    return all;
  }

  it('hold on entries: the one used longest ago goes first', async () => {
    const small = smallCache({ entries: 3, bytes: cacheBounds.bytes });

    const [first, second, third] = await fill(small, { count: 3, storedBytes: 1_000 });
    small.cache.get(first?.cookie ?? '');
    const [fourth] = await fill(small, { count: 1, storedBytes: 1_000 });

    expect(small.holding[0]).toBe(3);
    expect([first, second, third, fourth].map((one) => small.cache.get(one?.cookie ?? '') !== undefined)).toEqual([
      ...[true, false, true, true],
    ]);
  });

  it('hold on bytes, and what is too large alone is not kept', async () => {
    const bytes = 100_000;
    const small = smallCache({ entries: 1_000, bytes });

    await fill(small, { count: 20, storedBytes: 10_000 });
    const [entries, held] = small.holding;
    expect(entries).toBeGreaterThan(2);
    expect(entries).toBeLessThan(10);
    expect(held).toBeGreaterThan(bytes / 2);
    expect(held).toBeLessThanOrEqual(bytes);

    const [large] = await fill(small, { count: 1, storedBytes: bytes });
    expect(small.cache.get(large?.cookie ?? '')).toBeUndefined();
  });

  it('hold on sessions: one that comes under another cookie is held once', async () => {
    const small = smallCache(cacheBounds);
    const [one] = await fill(small, { count: 1, storedBytes: 1_000 });
    if (!(one?.session instanceof SessionSnapshot)) throw new Error('not opened by a store');
    const found = one.session;

    const asked = { cookie: 'its other cookie', id: found.id, isCurrent: true };
    await small.cache.keep(asked, async () => ({ found, storedBytes: 1_000 }));

    expect(small.holding[0]).toBe(1);
    expect(small.cache.get(one.cookie)).toBeUndefined();
    expect(small.cache.get('its other cookie')).toBe(found);
  });

  it('are told, as are hits, misses and what was dropped', async () => {
    const small = smallCache(cacheBounds);
    const [first, second] = await fill(small, { count: 2, storedBytes: 1_000 });
    if (first === undefined || second === undefined) throw new Error('nobody was signed in');

    small.cache.get(first.cookie);
    await store.end(first.session.id, 'signed-out');
    at.keys.replace([newKeySecret()]);
    expect(small.cache.get(second.cookie)).toBeUndefined();

    expect(small.told).toEqual(['miss', 'miss', 'hit', 'changed 1', 'keys 1']);
    expect(small.holding).toEqual([0, 0]);
  });
});
