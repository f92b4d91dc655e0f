/**
 * Waiting for another instance that spends the refresh token of a session.
 *
 * The owner moves its claim on while it is at work (lease.ts). So it is gone when the
 * claim has stood unmoved for as long as one stands, measured here, by how much time
 * went by and not by what the clocks say: the instances' clocks may differ by
 * anything, and one that is ahead must not take everybody for gone. And it is looked
 * at twice, since a store that was away kept the owner from moving it, too
 * (docs/decisions/0033).
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

/** Beyond the lease, with a store that answers: an owner that could not move its claim on does it within this. */
const graceMs = 2_000;

/** Waits until the claim of another on `session` has ended, at most until `end` (by `Clock.elapsed`). */
export async function waitForOwner(
  session: OpenedSession,
  { sessions, clock, leaseMs }: WaitingParts,
  { end }: { readonly end: number },
): Promise<OwnersEnd> {
  let seen: Seen | undefined;
  for (;;) {
    // By when the store is asked: an answer that takes long may tell of then.
    const asked = clock.elapsed();
    // Asked for before the session is read: a change right after the reading is not missed.
    const changed = sessions.changed(session, Math.max(0, Math.min(end, seen?.nextLook ?? asked + leaseMs) - asked));
    const latest = await sessions.reread(session);
    if (latest === undefined) return { kind: 'gone' };
    const { tokensVersion, spending } = latest;
    if (tokensVersion !== session.tokensVersion || spending === undefined) return { kind: 'again', session: latest };
    const answered = clock.elapsed();
    if (seen === undefined || !isSame(spending, seen.claim)) seen = { claim: spending, nextLook: answered + leaseMs };
    else if (asked >= seen.nextLook) {
      if (seen.isDoubted) return { kind: 'lapsed', session: latest };
      seen = { claim: spending, nextLook: answered + graceMs, isDoubted: true };
    }
    if (clock.elapsed() >= end) return { kind: 'late' };
    await changed;
  }
}

interface Seen {
  readonly claim: SpendingClaim;
  /** When it would have stood for too long, by `Clock.elapsed`. */
  readonly nextLook: number;
  /** Whether it has once. */
  readonly isDoubted?: boolean;
}

function isSame(one: SpendingClaim, other: SpendingClaim | undefined): boolean {
  return one.owner === other?.owner && one.until === other.until;
}
