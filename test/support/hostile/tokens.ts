/**
 * Makes the answer of a token request: access token, ID token, refresh token.
 *
 * Nothing is checked here; token.ts and refresh.ts do that first.
 *
 * @module
 */

import { randomUUID } from 'node:crypto';
import type { RegisteredClient } from './clients.ts';
import { freshSecret, type Grant } from './grants.ts';
import { buildJwt, type JoseSwitches } from './jose.ts';
import { changedObject, changedValue, type JsonObject } from './json.ts';
import type { LoggedRequest } from './log.ts';
import { asOtherKind } from './other-kinds.ts';
import type { TokenSwitches } from './script.ts';
import { halfHash } from './signature.ts';
import { joseContextOf, type ProviderState } from './state.ts';

/** What a token answer is for. */
export interface TokenRequest {
  readonly request: LoggedRequest;
  readonly client: RegisteredClient;
  readonly grant: Grant;
  readonly by: TokenSwitches;
  /** True for a refresh: its ID token has no nonce (OIDC Core, section 12.2). */
  readonly isRefresh: boolean;
  /** The refresh token of the answer; none where it has none. */
  readonly refreshToken: string | undefined;
}

/** What the access token is bound to. */
interface Binding {
  readonly dpopThumbprint: string | undefined;
  readonly certificate: string | undefined;
}

interface AccessParts extends Binding {
  readonly scope: string;
  readonly audience: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** The confirmation claim (RFC 9449, section 6.1; RFC 8705, section 3.1). */
export function confirmationOf({ dpopThumbprint, certificate }: Binding): JsonObject | undefined {
  if (dpopThumbprint !== undefined) return { jkt: dpopThumbprint };
  return certificate === undefined ? undefined : { 'x5t#S256': certificate };
}

/** A new refresh token of a grant. */
export function issueRefreshToken(grant: Grant, state: ProviderState): string {
  const token = freshSecret('rt');
  state.grants.refreshTokens.set(token, { grant, expiresAt: state.now() + state.script.refresh.lifetime, used: false });
  state.issued.refreshTokens.add(token);
  return token;
}

/** A JWT access token (RFC 9068, section 2). */
function jwtAccessToken(
  parts: AccessParts,
  { for: asked, state }: { for: TokenRequest; state: ProviderState },
): string {
  const { request, client, grant, by } = asked;
  const { scope, audience, issuedAt, expiresAt } = parts;
  const honest = {
    iss: state.issuer,
    sub: grant.user.sub,
    aud: audience,
    client_id: client.clientId,
    iat: issuedAt,
    exp: expiresAt,
    jti: randomUUID(),
    scope,
    auth_time: grant.authTime,
    acr: grant.acr,
    cnf: confirmationOf(parts),
  };
  const claims = changedObject(honest, { by: by.accessTokenClaims, request });
  return String(
    buildJwt({ header: { typ: 'at+jwt' }, claims, by: by.accessTokenJose, request }, joseContextOf(state, client)),
  );
}

function issueAccessToken(
  parts: AccessParts,
  { for: asked, state }: { for: TokenRequest; state: ProviderState },
): string {
  const { by, grant, request } = asked;
  const honest = by.accessTokenFormat === 'jwt' ? jwtAccessToken(parts, { for: asked, state }) : freshSecret('at');
  const token = changedValue(honest, { by: by.accessToken, request });
  state.grants.accessTokens.set(token, { grant, ...parts });
  state.issued.accessTokens.add(token);
  return token;
}

/** The algorithm `at_hash` follows. */
function hashAlg({ hmac, key, alg }: JoseSwitches, state: ProviderState): string {
  if (hmac !== undefined) return 'HS256';
  if (typeof key === 'object') return key.alg;
  return alg ?? state.keys.active.alg;
}

function honestClaims(
  accessToken: string,
  { asked, alg, state }: { asked: TokenRequest; alg: string; state: ProviderState },
): JsonObject {
  const { client, grant, isRefresh } = asked;
  const now = state.now();
  return {
    ...grant.user.claims,
    iss: state.issuer,
    sub: grant.user.sub,
    aud: client.clientId,
    exp: now + 300,
    iat: now,
    auth_time: grant.authTime,
    nonce: isRefresh ? undefined : grant.nonce,
    acr: grant.acr,
    sid: grant.sid,
    at_hash: halfHash(accessToken, alg),
  };
}

function issueIdToken(accessToken: string, { asked, state }: { asked: TokenRequest; state: ProviderState }): unknown {
  const { client, by, request } = asked;
  const jose: JoseSwitches = { alg: client.idTokenSignedResponseAlg, ...by.jose };
  const honest = honestClaims(accessToken, { asked, alg: hashAlg(jose, state), state });
  const own = Object.fromEntries(Object.entries(honest).filter(([, value]) => value !== undefined));
  const marked = by.idTokenKind ? asOtherKind(by.idTokenKind, own) : { typ: 'JWT', claims: own };
  const claims = changedObject(marked.claims, { by: by.claims, request });
  return buildJwt({ header: { typ: marked.typ }, claims, by: jose, request }, joseContextOf(state, client));
}

function bindingOf({ request }: TokenRequest, { script }: ProviderState): Binding {
  const thumbprint = request.dpop?.valid ? request.dpop.thumbprint : undefined;
  return { dpopThumbprint: script.dpop.downgrade ? undefined : thumbprint, certificate: request.certificate };
}

/** The JSON of the answer (RFC 6749, section 5.1; OIDC Core, section 3.1.3.3). */
export function issueTokens(asked: TokenRequest, state: ProviderState): JsonObject {
  const { request, grant, by, isRefresh, refreshToken } = asked;
  const hasIdToken = by.idToken && grant.scope.split(' ').includes('openid');
  const scope = changedValue(request.body.scope ?? grant.scope, { by: by.scope, request });
  const issuedAt = state.now();
  const audience = request.body.resource ?? grant.resource ?? state.issuer;
  const binding = bindingOf(asked, state);
  const parts = { ...binding, scope, audience, issuedAt, expiresAt: issuedAt + by.expiresIn };
  const accessToken = issueAccessToken(parts, { for: asked, state });
  if (!isRefresh) grant.scope = scope;
  return {
    access_token: accessToken,
    token_type: binding.dpopThumbprint === undefined ? 'Bearer' : 'DPoP',
    expires_in: by.expiresIn,
    scope,
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    ...(hasIdToken ? { id_token: issueIdToken(accessToken, { asked, state }) } : {}),
  };
}
