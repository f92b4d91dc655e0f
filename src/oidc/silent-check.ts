/**
 * The silent check, `/login?prompt=none`: is the person still signed in at the
 * authorization server? Nobody is asked anything, so nobody shall see a page of ours
 * either: whatever comes of it, the browser is back where it was. Pure.
 *
 * "Nobody is signed in here" is the word of the provider that the person signed out
 * there, and so is the name of another person; the session that asked ends with it
 * (LO-25). A session asks only for itself: a foreign site can start the check, too,
 * but its link brings no Strict cookie, so there is no session that it could end.
 *
 * @module
 */

import { ProblemError } from '../errors.ts';
import type { AuthErrorCode, SignInError } from './auth-error.ts';
import type { LoginTransaction } from './transaction.ts';

/** Whether a sign-in is only a check. */
export function isSilent({ prompt }: Pick<LoginTransaction, 'prompt'>): boolean {
  return prompt === 'none';
}

/**
 * The session that ends with this failure; `undefined` where none does. That something
 * would have to be asked of the person is no sign-out, and neither is an outage.
 */
export function endedByCheck(
  { code, reason }: SignInError,
  transaction: Pick<LoginTransaction, 'prompt' | 'previous'>,
): string | undefined {
  if (!isSilent(transaction)) return undefined;
  const isOver = reason === 'login_required' || code === 'account_mismatch';
  return isOver ? transaction.previous?.sessionId : undefined;
}

/** The code of a check that could not even be started, because of the provider; `undefined` for any other failure. */
export function unstartedCheck(error: unknown): AuthErrorCode | undefined {
  if (!(error instanceof ProblemError)) return undefined;
  if (error.code === 'provider-unreachable') return 'provider_unreachable';
  return error.code === 'provider-answer-invalid' ? 'provider_error' : undefined;
}
