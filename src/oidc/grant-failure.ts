/**
 * Tells the failures of the authorization server apart: is the grant dead, are we
 * not accepted, is nobody there, or was the answer wrong? Pure.
 *
 * Decided by status, content type and OAuth error code, never by a text for
 * people. A session is ended by a dead grant alone, so what is not certainly one
 * is none.
 *
 * @module
 */

import { type Answer, BackChannelError } from './back-channel-answer.ts';
import { GrantError, type GrantFailureKind } from './grant.ts';
import { JsonError, type JsonObject, parseJsonObject } from './strict-json.ts';
import { tokensIn } from './token-answer.ts';

/** What is known of a failure. */
export interface Failure {
  /** Asked for with a code, with a refresh token, or something else than tokens. */
  readonly request: 'code' | 'refresh' | 'other';
  /** The answer, where one came that could be read. */
  readonly answer: Answer | undefined;
  /** What was thrown. */
  readonly error: unknown;
  /** The instant, ms. */
  readonly now: number;
}

/** We are not accepted, whatever was asked for (RFC 6749, 5.2). */
const clientErrors: ReadonlySet<string> = new Set(['invalid_client', 'unauthorized_client']);
/** Says of itself that it passes; named by RFC 6749 for another endpoint, and sent here by some. */
const passingErrors: ReadonlySet<string> = new Set(['temporarily_unavailable', 'server_error', 'slow_down']);

const longestRetryAfterMs = 60 * 60_000;

/** The failure as what grants throw. Throws `error` itself when it is no failure of the other side, but a bug. */
export function grantErrorFrom({ request, answer, error, now }: Failure): GrantError {
  if (error instanceof GrantError) return error;
  const lost = backChannelErrorIn(error);
  if (lost !== undefined) return fromLostAnswer(lost);
  if (answer === undefined) throw error;
  if (answer.status >= 200 && answer.status < 300) {
    return new GrantError('invalid', { reason: wordOf(error), cause: error, tokensToRevoke: tokensIn(answer.json) });
  }
  const { kind, reason } = judge(answer, request);
  return new GrantError(kind, { reason, cause: error, status: answer.status, retryAfterMs: retryAfterMs(answer, now) });
}

// A body that says two things is an answer, a wrong one; everything else that could not be read is no answer of a token endpoint.
function fromLostAnswer(lost: BackChannelError): GrantError {
  const kind = lost.reason === 'duplicate-member' ? 'invalid' : 'unreachable';
  const tokensToRevoke = tokensIn(looselyRead(lost.unusableText));
  return new GrantError(kind, { reason: lost.reason, cause: lost, sent: lost.sent, tokensToRevoke });
}

/** Whether a status says that the same request may work later (RFC 9110, 15.5.9, 15.6; RFC 6585, 4). */
export function isPassing(status: number): boolean {
  return status >= 500 || status === 429 || status === 408 || status === 425;
}

function judge(answer: Answer, request: Failure['request']): { kind: GrantFailureKind; reason: string } {
  const { status } = answer;
  const challenge = answer.headers['www-authenticate'];
  const code = errorCodeIn(answer.json) ?? challengedError(challenge);
  if (isPassing(status)) return { kind: 'unreachable', reason: `status-${status}` };
  if (code !== undefined) {
    if (clientErrors.has(code)) return { kind: 'client-refused', reason: code };
    return { kind: passingErrors.has(code) ? 'unreachable' : 'refused', reason: code };
  }
  // Without a code, 401 to a client that sent its password in that header means the client (RFC 6749, 5.2).
  if (status === 401 && challenge !== undefined && /^basic\b/i.test(challenge))
    return { kind: 'client-refused', reason: 'status-401' };
  const isDialect =
    challenge !== undefined ? status === 400 || status === 401 : status === 400 && answer.text.trim() === '';
  if (request === 'refresh' && isDialect) return { kind: 'refused', reason: `status-${status}` };
  return { kind: 'unreachable', reason: `status-${status}` };
}

// The grammar of an error code (RFC 6749, 5.2), cut to what a log may hold.
function errorCodeIn(json: JsonObject | undefined): string | undefined {
  const { error } = json ?? {};
  return typeof error === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/.test(error) ? error : undefined;
}

function challengedError(challenge: string | undefined): string | undefined {
  return /\berror="?([a-z_]{1,100})/.exec(challenge ?? '')?.[1];
}

function retryAfterMs({ headers }: Answer, now: number): number | undefined {
  const value = headers['retry-after']?.trim() ?? '';
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, longestRetryAfterMs) : undefined;
}

/** The back channel's own error, wherever the library wrapped it. */
export function backChannelErrorIn(error: unknown): BackChannelError | undefined {
  let at = error;
  for (let depth = 0; depth < 4 && at instanceof Error; depth++) {
    if (at instanceof BackChannelError) return at;
    at = at.cause;
  }
  return undefined;
}

// Ours carry a reason; the library's a code, and the claim it disliked two causes below.
function wordOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unexpected';
  if ('reason' in error && typeof error.reason === 'string') return error.reason;
  const claim = error.cause instanceof Error ? memberOf(error.cause.cause, 'claim') : undefined;
  if (claim !== undefined) return `id-token-claim-${claim}`;
  return memberOf(error, 'code')?.toLowerCase().replaceAll('_', '-') ?? 'unexpected';
}

function memberOf(holder: unknown, name: string): string | undefined {
  const value: unknown = typeof holder === 'object' && holder !== null ? Reflect.get(holder, name) : undefined;
  return typeof value === 'string' ? value : undefined;
}

function looselyRead(text: string | undefined): JsonObject | undefined {
  if (text === undefined) return undefined;
  try {
    return parseJsonObject(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return error.reason === 'duplicate-member' ? (JSON.parse(text) as JsonObject) : undefined; // it was found to be an object before its names were
  }
}
