/**
 * What is said where there is no session.
 *
 * @module
 */

import { ProblemError } from '../errors.ts';
import { signInChallenge } from '../http/challenges.ts';
import type { Frontend } from '../http/frontend.ts';

/** The answer to a request whose session is over, or that has none: 401, and how to sign in. */
export function signedOut(frontend: Pick<Frontend, 'paths'>): ProblemError {
  return new ProblemError('session-ended', {
    members: { login_url: frontend.paths.login },
    headers: signInChallenge(frontend),
  });
}
