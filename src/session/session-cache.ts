/**
 * Opened sessions, so that a browser known a moment ago costs no HMAC, no question to
 * the store and no unsealing.
 *
 * One entry for each session, found by the whole raw value of its cookie: what was
 * never verified finds nothing. An entry that the store tells a change of, or that is
 * thirty seconds old, is revalidated before it is used again: where the store still
 * counts the same writes, what was opened from them is the same. One in use is
 * revalidated ahead of its end. An entry goes when its session ended, when changes
 * may have been missed, when the keys changed, and when nobody used it for a while.
 * What a change overtakes while it is read is answered and not kept.
 *
 * Nothing here decides whether a session is over: whoever finds one looks at the time.
 *
 * @module
 */

import { LRUCache } from 'lru-cache';
import type { Clock } from '../base/clock.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { Revalidations } from './revalidations.ts';
import { SessionSnapshot } from './snapshot.ts';
import type { SessionStore } from './store.ts';

/** Why opened sessions are not used as they are any longer: one was written; contact with the store was lost; the keys are others. */
export type CacheLoss = 'changed' | 'out-of-touch' | 'keys';

/** Who is told how the cache does. */
export interface CacheReports {
  /** A request's cookie was looked for: it was held, held and stale and still the same, or read. */
  looked(result: 'hit' | 'revalidated' | 'miss'): void;
  /** `count` entries became stale or went. */
  dropped(reason: CacheLoss, count: number): void;
  /** What is held now. */
  holds(entries: number, bytes: number): void;
}

/** What a cache is made from. */
export interface SessionCacheParts {
  readonly store: Pick<SessionStore, 'readState' | 'onChanged' | 'onEnded' | 'isInTouch'>;
  readonly keys: Pick<KeyRing, 'entries'>;
  readonly clock: Pick<Clock, 'elapsed' | 'after'>;
  readonly cacheReports?: CacheReports | undefined;
  /** Its bounds; those of {@link cacheBounds} unless told otherwise. */
  readonly bounds?: CacheBounds | undefined;
}

/** How much a cache holds at most. */
export interface CacheBounds {
  readonly entries: number;
  /** As estimated from the stored bytes. */
  readonly bytes: number;
}

/** The bounds of every cache of the product. */
export const cacheBounds: CacheBounds = { entries: 10_000, bytes: 128 * 1024 * 1024 };

/** How long an entry is used without a question, ms: the bound on what a change that was never told can do. */
export const entryLifeMs = 30_000;
/** When one in use is revalidated, ms. */
const aheadMs = 20_000;
/** How long after it was read or revalidated an entry goes, ms: the bound on how long tokens that nobody uses stay in memory. */
export const entryStayMs = 120_000;

/** A session that was read, or why there is none, and how many bytes it has in the store. */
export interface SessionReading<Reason extends string> {
  readonly found: SessionSnapshot | Reason;
  readonly storedBytes: number;
}

interface Entry {
  snapshot: SessionSnapshot;
  /** By `Clock.elapsed`, of the beginning of the read. */
  readAt: number;
  isStale: boolean;
  /** Whether the active key signed and sealed all of it. Anything else is read whole, so that it is seen that an older key is in use. */
  readonly isCurrent: boolean;
}

/** Who asks: a cookie that was verified, the session that it names, and whether the active key signed it. */
interface Asked {
  readonly cookie: string;
  readonly id: string;
  readonly isCurrent: boolean;
}

/** A read under way. */
interface Read extends Asked {
  isOvertaken: boolean;
  readonly ring: KeyRing['entries'];
  readonly readAt: number;
}

/** Of the objects and strings that an entry consists of beside its content; of content: once as read and once in objects. */
const entryOverheadBytes = 4_096;
const copies = 2;

/** The opened sessions of one frontend. */
export class SessionCache {
  readonly #parts: SessionCacheParts;
  readonly #entries: LRUCache<string, Entry>;
  /** The cookie under which a session is held, by its id. */
  readonly #cookies = new Map<string, string>();
  readonly #reads = new Map<string, Set<Read>>();
  readonly #ahead = new Revalidations((cookie) => this.#renewed(cookie));
  #ring: KeyRing['entries'];
  #isSweepDue = false;

