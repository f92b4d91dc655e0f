/**
 * The store that the configuration names.
 *
 * @module
 */

import type { Log } from '../audit/trail.ts';
import type { Clock } from '../base/clock.ts';
import type { Config } from '../config/config.ts';
import { connectRedis } from '../redis/client.ts';
import { MemorySessionStore } from './memory-store.ts';
import { RedisSessionStore } from './redis-store.ts';
import type { SessionStore } from './store.ts';

/** Makes it. Redis is reached in the background, and tried again for as long as it takes. */
export function createStore(
  { store }: Pick<Config, 'store'>,
  { trail, clock }: { readonly trail: Log; readonly clock: Clock },
): SessionStore {
  if (store.kind === 'memory') return new MemorySessionStore({ clock });
  const redis = connectRedis({ url: store.url, timeoutMs: store.timeoutMs, clock, log: trail });
  return new RedisSessionStore({ redis, clock });
}
