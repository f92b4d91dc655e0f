/**
 * Waiting for another instance that spends the refresh token of a session.
 *
 * Where the store tells of changes it is read again when it does; otherwise with
 * growing pauses. Either way one call for each session and process waits, and
 * only for so long.
 *
 * @module
 */

import { type Clock, pause } from '../base/clock.ts';
import type { OpenedSession } from '../session/session.ts';

/** What waiting needs. */
export interface WaitingParts {
  readonly sessions: {
    reread(session: OpenedSession): Promise<OpenedSession | undefined>;
    /** Resolves when the session changed, or after `limitMs`. Where it is missing the session is read again and again. */
    changed?(session: OpenedSession, limitMs: number): Promise<void>;
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

const firstPauseMs = 50;
const longestPauseMs = 1_000;
/** The clocks of two instances may differ by this much. */
const skewMs = 2_000;

/** Waits until the claim of another on `session` has ended, at most until `end` (by `Clock.elapsed`). */
export async function waitForOwner(
  session: OpenedSession,
  { sessions, clock }: WaitingParts,
  { end }: { readonly end: number },
): Promise<OwnersEnd> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    const latest = await sessions.reread(session);
    if (latest === undefined) return { kind: 'gone' };
    const { tokensVersion, spendingUntil } = latest;
    if (tokensVersion !== session.tokensVersion || spendingUntil === undefined)
      return { kind: 'again', session: latest };
    const lapsesInMs = spendingUntil + skewMs - clock.now();
    if (lapsesInMs <= 0) return { kind: 'lapsed', session: latest };
    const leftMs = end - clock.elapsed();
    if (leftMs <= 0) return { kind: 'late' };
    const limitMs = Math.min(leftMs, lapsesInMs);
    await (sessions.changed?.(session, limitMs) ?? pause(clock, Math.min(limitMs, pauseMs)));
  }
}
