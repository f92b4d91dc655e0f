/**
 * Opened sessions, so that a browser known a moment ago costs no HMAC, no question to
 * the store and no unsealing.
 *
 * One entry for each session, found by the whole raw value of its cookie: what was
 * never verified finds nothing. An entry is dropped when the store tells of a change,
 * when changes may have been missed, when the keys changed, and after thirty seconds.
 * What a change overtakes while it is read is answered and not kept.
 *
 * Nothing here decides whether a session is over: whoever finds one looks at the time.
 *
 * @module
 */

import { LRUCache } from 'lru-cache';
import type { Clock } from '../base/clock.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { SessionSnapshot } from './snapshot.ts';
import type { SessionStore } from './store.ts';

/** Why opened sessions are dropped: one was written; contact with the store was lost; the keys are others. */
export type CacheLoss = 'changed' | 'out-of-touch' | 'keys';

/** Who is told how the cache does. */
export interface CacheReports {
  /** A request's cookie was looked for. */
  looked(result: 'hit' | 'miss'): void;
  /** `count` entries were dropped. */
  dropped(reason: CacheLoss, count: number): void;
  /** What is held now. */
  holds(entries: number, bytes: number): void;
}

/** What a cache is made from. */
export interface SessionCacheParts {
  readonly store: Pick<SessionStore, 'onChanged' | 'isInTouch'>;
  readonly keys: Pick<KeyRing, 'entries'>;
  readonly clock: Pick<Clock, 'elapsed'>;
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

/** How long an entry lives, ms: the bound on what a change that was never told can do. */
export const entryLifeMs = 30_000;

/** A session that was read, or why there is none, and how many bytes it has in the store. */
export interface SessionReading<Reason extends string> {
  readonly found: SessionSnapshot | Reason;
  readonly storedBytes: number;
}

interface Entry {
  readonly snapshot: SessionSnapshot;
  /** By `Clock.elapsed`, of the beginning of the read. */
  readonly readAt: number;
}

/** Who asks: a cookie that was verified, and the session that it names. */
interface Asked {
  readonly cookie: string;
  readonly id: string;
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
  #ring: KeyRing['entries'];

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
    parts.store.onChanged((id) => (id === undefined ? this.#dropAll('out-of-touch') : this.#drop(id)));
  }

  /** The session of a cookie, where it is held and what is held can be relied on. */
  get(cookie: string): SessionSnapshot | undefined {
    this.#checkReliance();
    const entry = this.#entries.get(cookie);
    if (entry === undefined || this.#parts.clock.elapsed() - entry.readAt >= entryLifeMs) return undefined;
    this.#parts.cacheReports?.looked('hit');
    return entry.snapshot;
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
      this.#forget(begun);
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

  #forget(read: Read): void {
    const reads = this.#reads.get(read.id);
    reads?.delete(read);
    if (reads?.size === 0) this.#reads.delete(read.id);
  }

  #isReliable({ isOvertaken, ring }: Read): boolean {
    return !isOvertaken && ring === this.#parts.keys.entries;
  }

  #put(
    { cookie, id, readAt }: Read,
    { found, storedBytes }: { readonly found: SessionSnapshot; readonly storedBytes: number },
  ): void {
    const before = this.#cookies.get(id);
    if (before !== undefined && before !== cookie) this.#entries.delete(before);
    const size = entryOverheadBytes + cookie.length + storedBytes * copies;
    this.#entries.set(cookie, { snapshot: found, readAt }, { size });
    if (this.#entries.has(cookie)) this.#cookies.set(id, cookie);
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

  #drop(id: string): void {
    for (const read of this.#reads.get(id) ?? []) read.isOvertaken = true;
    const cookie = this.#cookies.get(id);
    if (cookie === undefined) return;
    this.#entries.delete(cookie);
    this.#parts.cacheReports?.dropped('changed', 1);
    this.#reportSize();
  }

  #dropAll(reason: CacheLoss): void {
    for (const reads of this.#reads.values()) for (const read of reads) read.isOvertaken = true;
    const { size } = this.#entries;
    if (size === 0) return;
    this.#entries.clear();
    this.#cookies.clear();
    this.#parts.cacheReports?.dropped(reason, size);
    this.#reportSize();
  }

  #reportSize(): void {
    this.#parts.cacheReports?.holds(this.#entries.size, this.#entries.calculatedSize);
  }
}
