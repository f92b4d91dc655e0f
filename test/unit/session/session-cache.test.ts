import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemorySessionStore } from '../../../src/session/memory-store.ts';
import {
  type CacheBounds,
  type CacheReports,
  cacheBounds,
  entryLifeMs,
  SessionCache,
} from '../../../src/session/session-cache.ts';
import { SessionSnapshot } from '../../../src/session/snapshot.ts';
import type { ChangedListener, StoredSession } from '../../../src/session/store.ts';
import { ManualClock } from '../../support/clock.ts';
import { lifetimes, newKeySecret, type SessionsAt, type SignedIn, sessionsAt, tokensAt } from './sessions-at.ts';

/** A store whose reads are counted, and whose answers to them can be held back. */
class SlowStore extends MemorySessionStore {
  reads = 0;
  touches = 0;
  override isInTouch = true;
  /** Whether it tells nobody of changes: they were made elsewhere, and the news is on its way. */
  isMute = false;
  #held: PromiseWithResolvers<void> | undefined;

  /** What is read from now on is answered when the returned function is called. */
  hold(): () => void {
    const held = Promise.withResolvers<void>();
    this.#held = held;
    return () => {
      this.#held = undefined;
      held.resolve();
    };
  }

  /** Holds back nothing that is read from now on. */
  pass(): void {
    this.#held = undefined;
  }

  override onChanged(listener: ChangedListener): () => void {
    return super.onChanged((id) => {
      if (!this.isMute) listener(id);
    });
  }

  override async read(id: string): Promise<StoredSession | undefined> {
    this.reads += 1;
    const held = this.#held?.promise;
    const stored = await super.read(id);
    await held;
    return stored;
  }

  override touch(...activity: Parameters<MemorySessionStore['touch']>): Promise<boolean> {
    this.touches += 1;
    return super.touch(...activity);
  }
}

const minute = 60_000;
let clock: ManualClock;
let store: SlowStore;
let at: SessionsAt;

beforeEach(() => {
  clock = new ManualClock();
  store = new SlowStore({ clock });
  at = sessionsAt({ store, clock });
});

afterEach(() => store.close());

const look = (cookie: string) => at.sessions.look(at.request(cookie));

/** How many questions to the store the look at a cookie costs. */
async function readsFor(cookie: string): Promise<number> {
  const before = store.reads;
  await look(cookie);
  return store.reads - before;
}

/** A session that was looked at, and so is held. */
async function held(): Promise<SignedIn> {
  const signedIn = await at.signIn();
  await look(signedIn.cookie);
  expect(await readsFor(signedIn.cookie)).toBe(0);
  return signedIn;
}

/** The cookie of another signature over the same secret. */
const resigned = (cookie: string) => cookie.slice(0, -1) + (cookie.endsWith('A') ? 'B' : 'A');

describe('a session that was opened a moment ago', () => {
  it('costs no question to the store, and is the one that lies there', async () => {
    const { session, cookie } = await held();

    expect(await look(cookie)).toEqual(session);
    expect(await readsFor(cookie)).toBe(0);
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

  it('is read again after thirty seconds', async () => {
    const { cookie } = await held();

    await clock.advance(entryLifeMs - 1);
    expect(await readsFor(cookie)).toBe(0);
    await clock.advance(1);
    expect(await readsFor(cookie)).toBe(1);
    expect(await readsFor(cookie)).toBe(0);
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
    expect(await readsFor(cookie)).toBe(1);
    store.isInTouch = true;
    await look(cookie);

    expect(await readsFor(cookie)).toBe(0);
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
    const answer = store.hold();
    const slow = look(cookie);

    await at.sessions.end(session, 'signed-out');
    answer();
    await slow;

    expect(await look(cookie)).toBeUndefined();
  });

  it('that nothing overtakes is kept, also when another session changed meanwhile', async () => {
    const [{ cookie }, other] = [await at.signIn(), await at.signIn()];
    const answer = store.hold();
    const slow = look(cookie);

    await store.end(other.session.id, 'signed-out');
    answer();
    await slow;

    expect(await readsFor(cookie)).toBe(0);
  });

  it('that a change of keys overtakes is not kept', async () => {
    const { cookie } = await at.signIn();
    const answer = store.hold();
    const slow = look(cookie);

    at.keys.replace([newKeySecret()]);
    answer();
    await slow;

    expect(await look(cookie)).toBeUndefined();
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
      await cache.keep({ cookie, id: session.id }, async () => ({ found: session, storedBytes }));
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

    await small.cache.keep({ cookie: 'its other cookie', id: found.id }, async () => ({ found, storedBytes: 1_000 }));

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
