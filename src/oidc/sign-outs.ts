/**
 * Ends sessions as their person wishes, then revokes what was alive of them.
 *
 * A store that is away is told to the person at once (503), but the wish stands: it is
 * carried out as soon as the store takes it, for a minute at the most. Otherwise what
 * was begun would be left half done: the claim on the refresh token, or an end of which
 * the answer was lost and whose tokens nobody revokes.
 *
 * What waits here is held in memory. A process that dies takes it along; the person may
 * ask again, here or at any other instance.
 *
 * @module
 */

import { type Clock, pause } from '../base/clock.ts';
import { randomToken } from '../base/random.ts';
import { persist } from '../session/persist.ts';
import type { EndReason, OpenedSession } from '../session/session.ts';
import type { SessionReports } from '../session/session-reports.ts';
import type { SpendingClaim } from '../session/spending-claim.ts';

/** What sign-outs are made from. */
export interface SignOutsParts {
  /** All of it throws `store-unavailable`. */
  readonly sessions: {
    /** The session as it is in the store now. */
    reread(session: OpenedSession): Promise<OpenedSession | undefined>;
    beginSpending(session: OpenedSession, claim: SpendingClaim): Promise<'begun' | 'busy' | 'changed' | 'gone'>;
    end(session: OpenedSession, reason: EndReason): Promise<unknown>;
  };
  /** Does not throw, and takes no longer than its budget. */
  readonly revoker: { revokeSession(session: OpenedSession): Promise<void> };
  readonly reports: Pick<SessionReports, 'trouble'>;
  readonly clock: Clock;
}

/** A sign-out that the store did not take is tried again for so long, ms. */
const holdMs = 60_000;
/** Those that wait for the store; further ones are told to the person and no more. */
const mostWaiting = 1_000;
/** Each round sees newer tokens than the one before. */
const mostRounds = 4;

/** The sign-outs of one process. */
export class SignOuts {
  readonly #parts: SignOutsParts;
  readonly #waiting = new Map<string, Promise<void>>();

  constructor(parts: SignOutsParts) {
    this.#parts = parts;
  }

  /**
   * Ends a session everywhere, revokes its tokens, and gives it as it was last. Throws
   * `store-unavailable`: then it may live, and ends when the store is back.
   */
  async end(session: OpenedSession): Promise<OpenedSession> {
    try {
      return await this.#end(session);
    } catch (error) {
      this.#endLater(session);
      throw error;
    }
  }

  /** How many wait for the store. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves when none waits any more, or after `limitMs`. For a process that is about to end. */
  async settled(limitMs: number): Promise<void> {
    await Promise.race([Promise.all(this.#waiting.values()), pause(this.#parts.clock, limitMs)]);
  }

  async #end(session: OpenedSession): Promise<OpenedSession> {
    const latest = await this.#newest(session);
    await this.#parts.sessions.end(latest, 'signed-out');
    await this.#parts.revoker.revokeSession(latest);
    return latest;
  }

  #endLater(session: OpenedSession): void {
    const { clock, reports } = this.#parts;
    if (this.#waiting.has(session.id) || this.#waiting.size >= mostWaiting) return;
    const work = persist(() => this.#end(session), { clock, limitMs: holdMs })
      .then(
        () => undefined,
        (cause: unknown) => reports.trouble(session.id, { what: 'a sign-out could not be carried out', cause }),
      )
      .finally(() => this.#waiting.delete(session.id));
    this.#waiting.set(session.id, work);
  }

  /**
   * The session with its newest tokens, claimed, so that no refresh can bring newer
   * ones between looking and ending: what is revoked is then what is alive. A
   * refresh under way finds the session gone and revokes what it gets.
   */
  async #newest(session: OpenedSession): Promise<OpenedSession> {
    const { sessions, clock } = this.#parts;
    let latest = session;
    for (let rounds = 0; rounds < mostRounds; rounds++) {
      const claim = { owner: `sign-out.${randomToken(128)}`, until: clock.now() };
      if ((await sessions.beginSpending(latest, claim)) !== 'changed') return latest;
      latest = (await sessions.reread(latest)) ?? latest;
    }
    return latest;
  }
}
