/**
 * A session: who is signed in, until when, and with which tokens. Pure.
 *
 * A session is found by a secret that only the cookie holds; `id` is the hash of
 * that secret (session/seal.ts). How a session began is not its business.
 *
 * @module
 */

import type { FrontendConfig } from '../config/config.ts';
import type { SessionFacts } from '../http/inbound.ts';
import type { SpendingClaim } from './spending-claim.ts';

/** Why a session ended. The page, the audit trail and the metrics say it in these words. */
export type EndReason = 'signed-out' | 'back-channel' | 'idle' | 'lifetime' | 'revoked' | 'refresh-failed' | 'replaced';

/** Who is signed in, as the authorization server said. */
export interface Identity {
  readonly issuer: string;
  /** Unique within its issuer; a person is the pair of both (OIDC Core, 5.7). */
  readonly subject: string;
  /** The authorization server's own session id, where it gave one. */
  readonly sid: string | undefined;
  /** Only those listed in `USER_CLAIMS`. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** When the person proved who they are, ms; where it was told. */
  readonly authTime: number | undefined;
  readonly acr: string | undefined;
  /** The nonce of the sign-in: a refreshed ID token may repeat it, and have no other (OIDC Core, 12.2). */
  readonly nonce?: string | undefined;
}

/** One access token and what is known of it. */
export interface TokenSet {
  readonly accessToken: string;
  /** The instant it ends, ms; `undefined` when the authorization server did not say. */
  readonly expiresAt: number | undefined;
  readonly issuedAt: number;
  /** What was granted, which may be less than was asked for (RFC 6749, 3.3). */
  readonly scope: readonly string[];
  /** The key it is bound to, as keys/dpop-key.ts writes it (RFC 9449); `undefined` for a bearer token. */
  readonly dpopKey?: string | undefined;
}

/** A token and the key that it is bound to: what is needed to use it. */
export type UsableToken = Pick<TokenSet, 'accessToken' | 'dpopKey'>;

/** The tokens of one session: the one refresh token, and a set for each audience. */
export interface SessionTokens {
  readonly refreshToken: string | undefined;
  /** The instant the refresh token ends, ms, where it was told. */
  readonly refreshExpiresAt: number | undefined;
  /**
   * Whether a grant of this session ever brought another refresh token than the one it spent.
   * `undefined` until the first refresh: only then is it known whether a lost answer can be asked for again.
   */
  readonly rotates: boolean | undefined;
  /** By audience; '' is the one asked for at sign-in (`API_AUDIENCE`, or none). */
  readonly sets: Readonly<Record<string, TokenSet>>;
  /** The newest ID token, where a sign-out at the provider needs it (`END_SESSION_METHOD`). */
  readonly idToken?: string | undefined;
}

/** The key of a session: that of its tokens, as long as one of them is bound to it. */
export function dpopKeyIn({ sets }: Pick<SessionTokens, 'sets'>): string | undefined {
  return Object.values(sets).find(({ dpopKey }) => dpopKey !== undefined)?.dpopKey;
}

/** What is written once at sign-in, and again by step-up, re-sealing or changed claims. */
export interface SessionRecord {
  readonly identity: Identity;
  /** The secret of csurf's synchronizer token. */
  readonly csrfSecret: string;
  readonly createdAt: number;
  /** The end in any case, ms: the lifetime, or the refresh token's own end where that is earlier. */
  readonly expiresAt: number;
}

/** What may be shown of a session to the same person elsewhere, and to operators. */
export interface SessionCard {
  /** 128 random bits, base64url. Public: names the session without opening it. */
  readonly handle: string;
  readonly createdAt: number;
  /** Family of the user agent, e.g. `Firefox on Linux`; never the whole header. */
  readonly agent: string;
  /** Truncated: /24 or /48. */
  readonly address: string;
}

/** A session whose seal was opened with the secret of a cookie. A snapshot: what is newer lies in the store. */
export interface OpenedSession extends SessionFacts, SessionRecord {
  /** The hash of the secret; the name in the store. */
  readonly id: string;
  readonly subject: string;
  readonly card: SessionCard;
  /** The instant of the last activity that was written down, ms. */
  readonly seenAt: number;
  readonly tokens: SessionTokens;
  /** Counts the writes of the record. */
  readonly version: number;
  /** Counts the writes of the tokens. */
  readonly tokensVersion: number;
  /** Who spends the refresh token of `tokensVersion`, and what they said of how long; `undefined` when nobody does. */
  readonly spending: SpendingClaim | undefined;
}

/** Rules of time for sessions. */
export interface Lifetimes {
  readonly idleTimeoutMs: number;
  readonly lifetimeMs: number;
  /** How long after the person proved who they are a session may last; `undefined` where it does not matter. */
  readonly maxAuthenticationAgeMs?: number | undefined;
}

/** The rules of a configuration. */
export function lifetimesOf(
  config: Pick<FrontendConfig, 'sessionIdleTimeoutMs' | 'sessionLifetimeMs' | 'maxAuthenticationAgeMs'>,
): Lifetimes {
  const { sessionIdleTimeoutMs: idleTimeoutMs, sessionLifetimeMs: lifetimeMs, maxAuthenticationAgeMs } = config;
  return { idleTimeoutMs, lifetimeMs, maxAuthenticationAgeMs };
}

/** The instant a session that begins `now` ends in any case, its tokens aside. */
export function endAtSignIn(
  { authTime }: Pick<Identity, 'authTime'>,
  { lifetimes, now }: { readonly lifetimes: Lifetimes; readonly now: number },
): number {
  const { lifetimeMs, maxAuthenticationAgeMs } = lifetimes;
  if (maxAuthenticationAgeMs === undefined) return now + lifetimeMs;
  // Where it was not told the sign-in was refused before; then nothing counts as long ago.
  return Math.min(now + lifetimeMs, (authTime ?? now - maxAuthenticationAgeMs) + maxAuthenticationAgeMs);
}

/** The instant a session ends without activity. */
export function idleEndOf(session: Pick<OpenedSession, 'seenAt'>, { idleTimeoutMs }: Lifetimes): number {
  return session.seenAt + idleTimeoutMs;
}

/**
 * The instant a session ends in any case, ms: its lifetime, or the end of its
 * refresh token, or where there is none that of its access token.
 *
 * Read from the tokens as they are, since a rotated refresh token may end later
 * than the first.
 */
export function endOf({ expiresAt, tokens }: Pick<OpenedSession, 'expiresAt' | 'tokens'>): number {
  const { refreshToken, refreshExpiresAt, sets } = tokens;
  const tokensEnd = refreshToken === undefined ? sets['']?.expiresAt : refreshExpiresAt;
  return Math.min(expiresAt, tokensEnd ?? Number.POSITIVE_INFINITY);
}

/** Why the session has ended by `now`, or `undefined` while it lives. */
export function endedBy(
  session: Pick<OpenedSession, 'seenAt' | 'expiresAt'>,
  { lifetimes, now }: { readonly lifetimes: Lifetimes; readonly now: number },
): EndReason | undefined {
  if (now >= session.expiresAt) return 'lifetime';
  return now >= idleEndOf(session, lifetimes) ? 'idle' : undefined;
}

/** Whether it is the session as we opened it: whoever forwards a call knows less of it than was handed over. */
export function isOpened(session: SessionFacts | undefined): session is OpenedSession {
  return session !== undefined && 'tokens' in session;
}
