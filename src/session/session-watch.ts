/**
 * Watches over the sessions for which something is open here: event streams,
 * answers under way. It tells them when the session changes, is about to end, or
 * has ended, wherever that took place.
 *
 * It is fed by what the store tells and by what this process learns of a session
 * anyway. The store is asked when an end comes near, since only it knows of
 * activity elsewhere, and once for each session when ends may have been missed. In
 * between nothing is asked.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import { type EndReason, endedBy, idleEndOf, type Lifetimes, type OpenedSession } from './session.ts';
import { changesBetween, newestOf, RecentEnds } from './session-changes.ts';
import type { SessionReports } from './session-reports.ts';
import type { SessionStore } from './store.ts';

/** What a watcher is told. `session` is the newest that is known. */
export type SessionChange =
  | { readonly kind: 'refreshed' | 'claims-changed' | 'expiring'; readonly session: OpenedSession }
  | { readonly kind: 'ended'; readonly reason: EndReason };

/** Told of changes, in the order in which they are learnt. `ended` is the last. */
export type Watcher = (change: SessionChange) => void;

/** What a watch is made from. */
export interface SessionWatchParts {
  readonly store: Pick<SessionStore, 'onEnded'>;
  readonly sessions: {
    /** The session as it is in the store now. */
    reread(session: OpenedSession): Promise<OpenedSession | undefined>;
    end(session: OpenedSession, reason: EndReason): Promise<unknown>;
  };
  readonly reports: Pick<SessionReports, 'trouble'>;
  readonly lifetimes: Lifetimes;
  readonly clock: Clock;
  /** Told once of each session that ended while something was open for it here: the last place where its tokens are known. */
  readonly onEnded?: ((session: OpenedSession, reason: EndReason) => void) | undefined;
}

/** How long before the end it is told, ms. */
export const warningMs = 60_000;
/** Ends by time are noticed within this, ms. Comparing a few thousand numbers each time costs less than a timer for each call. */
const tickMs = 500;
/** Questions to the store under way at a time. */
const mostLooks = 16;
/** After a question that the store did not answer, ms. */
const lookAgainMs = 2_000;

interface Watched {
  session: OpenedSession;
  /** A handful at the most, since a browser has few connections. Empty: forgotten at the next tick, or watched again before. */
  readonly watchers: Watcher[];
  /** The end that was last warned of. */
  warnedOf: number | undefined;
  isBeingLookedAt: boolean;
  /** Ends may have been missed. */
  isInDoubt: boolean;
  /** By `Clock.elapsed`. */
  notBefore: number;
}

/** The watch of one process over the sessions of one frontend. */
export class SessionWatch {
  readonly #parts: SessionWatchParts;
  readonly #watched = new Map<string, Watched>();
  readonly #recent: RecentEnds;
  readonly #waiting: Watched[] = [];
  readonly #stopListening: () => void;
  #looks = 0;
  #isTicking = false;

