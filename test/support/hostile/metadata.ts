/**
 * The metadata of the provider (OIDC Discovery, section 3; RFC 8414) and its key set.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { type Answer, jsonAnswer } from './answer.ts';
import { changedValue, type JsonObject } from './json.ts';
import { signingAlgs } from './keys.ts';
import type { LoggedRequest } from './log.ts';
import type { ProviderState } from './state.ts';

/** The paths of the endpoints below the issuer. */
export const endpointPaths = {
  authorize: '/authorize',
  par: '/par',
  token: '/token',
  jwks: '/jwks',
  userinfo: '/userinfo',
  revoke: '/revoke',
  introspect: '/introspect',
  endSession: '/end_session',
} as const;

function aliasesOf(issuer: string): JsonObject {
  return {
    token_endpoint: `${issuer}/mtls${endpointPaths.token}`,
    pushed_authorization_request_endpoint: `${issuer}/mtls${endpointPaths.par}`,
    revocation_endpoint: `${issuer}/mtls${endpointPaths.revoke}`,
    introspection_endpoint: `${issuer}/mtls${endpointPaths.introspect}`,
    userinfo_endpoint: `${issuer}/mtls${endpointPaths.userinfo}`,
  };
}

function endpointsOf({ issuer, script }: ProviderState): JsonObject {
  return {
    issuer,
    authorization_endpoint: issuer + endpointPaths.authorize,
    token_endpoint: issuer + endpointPaths.token,
    jwks_uri: issuer + endpointPaths.jwks,
    userinfo_endpoint: issuer + endpointPaths.userinfo,
    revocation_endpoint: issuer + endpointPaths.revoke,
    introspection_endpoint: issuer + endpointPaths.introspect,
    end_session_endpoint: issuer + endpointPaths.endSession,
    pushed_authorization_request_endpoint: script.par.offered ? issuer + endpointPaths.par : undefined,
    require_pushed_authorization_requests: script.par.required ? true : undefined,
    mtls_endpoint_aliases: script.metadata.mtlsAliases ? aliasesOf(issuer) : undefined,
  };
}

const abilities: JsonObject = {
  response_types_supported: ['code'],
  response_modes_supported: ['query', 'fragment', 'form_post', 'query.jwt'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
  subject_types_supported: ['public'],
  scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
  claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'auth_time', 'nonce', 'acr', 'sid', 'name', 'email'],
  id_token_signing_alg_values_supported: signingAlgs,
  userinfo_signing_alg_values_supported: signingAlgs,
  authorization_signing_alg_values_supported: signingAlgs,
  introspection_signing_alg_values_supported: signingAlgs,
  token_endpoint_auth_methods_supported: [
    'client_secret_basic',
    'client_secret_post',
    'private_key_jwt',
    'tls_client_auth',
  ],
  token_endpoint_auth_signing_alg_values_supported: signingAlgs,
  dpop_signing_alg_values_supported: signingAlgs,
  code_challenge_methods_supported: ['S256'],
  authorization_response_iss_parameter_supported: true,
  request_parameter_supported: false,
  request_uri_parameter_supported: false,
  claims_parameter_supported: false,
  backchannel_logout_supported: true,
  backchannel_logout_session_supported: true,
  frontchannel_logout_supported: true,
  frontchannel_logout_session_supported: true,
  tls_client_certificate_bound_access_tokens: true,
};

/** Says where everything is and what it can do; the same for both well-known addresses. */
export function answerMetadata(_request: LoggedRequest, state: ProviderState): Answer {
  const json = { ...endpointsOf(state), ...structuredClone(abilities) };
  return { status: 200, headers: { 'content-type': 'application/json' }, json };
}

/** The key set (RFC 7517, section 5). */
export function answerJwks(request: LoggedRequest, { script, keys }: ProviderState): Answer {
  const { keys: by, etag, maxAge } = script.jwks;
  const honest = keys.published.map((key) => key.jwk);
  const json = { keys: changedValue(honest, { by, request }) };
  const tag = `"${createHash('sha256').update(JSON.stringify(json)).digest('base64url')}"`;
  const { 'cache-control': _noStore, pragma: _pragma, ...headers } = jsonAnswer(json).headers;
  const caching = {
    ...(etag ? { etag: tag } : {}),
    ...(maxAge === undefined ? {} : { 'cache-control': `max-age=${maxAge}` }),
  };
  const isKnown = etag && request.headers['if-none-match'] === tag;
  return isKnown
    ? { status: 304, headers: caching, text: '' }
    : { status: 200, headers: { ...headers, ...caching }, json };
}
