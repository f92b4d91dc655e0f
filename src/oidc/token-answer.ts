/**
 * The envelope of a token answer: what stands beside the ID token, checked
 * against the grammar of each member. Pure.
 *
 * A token ends up in a header of ours, so one that holds a line break or a space
 * is refused here and not by the code that writes the header (CB-27).
 *
 * @module
 */

import type { Grant, IdTokenClaims } from './grant.ts';
import type { JsonObject } from './strict-json.ts';

/** What a token endpoint answered, every member of it checked. */
export interface TokenAnswer {
  readonly accessToken: string;
  /** Ms; `undefined` when it was not told, or is no number to believe. */
  readonly expiresInMs: number | undefined;
  /** `undefined` when it is what was asked for (RFC 6749, 5.1). */
  readonly scope: readonly string[] | undefined;
  readonly refreshToken: string | undefined;
  readonly refreshExpiresInMs: number | undefined;
  readonly idToken: string | undefined;
  /** What an exchange gave (RFC 8693, 2.2.1). */
  readonly issuedTokenType: string | undefined;
}

/** Which member is wrong. */
export type TokenAnswerFault =
  | 'access-token-grammar'
  | 'refresh-token-grammar'
  | 'id-token-missing'
  | 'id-token-grammar'
  | 'token-type'
  | 'expires-in'
  | 'scope-grammar';

const maxTokenLength = 16 * 1024;

/** RFC 6750, 2.1. Narrower than RFC 6749, A.12, since a token that cannot stand in the header is of no use. */
const b64token = /^[A-Za-z0-9\-._~+/]+=*$/;
/** VSCHAR: RFC 6749, A.17. */
const visible = /^[\x20-\x7e]+$/;
/** RFC 6749, 3.3. */
const scopeGrammar = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;
const maxScopeLength = 4 * 1024;

const yearSeconds = 365 * 24 * 60 * 60;

/** How a token is used: by whoever has it, or with a proof of its key (RFC 9449, 5). */
export type TokenType = 'bearer' | 'dpop';

/** Reads an answer with status 200. A text is the fault that makes it unusable as a whole (CB-14). */
export function readTokenAnswer(json: JsonObject, expected: TokenType): TokenAnswer | TokenAnswerFault {
  const { access_token, refresh_token, id_token, token_type, scope } = json;
  // A token bound to a key that nobody has is of no use; one that is not bound although it was to be is a downgrade (CB-16).
  if (typeof token_type !== 'string' || token_type.toLowerCase() !== expected) return 'token-type';
  if (!isToken(access_token, b64token)) return 'access-token-grammar';
  if (refresh_token !== undefined && !isToken(refresh_token, visible)) return 'refresh-token-grammar';
  if (id_token !== undefined && (typeof id_token !== 'string' || id_token === '')) return 'id-token-grammar';
  if (scope !== undefined && !isScope(scope)) return 'scope-grammar';
  const expiresInMs = durationFrom(json['expires_in']);
  if (expiresInMs === 'wrong') return 'expires-in';
  const refreshExpiresInMs = durationFrom(json['refresh_expires_in'] ?? json['refresh_token_expires_in']);
  return {
    accessToken: access_token,
    expiresInMs,
    scope: scope === undefined ? undefined : scope.split(' ').filter((token) => token !== ''),
    refreshToken: refresh_token,
    // Not of any standard: one that cannot be read is as good as none.
    refreshExpiresInMs: refreshExpiresInMs === 'wrong' ? undefined : refreshExpiresInMs,
    idToken: id_token,
    issuedTokenType: typeof json['issued_token_type'] === 'string' ? json['issued_token_type'] : undefined,
  };
}

/**
 * The grant that an answer makes, once its ID token was checked too.
 *
 * An expiry is counted from before the question, so a token is given up early
 * rather than late.
 */
export function grantFrom(
  answer: TokenAnswer,
  rest: {
    /** Ms. */
    readonly askedAt: number;
    readonly idToken: IdTokenClaims | undefined;
    /** What was asked for: the scope of an answer that names none. */
    readonly askedScope: readonly string[];
    /** What the tokens are bound to. */
    readonly dpopKey: string | undefined;
    /** Whether a sign-out will need the ID token. */
    readonly keepsIdToken?: boolean;
  },
): Grant {
  const { askedAt, idToken, askedScope, dpopKey, keepsIdToken } = rest;
  const until = (ms: number | undefined) => (ms === undefined ? undefined : askedAt + ms);
  const { accessToken, expiresInMs, scope = askedScope } = answer;
  return {
    tokens: { accessToken, issuedAt: askedAt, expiresAt: until(expiresInMs), scope, ...boundTo(dpopKey) },
    refreshToken: answer.refreshToken,
    refreshExpiresAt: until(answer.refreshExpiresInMs),
    idToken,
    ...(keepsIdToken && idToken !== undefined ? { idTokenHint: answer.idToken } : {}),
  };
}

/** The member of a token set that tells what it is bound to; none for a bearer token. */
export function boundTo(dpopKey: string | undefined): { readonly dpopKey?: string } {
  return dpopKey === undefined ? {} : { dpopKey };
}

/** Tokens in an answer that is not used for anything, the refresh token first: what should be revoked (CB-14). */
export function tokensIn(json: JsonObject | undefined): readonly string[] {
  const { refresh_token, access_token } = json ?? {};
  return [refresh_token, access_token].filter((token): token is string => isToken(token, visible));
}

function isToken(value: unknown, grammar: RegExp): value is string {
  return typeof value === 'string' && value.length <= maxTokenLength && grammar.test(value);
}

function isScope(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > maxScopeLength) return false;
  return value === '' || scopeGrammar.test(value);
}

// "Never treated as eternal" (CB-17): zero, which some servers mean by "no end", and more than a year count as not told, so
// the token is used until somebody refuses it and the session's own lifetime is the bound. A negative number or a word is a fault.
function durationFrom(value: unknown): number | undefined | 'wrong' {
  if (value === undefined) return undefined;
  const seconds = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds < 0) return 'wrong';
  return seconds === 0 || seconds > yearSeconds ? undefined : Math.floor(seconds * 1000);
}
