/**
 * JWTs of another kind, in place of an ID token (RFC 8725, section 2.8).
 *
 * Each carries all that an ID token must carry, where its kind does not forbid it,
 * and is validly signed: a client that looks only at issuer, audience, nonce and
 * signature takes it.
 *
 * @module
 */

import { randomUUID } from 'node:crypto';
import type { JsonObject } from './json.ts';

/**
 * `at+jwt`, `logout+jwt`, `token-introspection+jwt`, `dpop+jwt`: the honest claims under that `typ`, with the
 * members of the kind. `logout-token-without-type`: `events` is all that shows it, `typ` is `JWT`.
 * `userinfo`: a signed UserInfo answer, without `nonce`, `exp` and `iat`. `client-assertion`: issuer and
 * subject are the client.
 */
export const otherKinds = [
  'at+jwt',
  'logout+jwt',
  'logout-token-without-type',
  'token-introspection+jwt',
  'dpop+jwt',
  'userinfo',
  'client-assertion',
] as const;

/** One of {@link otherKinds}. */
export type OtherKind = (typeof otherKinds)[number];

/** The member that makes a JWT a logout token (OIDC Back-Channel Logout, section 2.4). */
export const logoutEvent = { 'http://schemas.openid.net/event/backchannel-logout': {} } as const;

/** `typ` and claims of a token of another kind, made from the claims of the honest ID token. */
export function asOtherKind(
  kind: OtherKind,
  claims: JsonObject,
): { readonly typ: string; readonly claims: JsonObject } {
  const clientId = claims.aud;
  const jti = randomUUID();
  switch (kind) {
    case 'at+jwt':
      return { typ: kind, claims: { ...claims, client_id: clientId, scope: 'openid', jti } };
    case 'logout+jwt':
      return { typ: kind, claims: { ...claims, events: logoutEvent, jti } };
    case 'logout-token-without-type':
      return { typ: 'JWT', claims: { ...claims, events: logoutEvent, jti } };
    case 'token-introspection+jwt':
      return { typ: kind, claims: { ...claims, token_introspection: { active: true, sub: claims.sub } } };
    case 'dpop+jwt':
      return { typ: kind, claims: { ...claims, htm: 'POST', htu: `${claims.iss}/token`, jti } };
    case 'userinfo': {
      const { nonce: _nonce, exp: _exp, iat: _iat, at_hash: _atHash, ...rest } = claims;
      return { typ: 'JWT', claims: rest };
    }
    case 'client-assertion': {
      const { exp, iat } = claims;
      return { typ: 'JWT', claims: { iss: clientId, sub: clientId, aud: claims.iss, exp, iat, jti } };
    }
  }
}
