/**
 * A signed answer of the UserInfo endpoint: its signature, and what it must say
 * (OIDC Core, 5.3.2).
 *
 * @module
 */

import { idTokenTypes } from './checks.ts';
import { GrantError } from './grant.ts';
import { JwsError } from './jws.ts';
import type { KeySet, VerifiedJws } from './key-set.ts';
import type { ProviderMetadata } from './metadata.ts';
import type { JsonObject } from './strict-json.ts';

/** What it is held against. */
export interface ExpectedUserInfo {
  readonly issuer: string;
  readonly clientId: string;
  readonly subject: string;
}

/** The member that is wrong, or `undefined`. `iss` and `aud` must be there: without them the token may be for anything (CB-23). */
function checkSignedUserInfo(
  { claims }: VerifiedJws,
  { issuer, clientId, subject }: ExpectedUserInfo,
): 'user-info-issuer' | 'user-info-audience' | 'user-info-subject' | undefined {
  if (claims.iss !== issuer) return 'user-info-issuer';
  const audiences = [claims.aud].flat();
  if (!audiences.includes(clientId)) return 'user-info-audience';
  return claims.sub === subject ? undefined : 'user-info-subject';
}

/** What a signed answer is judged with. */
export interface SignedUserInfo {
  readonly metadata: Pick<ProviderMetadata, 'userinfo_signing_alg_values_supported'>;
  readonly expected: ExpectedUserInfo;
  readonly keys: Pick<KeySet, 'verify'>;
}

/** The claims of one. Throws {@link GrantError}. */
export async function readSignedUserInfo(
  text: string,
  { metadata, expected, keys }: SignedUserInfo,
): Promise<JsonObject> {
  const algorithms = metadata.userinfo_signing_alg_values_supported;
  const verified = keys.verify(text, { algorithms, types: idTokenTypes, source: 'token-endpoint' });
  const jws = await verified.catch((cause: unknown) => {
    if (cause instanceof JwsError) throw new GrantError('invalid', { reason: cause.reason, cause });
    throw new GrantError('unreachable', { reason: 'key-set', cause });
  });
  const fault = checkSignedUserInfo(jws, expected);
  if (fault !== undefined) throw new GrantError('invalid', { reason: fault });
  return jws.claims;
}
