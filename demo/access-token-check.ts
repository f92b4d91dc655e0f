/**
 * What a service behind Claimcheck has to check about an access token: a JWT by
 * RFC 9068, in a request by RFC 6750.
 *
 * The service trusts no header that says who the user is and no network it stands
 * in. It asks for scopes here; whose object it is, it checks where the object is.
 *
 * @module
 */

import type { IncomingMessage } from 'node:http';
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';

/** Who calls, and what they may do. */
export interface Caller {
  readonly sub: string;
  readonly scopes: ReadonlySet<string>;
  /** `jti` of the token: tells one token from the next without repeating it. */
  readonly tokenId: string | undefined;
}

/** The answer of the check; `keys-unreachable` is our trouble (503), everything else the caller's (401). */
export type TokenCheck =
  | { readonly caller: Caller }
  | { readonly refused: 'token-missing' | 'request-malformed' | 'token-invalid' | 'keys-unreachable' };

/** Whose tokens for which audience are good. */
export interface TokenPolicy {
  readonly issuer: string;
  readonly audience: string;
  /** Default: the `jwks_uri` of the issuer's metadata, asked for at the first request. */
  readonly jwksUri?: string;
}

/** Asymmetric only: with a shared secret the service could make tokens itself. */
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/** Seconds by which our clock may differ from the authorization server's. */
const clockToleranceSeconds = 5;

/** Makes the check. Keys are fetched when first needed and again for an unknown `kid`. */
export function createAccessTokenCheck(policy: TokenPolicy): (request: IncomingMessage) => Promise<TokenCheck> {
  const keys = createKeyLookup(policy);
  const expected = {
    issuer: policy.issuer,
    audience: policy.audience,
    algorithms,
    typ: 'at+jwt',
    clockTolerance: clockToleranceSeconds,
    requiredClaims: ['exp', 'sub', 'client_id', 'iat', 'jti'],
  };

  return async (request) => {
    const token = bearerTokenOf(request);
    if ('refused' in token) return token;
    try {
      const { payload } = await jwtVerify(token.text, keys, expected);
      return payload.sub === undefined ? { refused: 'token-invalid' } : { caller: callerFrom(payload, payload.sub) };
    } catch (error) {
      if (error instanceof KeysUnreachable) return { refused: 'keys-unreachable' };
      if (error instanceof errors.JOSEError) return { refused: 'token-invalid' };
      throw error;
    }
  };
}

function callerFrom(payload: JWTPayload, sub: string): Caller {
  const scope = typeof payload.scope === 'string' ? payload.scope : '';
  return { sub, scopes: new Set(scope.split(' ').filter(Boolean)), tokenId: payload.jti };
}

/** RFC 6750, 2.1. A token in the query or in a form (2.2, 2.3) is none to us: it would end up in logs. */
function bearerTokenOf(request: IncomingMessage): { readonly text: string } | Extract<TokenCheck, { refused: string }> {
  const lines = request.headersDistinct.authorization ?? [];
  const [line] = lines;
  if (line === undefined) return { refused: 'token-missing' };
  if (lines.length > 1) return { refused: 'request-malformed' };
  const [, text] = /^Bearer ([\w.~+/-]+=*)$/i.exec(line) ?? [];
  return text === undefined ? { refused: 'token-missing' } : { text };
}

class KeysUnreachable extends Error {
  override readonly name = 'KeysUnreachable';
}

function createKeyLookup({ issuer, jwksUri }: TokenPolicy): JWTVerifyGetKey {
  let lookup: Promise<JWTVerifyGetKey> | undefined;
  return async (header, token) => {
    lookup ??= resolveKeySet(issuer, jwksUri);
    try {
      return await (await lookup)(header, token);
    } catch (error) {
      // A key that is not there is the token's fault. That nobody answers about keys is not.
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      lookup = undefined;
      throw new KeysUnreachable('no key set', { cause: error });
    }
  };
}

async function resolveKeySet(issuer: string, jwksUri: string | undefined): Promise<JWTVerifyGetKey> {
  if (jwksUri !== undefined) return createRemoteJWKSet(new URL(jwksUri));
  const response = await fetch(`${issuer}/.well-known/openid-configuration`, { signal: AbortSignal.timeout(5_000) });
  // Whatever is not a metadata object fails the comparison below.
  const metadata = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown } | null;
  if (metadata?.issuer !== issuer || typeof metadata.jwks_uri !== 'string') {
    throw new KeysUnreachable('the metadata is not of this issuer');
  }
  return createRemoteJWKSet(new URL(metadata.jwks_uri));
}
