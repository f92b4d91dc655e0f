/**
 * A token as it goes to the upstream of a route: with a proof of its key where it
 * is bound to one, as a bearer token where it is not. Pure.
 *
 * @module
 */

import type { RouteConfig } from '../config/config.ts';
import { ProblemError } from '../errors.ts';
import type { Credential } from '../http/inbound.ts';
import { dpopKeyOf } from '../keys/dpop-key.ts';
import type { TokenSet } from '../session/session.ts';

/** What of a route decides it. */
export type CredentialRoute = Pick<RouteConfig, 'scopes' | 'dpop'>;

/** The token for a route. Throws `scope-missing`: what is granted may be less than at the sign-in (RFC 6749, 6; RF-09). */
export function credentialFor(route: CredentialRoute, set: TokenSet): Credential {
  const { accessToken, scope, dpopKey } = set;
  checkScopes(route, scope);
  if (dpopKey === undefined || route.dpop === false) return { authorization: bearerOf(set) };
  const key = dpopKeyOf(dpopKey);
  return { authorization: `DPoP ${accessToken}`, prove: (of) => key.proof({ ...of, accessToken }) };
}

// Put together once: the same call comes again and again, and a token is the longest thing it carries.
const bearers = new WeakMap<TokenSet, string>();

function bearerOf(set: TokenSet): string {
  const known = bearers.get(set);
  if (known !== undefined) return known;
  const made = `Bearer ${set.accessToken}`;
  bearers.set(set, made);
  return made;
}

/** Throws `scope-missing` where not all that a route needs was granted. */
export function checkScopes({ scopes }: CredentialRoute, granted: readonly string[]): void {
  const isAllowed = scopes.every((needed) => granted.includes(needed));
  if (!isAllowed) throw new ProblemError('scope-missing', { members: { scopes } });
}

/** The token in a credential. */
export function tokenIn({ authorization = '' }: { readonly authorization: string | undefined }): string {
  return authorization.replace(/^(?:Bearer|DPoP) /, '');
}
