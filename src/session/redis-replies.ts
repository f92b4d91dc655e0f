/**
 * What Redis answers about a session, as values of the contract. Pure.
 *
 * @module
 */

import type { RedisReply } from '../redis/node.ts';
import type { SessionState, StoredSession, StoredTokens } from './store.ts';

/** The answers to the three questions about one session. */
export interface SessionReplies {
  readonly record: readonly RedisReply[];
  readonly tokens: readonly RedisReply[];
  readonly card: RedisReply | undefined;
}

/** The session, or `undefined` when a part is missing: it was ended between two of the three questions, or tampered with. */
export function storedSession({
  record: [v, sealed, seen, reseals],
  tokens,
  card,
}: SessionReplies): StoredSession | undefined {
  const version = numberOf(v);
  const seenAt = numberOf(seen);
  const stored = storedTokens(tokens);
  if (version === undefined || seenAt === undefined || stored === undefined) return undefined;
  if (!Buffer.isBuffer(sealed) || !Buffer.isBuffer(card)) return undefined;
  return { version, reseals: numberOf(reseals) ?? 0, sealed, seenAt, tokens: stored, card };
}

/** Its state, from what each part has beside what is sealed, and whether there is a card; `undefined` when a part is missing. */
export function sessionState({
  record: [v, seen, reseals],
  tokens: [tv, ...claim],
  card,
}: SessionReplies): SessionState | undefined {
  const version = numberOf(v);
  const seenAt = numberOf(seen);
  const tokensVersion = numberOf(tv);
  if (version === undefined || seenAt === undefined || tokensVersion === undefined || card !== 1) return undefined;
  const spending = spendingIn(claim, tokensVersion);
  return { version, tokensVersion, reseals: numberOf(reseals) ?? 0, seenAt, spending };
}

function storedTokens([v, sealed, ...claim]: readonly RedisReply[]): StoredTokens | undefined {
  const version = numberOf(v);
  if (version === undefined || !Buffer.isBuffer(sealed)) return undefined;
  return { version, sealed, spending: spendingIn(claim, version) };
}

// A claim counts for the tokens that it was made on.
function spendingIn([spending, owner, until]: readonly RedisReply[], version: number): StoredTokens['spending'] {
  if (numberOf(spending) !== version) return undefined;
  return { owner: textOf(owner), until: numberOf(until) ?? 0 };
}

/** The members of a list; none for whatever else was answered. */
export function listOf(reply: RedisReply | undefined): readonly RedisReply[] {
  return Array.isArray(reply) ? reply : [];
}

/** An answer as text; empty for none. */
export function textOf(reply: RedisReply | undefined): string {
  return Buffer.isBuffer(reply) ? reply.toString() : String(reply ?? '');
}

/** An answer as a whole number; `undefined` for none, and for what is not one. */
export function numberOf(reply: RedisReply | undefined): number | undefined {
  if (reply === null || reply === undefined) return undefined;
  const number = Number(textOf(reply));
  return Number.isSafeInteger(number) ? number : undefined;
}
