/**
 * Keeps a claim while it is used: `until` is moved on as long as the grant and the
 * write after it take, so a slow provider is not taken for a dead instance.
 *
 * @module
 */

import type { Cancel } from '../base/clock.ts';
import type { OpenedSession } from '../session/session.ts';
import type { Claim, SpendingParts } from './renewal.ts';

/** How often a claim is moved on, ms: twice more than would do, so that one that fails is made good. */
export function partOfLease(leaseMs: number): number {
  return leaseMs / 3;
}

/** After a failure: soon, since who waits gives an owner little time once the store is back. */
const againMs = 500;

/**
 * Extends the claim every third of its lease until the returned function is
 * called. An extension that fails is made again soon; one that is refused means that
 * the claim is lost, which the write will find out.
 */
export function keepClaim(
  { sessions, clock, reports, leaseMs }: Pick<SpendingParts, 'sessions' | 'clock' | 'reports' | 'leaseMs'>,
  { session, claim }: { readonly session: OpenedSession; readonly claim: Claim },
): () => void {
  let stopped = false;
  let hasFailed = false;
  let cancel: Cancel = () => undefined;
  const extend = async () => {
    try {
      const isOurs = await sessions.extendSpending(session, { ...claim, until: clock.now() + leaseMs });
      if (!isOurs) stopped = true;
      plan(partOfLease(leaseMs));
    } catch (cause) {
      if (!hasFailed) reports.trouble(session, { what: 'a claim to refresh could not be extended', cause });
      hasFailed = true;
      plan(againMs);
    }
  };
  const plan = (inMs: number) => {
    if (!stopped) cancel = clock.after(inMs, () => void extend());
  };
  plan(partOfLease(leaseMs));
  return () => {
    stopped = true;
    cancel();
  };
}
