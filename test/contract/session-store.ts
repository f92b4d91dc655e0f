/**
 * What the tests of the session stores share: the stores, and what is put into them.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { systemClock } from '../../src/base/clock.ts';
import { Secret } from '../../src/base/secret.ts';
import { connectRedis } from '../../src/redis/client.ts';
import { MemorySessionStore } from '../../src/session/memory-store.ts';
import { RedisSessionStore } from '../../src/session/redis-store.ts';
import type { NewSession, SessionStore, Spending } from '../../src/session/store.ts';
import { eventually } from '../support/eventually.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';

/** Every store that must keep the contract. */
export const storeNames = ['memory', 'Redis'] as const;

/** One hour, ms: longer than any test. */
export const hour = 3_600_000;

/** Stores of one test file, over one Redis. */
export class StoresUnderTest {
  readonly #opened: SessionStore[] = [];
  #server: RedisServer | undefined;

  /** The Redis behind them. */
  get server(): RedisServer {
    if (this.#server === undefined) throw new Error('start() comes first');
    return this.#server;
  }

  /** Starts Redis. */
  async start(): Promise<void> {
    this.#server = await startRedis();
  }

  /** Opens a store. All that are opened in Redis share what lies there; one in memory is alone. */
  async open(name: (typeof storeNames)[number]): Promise<SessionStore> {
    if (name === 'memory') return new MemorySessionStore({ clock: systemClock });
    const log = { info: () => undefined, warn: () => undefined };
    const redis = connectRedis({ url: new Secret(this.server.url), timeoutMs: 500, clock: systemClock, log });
    const store = new RedisSessionStore({ redis, clock: systemClock });
    this.#opened.push(store);
    await eventually(() => store.ping());
    const listening = String(this.#opened.length);
    await eventually(async () => (await this.server.cli('PUBSUB', 'NUMSUB', 'cc:ended')).endsWith(listening));
    return store;
  }

  /** Closes all and ends Redis. */
  async stop(): Promise<void> {
    await Promise.all(this.#opened.map((store) => store.close()));
    await this.server.stop();
  }
}

/** A new session with random content; `changes` stand instead. */
export function newSession(changes: Partial<NewSession> = {}): NewSession {
  const now = systemClock.now();
  return {
    id: randomKey(),
    sealed: randomBytes(200),
    tokens: randomBytes(300),
    card: randomBytes(60),
    seenAt: now,
    expiresAt: now + hour,
    ...changes,
  };
}

/** A session that was put into a store. */
export async function createdIn(store: SessionStore, changes: Partial<NewSession> = {}): Promise<NewSession> {
  const session = newSession(changes);
  if (!(await store.create(session))) throw new Error('a random id was taken');
  return session;
}

/** The claim of `owner` on the tokens of a session, as it was created unless another version is given. */
export function claimOn(
  { id }: Pick<NewSession, 'id'>,
  { owner, version = 1 }: { readonly owner: string; readonly version?: number },
): Spending {
  return { id, version, owner, until: systemClock.now() + 10_000 };
}

/** A name that nothing else has. */
export function randomKey(): string {
  return randomBytes(32).toString('base64url');
}