  constructor(parts: SessionCacheParts) {
    const { entries, bytes } = parts.bounds ?? cacheBounds;
    this.#parts = parts;
    this.#ring = parts.keys.entries;
    this.#entries = new LRUCache({
      max: entries,
      maxSize: bytes,
      dispose: ({ snapshot }, cookie) => {
        if (this.#cookies.get(snapshot.id) === cookie) this.#cookies.delete(snapshot.id);
      },
    });
    parts.store.onChanged((id) => (id === undefined ? this.#dropAll('out-of-touch') : this.#doubt(id)));
    parts.store.onEnded((id) => this.#forget(id));
  }

  /** The session of a cookie, where it is held and what is held can be relied on. */
  get(cookie: string): SessionSnapshot | undefined {
    this.#checkReliance();
    const entry = this.#entries.get(cookie);
    if (entry === undefined || entry.isStale) return undefined;
    const age = this.#parts.clock.elapsed() - entry.readAt;
    if (age >= entryLifeMs) return undefined;
    if (age >= aheadMs && entry.isCurrent) this.#ahead.ask(cookie);
    this.#parts.cacheReports?.looked('hit');
    return entry.snapshot;
  }

  /**
   * The session of a cookie that is held, as it is in the store now; `undefined` where it must be read. Throws
   * `store-unavailable` when it cannot be known.
   */
  async revalidated(cookie: string): Promise<SessionSnapshot | undefined> {
    const found = await this.#renewed(cookie);
    if (found !== undefined) this.#parts.cacheReports?.looked('revalidated');
    return found;
  }

  /** Reads the session of a verified cookie, and keeps it unless something overtook the read. */
  async keep<Reason extends string>(
    asked: Asked,
    read: () => Promise<SessionReading<Reason>>,
  ): Promise<SessionSnapshot | Reason> {
    this.#parts.cacheReports?.looked('miss');
    const begun = this.#begin(asked);
    try {
      const { found, storedBytes } = await read();
      if (typeof found !== 'string' && this.#isReliable(begun)) this.#put(begun, { found, storedBytes });
      return found;
    } finally {
      this.#end(begun);
    }
  }

  async #renewed(cookie: string): Promise<SessionSnapshot | undefined> {
    this.#checkReliance();
    const entry = this.#entries.get(cookie);
    if (!entry?.isCurrent) return undefined;
    const { id } = entry.snapshot;
    const begun = this.#begin({ cookie, id, isCurrent: true });
    try {
      const state = await this.#parts.store.readState(id);
      if (state === undefined || !entry.snapshot.isOf(state)) {
        if (this.#entries.peek(cookie) === entry) this.#entries.delete(cookie);
        return undefined;
      }
      const found = entry.snapshot.at(state);
      if (this.#isReliable(begun)) this.#renew(entry, { found, readAt: begun.readAt });
      return found;
    } finally {
      this.#end(begun);
    }
  }

  #renew(entry: Entry, { found, readAt }: { readonly found: SessionSnapshot; readonly readAt: number }): void {
    entry.snapshot = found;
    entry.readAt = readAt;
    entry.isStale = false;
  }

  #begin({ cookie, id, isCurrent }: Asked): Read {
    const { keys, clock } = this.#parts;
    const read = { cookie, id, isCurrent, isOvertaken: false, ring: keys.entries, readAt: clock.elapsed() };
    const others = this.#reads.get(id);
    if (others === undefined) this.#reads.set(id, new Set([read]));
    else others.add(read);
    return read;
  }

  #end(read: Read): void {
    const reads = this.#reads.get(read.id);
    reads?.delete(read);
    if (reads?.size === 0) this.#reads.delete(read.id);
  }

  #isReliable({ isOvertaken, ring }: Read): boolean {
    return !isOvertaken && ring === this.#parts.keys.entries;
  }

  #put(
    { cookie, id, isCurrent, readAt }: Read,
    { found, storedBytes }: { readonly found: SessionSnapshot; readonly storedBytes: number },
  ): void {
    const before = this.#cookies.get(id);
    if (before !== undefined && before !== cookie) this.#entries.delete(before);
    const size = entryOverheadBytes + cookie.length + storedBytes * copies;
    const isWhole = isCurrent && SessionSnapshot.partsOf(found).isCurrent;
    this.#entries.set(cookie, { snapshot: found, readAt, isStale: false, isCurrent: isWhole }, { size });
    if (this.#entries.has(cookie)) this.#cookies.set(id, cookie);
    this.#sweepLater();
    this.#reportSize();
  }

  // Asked at each hit: a connection that was cut off tells of nothing, and says nothing of that either.
  #checkReliance(): void {
    const { keys, store } = this.#parts;
    if (this.#ring !== keys.entries) {
      this.#dropAll('keys');
      this.#ring = keys.entries;
    }
    if (!store.isInTouch) this.#dropAll('out-of-touch');
  }

  #doubt(id: string): void {
    for (const read of this.#reads.get(id) ?? []) read.isOvertaken = true;
    const entry = this.#entries.peek(this.#cookies.get(id) ?? '');
    if (entry === undefined || entry.isStale) return;
    entry.isStale = true;
    this.#parts.cacheReports?.dropped('changed', 1);
  }

  #forget(id: string): void {
    this.#doubt(id);
    if (this.#entries.delete(this.#cookies.get(id) ?? '')) this.#reportSize();
  }

  // What is held is not compared then: a store that lost writes may count others under the same numbers.
  #dropAll(reason: CacheLoss): void {
    for (const reads of this.#reads.values()) for (const read of reads) read.isOvertaken = true;
    const { size } = this.#entries;
    if (size === 0) return;
    this.#entries.clear();
    this.#cookies.clear();
    this.#parts.cacheReports?.dropped(reason, size);
    this.#reportSize();
  }

  #sweepLater(): void {
    if (this.#isSweepDue) return;
    this.#isSweepDue = true;
    this.#parts.clock.after(entryLifeMs, () => this.#sweep());
  }

  #sweep(): void {
    this.#isSweepDue = false;
    const oldest = this.#parts.clock.elapsed() - entryStayMs;
    for (const [cookie, { readAt }] of this.#entries.entries()) if (readAt <= oldest) this.#entries.delete(cookie);
    if (this.#entries.size > 0) this.#sweepLater();
    this.#reportSize();
  }

  #reportSize(): void {
    this.#parts.cacheReports?.holds(this.#entries.size, this.#entries.calculatedSize);
  }
}
