/**
 * The metadata of an authorization server: what of it is used, and when it is not
 * used at all (OIDC Discovery, 4; RFC 8414). Pure.
 *
 * Members are copied one by one. The issuer must be the configured one, letter
 * by letter; endpoints must be https, or http on this machine when the issuer is
 * (LS-16, LS-17).
 *
 * @module
 */

import { isLoopbackName } from '../base/loopback.ts';
import { isOfManyTenants } from '../config/issuer.ts';
import { type SignatureAlgorithm, signatureAlgorithms } from './jws.ts';
import { isJsonObject, type JsonObject } from './strict-json.ts';

/** What is used of the metadata, under the names it has there. */
export interface ProviderMetadata {
  readonly issuer: string;
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly jwks_uri: string;
  readonly pushed_authorization_request_endpoint: string | undefined;
  readonly require_pushed_authorization_requests: boolean;
  readonly userinfo_endpoint: string | undefined;
  readonly revocation_endpoint: string | undefined;
  readonly end_session_endpoint: string | undefined;
  readonly scopes_supported: readonly string[] | undefined;
  readonly code_challenge_methods_supported: readonly string[] | undefined;
  readonly authorization_response_iss_parameter_supported: boolean;
  /** Those that we verify with, too; never empty. */
  readonly id_token_signing_alg_values_supported: readonly SignatureAlgorithm[];
  /** As above; empty when signed answers are not offered. */
  readonly userinfo_signing_alg_values_supported: readonly SignatureAlgorithm[];
  readonly token_endpoint_auth_signing_alg_values_supported: readonly string[] | undefined;
  /** What signed authorization responses are verified with: those of ID tokens where the server does not say (JARM, 3). */
  readonly authorization_signing_alg_values_supported: readonly SignatureAlgorithm[];
  readonly response_modes_supported: readonly string[] | undefined;
  readonly dpop_signing_alg_values_supported: readonly string[] | undefined;
  /** Where a client shows its certificate, instead of the endpoints above (RFC 8705, 5). */
  readonly mtls_endpoint_aliases: Readonly<Record<string, string>>;
  /** Optional endpoints that are not used because they are insecure. */
  readonly passedOver: readonly string[];
}

/** Why metadata is not used. */
export type MetadataFault =
  | 'issuer-differs'
  | 'issuer-of-many-tenants'
  | 'endpoint-missing'
  | 'endpoint-insecure'
  | 'no-common-algorithm'
  | 'member-malformed'
  | FlowFault;

/** What the configured flow needs and the authorization server does not offer: see flow-demands.ts. */
export type FlowFault =
  | 'pushed-requests-missing'
  | 'response-mode-missing'
  | 'dpop-algorithm-missing'
  | 'issuer-in-response-missing'
  | 'pkce-missing';

/** Thrown for metadata that is not used. */
export class MetadataError extends Error {
  readonly reason: MetadataFault;

  constructor(reason: MetadataFault, member: string) {
    super(`metadata refused: ${reason}: ${member}`);
    this.name = 'MetadataError';
    this.reason = reason;
  }
}

/** Where the metadata of an issuer lies (OIDC Discovery, 4). */
export function metadataUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
}

