/**
 * What a caller is told when there are no tokens now: 503, whose fault it is, and
 * when to come back. Pure.
 *
 * @module
 */

import { ProblemError } from '../errors.ts';
import type { Renewal } from './renewal.ts';

/** The failure as a problem. */
export function unavailable({ failure, retryAfterMs, cause }: Extract<Renewal, { kind: 'unavailable' }>): ProblemError {
  const code = failure === 'save-failed' ? 'store-unavailable' : 'provider-unreachable';
  const reason = cause ?? new Error(`no tokens now: ${failure}`);
  if (retryAfterMs === undefined) return new ProblemError(code, { cause: reason });
  return new ProblemError(code, {
    cause: reason,
    headers: { 'Retry-After': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) },
  });
}
