/**
 * The store that the configuration names.
 *
 * @module
 */

import type { Log } from '../audit/trail.ts';
import type { Clock } from '../base/clock.ts';
import { RotatingSecret } from '../base/secret.ts';
import type { Config } from '../config/config.ts';
import { connectRedis, type Redis } from '../redis/client.ts';
import { MemorySessionStore } from './memory-store.ts';
import { RedisSessionStore } from './redis-store.ts';
import type { SessionStore } from './store.ts';

/** The store, and what it is reached by where that is Redis. */
export interface ConfiguredStore {
  readonly store: SessionStore;
  readonly redis: Redis | undefined;
  /** Its address, whose user and password may be replaced while the server runs. */
  readonly redisUrl: RotatingSecret | undefined;
}

/** Makes it. Redis is reached in the background, and tried again for as long as it takes. */
export function createStore(
  { store }: Pick<Config, 'store'>,
  { trail, clock }: { readonly trail: Log; readonly clock: Clock },
): ConfiguredStore {
  if (store.kind === 'memory') {
    return { store: new MemorySessionStore({ clock }), redis: undefined, redisUrl: undefined };
  }
  const redisUrl = new RotatingSecret(store.url);
  const redis = connectRedis({ url: redisUrl, timeoutMs: store.timeoutMs, clock, log: trail });
  return { store: new RedisSessionStore({ redis, clock }), redis, redisUrl };
}
