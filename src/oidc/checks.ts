/**
 * What an ID token must say, after its signature: every rule of OIDC Core that
 * the library leaves to us, and those it checks once more. Pure.
 *
 * A check that fails is returned as the word that the log and the tests use.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { equalInConstantTime } from '../base/equal.ts';
import type { IdTokenClaims } from './grant.ts';
import type { SignatureAlgorithm } from './jws.ts';
import type { VerifiedJws } from './key-set.ts';
import type { JsonObject } from './strict-json.ts';

/** The check that failed. */
export type IdTokenFault =
  | 'id-token-issuer'
  | 'id-token-subject'
  | 'id-token-audience'
  | 'id-token-authorized-party'
  | 'id-token-expiry'
  | 'id-token-issued-at'
  | 'id-token-not-before'
  | 'id-token-nonce'
  | 'id-token-access-token-hash'
  | 'id-token-code-hash'
  | 'id-token-other-kind'
  | 'id-token-session-id'
  | 'id-token-auth-time'
  | 'id-token-acr';

/** What every ID token is held against. */
export interface ExpectedIdToken {
  readonly issuer: string;
  readonly clientId: string;
  /** Who may be named beside the client; nobody by default. */
  readonly trustedAudiences?: readonly string[];
  /** How long ago it may have been issued, ms; five minutes when undefined. */
  readonly maxAgeMs?: number | undefined;
  /** The access token of the same answer. */
  readonly accessToken: string;
  /** The instant, ms. */
  readonly now: number;
}

/** What else the ID token of a sign-in is held against. */
export interface ExpectedSignIn extends ExpectedIdToken {
  readonly nonce: string;
  readonly code: string;
  /** When the browser was sent to the authorization server, ms. */
  readonly startedAt: number;
  /** Seconds, as asked for. */
  readonly maxAge: number | undefined;
  /** Those asked for; empty when none was. */
  readonly acrValues: readonly string[];
}

/** What the ID token of a refresh is held against (OIDC Core, 12.2). */
export interface ExpectedRefresh extends ExpectedIdToken {
  readonly previous: {
    readonly subject: string;
    /** Ms; `undefined` when it was never told. */
    readonly authTime: number | undefined;
    readonly nonce?: string | undefined;
  };
}

/** `typ` of an ID token: none, or JWT. Every other kind of token has its own (RFC 8725, 3.11). */
export const idTokenTypes: readonly string[] = ['', 'jwt'];

/** The authorization server's clock may be this much ahead of ours: FAPI 2 asks for 10 s and allows no more than 60. */
export const aheadSeconds = 10;
/** How long a token is taken after its end. */
export const expiryLeewaySeconds = 30;
/** An ID token comes straight from the token endpoint: an older one is a replay. */
const defaultMaxAgeMs = 5 * 60_000;
/** Members that only tokens of another kind have: a logout token or security event, an introspection answer, a DPoP proof. */
const foreignMembers = ['events', 'token_introspection', 'htm', 'htu', 'toe'] as const;

/** Holds the ID token of a sign-in against what was asked for. */
export function checkSignInToken(jws: VerifiedJws, expected: ExpectedSignIn): IdTokenFault | undefined {
  const { claims, algorithm } = jws;
  const { nonce, acr, auth_time } = claims;
  if (typeof nonce !== 'string' || !equalInConstantTime(nonce, expected.nonce)) return 'id-token-nonce';
  if (!isHashOf(claims['c_hash'], expected.code, algorithm)) return 'id-token-code-hash';
  const fault = checkIdToken(jws, expected);
  if (fault !== undefined) return fault;
  if (expected.acrValues.length > 0 && !expected.acrValues.some((value) => value === acr)) return 'id-token-acr';
  if (expected.maxAge === undefined) return undefined;
  // Counted from the start: how long the person then takes at the authorization server is not its fault.
  const oldest = expected.startedAt / 1000 - expected.maxAge - aheadSeconds;
  return typeof auth_time === 'number' && auth_time >= oldest ? undefined : 'id-token-auth-time';
}