/** Reads metadata. Throws {@link MetadataError}. */
export function metadataFrom(json: JsonObject, issuer: string): ProviderMetadata {
  if (json.issuer !== issuer) throw otherIssuer(json.issuer);
  const endpoints = new Endpoints(json, issuer);
  // RS256 is what a server takes that does not say (OIDC Core, 3.1.3.7-7).
  const algorithms = algorithmsIn(textsIn(json, 'id_token_signing_alg_values_supported') ?? ['RS256']);
  if (algorithms.length === 0) throw new MetadataError('no-common-algorithm', 'id_token_signing_alg_values_supported');
  const optional = {
    userinfo_endpoint: endpoints.optional('userinfo_endpoint'),
    revocation_endpoint: endpoints.optional('revocation_endpoint'),
    end_session_endpoint: endpoints.optional('end_session_endpoint'),
  };
  return {
    issuer,
    authorization_endpoint: endpoints.required('authorization_endpoint'),
    token_endpoint: endpoints.required('token_endpoint'),
    jwks_uri: endpoints.required('jwks_uri'),
    pushed_authorization_request_endpoint:
      json.pushed_authorization_request_endpoint === undefined && json.require_pushed_authorization_requests !== true
        ? undefined
        : endpoints.required('pushed_authorization_request_endpoint'),
    require_pushed_authorization_requests: json.require_pushed_authorization_requests === true,
    ...optional,
    scopes_supported: textsIn(json, 'scopes_supported'),
    code_challenge_methods_supported: textsIn(json, 'code_challenge_methods_supported'),
    authorization_response_iss_parameter_supported: json.authorization_response_iss_parameter_supported === true,
    id_token_signing_alg_values_supported: algorithms,
    userinfo_signing_alg_values_supported: algorithmsIn(textsIn(json, 'userinfo_signing_alg_values_supported') ?? []),
    token_endpoint_auth_signing_alg_values_supported: textsIn(json, 'token_endpoint_auth_signing_alg_values_supported'),
    authorization_signing_alg_values_supported:
      json.authorization_signing_alg_values_supported === undefined
        ? algorithms
        : algorithmsIn(textsIn(json, 'authorization_signing_alg_values_supported') ?? []),
    response_modes_supported: textsIn(json, 'response_modes_supported'),
    dpop_signing_alg_values_supported: textsIn(json, 'dpop_signing_alg_values_supported'),
    mtls_endpoint_aliases: aliasesIn(json, issuer),
    passedOver: endpoints.passedOver,
  };
}

// A placeholder is what the operator can mend: it needs another word than an issuer that is wrong.
function otherIssuer(published: unknown): MetadataError {
  return typeof published === 'string' && isOfManyTenants(published)
    ? new MetadataError('issuer-of-many-tenants', 'set ISSUER to the issuer of one tenant')
    : new MetadataError('issuer-differs', 'issuer');
}

// An https issuer that names a plain-http endpoint, be it on this machine, would send our secrets in clear or make us knock at a
// neighbour's door; only where the issuer itself is on this machine may its endpoints be.
class Endpoints {
  readonly passedOver: string[] = [];
  readonly #json: JsonObject;
  readonly #allowsLoopback: boolean;

  constructor(json: JsonObject, issuer: string) {
    this.#json = json;
    this.#allowsLoopback = URL.parse(issuer)?.protocol === 'http:';
  }

  required(name: string): string {
    const value = this.#json[name];
    const url = urlOf(value);
    if (url === undefined) throw new MetadataError('endpoint-missing', name);
    if (!this.#isSecure(url)) throw new MetadataError('endpoint-insecure', name);
    return String(value);
  }

  optional(name: string): string | undefined {
    const value = this.#json[name];
    if (value === undefined) return undefined;
    const url = urlOf(value);
    if (url !== undefined && this.#isSecure(url)) return String(value);
    this.passedOver.push(name);
    return undefined;
  }

  #isSecure(url: URL): boolean {
    if (url.protocol === 'https:') return true;
    return url.protocol === 'http:' && this.#allowsLoopback && isLoopbackName(url.hostname);
  }
}

const aliased = [
  'token_endpoint',
  'pushed_authorization_request_endpoint',
  'userinfo_endpoint',
  'revocation_endpoint',
  'introspection_endpoint',
];

// An alias that cannot be used ends the start like the endpoint it stands for: without it the certificate would be shown nowhere.
function aliasesIn(json: JsonObject, issuer: string): Readonly<Record<string, string>> {
  const { mtls_endpoint_aliases: aliases } = json;
  if (aliases === undefined) return {};
  if (!isJsonObject(aliases)) throw new MetadataError('member-malformed', 'mtls_endpoint_aliases');
  const endpoints = new Endpoints(aliases, issuer);
  const given = aliased.filter((name) => aliases[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, endpoints.required(name)]));
}

// No fragment (RFC 6749, 3.1), and nobody's password.
function urlOf(value: unknown): URL | undefined {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  return url === null || url.hash !== '' || url.username !== '' || url.password !== '' ? undefined : url;
}

function textsIn(json: JsonObject, name: string): readonly string[] | undefined {
  const value = json[name];
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw new MetadataError('member-malformed', name);
  return value.filter((item) => typeof item === 'string');
}

function algorithmsIn(offered: readonly string[]): readonly SignatureAlgorithm[] {
  return signatureAlgorithms.filter((algorithm) => offered.includes(algorithm));
}
