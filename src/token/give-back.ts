/**
 * Gives a claim back that will not be used: one whose grant failed, and one of
 * which it is not known whether the store has taken it.
 *
 * Without this a claim that the store took although its answer was lost would
 * stand there with nobody behind it, and after its time the session would end for
 * it (`owner-gone`): a store that was slow for a second would sign people out.
 *
 * @module
 */

import { persist } from '../session/persist.ts';
import type { OpenedSession } from '../session/session.ts';
import { holdMs } from './keep.ts';
import type { Claim, SpendingParts } from './renewal.ts';

/** Where a claim is given back, and who is told when that cannot be done. */
export type GivingBackParts = Pick<SpendingParts, 'sessions' | 'reports' | 'clock'>;

/**
 * Gives the claim back. Never rejects. Only the first attempt is waited for; until
 * one succeeds the claim stands, and its owner may be taken for gone.
 */
export async function giveBack(
  { sessions, reports, clock }: GivingBackParts,
  { session, claim }: { readonly session: OpenedSession; readonly claim: Claim },
): Promise<void> {
  const abandon = () => sessions.abandonSpending(session, claim);
  try {
    await abandon();
  } catch (first) {
    reports.trouble(session, { what: 'a claim to refresh could not be given back yet', cause: first });
    persist(abandon, { clock, limitMs: holdMs }).catch((cause: unknown) =>
      reports.trouble(session, { what: 'a claim to refresh could not be given back', cause }),
    );
  }
}
