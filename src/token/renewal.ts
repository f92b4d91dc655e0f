/**
 * The words of a refresh: what it needs of the sessions and of the provider, what
 * is spent, and how it can end.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import type { Grant } from '../oidc/grant.ts';
import type { RefreshOptions } from '../oidc/provider-options.ts';
import type { EndReason, Identity, OpenedSession, SessionTokens } from '../session/session.ts';
import type { SpendingClaim } from '../session/spending-claim.ts';
import type { Attempt } from './attempts.ts';
import type { RefreshFailure } from './failures.ts';
import type { TokenReports } from './reports.ts';
import type { LateTokens } from './revoke.ts';

/** Who spends the refresh token. */
export type Claim = SpendingClaim;

/** What is asked of the sessions while a refresh token is spent. All of it throws `store-unavailable`. */
export interface SpendableSessions {
  /** The session as it is in the store now. */
  reread(session: OpenedSession): Promise<OpenedSession | undefined>;
  beginSpending(session: OpenedSession, claim: Claim): Promise<'begun' | 'busy' | 'changed' | 'gone'>;
  extendSpending(session: OpenedSession, claim: Claim): Promise<boolean>;
  abandonSpending(session: OpenedSession, claim: Claim): Promise<boolean>;
  /** `undefined`: the claim was lost, or the session is gone. */
  saveTokens(session: OpenedSession, claim: Claim, tokens: SessionTokens): Promise<OpenedSession | undefined>;
  /** `undefined`: it was changed by another, or is gone. */
  replaceIdentity(session: OpenedSession, identity: Identity): Promise<OpenedSession | undefined>;
  end(session: OpenedSession, reason: EndReason): Promise<unknown>;
  /** Why a session that is gone ended; `undefined` when that is not told within `limitMs`. Does not throw. */
  whyEnded(session: OpenedSession, limitMs: number): Promise<EndReason | undefined>;
}

/** What is asked of the provider. */
export interface GrantingProvider {
  /** Throws {@link GrantError}. */
  refresh(refreshToken: string, options: RefreshOptions): Promise<Grant>;
}

/** What spending needs. */
export interface SpendingParts {
  readonly sessions: SpendableSessions;
  readonly provider: GrantingProvider;
  readonly revoker: LateTokens;
  readonly reports: TokenReports;
  readonly clock: Clock;
  /** The claims of the ID token that are kept. */
  readonly userClaims: readonly string[];
  /** How long a claim stands without being extended. */
  readonly leaseMs: number;
}

/** One claim that was begun, and what it is for. */
export interface Spending {
  readonly session: OpenedSession;
  readonly refreshToken: string;
  readonly audience: string;
  readonly claim: Claim;
  readonly attempt: Attempt;
}

/** How a refresh ended. */
export type Renewal =
  | { readonly kind: 'renewed'; readonly session: OpenedSession }
  /** There is no such session any more. */
  | { readonly kind: 'ended' }
  /** The session cannot be refreshed at all. */
  | { readonly kind: 'no-refresh-token' }
  /** Not now; the session stays. */
  | {
      readonly kind: 'unavailable';
      readonly failure: RefreshFailure;
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    };

/** A renewal, or a newer session to look at again. */
export type Step = Renewal | { readonly kind: 'again'; readonly session: OpenedSession };
