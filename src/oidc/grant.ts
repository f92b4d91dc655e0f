/**
 * What the authorization server gives for a code or a refresh token, and the
 * ways in which it can fail to.
 *
 * @module
 */

import type { TokenSet } from '../session/session.ts';

/** The claims of a checked ID token. Only members that were checked are named. */
export interface IdTokenClaims extends Readonly<Record<string, unknown>> {
  readonly iss: string;
  readonly sub: string;
  /** Seconds. */
  readonly iat: number;
}

/** What a grant brought, after every check. */
export interface Grant {
  readonly tokens: TokenSet;
  /** The refresh token to use from now on; `undefined` when none was given. */
  readonly refreshToken: string | undefined;
  /** Ms, where the authorization server told (`refresh_expires_in` and its kin). */
  readonly refreshExpiresAt: number | undefined;
  /** `undefined` when a refresh brought no ID token, or one that could not be checked for want of keys. */
  readonly idToken: IdTokenClaims | undefined;
  /** The same as it came, decrypted; only where a sign-out will need it. */
  readonly idTokenHint?: string | undefined;
}

/**
 * Why there is no grant.
 *
 * - `refused`: the grant itself is dead (`invalid_grant` in all its dialects).
 * - `client-refused`: we are not accepted (`invalid_client` and its kin); the operator must act, nobody is signed out.
 * - `unreachable`: no answer, 429, 5xx, or something that is no answer of a token endpoint. Whether the token was spent is unknown
 *   unless `sent` is false.
 * - `invalid`: an answer came and failed our checks: it is not used for anything.
 */
export type GrantFailureKind = 'refused' | 'client-refused' | 'unreachable' | 'invalid';

/** Thrown by the provider's grants. */
export class GrantError extends Error {
  readonly kind: GrantFailureKind;
  /** A stable word for the log: the OAuth error code, or the check that failed. */
  readonly reason: string;
  /** `false` when the request certainly never reached the authorization server. */
  readonly sent: boolean;
  /** Ms to wait, where the authorization server said so. */
  readonly retryAfterMs: number | undefined;
  /** Of the answer, where one came. */
  readonly status: number | undefined;
  /** Tokens that an invalid answer held, so that they can be revoked. */
  readonly tokensToRevoke: readonly string[];

  constructor(
    kind: GrantFailureKind,
    details: {
      readonly reason: string;
      readonly cause?: unknown;
      readonly sent?: boolean;
      readonly retryAfterMs?: number | undefined;
      readonly status?: number | undefined;
      readonly tokensToRevoke?: readonly string[];
    },
  ) {
    super(`${kind}: ${details.reason}`, { cause: details.cause });
    this.name = 'GrantError';
    this.kind = kind;
    this.reason = details.reason;
    this.sent = details.sent ?? true;
    this.retryAfterMs = details.retryAfterMs;
    this.status = details.status;
    this.tokensToRevoke = details.tokensToRevoke ?? [];
  }
}
