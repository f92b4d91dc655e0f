/**
 * Sessions in the memory of this process: for development, where a restart may
 * sign everybody out and there is one instance.
 *
 * It keeps the same contract as Redis and holds the same sealed bytes.
 *
 * @module
 */

import type { Cancel, Clock } from '../base/clock.ts';
import { ExpiringMap } from './expiring-map.ts';
import { ListenerSet } from './listener-set.ts';
import type { EndReason } from './session.ts';
import type {
  ChangedListener,
  EndedListener,
  IndexEntry,
  NewSession,
  Once,
  ResealedSession,
  SealedWrite,
  SessionState,
  SessionStore,
  Spending,
  StoredSession,
  StoredTokens,
} from './store.ts';

/** How a memory store is made. */
export interface MemoryStoreOptions {
  readonly clock: Clock;
  /** Sessions at most; 10 000 unless told otherwise. */
  readonly mostSessions?: number;
}

const sweepEveryMs = 60_000;

/** A {@link SessionStore} that dies with its process. */
export class MemorySessionStore implements SessionStore {
  readonly #clock: Clock;
  readonly #sessions: ExpiringMap<StoredSession>;
  readonly #indexes: ExpiringMap<ExpiringMap<true>>;
  readonly #notBefore: ExpiringMap<number>;
  readonly #used: ExpiringMap<string>;
  /** Who wrote the tokens, by their bytes: a repeat is known by it, since the same tokens sealed again are other bytes. */
  readonly #savedBy = new WeakMap<Buffer, string>();
  readonly #listeners = new ListenerSet();
  readonly #changeListeners = new Set<ChangedListener>();
  /** Nobody else writes here. */
  readonly isInTouch: boolean = true;
  readonly #most: number;
  #cancelSweep: Cancel;

  constructor({ clock, mostSessions = 10_000 }: MemoryStoreOptions) {
    this.#clock = clock;
    this.#most = mostSessions;
    this.#sessions = new ExpiringMap({ clock, most: mostSessions });
    // Two for each session, and as many again for those that have ended.
    this.#indexes = new ExpiringMap({ clock, most: mostSessions * 4 });
    this.#notBefore = new ExpiringMap({ clock, most: mostSessions * 4 });
    this.#used = new ExpiringMap({ clock, most: mostSessions * 4 });
    this.#cancelSweep = clock.after(sweepEveryMs, () => this.#sweep());
  }

  async read(id: string): Promise<StoredSession | undefined> {
    return this.#sessions.get(id);
  }

  async readState(id: string): Promise<SessionState | undefined> {
    const found = this.#sessions.get(id);
    if (found === undefined) return undefined;
    const { version, reseals, seenAt, tokens } = found;
    return { version, tokensVersion: tokens.version, reseals, seenAt, spending: tokens.spending };
  }

  async create({ id, sealed, tokens, card, seenAt, expiresAt }: NewSession): Promise<boolean> {
    const found = this.#sessions.get(id);
    if (found !== undefined) return found.sealed.equals(sealed);
    const fresh = { version: 1, sealed: tokens, spending: undefined };
    this.#set(id, { version: 1, reseals: 0, sealed, seenAt, card, tokens: fresh }, { expiresAt });
    return true;
  }

  async replaceRecord({ id, version, sealed }: SealedWrite): Promise<boolean> {
    const found = this.#sessions.get(id);
    if (found === undefined) return false;
    if (found.version !== version) return found.sealed.equals(sealed);
    return this.#put(id, { ...found, version: version + 1, sealed });
  }

  async reseal({ id, record, tokens, card }: ResealedSession): Promise<boolean> {
    const found = this.#sessions.get(id);
    if (found?.version !== record.version || found.tokens.version !== tokens.version) return false;
    const sealedTokens = { ...found.tokens, sealed: tokens.sealed };
    const reseals = found.reseals + 1;
    return this.#put(id, { ...found, reseals, sealed: record.sealed, tokens: sealedTokens, card });
  }

  async touch(
    id: string,
    { seenAt, expiresAt }: { readonly seenAt: number; readonly expiresAt: number },
  ): Promise<boolean> {
    const found = this.#sessions.get(id);
    if (found === undefined) return false;
    if (seenAt >= found.seenAt) this.#set(id, { ...found, seenAt }, { expiresAt });
    return true;
  }

  async beginSpending({ id, version, owner, until }: Spending): Promise<'begun' | 'busy' | 'changed' | 'gone'> {
    const found = this.#sessions.get(id);
    if (found === undefined) return 'gone';
    if (found.tokens.version !== version) return 'changed';
    if (found.tokens.spending !== undefined && found.tokens.spending.owner !== owner) return 'busy';
    this.#putTokens(id, { ...found.tokens, spending: { owner, until } });
    return 'begun';
  }

