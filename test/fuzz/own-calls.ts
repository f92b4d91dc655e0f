/**
 * What somebody who is signed in calls, as method and path, for the properties of
 * ends of sessions.
 *
 * @module
 */

/** Calls by what they are for. */
export const calls = {
  read: ['GET', '/api/x'],
  write: ['POST', '/api/x'],
  renew: ['POST', '/session/refresh'],
  look: ['GET', '/session'],
  'sign out': ['POST', '/logout'],
} as const;

/** One of them. */
export type Call = keyof typeof calls;
