/**
 * What is sealed, as text: record, tokens and card as compact JSON with a number
 * for their form.
 *
 * The numbers stand first, so that a later version can read what an earlier one
 * wrote. Whatever is not of the expected form is `undefined`: the session then
 * counts as unreadable, and nothing is guessed.
 *
 * @module
 */

import type { Identity, SessionCard, SessionRecord, SessionTokens, TokenSet } from './session.ts';

/** The record as it is sealed: with the instant its sign-in counts from, by the provider's word. */
export interface SealedRecord extends SessionRecord {
  /** `iat` of the ID token, ms: what a back-channel logout is compared with. */
  readonly issuedAt: number;
}

/** The most bytes of a part before it is sealed. */
export const partLimits = { session: 64 * 1024, tokens: 256 * 1024, card: 2 * 1024 } as const;

/** Thrown when a part is too large to be stored. Better a sign-in that fails with a reason than one that fails later without. */
export class SessionTooLargeError extends Error {
  constructor(part: keyof typeof partLimits, bytes: number) {
    const remedy = part === 'tokens' ? 'ask the provider for smaller tokens' : 'list fewer claims in USER_CLAIMS';
    super(`the ${part} part of a session has ${bytes} bytes, more than ${partLimits[part]}: ${remedy}`);
    this.name = 'SessionTooLargeError';
  }
}

const form = 1;

/** The record as bytes. Throws {@link SessionTooLargeError}. */
export function encodeRecord({ identity, csrfSecret, createdAt, expiresAt, issuedAt }: SealedRecord): Buffer {
  const { issuer, subject, sid, claims, authTime, acr, nonce } = identity;
  const who = [issuer, subject, orNull(sid), claims, orNull(authTime), orNull(acr), orNull(nonce)];
  return bytesOf('session', [form, who, csrfSecret, createdAt, expiresAt, issuedAt]);
}

/** The record that {@link encodeRecord} wrote, or `undefined`. */
export function decodeRecord(bytes: Buffer): SealedRecord | undefined {
  const [number, who, csrfSecret, createdAt, expiresAt, issuedAt] = listIn(bytes);
  const identity = identityFrom(who);
  if (number !== form || identity === undefined || typeof csrfSecret !== 'string') return undefined;
  if (!isNumber(createdAt) || !isNumber(expiresAt) || !isNumber(issuedAt)) return undefined;
  return { identity, csrfSecret, createdAt, expiresAt, issuedAt };
}

/** The tokens as bytes. Throws {@link SessionTooLargeError}. */
export function encodeTokens({ refreshToken, refreshExpiresAt, rotates, sets, idToken }: SessionTokens): Buffer {
  const rows = Object.entries(sets).map(([audience, { accessToken, expiresAt, issuedAt, scope, dpopKey }]) => [
    audience,
    accessToken,
    orNull(expiresAt),
    issuedAt,
    scope,
    ...(dpopKey === undefined ? [] : [dpopKey]),
  ]);
  const hint = idToken === undefined ? [] : [idToken];
  return bytesOf('tokens', [form, orNull(refreshToken), orNull(refreshExpiresAt), orNull(rotates), rows, ...hint]);
}

/** The tokens that {@link encodeTokens} wrote, or `undefined`. */
export function decodeTokens(bytes: Buffer): SessionTokens | undefined {
  const [number, refreshToken, refreshExpiresAt, rotates, rows, idToken = null] = listIn(bytes);
  if (number !== form || !isTextOrNull(refreshToken) || !isNumberOrNull(refreshExpiresAt)) return undefined;
  if ((rotates !== null && typeof rotates !== 'boolean') || !Array.isArray(rows) || !isTextOrNull(idToken))
    return undefined;
  const sets = new Map<string, TokenSet>();
  for (const row of rows) {
    const named = tokenSetFrom(row);
    if (named === undefined) return undefined;
    sets.set(...named);
  }
  return {
    refreshToken: refreshToken ?? undefined,
    refreshExpiresAt: refreshExpiresAt ?? undefined,
    rotates: rotates ?? undefined,
    sets: Object.fromEntries(sets),
    ...(idToken === null ? {} : { idToken }),
  };
}

/** The card as bytes. */
export function encodeCard({ handle, createdAt, agent, address }: SessionCard): Buffer {
  return bytesOf('card', [form, handle, createdAt, agent, address]);
}

/** The card that {@link encodeCard} wrote, or `undefined`. */
export function decodeCard(bytes: Buffer): SessionCard | undefined {
  const [number, handle, createdAt, agent, address] = listIn(bytes);
  if (number !== form || typeof handle !== 'string' || !isNumber(createdAt)) return undefined;
  if (typeof agent !== 'string' || typeof address !== 'string') return undefined;
  return { handle, createdAt, agent, address };
}

function identityFrom(value: unknown): Identity | undefined {
  if (!Array.isArray(value)) return undefined;
  const [issuer, subject, sid, claims, authTime, acr, nonce = null]: readonly unknown[] = value;
  if (typeof issuer !== 'string' || typeof subject !== 'string' || !isTextOrNull(sid) || !isObject(claims))
    return undefined;
  if (!isNumberOrNull(authTime) || !isTextOrNull(acr) || !isTextOrNull(nonce)) return undefined;
  const optional = {
    sid: sid ?? undefined,
    authTime: authTime ?? undefined,
    acr: acr ?? undefined,
    nonce: nonce ?? undefined,
  };
  return { issuer, subject, claims, ...optional };
}

function tokenSetFrom(value: unknown): [audience: string, set: TokenSet] | undefined {
  if (!Array.isArray(value)) return undefined;
  const [audience, accessToken, expiresAt, issuedAt, scope, dpopKey = null]: readonly unknown[] = value;
  if (typeof audience !== 'string' || typeof accessToken !== 'string' || !isNumberOrNull(expiresAt)) return undefined;
  if (!isNumber(issuedAt) || !Array.isArray(scope) || !scope.every((word) => typeof word === 'string'))
    return undefined;
  if (!isTextOrNull(dpopKey)) return undefined;
  const set = { accessToken, expiresAt: expiresAt ?? undefined, issuedAt, scope };
  return [audience, dpopKey === null ? set : { ...set, dpopKey }];
}

function bytesOf(part: keyof typeof partLimits, value: readonly unknown[]): Buffer {
  const bytes = Buffer.from(JSON.stringify(value));
  if (bytes.length > partLimits[part]) throw new SessionTooLargeError(part, bytes.length);
  return bytes;
}

// Authentic content was written by a version of ours, so what is no JSON is a fault of that version, not an attack.
function listIn(bytes: Buffer): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return []; // no form number: the caller answers that it cannot be read
  }
}

function orNull<Value>(value: Value | undefined): Value | null {
  return value ?? null;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function isNumberOrNull(value: unknown): value is number | null {
  return value === null || typeof value === 'number';
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
