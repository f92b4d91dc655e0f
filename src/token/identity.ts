/**
 * What a refreshed ID token changes of who is signed in. Pure.
 *
 * Claims change; the person does not: another issuer or subject makes the answer
 * unusable, whatever was checked before (OIDC Core, 12.2).
 *
 * @module
 */

import { isDeepStrictEqual } from 'node:util';
import type { IdTokenClaims } from '../oidc/grant.ts';
import type { Identity } from '../session/session.ts';

/** Whether an ID token is about the same person at the same authorization server. */
export function isSamePerson({ issuer, subject }: Identity, { iss, sub }: IdTokenClaims): boolean {
  return iss === issuer && sub === subject;
}

/**
 * The identity with the claims of a refreshed ID token, or `undefined` when
 * nothing changed. Only the `listed` claims are taken; one that the ID token does
 * not have stays, since it may have come from UserInfo. When and how the person
 * proved who they are is what it was at the sign-in.
 */
export function renewedIdentity(
  identity: Identity,
  { idToken, listed }: { readonly idToken: IdTokenClaims; readonly listed: readonly string[] },
): Identity | undefined {
  const changed = listed.filter(
    (name) => Object.hasOwn(idToken, name) && !isDeepStrictEqual(idToken[name], identity.claims[name]),
  );
  if (changed.length === 0) return undefined;
  const claims = { ...identity.claims, ...Object.fromEntries(changed.map((name) => [name, idToken[name]])) };
  return { ...identity, claims };
}
