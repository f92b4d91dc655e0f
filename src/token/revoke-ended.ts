/**
 * Which ends of a session also end its tokens at the provider, where a process
 * still holds them. Pure.
 *
 * Whoever signs out, and a refresh that fails, see to their tokens themselves.
 *
 * @module
 */

import type { EndReason, SessionTokens } from '../session/session.ts';

/**
 * Whether tokens that came after the end of their session are to be revoked by whoever asked for them. Also where others saw to
 * the tokens that were there: those came before. Where nobody told why it ended, too.
 */
export function isLateToBeRevoked(tokens: Pick<SessionTokens, 'sets'>, reason: EndReason | undefined): boolean {
  return (
    reason === undefined || reason === 'signed-out' || reason === 'refresh-failed' || isToBeRevoked(tokens, reason)
  );
}

/** Whether the tokens of a session that ended for `reason` are to be revoked by whoever still holds it open. */
export function isToBeRevoked({ sets }: Pick<SessionTokens, 'sets'>, reason: EndReason): boolean {
  switch (reason) {
    case 'back-channel':
      // Back-Channel Logout, 2.7: what was granted for when the person is away outlives the session there.
      return sets['']?.scope.includes('offline_access') !== true;
    case 'revoked':
    case 'idle':
    case 'lifetime':
      return true;
    case 'signed-out':
    case 'refresh-failed':
      return false;
    case 'replaced':
      // Some providers have one grant for all sign-ins of a person at a client: the new session would lose its own.
      return false;
    default:
      return reason satisfies never;
  }
}
