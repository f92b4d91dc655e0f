/**
 * What an opened session needs beside the answer, and what no answer waits for:
 * its activity is noted, and what an older key sealed is sealed anew.
 *
 * A failure is told and made good at the next request.
 *
 * @module
 */

import { LRUCache } from 'lru-cache';
import type { Clock } from '../base/clock.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { Lifetimes, OpenedSession } from './session.ts';
import type { SessionIndex } from './session-index.ts';
import type { SessionReports } from './session-reports.ts';
import { keptUntil, SessionSnapshot, sealParts } from './snapshot.ts';
import type { SessionStore } from './store.ts';

/** What the upkeep needs. */
export interface UpkeepParts {
  readonly store: SessionStore;
  readonly index: SessionIndex;
  readonly keys: KeyRing;
  readonly lifetimes: Lifetimes;
  readonly clock: Clock;
  readonly reports: SessionReports;
}

/** Parts of the idle timeout: activity is noted at most once in each. */
const touchesPerIdleTimeout = 10;
/** Sessions of which it is remembered when this process last noted their activity. */
const mostNoted = 20_000;

/** Runs beside the answers, one task of a kind for each session at a time. */
export class SessionUpkeep {
  readonly #parts: UpkeepParts;
  readonly #underWay = new Set<string>();
  /** The activity noted last, by session: a reading may be older than the note. */
  readonly #noted = new LRUCache<string, number>({ max: mostNoted });

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  /** Notes that the person is active, if it was not noted lately. */
  noteActivity(session: OpenedSession): void {
    const { store, lifetimes, clock } = this.#parts;
    const seenAt = clock.now();
    const enough = lifetimes.idleTimeoutMs / touchesPerIdleTimeout;
    if (seenAt - session.seenAt < enough || seenAt - (this.#noted.get(session.id) ?? 0) < enough) return;
    this.#run(session, {
      what: 'activity could not be noted',
      task: async () => {
        const parts = SessionSnapshot.partsOf(session);
        await store.touch(session.id, { seenAt, expiresAt: keptUntil({ ...parts, seenAt }, lifetimes) });
        this.#noted.set(session.id, seenAt);
      },
    });
  }

  /** Seals a session under the active key and indexes it there, if an older key sealed any part of it. */
  renewSeal(session: OpenedSession): void {
    if (SessionSnapshot.partsOf(session).isCurrent) return;
    this.#run(session, { what: 'a session could not be sealed anew', task: () => this.#reseal(session) });
  }

  // The index first: a session that is sealed anew is never looked at again, and would stay unfindable there.
  async #reseal(session: OpenedSession): Promise<void> {
    const { store, index, keys, reports } = this.#parts;
    const parts = SessionSnapshot.partsOf(session);
    const { identity, expiresAt, issuedAt } = parts.record;
    if (!(await index.spread({ id: session.id, identity, expiresAt, issuedAt }))) {
      if (await store.end(session.id, 'back-channel')) reports.ended(session, 'back-channel');
      return;
    }
    const { sealed, tokens, card } = sealParts(parts, keys);
    await store.reseal({
      id: session.id,
      record: { version: parts.version, sealed },
      tokens: { version: parts.tokensVersion, sealed: tokens },
      card,
    });
  }

  #run(session: OpenedSession, { what, task }: { readonly what: string; readonly task: () => Promise<unknown> }): void {
    const name = `${what} ${session.id}`;
    if (this.#underWay.has(name)) return;
    this.#underWay.add(name);
    task()
      .catch((cause: unknown) => this.#parts.reports.trouble(session.id, { what, cause }))
      .finally(() => this.#underWay.delete(name));
  }
}
