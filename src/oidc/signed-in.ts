/**
 * What becomes of a grant: who is signed in, and with which tokens. Pure.
 *
 * A person is issuer and subject; everything else is for display, and only what
 * `USER_CLAIMS` lists is kept (IT-30, IT-32).
 *
 * @module
 */

import type { Identity, SessionTokens } from '../session/session.ts';
import type { Grant, IdTokenClaims } from './grant.ts';
import type { JsonObject } from './strict-json.ts';

/** A claim whose JSON is longer is left out: it would be carried with the session and sent to the page each time. */
const maxClaimLength = 4 * 1024;

/** Who is signed in. `userInfo` fills in what the ID token lacks. */
export function identityFrom(
  idToken: IdTokenClaims,
  { userClaims, userInfo = {} }: { readonly userClaims: readonly string[]; readonly userInfo?: JsonObject | undefined },
): Identity {
  const { iss, sub, sid, acr, auth_time, nonce } = idToken;
  const claims = userClaims.flatMap((name) => {
    const value = Object.hasOwn(idToken, name)
      ? idToken[name]
      : Object.hasOwn(userInfo, name)
        ? userInfo[name]
        : undefined;
    return value === undefined || JSON.stringify(value).length > maxClaimLength ? [] : [[name, value] as const];
  });
  return {
    issuer: iss,
    subject: sub,
    sid: typeof sid === 'string' ? sid : undefined,
    claims: Object.fromEntries(claims),
    authTime: typeof auth_time === 'number' ? auth_time * 1000 : undefined,
    acr: typeof acr === 'string' ? acr : undefined,
    nonce: typeof nonce === 'string' ? nonce : undefined,
  };
}

/** Whether the ID token has all that the page is to be told. */
export function hasEveryClaim(idToken: IdTokenClaims, userClaims: readonly string[]): boolean {
  return userClaims.every((name) => Object.hasOwn(idToken, name));
}

/** The tokens of a new session; `''` is the audience of the sign-in. */
export function sessionTokensFrom({
  tokens,
  refreshToken,
  refreshExpiresAt,
  idTokenHint: idToken,
}: Grant): SessionTokens {
  return { refreshToken, refreshExpiresAt, rotates: undefined, sets: { '': tokens }, idToken };
}

/** What keeps a grant alive at the authorization server, and is to be revoked when it is not used. */
export function revocableOf({ refreshToken, tokens }: Grant): readonly string[] {
  return refreshToken === undefined ? [tokens.accessToken] : [refreshToken, tokens.accessToken];
}
