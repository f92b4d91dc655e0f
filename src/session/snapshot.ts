/**
 * A session as it was read, with what can seal it again.
 *
 * The seal stays with the snapshot, so that whoever holds an opened session can
 * write to it without the cookie; it shows in no print and no JSON.
 *
 * @module
 */

import type { KeyRing } from '../keys/key-ring.ts';
import {
  decodeCard,
  decodeRecord,
  decodeTokens,
  encodeCard,
  encodeRecord,
  encodeTokens,
  type SealedRecord,
} from './payload.ts';
import { openCard, type SealFault, type SessionPart, type SessionSeal, sealCard, type Unsealed } from './seal.ts';
import {
  endOf,
  type Identity,
  type Lifetimes,
  type OpenedSession,
  type SessionCard,
  type SessionTokens,
} from './session.ts';
import type { SpendingClaim } from './spending-claim.ts';
import type { SessionState, StoredSession } from './store.ts';

/** What a snapshot is made of. */
export interface SnapshotParts {
  readonly seal: SessionSeal;
  readonly record: SealedRecord;
  readonly tokens: SessionTokens;
  readonly card: SessionCard;
  readonly seenAt: number;
  readonly version: number;
  readonly tokensVersion: number;
  readonly reseals: number;
  readonly spending: SpendingClaim | undefined;
  /** Whether every part is sealed under the active entry of the key ring. */
  readonly isCurrent: boolean;
}

/** Which part of a stored session cannot be read, and why. */
export interface Unreadable {
  readonly part: SessionPart;
  readonly reason: SealFault | 'malformed';
}

/** An {@link OpenedSession} that can be written. */
export class SessionSnapshot implements OpenedSession {
  readonly id: string;
  readonly subject: string;
  readonly identity: Identity;
  readonly csrfSecret: string;
  readonly createdAt: number;
  /** The end in any case, by the lifetime and by the tokens as they are. */
  readonly expiresAt: number;
  readonly card: SessionCard;
  readonly seenAt: number;
  readonly tokens: SessionTokens;
  readonly version: number;
  readonly tokensVersion: number;
  readonly spending: SpendingClaim | undefined;
  readonly #parts: SnapshotParts;

  constructor(parts: SnapshotParts) {
    const { seal, record, tokens, card, seenAt, version, tokensVersion, spending } = parts;
    this.id = seal.id;
    this.subject = record.identity.subject;
    this.identity = record.identity;
    this.csrfSecret = record.csrfSecret;
    this.createdAt = record.createdAt;
    this.expiresAt = endOf({ expiresAt: record.expiresAt, tokens });
    this.card = card;
    this.seenAt = seenAt;
    this.tokens = tokens;
    this.version = version;
    this.tokensVersion = tokensVersion;
    this.spending = spending;
    this.#parts = parts;
  }

  /** Whether what is sealed in the store at `state` is what this was opened from. */
  isOf({ version, tokensVersion, reseals }: SessionState): boolean {
    return version === this.version && tokensVersion === this.tokensVersion && reseals === this.#parts.reseals;
  }

  /** The same session at another state, where {@link isOf} says that it is the same. */
  at({ seenAt, spending }: SessionState): SessionSnapshot {
    const isSame =
      seenAt === this.seenAt && spending?.owner === this.spending?.owner && spending?.until === this.spending?.until;
    return isSame ? this : new SessionSnapshot({ ...this.#parts, seenAt, spending });
  }

  /** The parts of a session that one of our stores gave. Throws for any other, which is a mistake of the caller. */
  static partsOf(session: OpenedSession): SnapshotParts {
    if (!(session instanceof SessionSnapshot)) throw new Error('this session was not opened by sessions.open or look');
    return session.#parts;
  }
}

/**
 * The instant until which a store must keep a session, ms: the idle end, or the end
 * in any case where that is earlier.
 *
 * A refresh token may be followed by one that lives longer, so its end is judged
 * when the session is opened and does not count here: a store that forgot too early
 * would sign out whoever was just refreshed.
 */
export function keptUntil({ record, tokens, seenAt }: SnapshotParts, { idleTimeoutMs }: Lifetimes): number {
  const end = tokens.refreshToken === undefined ? endOf({ expiresAt: record.expiresAt, tokens }) : record.expiresAt;
  return Math.min(seenAt + idleTimeoutMs, end);
}

/** All parts, sealed under the active entry. Throws `SessionTooLargeError`. */
export function sealParts(
  { seal, record, tokens, card, version, tokensVersion }: SnapshotParts,
  keys: KeyRing,
): { readonly sealed: Buffer; readonly tokens: Buffer; readonly card: Buffer } {
  return {
    sealed: seal.seal(encodeRecord(record), { part: 'session', version }),
    tokens: seal.seal(encodeTokens(tokens), { part: 'tokens', version: tokensVersion }),
    card: sealCard(encodeCard(card), { id: seal.id, keys }),
  };
}

/** Opens a stored session, or says which part cannot be read. */
export function openStored(
  stored: StoredSession,
  { seal, keys }: { readonly seal: SessionSeal; readonly keys: KeyRing },
): SessionSnapshot | Unreadable {
  const { version, tokens: storedTokens } = stored;
  const record = decoded(seal.open(stored.sealed, { part: 'session', version }), decodeRecord);
  if (record.value === undefined) return { part: 'session', reason: record.fault };
  const tokens = decoded(
    seal.open(storedTokens.sealed, { part: 'tokens', version: storedTokens.version }),
    decodeTokens,
  );
  if (tokens.value === undefined) return { part: 'tokens', reason: tokens.fault };
  const card = decoded(openCard(stored.card, { id: seal.id, keys }), decodeCard);
  if (card.value === undefined) return { part: 'card', reason: card.fault };
  return new SessionSnapshot({
    seal,
    record: record.value,
    tokens: tokens.value,
    card: card.value,
    seenAt: stored.seenAt,
    version,
    tokensVersion: storedTokens.version,
    reseals: stored.reseals,
    spending: storedTokens.spending,
    isCurrent: record.isCurrent && tokens.isCurrent && card.isCurrent,
  });
}

type Decoded<Value> =
  | { readonly value: Value; readonly isCurrent: boolean }
  | { readonly value: undefined; readonly fault: Unreadable['reason'] };

function decoded<Value>(unsealed: Unsealed, decode: (content: Buffer) => Value | undefined): Decoded<Value> {
  if (unsealed.fault !== undefined) return { value: undefined, fault: unsealed.fault };
  const value = decode(unsealed.content);
  return value === undefined ? { value: undefined, fault: 'malformed' } : { value, isCurrent: unsealed.isCurrent };
}
