/**
 * Opened sessions, so that a browser known a moment ago costs no HMAC, no question to
 * the store and no unsealing.
 *
 * One entry for each session, found by the whole raw value of its cookie: what was
 * never verified finds nothing. An entry that the store tells a change of, or that is
 * thirty seconds old, is compared with the store before it is used again: where that
 * still counts the same writes, what was opened from them is the same. One in use is
 * compared ahead of its end. An entry goes when its session ended, when changes
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
import { Comparisons } from './comparisons.ts';
import { SessionSnapshot } from './snapshot.ts';
import type { SessionStore } from './store.ts';

/** Why opened sessions are not used as they are any longer: one was written; contact with the store was lost; the keys are others. */
export type CacheLoss = 'changed' | 'out-of-touch' | 'keys';

/** Who is told how the cache does. */
export interface CacheReports {
  /** A request's cookie was looked for: it was held; held, and compared; or read, which one that had changed is as well. */
  looked(result: 'hit' | 'compared' | 'miss'): void;
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
/** When one in use is compared, ms. */
const aheadMs = 25_000;
/** An entry that was not read or compared for so long goes, ms, with the next sweep: tokens that nobody uses do not stay in memory. */
export const entryStayMs = 120_000;
const sweepEveryMs = 30_000;

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
  /** The active key signed and sealed all of it. Anything else is read each time, so that it is seen that an older key is in use. */
  readonly isCurrent: boolean;
}

/** Who asks: a cookie that was verified, and the session that it names. */
interface Asked {
  readonly cookie: string;
  readonly id: string;
}

/** The same, and whether the active key signed the cookie. */
interface AskedToRead extends Asked {
  readonly isCurrent: boolean;
}

/** A read or a comparison under way. */
interface Read extends Asked {
  isOvertaken: boolean;
  readonly ring: KeyRing['entries'];
  readonly readAt: number;
}

/** What was read, and whether the active key signed the cookie of who asked. */
interface Found extends Pick<AskedToRead, 'isCurrent'> {
  readonly found: SessionSnapshot;
  readonly storedBytes: number;
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
  readonly #ahead = new Comparisons((cookie) => this.#compare(cookie));
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
  compared(cookie: string): Promise<SessionSnapshot | undefined> {
    return this.#compare(cookie, () => this.#parts.cacheReports?.looked('compared'));
  }

  /** Reads the session of a verified cookie, and keeps it unless something overtook the read. */
  async keep<Reason extends string>(
    { isCurrent, ...asked }: AskedToRead,
    read: () => Promise<SessionReading<Reason>>,
  ): Promise<SessionSnapshot | Reason> {
    this.#parts.cacheReports?.looked('miss');
    const begun = this.#begin(asked);
    try {
      const { found, storedBytes } = await read();
      if (typeof found !== 'string' && this.#isReliable(begun)) this.#put(begun, { found, storedBytes, isCurrent });
      return found;
    } finally {
      this.#end(begun);
    }
  }

  async #compare(cookie: string, onAsked?: () => void): Promise<SessionSnapshot | undefined> {
    this.#checkReliance();
    const entry = this.#entries.get(cookie);
    if (!entry?.isCurrent) return undefined;
    const { id } = entry.snapshot;
    const begun = this.#begin({ cookie, id });
    try {
      onAsked?.();
      const state = await this.#parts.store.readState(id);
      // Dropped meanwhile: what answered may be another master, whose counts are others.
      if (this.#entries.peek(cookie) !== entry) return undefined;
      if (state === undefined || !entry.snapshot.isOf(state)) {
        this.#entries.delete(cookie);
        this.#reportSize();
        return undefined;
      }
      const found = entry.snapshot.at(state);
      if (this.#isReliable(begun)) Object.assign(entry, { snapshot: found, readAt: begun.readAt, isStale: false });
      return found;
    } finally {
      this.#end(begun);
    }
  }

  #begin({ cookie, id }: Asked): Read {
    const { keys, clock } = this.#parts;
    const read = { cookie, id, isOvertaken: false, ring: keys.entries, readAt: clock.elapsed() };
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

  #put({ cookie, id, readAt }: Read, { found, storedBytes, isCurrent: isSignedNow }: Found): void {
    const before = this.#cookies.get(id);
    if (before !== undefined && before !== cookie) this.#entries.delete(before);
    const size = entryOverheadBytes + cookie.length + storedBytes * copies;
    const isCurrent = isSignedNow && SessionSnapshot.partsOf(found).isCurrent;
    this.#entries.set(cookie, { snapshot: found, readAt, isStale: false, isCurrent }, { size });
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
    this.#doubt(id); // reads under way are overtaken by an end as by any change
    if (this.#entries.delete(this.#cookies.get(id) ?? '')) this.#reportSize();
  }

  // Compared it would have to be with a store that may have lost writes, and count others under the same numbers.
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
    this.#parts.clock.after(sweepEveryMs, () => this.#sweep());
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
