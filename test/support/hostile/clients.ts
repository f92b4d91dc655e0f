/**
 * The clients the provider knows, and whether a request proves to come from one.
 *
 * Strict, as an honest provider is: one method for each request, the registered
 * one; Basic credentials form-decoded (RFC 6749, section 2.3.1); an assertion
 * for this issuer alone, used once.
 *
 * @module
 */

import type { JsonObject } from './json.ts';
import type { Jwk, SigningAlg } from './keys.ts';
import type { AuthMethod, ClientAuthentication, LoggedRequest } from './log.ts';
import { parseUnverifiedJws, type UnverifiedJws, verifiesWith } from './signature.ts';

/** A registered client, named as in RFC 7591 but in our case. */
export interface RegisteredClient {
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  /** What it may use; by default `client_secret_basic` and `client_secret_post` with a secret, `private_key_jwt` with keys, `tls_client_auth` with a certificate, else `none`. */
  readonly authMethods?: readonly AuthMethod[] | undefined;
  /** Its public keys, or where they come from each time (a fetch of its `jwks_uri`, cached or not). */
  readonly jwks?: readonly Jwk[] | (() => readonly Jwk[] | Promise<readonly Jwk[]>) | undefined;
  /** `x5t#S256` of its certificate (`createTlsIdentity().thumbprint`). */
  readonly certificate?: string | undefined;
  /** Exact redirect URIs. Without a list any is taken, but the token request must repeat it. */
  readonly redirectUris?: readonly string[] | undefined;
  /** Exact post-logout URIs. Without a list any is taken. */
  readonly postLogoutRedirectUris?: readonly string[] | undefined;
  /** Where logout tokens go at a logout by `/end_session`; nowhere by default. */
  readonly backchannelLogoutUri?: string | undefined;
  /** What the logout page frames; nothing by default. */
  readonly frontchannelLogoutUri?: string | undefined;
  /** Algorithm of its ID tokens and logout tokens; the active key's by default. */
  readonly idTokenSignedResponseAlg?: SigningAlg | undefined;
}

/** True when the URI is in the list, character by character, or when there is no list. */
export function isRegistered(uri: string, registered: readonly string[] | undefined): boolean {
  return !registered || registered.includes(uri);
}

/** What the check needs to know. */
export interface ClientCheck {
  readonly clients: ReadonlyMap<string, RegisteredClient>;
  readonly issuer: string;
  /** In s. */
  readonly now: number;
  /** Every `jti` seen; the check adds to it. */
  readonly usedJtis: Set<string>;
}

type Verdict = Pick<ClientAuthentication, 'clientId' | 'reason'> & {
  readonly assertion?: { header: JsonObject; claims: JsonObject };
};

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

function methodsIn({ headers, body, certificate }: LoggedRequest): readonly AuthMethod[] {
  const found: AuthMethod[] = [];
  if (/^basic /i.test(headers.authorization ?? '')) found.push('client_secret_basic');
  if (body.client_secret !== undefined) found.push('client_secret_post');
  if (body.client_assertion !== undefined) found.push('private_key_jwt');
  if (found.length === 0 && certificate !== undefined) found.push('tls_client_auth');
  return found.length === 0 ? ['none'] : found;
}

function allowedMethods(client: RegisteredClient): readonly AuthMethod[] {
  if (client.authMethods) return client.authMethods;
  if (client.clientSecret !== undefined) return ['client_secret_basic', 'client_secret_post'];
  if (client.jwks) return ['private_key_jwt'];
  return client.certificate === undefined ? ['none'] : ['tls_client_auth'];
}

function formDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function checkBasic({ headers }: LoggedRequest, { clients }: ClientCheck): Verdict {
  const text = Buffer.from((headers.authorization ?? '').slice(6), 'base64').toString();
  const colon = text.indexOf(':');
  const clientId = formDecode(text.slice(0, colon));
  if (colon < 0 || clientId === undefined) return { clientId: undefined, reason: 'malformed-basic' };
  const isRight = formDecode(text.slice(colon + 1)) === clients.get(clientId)?.clientSecret;
  return { clientId, reason: isRight ? undefined : 'wrong-secret' };
}

