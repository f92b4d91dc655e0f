/**
 * What the auth routes are given to sign a browser in and out: the one way to
 * write the session cookie.
 *
 * @module
 */

import type { OpenedSession } from './session.ts';
import type { SessionBeginning } from './sign-in.ts';

/** Carries the session of one request to its browser. */
export interface SessionCarrier {
  /**
   * Begins a session under a new id; the one that the browser had is ended as
   * `replaced`. It is saved when this resolves, and only then the answer sets the
   * cookie. Throws `store-unavailable`, `SignInOvertakenError` or
   * `SessionTooLargeError`; the answer then sets none.
   */
  start(beginning: SessionBeginning): Promise<OpenedSession>;
  /** Makes the answer delete the cookie of a session that has ended. Asks the store nothing, so nothing can fail any more. */
  drop(): Promise<void>;
}
