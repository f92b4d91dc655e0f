/**
 * Which came first: a sign-in, or a sign-out that the authorization server tells
 * us of. Pure.
 *
 * Tokens tell time in whole seconds, so of two in the same second it is not known
 * which was issued first, and that is when they race: a sign-in under way must not
 * escape, and one that was begun after the sign-out came must not be hit. Within
 * that second our own clock tells them apart, where it saw both.
 *
 * @module
 */

/** The instant of a sign-in, ms: `iat` of its ID token, to the millisecond when the browser was sent away in that very second. */
export function signInInstant(iat: number, startedAt: number): number {
  return Math.floor(startedAt / 1000) === iat ? startedAt : iat * 1000;
}

/**
 * The instant before which sign-ins are refused, ms: `iat` of the logout token, to
 * the millisecond when it came in that very second. Otherwise the whole second
 * counts as before it.
 */
export function notBeforeOf(iat: number, receivedAt: number): number {
  return Math.floor(receivedAt / 1000) === iat ? receivedAt : iat * 1000 + 999;
}
