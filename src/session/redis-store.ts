/**
 * Sessions in Redis. The writes are the scripts of redis-scripts.ts.
 *
 * What lies there: three keys for each session, named by the hash of its secret;
 * sorted sets of those hashes, named by keyed hashes; marks of what was used once.
 * Every key has an end.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import type { Redis, ScriptInput } from '../redis/client.ts';
import type { RedisReply } from '../redis/node.ts';
import type { RedisScript } from '../redis/script.ts';
import { ListenerSet } from './listener-set.ts';
import { listOf, numberOf, sessionState, storedSession, textOf } from './redis-replies.ts';
import {
  abandonSpendingScript,
  addToIndexScript,
  beginSpendingScript,
  createScript,
  endScript,
  extendSpendingScript,
  replaceRecordScript,
  resealScript,
  restoreTokensScript,
  saveTokensScript,
  setNotBeforeScript,
  touchScript,
} from './redis-scripts.ts';
import { partName, sessionOfPart } from './seal.ts';
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
} from './store.ts';

const endedChannel = 'cc:ended';

/** A {@link SessionStore} that many instances share. */
export class RedisSessionStore implements SessionStore {
  readonly #redis: Redis;
  readonly #clock: Clock;
  readonly #listeners = new ListenerSet();
  readonly #changeListeners = new Set<ChangedListener>();

  constructor({ redis, clock }: { readonly redis: Redis; readonly clock: Clock }) {
    this.#redis = redis;
    this.#clock = clock;
    redis.subscribe(endedChannel, {
      onMessage: (message) => this.#announce(message),
      onGap: () => this.#listeners.tellGap(),
    });
    redis.onKeyChanged((key) => {
      const id = key === undefined ? undefined : sessionOfPart(key);
      if (key === undefined || id !== undefined) this.#tellChanged(id);
    });
  }

