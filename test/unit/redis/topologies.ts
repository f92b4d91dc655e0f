/**
 * What the tests of Redis' topologies share: connections with a log that can be read.
 *
 * @module
 */

import { systemClock } from '../../../src/base/clock.ts';
import { Secret } from '../../../src/base/secret.ts';
import { connectRedis, type Redis } from '../../../src/redis/client.ts';
import { RedisSessionStore } from '../../../src/session/redis-store.ts';
import { eventually } from '../../support/eventually.ts';

/** A connection, a store on it, and what they logged. */
export interface Connected {
  readonly redis: Redis;
  readonly store: RedisSessionStore;
  readonly lines: readonly string[];
}

/** Begins to connect. Close it at the end. */
export function connecting(url: string | Secret): Connected {
  const lines: string[] = [];
  const note = (message: string, fields?: object) => lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const log = { info: note, warn: note };
  const redis = connectRedis({ url: asSecret(url), timeoutMs: 500, clock: systemClock, log });
  const store = new RedisSessionStore({ redis, clock: systemClock });
  return { redis, store, lines };
}

/** Connects, and waits until every master answers. Close it at the end. */
export async function connectedTo(url: string | Secret): Promise<Connected> {
  const connected = connecting(url);
  await eventually(() => connected.redis.ping(), 10_000);
  return connected;
}

/** What all steps of a walk gave. */
export async function allOf(walk: AsyncIterable<readonly string[]>): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const some of walk) names.push(...some);
  return names;
}

/** Whether a call is answered at all now. */
export function isServed(call: () => Promise<unknown>): Promise<boolean> {
  return call().then(
    () => true,
    () => false,
  );
}

function asSecret(url: string | Secret): Secret {
  return typeof url === 'string' ? new Secret(url) : url;
}
