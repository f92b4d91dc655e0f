/**
 * What a signed answer of the UserInfo endpoint must say (OIDC Core, 5.3.2). Pure.
 *
 * @module
 */

import type { VerifiedJws } from './key-set.ts';

/** What it is held against. */
export interface ExpectedUserInfo {
  readonly issuer: string;
  readonly clientId: string;
  readonly subject: string;
}

/** The member that is wrong, or `undefined`. `iss` and `aud` must be there: without them the token may be for anything (CB-23). */
export function checkSignedUserInfo(
  { claims }: VerifiedJws,
  { issuer, clientId, subject }: ExpectedUserInfo,
): 'user-info-issuer' | 'user-info-audience' | 'user-info-subject' | undefined {
  if (claims.iss !== issuer) return 'user-info-issuer';
  const audiences = [claims.aud].flat();
  if (!audiences.includes(clientId)) return 'user-info-audience';
  return claims.sub === subject ? undefined : 'user-info-subject';
}
