/**
 * The contract of a session store. test/contract/session-store*.test.ts check every
 * implementation against the sentences below.
 *
 * A store sees hashes and sealed bytes, never a secret, token or name. Every
 * session is created once under a fresh id and every later write demands that it
 * still exists: so nothing can revive a session, and a sign-out always wins.
 *
 * Every write may be repeated: a caller whose deadline passed does not know
 * whether it took place.
 *
 * @module
 */

import type { EndReason } from './session.ts';
import type { SpendingClaim } from './spending-claim.ts';

/** A session as it lies in the store. */
export interface StoredSession {
  readonly version: number;
  /** How often all parts were put there anew under another key. */
  readonly reseals: number;
  readonly sealed: Buffer;
  /** In clear, since it names nobody: the instant of the last activity, ms. */
  readonly seenAt: number;
  readonly tokens: StoredTokens;
  readonly card: Buffer;
}

/**
 * What lies in clear beside the sealed parts of a session. While the counts are the same, so is what is sealed,
 * content and key.
 */
export interface SessionState {
  readonly version: number;
  readonly tokensVersion: number;
  readonly reseals: number;
  readonly seenAt: number;
  readonly spending: SpendingClaim | undefined;
}

/** The tokens of a session as they lie in the store. */
export interface StoredTokens {
  readonly version: number;
  readonly sealed: Buffer;
  /** Who spends the refresh token of `version`; `undefined` when nobody does. */
  readonly spending: SpendingClaim | undefined;
}

/** What a session is created from. */
export interface NewSession {
  readonly id: string;
  readonly sealed: Buffer;
  readonly tokens: Buffer;
  readonly card: Buffer;
  readonly seenAt: number;
  /** The instant at which the store may forget it by itself, ms. */
  readonly expiresAt: number;
}

/** A write of the record. */
export interface SealedWrite {
  readonly id: string;
  /** The version it was made from; the stored one becomes one more. */
  readonly version: number;
  readonly sealed: Buffer;
}

/** The same content sealed under another key. Versions count contents, so they stay. */
export interface ResealedSession {
  readonly id: string;
  readonly record: { readonly version: number; readonly sealed: Buffer };
  readonly tokens: { readonly version: number; readonly sealed: Buffer };
  readonly card: Buffer;
}

/** The claim to spend the refresh token of `version`. */
export interface Spending extends SpendingClaim {
  readonly id: string;
  readonly version: number;
}

/** Membership of an index: all sessions of a person, or of a session at the authorization server. */
export interface IndexEntry {
  readonly index: 'sub' | 'sid';
  /** Keyed hash of what is indexed. */
  readonly key: string;
  readonly id: string;
  readonly expiresAt: number;
}

/** One-time things whose use is remembered. */
export type Once = 'state' | 'jti';

/** Told when a session ended, here or on another instance. */
export type EndedListener = (id: string, reason: EndReason) => void;

/** Told the id of a session of which something was written; `undefined`: of any. */
export type ChangedListener = (id: string | undefined) => void;

/**
 * Keeps sessions.
 *
 * Absence is an answer; only a store that cannot answer throws
 * `ProblemError('store-unavailable')`. A caller must then refuse the request
 * (503) and never treat it as signed out or signed in.
 */
export interface SessionStore {
  /** The session, or `undefined` if there is none. */
  read(id: string): Promise<StoredSession | undefined>;

  /** The state of the session, without what is sealed, or `undefined` if there is none. Changes are told after it as after `read`. */
  readState(id: string): Promise<SessionState | undefined>;

  /** Adds a session with all its parts at once. `false` if the id is taken by another; the same again is `true`. */
  create(session: NewSession): Promise<boolean>;

  /** Writes the record if the stored version is the one it was made from. A repeat is `true`; `false`: it changed or is gone. */
  replaceRecord(write: SealedWrite): Promise<boolean>;

  /** Puts the same content, newly sealed, in place of all parts, and counts that. `false`: a part changed or is gone, and nothing was written. */
  reseal(session: ResealedSession): Promise<boolean>;

  /**
   * Notes activity at `seenAt` and moves the end to `expiresAt`; changes no version. An
   * activity older than the one noted changes nothing. `false` if the session is gone.
   */
  touch(id: string, activity: { readonly seenAt: number; readonly expiresAt: number }): Promise<boolean>;

  /**
   * Claims the right to spend the refresh token. `begun` also for a repeated claim
   * of the same owner; `busy` while another holds it, even past its `until`;
   * `changed` when the version is no longer this one; `gone` without a session.
   */
  beginSpending(claim: Spending): Promise<'begun' | 'busy' | 'changed' | 'gone'>;

  /** Moves `until` of one's own claim. `false` if it is no longer one's own. */
  extendSpending(claim: Spending): Promise<boolean>;

  /**
   * Gives the claim back unspent: the refresh token was certainly not used. `false` if it was not one's own.
   * With `onlyUnmoved`: takes that of another, who is gone; `false` if its `until` is not that of `claim` any more.
   */
  abandonSpending(claim: Spending, how?: { readonly onlyUnmoved: boolean }): Promise<boolean>;

  /**
   * Writes new tokens and ends the claim. `false`: the claim was lost, or the session is
   * gone. A repeat under the same claim is `true`, also when the bytes were sealed again.
   */
  saveTokens(claim: Spending, sealed: Buffer): Promise<boolean>;

  /** Removes every part of a session and tells all listeners. `false` if there was none. */
  end(id: string, reason: EndReason): Promise<boolean>;

  /** Adds a member unless `issuedAt` is before the not-before of the key. `false`: refused for that reason. */
  addToIndex(entry: IndexEntry, issuedAt: number): Promise<boolean>;

  removeFromIndex(entry: Pick<IndexEntry, 'index' | 'key' | 'id'>): Promise<void>;

  /** The living members of an index. */
  membersOf(index: IndexEntry['index'], key: string): Promise<readonly string[]>;

  /** The not-before of an index key, ms; `undefined` if none was set. */
  notBefore(index: IndexEntry['index'], key: string): Promise<number | undefined>;

  /**
   * Sets the not-before of a key (it only grows) and returns the living members.
   * They stay until each is removed: who did not get the answer asks again and
   * misses nobody. Kept for `ttlMs`.
   */
  setNotBefore(
    index: IndexEntry['index'],
    key: string,
    notBefore: { readonly instant: number; readonly ttlMs: number },
  ): Promise<readonly string[]>;

  /** Marks a one-time thing as used by `claim`. `true` for the first claim and for its repeats; `false` for any other. */
  useOnce(kind: Once, hash: string, claim: { readonly id: string; readonly ttlMs: number }): Promise<boolean>;

  /** Whether somebody claimed it. Claims nothing. */
  wasUsed(kind: Once, hash: string): Promise<boolean>;

  /**
   * Calls `listener` for every end, wherever it took place. Returns what stops it.
   * `onGap` is called when ends may have been missed: whoever keeps something open
   * for a session must then look whether it still lives.
   */
  onEnded(listener: EndedListener, onGap?: () => void): () => void;

  /**
   * Calls `listener` whenever something of a session was written that was read here since
   * its last change: by this process before the write is acknowledged to whoever made it
   * (also when it is not known whether it took place), by others as soon as it is told.
   * With `undefined` when changes may have been missed: any session may be another.
   * Returns what stops it.
   */
  onChanged(listener: ChangedListener): () => void;

  /** Whether changes by others would be told now. While `false`, nothing that was read before may be used. */
  readonly isInTouch: boolean;

  /** Whether it answers now. Does not throw. */
  ping(): Promise<boolean>;

  close(): Promise<void>;
}