function checkPost({ body }: LoggedRequest, { clients }: ClientCheck): Verdict {
  const clientId = body.client_id;
  const isRight = clientId !== undefined && body.client_secret === clients.get(clientId)?.clientSecret;
  return { clientId, reason: isRight ? undefined : 'wrong-secret' };
}

function claimsFault(claims: JsonObject, { issuer, now, usedJtis }: ClientCheck): string | undefined {
  const { iss, sub, aud, exp, iat, nbf, jti } = claims;
  if (iss !== sub) return 'issuer-not-subject';
  // One string, the issuer identifier: an assertion for an endpoint can be used at another server (draft-ietf-oauth-rfc7523bis).
  if (aud !== issuer) return 'audience';
  if (typeof exp !== 'number' || exp <= now) return 'expired';
  if (typeof iat !== 'number' || iat > now + 60) return 'issued-in-the-future';
  if (nbf !== undefined && (typeof nbf !== 'number' || nbf > now + 60)) return 'not-yet-valid';
  if (typeof jti !== 'string' || jti === '') return 'no-jti';
  if (usedJtis.has(`${iss} ${jti}`)) return 'jti-reused';
  usedJtis.add(`${iss} ${jti}`);
  return undefined;
}

async function isSignedBy(jws: UnverifiedJws, { jwks = [] }: RegisteredClient): Promise<boolean> {
  const keys = typeof jwks === 'function' ? await jwks() : jwks;
  const { kid } = jws.header;
  return keys.some((key) => (kid === undefined || key.kid === undefined || key.kid === kid) && verifiesWith(jws, key));
}

async function checkAssertion({ body }: LoggedRequest, check: ClientCheck): Promise<Verdict> {
  if (body.client_assertion_type !== assertionType) return { clientId: undefined, reason: 'assertion-type' };
  const jws = parseUnverifiedJws(body.client_assertion ?? '');
  if (!jws) return { clientId: undefined, reason: 'malformed-assertion' };
  const { header, claims } = jws;
  const clientId = String(claims.sub);
  const verdict = { clientId, assertion: { header, claims } };
  const client = check.clients.get(clientId);
  if (!client || !(await isSignedBy(jws, client))) return { ...verdict, reason: 'assertion-signature' };
  if (body.client_id !== undefined && body.client_id !== clientId) return { ...verdict, reason: 'client-id-differs' };
  return { ...verdict, reason: claimsFault(claims, check) };
}

function checkCertificate({ body, certificate }: LoggedRequest, { clients }: ClientCheck): Verdict {
  const clientId = body.client_id;
  const registered = clients.get(clientId ?? '')?.certificate;
  return { clientId, reason: registered === certificate ? undefined : 'certificate' };
}

async function checkBy(
  method: AuthMethod,
  { request, check }: { request: LoggedRequest; check: ClientCheck },
): Promise<Verdict> {
  switch (method) {
    case 'client_secret_basic':
      return checkBasic(request, check);
    case 'client_secret_post':
      return checkPost(request, check);
    case 'private_key_jwt':
      return checkAssertion(request, check);
    case 'tls_client_auth':
      return checkCertificate(request, check);
    case 'none':
      return { clientId: request.body.client_id, reason: undefined };
  }
}

/** Says which client a request comes from and whether it proved so. Never throws for what a client sent. */
export async function authenticateClient(request: LoggedRequest, check: ClientCheck): Promise<ClientAuthentication> {
  const methods = methodsIn(request);
  const [method = 'none'] = methods;
  const { clientId, reason, assertion } = await checkBy(method, { request, check });
  const client = check.clients.get(clientId ?? '');
  const fault =
    (methods.length > 1 ? 'two-methods' : undefined) ??
    (request.query.client_secret === undefined ? undefined : 'secret-in-url') ??
    reason ??
    (client ? undefined : 'unknown-client') ??
    (client && !allowedMethods(client).includes(method) ? 'method-not-registered' : undefined);
  return { valid: fault === undefined, method, clientId, reason: fault, assertion };
}
