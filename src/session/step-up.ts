/**
 * Whether the sign-in of a session is already what an upstream asks for.
 *
 * @module
 */

import type { Identity } from './session.ts';

/** What is asked for (RFC 9470, 3). */
export interface AskedSignIn {
  /** Context classes, separated by spaces, any of which will do. */
  readonly acrValues: string | undefined;
  /** Seconds. */
  readonly maxAge: number | undefined;
  /** The instant, ms since 1970. */
  readonly now: number;
}

/** What of a session tells how its person signed in. */
export type SignedIn = Pick<Identity, 'acr' | 'authTime'>;

/**
 * Whether the sign-in meets all that is asked for. Where nothing is named it does
 * not: then nobody can tell.
 */
export function meets({ acr, authTime }: SignedIn, { acrValues, maxAge, now }: AskedSignIn): boolean {
  if (acrValues === undefined && maxAge === undefined) return false;
  const isClass = acrValues === undefined || (acr !== undefined && acrValues.split(' ').includes(acr));
  const isRecent = maxAge === undefined || (authTime !== undefined && now - authTime <= maxAge * 1_000);
  return isClass && isRecent;
}
