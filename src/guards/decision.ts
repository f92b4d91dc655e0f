/**
 * What a guard answers.
 *
 * A refusal is a normal answer, not an exception: it is returned, so a caller
 * cannot forget it, and it always carries a reason.
 *
 * @module
 */

import type { ErrorCode } from '../errors.ts';

/**
 * Why a guard refused. One stable word for one reason: the audit trail, the
 * metrics, the documentation and the tests all use it as it stands here. Each is
 * also a code of the catalogue, which says what the caller is told.
 */
export type DenyReason = Extract<
  ErrorCode,
  | 'overloaded'
  | 'cross-origin'
  | 'origin-unknown'
  | 'not-a-navigation'
  | 'plain-http'
  | 'login-rate-exceeded'
  | 'body-too-large'
  | 'token-in-request'
>;

/** The answer of a guard. */
export type Decision = { readonly allowed: true } | { readonly allowed: false; readonly reason: DenyReason };

/** Let the request go on to the next stage. */
export const allow: Decision = { allowed: true };

/** Stop the request here. */
export function deny(reason: DenyReason): Decision {
  return { allowed: false, reason };
}
