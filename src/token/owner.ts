/**
 * Waiting for another instance that spends the refresh token of a session.
 *
 * The owner moves its claim on while it is at work (lease.ts). So it is gone when the
 * claim has stood unmoved for as long as one stands, measured here, by how much time
 * went by and not by what the clocks say: the instances' clocks may differ by
 * anything, and one that is ahead must not take everybody for gone
 * (docs/decisions/0031).
 *
 * The session is read again when the store tells of a change to it, and when the claim
 * would have stood long enough. One call for each session and process waits, and only
 * for so long.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import type { OpenedSession } from '../session/session.ts';
import type { SpendingClaim } from '../session/spending-claim.ts';

/** What waiting needs. */
export interface WaitingParts {
  readonly sessions: {
    reread(session: OpenedSession): Promise<OpenedSession | undefined>;
    /** Resolves at the next change of the session, or after `limitMs`. */
    changed(session: OpenedSession, limitMs: number): Promise<void>;
  };
  readonly clock: Clock;
  /** How long a claim stands without being moved on. */
  readonly leaseMs: number;
}

/**
 * What became of the owner: it has written or given back, the session is gone, it
 * stopped without either, or it is still at it when the time is up.
 */
export type OwnersEnd =
  | { readonly kind: 'again' | 'lapsed'; readonly session: OpenedSession }
  | { readonly kind: 'gone' }
  | { readonly kind: 'late' };

/** Beyond the lease: for a store that is slow to take what moves a claim on. */
const graceMs = 2_000;

/** Waits until the claim of another on `session` has ended, at most until `end` (by `Clock.elapsed`). */
export async function waitForOwner(
  session: OpenedSession,
  { sessions, clock, leaseMs }: WaitingParts,
  { end }: { readonly end: number },
): Promise<OwnersEnd> {
  const mostMs = leaseMs + graceMs;
  let seen: Seen | undefined;
  for (;;) {
    const asked = clock.elapsed();
    // Asked for before the session is read: a change right after the reading is not missed.
    const changed = sessions.changed(session, Math.max(0, Math.min(end, (seen?.since ?? asked) + mostMs) - asked));
    const latest = await sessions.reread(session);
    if (latest === undefined) return { kind: 'gone' };
    const { tokensVersion, spending } = latest;
    if (tokensVersion !== session.tokensVersion || spending === undefined) return { kind: 'again', session: latest };
    if (seen === undefined || !isSame(spending, seen.claim)) seen = { claim: spending, since: clock.elapsed() };
    // By when the store was asked: an answer that took long may tell of then.
    else if (asked - seen.since >= mostMs) return { kind: 'lapsed', session: latest };
    if (clock.elapsed() >= end) return { kind: 'late' };
    await changed;
  }
}

interface Seen {
  readonly claim: SpendingClaim;
  /** By `Clock.elapsed`. */
  readonly since: number;
}

function isSame(one: SpendingClaim, other: SpendingClaim | undefined): boolean {
  return one.owner === other?.owner && one.until === other.until;
}
