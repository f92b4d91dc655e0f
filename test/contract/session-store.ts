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
import { startCluster, startSentinelGroup } from '../support/redis-groups.ts';

/** Every store that must keep the contract. */
export const storeNames = ['memory', 'Redis', 'Redis under Sentinel', 'Redis Cluster'] as const;

/** One hour, ms: longer than any test. */
export const hour = 3_600_000;

type StoreName = (typeof storeNames)[number];

/** Redis of one kind: where it is reached, and the servers it consists of. */
interface Behind extends AsyncDisposable {
  readonly url: string;
  readonly servers: readonly RedisServer[];
}

/** Stores of one test file, over one Redis of each kind. */
export class StoresUnderTest {
  readonly #opened: { readonly name: StoreName; readonly store: SessionStore }[] = [];
  readonly #groups = new Map<StoreName, Promise<Behind>>();
  #server: RedisServer | undefined;

  /** The single Redis behind them. */
  get server(): RedisServer {
    if (this.#server === undefined) throw new Error('start() comes first');
    return this.#server;
  }

  /** Starts the single Redis. Groups of servers are started when the first store in them is opened. */
  async start(): Promise<void> {
    this.#server = await startRedis();
  }

  /** Opens a store. All of one kind in Redis share what lies there; one in memory is alone. */
  async open(name: StoreName): Promise<SessionStore> {
    if (name === 'memory') return new MemorySessionStore({ clock: systemClock });
    const { url, servers } = await this.#behind(name);
    const log = { info: () => undefined, warn: () => undefined };
    const redis = connectRedis({ url: new Secret(url), timeoutMs: 500, clock: systemClock, log });
    const store = new RedisSessionStore({ redis, clock: systemClock });
    this.#opened.push({ name, store });
    await eventually(() => store.ping());
    const listening = this.#opened.filter((each) => each.name === name).length;
    await eventually(async () => {
      const counts = await Promise.all(servers.map((server) => server.cli('PUBSUB', 'NUMSUB', 'cc:ended')));
      return counts.reduce((sum, count) => sum + Number(count.split('\n')[1]), 0) === listening;
    });
    return store;
  }

  /** Closes all and ends Redis. */
  async stop(): Promise<void> {
    await Promise.all(this.#opened.map(({ store }) => store.close()));
    for (const group of this.#groups.values()) await (await group)[Symbol.asyncDispose]();
    await this.server.stop();
  }

  async #behind(name: Exclude<StoreName, 'memory'>): Promise<Pick<Behind, 'url' | 'servers'>> {
    if (name === 'Redis') return { url: this.server.url, servers: [this.server] };
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    const started = name === 'Redis Cluster' ? startCluster() : startSentinelGroup();
    this.#groups.set(name, started);
    return started;
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