  async read(id: string): Promise<StoredSession | undefined> {
    const [record, tokens, card] = await this.#redis.commands([
      ['HMGET', partName(id, 'session'), 'v', 'sealed', 'seen', 'reseals'],
      ['HMGET', partName(id, 'tokens'), 'v', 'sealed', 'spending', 'owner', 'until'],
      ['GET', partName(id, 'card')],
    ]);
    return storedSession({ record: listOf(record), tokens: listOf(tokens), card });
  }

  async readState(id: string): Promise<SessionState | undefined> {
    const [record, tokens, card] = await this.#redis.commands([
      ['HMGET', partName(id, 'session'), 'v', 'seen', 'reseals'],
      ['HMGET', partName(id, 'tokens'), 'v', 'spending', 'owner', 'until'],
      ['EXISTS', partName(id, 'card')],
    ]);
    return sessionState({ record: listOf(record), tokens: listOf(tokens), card });
  }

  create({ id, sealed, tokens, card, seenAt, expiresAt }: NewSession): Promise<boolean> {
    const values = [sealed, tokens, card, String(seenAt), this.#left(expiresAt)];
    return this.#write(id, createScript, { keys: keysOf(id), values });
  }

  replaceRecord({ id, version, sealed }: SealedWrite): Promise<boolean> {
    return this.#write(id, replaceRecordScript, { keys: [partName(id, 'session')], values: [String(version), sealed] });
  }

  reseal({ id, record, tokens, card }: ResealedSession): Promise<boolean> {
    const values = [String(record.version), record.sealed, String(tokens.version), tokens.sealed, card];
    return this.#write(id, resealScript, { keys: keysOf(id), values });
  }

  touch(id: string, { seenAt, expiresAt }: { readonly seenAt: number; readonly expiresAt: number }): Promise<boolean> {
    return this.#write(id, touchScript, { keys: keysOf(id), values: [String(seenAt), this.#left(expiresAt)] });
  }

  async beginSpending({ id, version, owner, until }: Spending): Promise<'begun' | 'busy' | 'changed' | 'gone'> {
    const input = { keys: spendingKeysOf(id), values: [String(version), owner, String(until)] };
    const word = textOf(await this.#change(id, beginSpendingScript, input));
    return word as 'begun' | 'busy' | 'changed' | 'gone'; // the script has no other words
  }

  extendSpending({ id, version, owner, until }: Spending): Promise<boolean> {
    const values = [String(version), owner, String(until)];
    return this.#write(id, extendSpendingScript, { keys: spendingKeysOf(id), values });
  }

  abandonSpending({ id, version, owner, until }: Spending, { onlyUnmoved } = { onlyUnmoved: false }): Promise<boolean> {
    const values = [String(version), owner, onlyUnmoved ? String(until) : ''];
    return this.#write(id, abandonSpendingScript, { keys: spendingKeysOf(id), values });
  }

  // Lost with a master, new tokens would leave the old refresh token behind, and to present that again looks like theft.
  async saveTokens({ id, version, owner }: Spending, sealed: Buffer): Promise<boolean> {
    const values = [String(version), owner, sealed];
    const input = { keys: spendingKeysOf(id), values, inPlace: restoreTokensScript };
    return (await this.#telling(id, () => this.#redis.runConfirmed(saveTokensScript, input))) === 1;
  }

  async end(id: string, reason: EndReason): Promise<boolean> {
    const input = { keys: keysOf(id), values: [endedChannel, `${id} ${reason}`] };
    return (await this.#telling(id, () => this.#redis.runConfirmed(endScript, input))) === 1;
  }

  async addToIndex({ index, key, id, expiresAt }: IndexEntry, issuedAt: number): Promise<boolean> {
    const values = [id, String(expiresAt), String(issuedAt), this.#left(expiresAt), String(this.#clock.now())];
    const keys = [indexName(index, key), notBeforeName(key)];
    return (await this.#redis.run(addToIndexScript, { keys, values })) === 1;
  }

  async removeFromIndex({ index, key, id }: Pick<IndexEntry, 'index' | 'key' | 'id'>): Promise<void> {
    await this.#redis.command('ZREM', indexName(index, key), id);
  }

  async membersOf(index: IndexEntry['index'], key: string): Promise<readonly string[]> {
    const from = `(${this.#clock.now()}`;
    return listOf(await this.#redis.command('ZRANGEBYSCORE', indexName(index, key), from, '+inf')).map(textOf);
  }

  async notBefore(_index: IndexEntry['index'], key: string): Promise<number | undefined> {
    return numberOf(await this.#redis.command('GET', notBeforeName(key)));
  }

  async setNotBefore(
    index: IndexEntry['index'],
    key: string,
    { instant, ttlMs }: { readonly instant: number; readonly ttlMs: number },
  ): Promise<readonly string[]> {
    const keys = [indexName(index, key), notBeforeName(key)];
    const values = [String(instant), String(ttlMs), String(this.#clock.now())];
    return listOf(await this.#redis.runConfirmed(setNotBeforeScript, { keys, values })).map(textOf);
  }

  async useOnce(
    kind: Once,
    hash: string,
    { id, ttlMs }: { readonly id: string; readonly ttlMs: number },
  ): Promise<boolean> {
    // With NX and GET together Redis answers who was first (7.0 and newer).
    const first = await this.#redis.command('SET', `cc:${kind}:${hash}`, id, 'NX', 'GET', 'PX', String(ttlMs));
    return first === null || textOf(first) === id;
  }

  async wasUsed(kind: Once, hash: string): Promise<boolean> {
    return (await this.#redis.command('EXISTS', `cc:${kind}:${hash}`)) === 1;
  }

  onEnded(listener: EndedListener, onGap?: () => void): () => void {
    return this.#listeners.add(listener, onGap);
  }

  onChanged(listener: ChangedListener): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  get isInTouch(): boolean {
    return this.#redis.isInTouch;
  }

  ping(): Promise<boolean> {
    return this.#redis.ping();
  }

  close(): Promise<void> {
    return this.#redis.close();
  }

  async #write(id: string, script: RedisScript, input: ScriptInput): Promise<boolean> {
    return (await this.#change(id, script, input)) === 1;
  }

  #change(id: string, script: RedisScript, input: ScriptInput): Promise<RedisReply> {
    return this.#telling(id, () => this.#redis.run(script, input));
  }

  // A write that failed may have taken place. Redis tells of our own writes, too, but need not before it answers.
  async #telling(id: string, write: () => Promise<RedisReply>): Promise<RedisReply> {
    try {
      return await write();
    } finally {
      this.#tellChanged(id);
    }
  }

  #tellChanged(id: string | undefined): void {
    for (const listener of this.#changeListeners) listener(id);
  }

  // A key whose end has passed lives for a moment, since PEXPIRE with nothing left would be a DEL.
  #left(expiresAt: number): string {
    return String(Math.max(1, Math.ceil(expiresAt - this.#clock.now())));
  }

  #announce(message: string): void {
    const [id = '', reason] = message.split(' ');
    // Written by our own script; whoever may publish here may also delete sessions.
    this.#listeners.tellEnded(id, reason as EndReason);
  }
}

function keysOf(id: string): readonly string[] {
  return [partName(id, 'session'), partName(id, 'tokens'), partName(id, 'card')];
}

function spendingKeysOf(id: string): readonly string[] {
  return keysOf(id).slice(0, 2);
}

function indexName(index: IndexEntry['index'], key: string): string {
  return `cc:${index}:{${key}}`;
}

// The key is a keyed hash over the kind of index, too: sub and sid never share one.
function notBeforeName(key: string): string {
  return `cc:nbf:{${key}}`;
}
