/**
 * How far a token is from its end. When its session ends is said in
 * session/session.ts. Pure.
 *
 * @module
 */

import type { SessionTokens, TokenSet } from '../session/session.ts';

/**
 * - `fresh`: use it.
 * - `due`: use it, and renew it in the background.
 * - `ending`: may be over before it arrives; wait for a new one, use it only where none can be had.
 * - `expired`: of no use.
 */
export type Freshness = 'fresh' | 'due' | 'ending' | 'expired';

/** A token is renewed at most this long before its end. */
const longestAheadMs = 60_000;
/** The way to the upstream, and what its clock may be ahead of ours. */
const longestWayMs = 2_000;
const coolDownLimitMs = 60_000;

/** From when a token is looked at. */
export interface Viewpoint {
  /** The instant, ms. */
  readonly now: number;
  /**
   * From 0 up to 1, steady for one session: how far into the second half of the
   * window it is renewed, so that sessions that began together are not renewed
   * together. Asked for only where it matters.
   */
  readonly spread: () => number;
}

/** Where a token stands. One without a known end is fresh until an upstream refuses it. */
export function freshnessOf(set: TokenSet, { now, spread }: Viewpoint): Freshness {
  if (set.expiresAt === undefined) return 'fresh';
  const leftMs = set.expiresAt - now;
  if (leftMs > longestAheadMs) return 'fresh';
  if (leftMs <= 0) return 'expired';
  const lifeMs = set.expiresAt - set.issuedAt;
  if (leftMs <= Math.min(longestWayMs, lifeMs / 20)) return 'ending';
  return leftMs <= Math.min(longestAheadMs, lifeMs / 5) * (0.5 + spread() / 2) ? 'due' : 'fresh';
}

/** A number from 0 up to 1 that a session keeps: its id is a hash, so its characters are as good as random. */
export function spreadOf(sessionId: string): number {
  return Buffer.from(sessionId.slice(0, 4), 'base64url').readUInt16BE() / 2 ** 16;
}

/** Whether a token came so lately that another is not asked for: within 60 s, or half of its life where that is shorter. */
export function isJustIssued({ expiresAt, issuedAt }: TokenSet, now: number): boolean {
  const halfLifeMs = expiresAt === undefined ? coolDownLimitMs : (expiresAt - issuedAt) / 2;
  return now < issuedAt + Math.min(coolDownLimitMs, halfLifeMs);
}

/** The set of an audience; `''` is the one of the sign-in. */
export function setOf({ sets }: SessionTokens, audience: string): TokenSet | undefined {
  // An audience is a text from the configuration, and may be the name of something that every object has; '' is not.
  return audience === '' || Object.hasOwn(sets, audience) ? sets[audience] : undefined;
}
