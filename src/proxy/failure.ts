/**
 * What went wrong at an upstream, as a code of the catalogue. Decided by class
 * and code, never by text.
 *
 * @module
 */

import { DeadlineError } from '../base/deadline.ts';
import { type ErrorCode, ProblemError } from '../errors.ts';
import type { Outcome } from './breaker.ts';

const codes: ReadonlyMap<string, ErrorCode> = new Map([
  ['UND_ERR_HEADERS_TIMEOUT', 'upstream-timeout'],
  ['UND_ERR_BODY_TIMEOUT', 'upstream-timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'upstream-timeout'],
  ['ETIMEDOUT', 'upstream-timeout'],
  ['UND_ERR_DESTROYED', 'overloaded'],
  ['UND_ERR_CLOSED', 'overloaded'],
  ['UND_ERR_INVALID_ARG', 'internal'],
  ['UND_ERR_NOT_SUPPORTED', 'internal'],
  ['WIRE_destroyed', 'overloaded'],
  ['WIRE_unwritable', 'internal'],
]);

/** Errors of a connection that was closed under a request, before the upstream can have answered it. */
const deaths: ReadonlySet<string> = new Set(['WIRE_closed', 'UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** Why a connection is told to end a request. Nobody else sees it. */
export class Withdrawn extends Error {
  override readonly name = 'Withdrawn';
}

/** The failure as a `ProblemError`, with the error itself as its cause. One that is one already stays what it is. */
export function problemOfFailure(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const code = error instanceof DeadlineError ? 'upstream-timeout' : codes.get(codeOfError(error));
  return new ProblemError(code ?? 'upstream-unreachable', { cause: error });
}

/** Whether the error says that the connection died, as an idle one does when its upstream closes it. */
export function isConnectionDeath(error: unknown): boolean {
  return deaths.has(codeOfError(error));
}

/** What a failure says of the upstream; nothing where it was the client, or we ourselves. */
export function outcomeOfProblem({ code }: ProblemError): Outcome {
  return code === 'upstream-timeout' || code === 'upstream-unreachable' ? 'failure' : 'unknown';
}

/** What an answer says of the upstream. With 502 to 504 it says itself that it cannot serve (RFC 9110, 15.6.3 to 15.6.5). */
export function outcomeOfStatus(status: number): Outcome {
  return status >= 502 && status <= 504 ? 'failure' : 'success';
}

function codeOfError(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
