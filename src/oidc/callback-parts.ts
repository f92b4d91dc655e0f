/**
 * What the callback needs of the other parts, as narrow as its use of them.
 *
 * @module
 */

import type { Log } from '../audit/trail.ts';
import type { Clock } from '../base/clock.ts';
import type { Frontend } from '../http/frontend.ts';
import type { ClearedRequest } from '../http/inbound.ts';
import type { EndReason, OpenedSession, UsableToken } from '../session/session.ts';
import type { SessionBeginning } from '../session/sign-in.ts';
import type { AuthErrorCode } from './auth-error.ts';
import type { Grant } from './grant.ts';
import type { VerifiedJws } from './key-set.ts';
import type { LiveSession } from './login.ts';
import type { LoginCookies } from './login-cookies.ts';
import type { LoginKeys } from './login-keys.ts';
import type { Redemption } from './provider-options.ts';
import type { SessionPointers } from './session-pointers.ts';
import type { StateClaims } from './state-claims.ts';
import type { JsonObject } from './strict-json.ts';
import type { LoginTransaction } from './transaction.ts';

/** Begins the session of one request and puts its cookie on the answer. */
export interface SessionStarter {
  /**
   * Resolves when the session is saved; the one that the browser had is ended. When it
   * throws, the answer sets no cookie: `store-unavailable`, `SignInOvertakenError`, `SessionTooLargeError`.
   */
  start(beginning: SessionBeginning): Promise<Pick<OpenedSession, 'id'>>;
}

/** What is told of a sign-in when it is over. */
export interface SignInEvent {
  readonly outcome: 'success' | 'failure';
  readonly requestId: string;
  /** A stable word: `signed-in`, or the check that failed. */
  readonly reason: string;
  /** What the page was told; `undefined` after a success. */
  readonly code: AuthErrorCode | undefined;
  readonly sessionId: string | undefined;
  readonly issuer: string;
  readonly subject: string | undefined;
  readonly acr: string | undefined;
  readonly address: string;
}

/** The parts that the callback needs. */
export interface CallbackParts {
  readonly frontend: Frontend;
  readonly provider: {
    readonly issuer: string;
    namesIssuer(): Promise<boolean>;
    verifyResponse(token: string): Promise<VerifiedJws>;
    redeem(redemption: Redemption): Promise<Grant>;
    userInfo(token: UsableToken, subject: string): Promise<JsonObject | undefined>;
    revoke(token: string, hint: 'refresh_token' | 'access_token'): Promise<boolean>;
  };
  /** Throw `store-unavailable`. */
  readonly sessions: {
    look(request: ClearedRequest): Promise<LiveSession | undefined>;
    end(id: string, reason: EndReason): Promise<unknown>;
  };
  readonly claims: StateClaims;
  readonly keys: LoginKeys;
  readonly cookies: LoginCookies;
  readonly pointers: Pick<SessionPointers, 'idsIn' | 'point'>;
  /** The claims that the page is told. */
  readonly userClaims: readonly string[];
  /** Whether UserInfo may be asked: not where the access token is for somebody else (`API_AUDIENCE`). */
  readonly asksUserInfo: boolean;
  readonly maxAuthenticationAgeMs: number | undefined;
  /** Our client id: for whom a signed response must be. */
  readonly clientId: string;
  readonly clock: Pick<Clock, 'now' | 'after'>;
  readonly log: Log;
  readonly report: (event: SignInEvent) => void;
}

/** An authorization response whose state is ours, with the transaction that it ends. */
export interface Landing {
  readonly request: ClearedRequest;
  readonly parameters: URLSearchParams;
  /** The JWT that they were read from, still to be verified. */
  readonly jwt: string | undefined;
  /** Why the response is not used whatever it says. */
  readonly fault: string | undefined;
  readonly state: string;
  readonly transaction: LoginTransaction;
}