  constructor(parts: SessionWatchParts) {
    this.#parts = parts;
    this.#recent = new RecentEnds(parts.clock);
    this.#stopListening = parts.store.onEnded(
      (id, reason) => this.#end(id, reason),
      () => this.#doubtAll(),
    );
  }

  /** How many sessions are watched. */
  get size(): number {
    let size = 0;
    for (const { watchers } of this.#watched.values()) if (watchers.length > 0) size++;
    return size;
  }

  /**
   * Watches a session until the returned function is called, or it has ended. One
   * that ended between its opening and this call is told of at once.
   */
  watch(session: OpenedSession, watcher: Watcher): () => void {
    const reason = this.#recent.reasonOf(session.id);
    if (reason !== undefined) {
      watcher({ kind: 'ended', reason });
      return () => undefined;
    }
    const watched = this.#known(session) ?? this.#begin(session);
    const { watchers } = watched;
    watchers.push(watcher);
    return () => {
      const at = watchers.indexOf(watcher);
      if (at >= 0) watchers.splice(at, 1);
    };
  }

  /** Takes notice of a session as it was read or written anywhere in this process, and tells what is new in it. */
  saw(session: OpenedSession): void {
    this.#known(session);
  }

  #known(session: OpenedSession): Watched | undefined {
    const watched = this.#watched.get(session.id);
    if (watched === undefined || watched.session === session) return watched;
    const { session: before } = watched;
    watched.session = newestOf(before, session);
    for (const kind of changesBetween(before, watched.session)) tell(watched, { kind, session: watched.session });
    return watched;
  }

  /** Watches nothing any more, and tells nobody of anything. */
  close(): void {
    this.#stopListening();
    this.#watched.clear();
  }

  #begin(session: OpenedSession): Watched {
    const watched = {
      ...{ session, watchers: [] as Watcher[], warnedOf: undefined },
      ...{ isBeingLookedAt: false, isInDoubt: false, notBefore: 0 },
    };
    this.#watched.set(session.id, watched);
    if (!this.#isTicking) this.#tickLater();
    return watched;
  }

  #tickLater(): void {
    this.#isTicking = this.#watched.size > 0;
    if (this.#isTicking) this.#parts.clock.after(tickMs, () => this.#tick());
  }

  #tick(): void {
    const { clock } = this.#parts;
    const now = clock.now();
    const elapsed = clock.elapsed();
    for (const [id, watched] of this.#watched) {
      if (watched.watchers.length === 0) this.#watched.delete(id);
      else if (!watched.isBeingLookedAt && elapsed >= watched.notBefore && this.#isDue(watched, now))
        this.#queue(watched);
    }
    this.#tickLater();
  }

  #isDue({ session, isInDoubt, warnedOf }: Watched, now: number): boolean {
    const end = this.#endOf(session);
    return isInDoubt || now >= end || (now >= end - warningMs && warnedOf !== end);
  }

  // The nearer of both ends. `expiresAt` counts the lifetime and the tokens.
  #endOf(session: OpenedSession): number {
    return Math.min(session.expiresAt, idleEndOf(session, this.#parts.lifetimes));
  }

  #doubtAll(): void {
    for (const [id, watched] of this.#watched) {
      watched.isInDoubt = true;
      if (watched.watchers.length === 0) this.#watched.delete(id);
      else if (!watched.isBeingLookedAt) this.#queue(watched);
    }
  }

  #queue(watched: Watched): void {
    watched.isBeingLookedAt = true;
    this.#waiting.push(watched);
    while (this.#looks < mostLooks && this.#waiting.length > 0) this.#lookAtNext();
  }

  #lookAtNext(): void {
    const watched = this.#waiting.shift();
    if (watched === undefined) return;
    this.#looks += 1;
    this.#look(watched)
      .catch((cause: unknown) => {
        // Away is not ended: what is open stays so until the store can tell.
        watched.notBefore = this.#parts.clock.elapsed() + lookAgainMs;
        this.#parts.reports.trouble(watched.session.id, { what: 'a watched session could not be looked at', cause });
      })
      .finally(() => {
        watched.isBeingLookedAt = false;
        this.#looks -= 1;
        this.#lookAtNext();
      });
  }

  async #look(watched: Watched): Promise<void> {
    const { sessions, lifetimes, clock } = this.#parts;
    const { id } = watched.session;
    if (this.#watched.get(id) !== watched || watched.watchers.length === 0) return;
    watched.isInDoubt = false; // a gap from now on is another
    const latest = await this.#latest(watched);
    if (latest === undefined) {
      // Nobody told why. Its time may have been up; otherwise somebody ended it elsewhere.
      this.#end(id, endedBy(watched.session, { lifetimes, now: clock.now() }) ?? 'revoked');
      return;
    }
    this.saw(latest);
    // What is watched may have been left meanwhile and not have learnt of it.
    const session = newestOf(watched.session, latest);
    const reason = endedBy(session, { lifetimes, now: clock.now() });
    if (reason === undefined) {
      this.#warn(watched);
      return;
    }
    await sessions.end(session, reason);
    this.#end(id, reason);
  }

  async #latest(watched: Watched): Promise<OpenedSession | undefined> {
    try {
      return await this.#parts.sessions.reread(watched.session);
    } catch (error) {
      watched.isInDoubt = true;
      throw error;
    }
  }

  #warn(watched: Watched): void {
    const end = this.#endOf(watched.session);
    if (this.#parts.clock.now() < end - warningMs || watched.warnedOf === end) return;
    watched.warnedOf = end;
    tell(watched, { kind: 'expiring', session: watched.session });
  }

  #end(id: string, reason: EndReason): void {
    this.#recent.add(id, reason);
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    this.#watched.delete(id);
    if (watched.watchers.length === 0) return;
    tell(watched, { kind: 'ended', reason });
    this.#parts.onEnded?.(watched.session, reason);
  }
}

function tell({ watchers }: Watched, change: SessionChange): void {
  for (const watcher of [...watchers]) watcher(change);
}
