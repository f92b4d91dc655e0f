/**
 * How a sign-in can fail, in the words the page is told, and which of them a
 * failure is.
 *
 * The page gets a word of a closed set and the id of the request; the reason goes
 * to the log and the audit trail under that id.
 *
 * @module
 */

import { type ErrorCode, ProblemError } from '../errors.ts';
import { SignInOvertakenError } from '../session/sign-in.ts';
import { GrantError } from './grant.ts';

/** What `auth_error` can say. */
export const authErrors = [
  'access_denied',
  'login_required',
  'login_expired',
  'state_mismatch',
  'account_mismatch',
  'provider_error',
  'provider_unreachable',
  'acr_not_met',
  'internal',
] as const;

/** One of {@link authErrors}. */
export type AuthErrorCode = (typeof authErrors)[number];

/** Thrown inside the callback: the sign-in failed, for this reason. */
export class SignInError extends Error {
  readonly code: AuthErrorCode;
  /** A stable word for the log: which check failed, or what the authorization server said. */
  readonly reason: string;

  constructor(code: AuthErrorCode, reason: string, details: { readonly cause?: unknown } = {}) {
    super(`sign-in failed: ${code}: ${reason}`, { cause: details.cause });
    this.name = 'SignInError';
    this.code = code;
    this.reason = reason;
  }
}

/** What the operator's log calls those failures that are somebody's fault; the others are everyday life. */
export const faultOf: Readonly<Partial<Record<AuthErrorCode, ErrorCode>>> = {
  provider_error: 'provider-answer-invalid',
  provider_unreachable: 'provider-unreachable',
  internal: 'internal',
};

/** The failure behind whatever was thrown while a code was redeemed. */
export function signInErrorFrom(error: unknown): SignInError {
  if (error instanceof SignInError) return error;
  if (error instanceof GrantError) return fromGrant(error);
  if (error instanceof ProblemError && error.code === 'provider-unreachable') {
    return new SignInError('provider_unreachable', 'metadata', { cause: error });
  }
  if (error instanceof SignInOvertakenError) {
    return new SignInError('login_expired', 'signed-out-meanwhile', { cause: error });
  }
  return new SignInError('internal', 'unexpected', { cause: error });
}

/** What an authorization server says in the front channel (RFC 6749, 4.1.2.1; OIDC Core, 3.1.2.6), in our words. */
export function authErrorFor(error: string): AuthErrorCode {
  switch (error) {
    case 'access_denied':
      return 'access_denied';
    case 'login_required':
    case 'interaction_required':
    case 'consent_required':
    case 'account_selection_required':
      return 'login_required';
    case 'unmet_authentication_requirements':
      return 'acr_not_met';
    case 'temporarily_unavailable':
      return 'provider_unreachable';
    default:
      return 'provider_error';
  }
}

function fromGrant(error: GrantError): SignInError {
  const { kind, reason } = error;
  if (kind === 'unreachable') return new SignInError('provider_unreachable', reason, { cause: error });
  const isTooWeak = reason === 'id-token-acr' || reason === 'id-token-auth-time';
  return new SignInError(isTooWeak ? 'acr_not_met' : 'provider_error', reason, { cause: error });
}
