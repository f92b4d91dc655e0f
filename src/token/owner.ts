/**
 * Waiting for another instance that spends the refresh token of a session.
 *
 * The session is read again when the store tells of a change to it, and when the claim
 * would lapse: the owner may have stopped without a word. One call for each session
 * and process waits, and only for so long.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import type { OpenedSession } from '../session/session.ts';

/** What waiting needs. */
export interface WaitingParts {
  readonly sessions: {
    reread(session: OpenedSession): Promise<OpenedSession | undefined>;
    /** Resolves at the next change of the session, or after `limitMs`. */
    changed(session: OpenedSession, limitMs: number): Promise<void>;
  };
  readonly clock: Clock;
}

/**
 * What became of the owner: it has written or given back, the session is gone, it
 * stopped without either, or it is still at it when the time is up.
 */
export type OwnersEnd =
  | { readonly kind: 'again' | 'lapsed'; readonly session: OpenedSession }
  | { readonly kind: 'gone' }
  | { readonly kind: 'late' };

/** The clocks of two instances may differ by this much. */
const skewMs = 2_000;

/** Waits until the claim of another on `session` has ended, at most until `end` (by `Clock.elapsed`). */
export async function waitForOwner(
  session: OpenedSession,
  { sessions, clock }: WaitingParts,
  { end }: { readonly end: number },
): Promise<OwnersEnd> {
  let known = session;
  for (;;) {
    // Asked for before the session is read: a change right after the reading is not missed.
    const changed = sessions.changed(session, waitMs(known, { clock, end }));
    const latest = await sessions.reread(session);
    if (latest === undefined) return { kind: 'gone' };
    const { tokensVersion, spendingUntil } = latest;
    if (tokensVersion !== session.tokensVersion || spendingUntil === undefined)
      return { kind: 'again', session: latest };
    const lapsesInMs = spendingUntil + skewMs - clock.now();
    if (lapsesInMs <= 0) return { kind: 'lapsed', session: latest };
    if (clock.elapsed() >= end) return { kind: 'late' };
    known = latest;
    await changed;
  }
}

// Until the claim as it is known lapses. One that was moved on meanwhile is seen when the session is read then.
function waitMs(
  { spendingUntil }: OpenedSession,
  { clock, end }: { readonly clock: Clock; readonly end: number },
): number {
  const now = clock.now();
  return Math.max(0, Math.min(end - clock.elapsed(), (spendingUntil ?? now) + skewMs - now));
}