/** Holds the ID token of a refresh against the session: the same person, the same sign-in (OIDC Core, 12.2; RF-08). */
export function checkRefreshedToken(jws: VerifiedJws, expected: ExpectedRefresh): IdTokenFault | undefined {
  const { sub, nonce, auth_time } = jws.claims;
  const { previous } = expected;
  if (sub !== previous.subject) return 'id-token-subject';
  if (nonce !== undefined && previous.nonce !== undefined && nonce !== previous.nonce) return 'id-token-nonce';
  const fault = checkIdToken(jws, expected);
  if (fault !== undefined || auth_time === undefined || previous.authTime === undefined) return fault;
  return Number(auth_time) * 1000 === previous.authTime ? undefined : 'id-token-auth-time';
}

/** The claims of a token that passed, as the rest of the product sees them. */
export function idTokenClaimsOf({ claims }: VerifiedJws): IdTokenClaims {
  return claims as IdTokenClaims; // checkIdToken found the three named members to be of these types
}

function checkIdToken({ claims, algorithm }: VerifiedJws, expected: ExpectedIdToken): IdTokenFault | undefined {
  if (claims['iss'] !== expected.issuer) return 'id-token-issuer';
  if (!isSubject(claims['sub'])) return 'id-token-subject';
  if (!isForUs(claims, expected)) return 'id-token-audience';
  if (claims['azp'] !== undefined && claims['azp'] !== expected.clientId) return 'id-token-authorized-party';
  if (foreignMembers.some((member) => Object.hasOwn(claims, member))) return 'id-token-other-kind';
  if (!isHashOf(claims['at_hash'], expected.accessToken, algorithm)) return 'id-token-access-token-hash';
  if (claims['sid'] !== undefined && !isSubject(claims['sid'])) return 'id-token-session-id';
  return checkTimes(claims, expected);
}

function checkTimes(
  { exp, iat, nbf, auth_time }: JsonObject,
  { now: nowMs, maxAgeMs = defaultMaxAgeMs }: ExpectedIdToken,
): IdTokenFault | undefined {
  const now = nowMs / 1000;
  if (!isInstant(exp) || exp <= now - expiryLeewaySeconds) return 'id-token-expiry';
  if (!isInstant(iat) || iat > now + aheadSeconds || iat < now - maxAgeMs / 1000) return 'id-token-issued-at';
  if (nbf !== undefined && (!isInstant(nbf) || nbf > now + aheadSeconds)) return 'id-token-not-before';
  if (auth_time !== undefined && (!isInstant(auth_time) || auth_time > now + aheadSeconds)) return 'id-token-auth-time';
  return undefined;
}

/** Whether a value can name a person or a session: at most 255 ASCII characters (OIDC Core, 2), none that a log or a header could not hold. */
export function isSubject(value: unknown): value is string {
  return typeof value === 'string' && /^[\x20-\x7e]{1,255}$/.test(value);
}

// With others that are trusted the token must say that it was issued to us (OIDC Core, 3.1.3.7-3 and -4).
function isForUs({ aud, azp }: JsonObject, { clientId, trustedAudiences = [] }: ExpectedIdToken): boolean {
  if (isForUsAlone(aud, clientId)) return true;
  if (!Array.isArray(aud) || !aud.includes(clientId) || azp !== clientId) return false;
  if (new Set(aud).size !== aud.length) return false; // a name said twice is a server that does not know what it says
  return aud.every((name) => name === clientId || trustedAudiences.includes(name));
}

/** Whether `aud` names us and nobody else. No further audience is trusted, whatever `azp` says: each could use the token at us (OIDC Core, 3.1.3.7-3). */
export function isForUsAlone(aud: unknown, clientId: string): boolean {
  return aud === clientId || (Array.isArray(aud) && aud.length === 1 && aud[0] === clientId);
}

/** Whether a value is a NumericDate after 1970 (RFC 7519, 2). */
export function isInstant(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

// The left half of the hash that belongs to the signature's algorithm (OIDC Core, 3.1.3.6). Absent is fine in the code flow.
function isHashOf(value: unknown, text: string, algorithm: SignatureAlgorithm): boolean {
  if (value === undefined) return true;
  const digest = createHash(algorithm === 'EdDSA' || algorithm === 'Ed25519' ? 'sha512' : 'sha256')
    .update(text)
    .digest();
  return value === digest.subarray(0, digest.length / 2).toString('base64url');
}