  async extendSpending(claim: Spending): Promise<boolean> {
    const { owner, until } = claim;
    const tokens = this.#claimedBy(claim);
    return tokens !== undefined && this.#putTokens(claim.id, { ...tokens, spending: { owner, until } });
  }

  async abandonSpending(claim: Spending, { onlyUnmoved } = { onlyUnmoved: false }): Promise<boolean> {
    const tokens = this.#claimedBy(claim);
    if (onlyUnmoved && tokens?.spending?.until !== claim.until) return false;
    return tokens !== undefined && this.#putTokens(claim.id, { ...tokens, spending: undefined });
  }

  async saveTokens(claim: Spending, sealed: Buffer): Promise<boolean> {
    const { id, version, owner } = claim;
    if (this.#claimedBy(claim) !== undefined) {
      this.#savedBy.set(sealed, owner);
      return this.#putTokens(id, { version: version + 1, sealed, spending: undefined });
    }
    const tokens = this.#sessions.get(id)?.tokens;
    return tokens?.version === version + 1 && this.#savedBy.get(tokens.sealed) === owner;
  }

  async end(id: string, reason: EndReason): Promise<boolean> {
    if (!this.#sessions.delete(id)) return false;
    this.#tellChanged(id);
    this.#listeners.tellEnded(id, reason);
    return true;
  }

  async addToIndex({ index, key, id, expiresAt }: IndexEntry, issuedAt: number): Promise<boolean> {
    const bound = this.#notBefore.get(key);
    if (bound !== undefined && issuedAt < bound) return false;
    const name = `${index} ${key}`;
    const members = this.#indexes.get(name) ?? new ExpiringMap({ clock: this.#clock, most: this.#most });
    members.sweep();
    members.set(id, true, { expiresAt });
    this.#indexes.set(name, members, { expiresAt: Math.max(expiresAt, this.#indexes.endOf(name) ?? 0) });
    return true;
  }

  async removeFromIndex({ index, key, id }: Pick<IndexEntry, 'index' | 'key' | 'id'>): Promise<void> {
    const name = `${index} ${key}`;
    const members = this.#indexes.get(name);
    members?.delete(id);
    if (members?.size === 0) this.#indexes.delete(name);
  }

  async membersOf(index: IndexEntry['index'], key: string): Promise<readonly string[]> {
    return this.#indexes.get(`${index} ${key}`)?.names() ?? [];
  }

  async notBefore(_index: IndexEntry['index'], key: string): Promise<number | undefined> {
    return this.#notBefore.get(key);
  }

  async setNotBefore(
    index: IndexEntry['index'],
    key: string,
    { instant, ttlMs }: { readonly instant: number; readonly ttlMs: number },
  ): Promise<readonly string[]> {
    const expiresAt = Math.max(this.#clock.now() + ttlMs, this.#notBefore.endOf(key) ?? 0);
    this.#notBefore.set(key, Math.max(instant, this.#notBefore.get(key) ?? instant), { expiresAt });
    return this.membersOf(index, key);
  }

  async useOnce(
    kind: Once,
    hash: string,
    { id, ttlMs }: { readonly id: string; readonly ttlMs: number },
  ): Promise<boolean> {
    const name = `${kind} ${hash}`;
    const first = this.#used.get(name);
    if (first === undefined) this.#used.set(name, id, { expiresAt: this.#clock.now() + ttlMs });
    return first === undefined || first === id;
  }

  async wasUsed(kind: Once, hash: string): Promise<boolean> {
    return this.#used.get(`${kind} ${hash}`) !== undefined;
  }

  onEnded(listener: EndedListener, onGap?: () => void): () => void {
    return this.#listeners.add(listener, onGap);
  }

  onChanged(listener: ChangedListener): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  async ping(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {
    this.#cancelSweep();
    for (const map of [this.#sessions, this.#indexes, this.#notBefore, this.#used]) map.clear();
  }

  // The session as it was found lives, so it has an end.
  #put(id: string, session: StoredSession): true {
    this.#set(id, session, { expiresAt: this.#sessions.endOf(id) ?? 0 });
    return true;
  }

  #set(id: string, session: StoredSession, end: { readonly expiresAt: number }): void {
    this.#sessions.set(id, session, end);
    this.#tellChanged(id);
  }

  #tellChanged(id: string): void {
    for (const listener of this.#changeListeners) listener(id);
  }

  #putTokens(id: string, tokens: StoredTokens): boolean {
    const found = this.#sessions.get(id);
    return found !== undefined && this.#put(id, { ...found, tokens });
  }

  #claimedBy({ id, version, owner }: Spending): StoredTokens | undefined {
    const tokens = this.#sessions.get(id)?.tokens;
    return tokens?.version === version && tokens.spending?.owner === owner ? tokens : undefined;
  }

  #sweep(): void {
    for (const map of [this.#sessions, this.#indexes, this.#notBefore, this.#used]) map.sweep();
    this.#cancelSweep = this.#clock.after(sweepEveryMs, () => this.#sweep());
  }
}
