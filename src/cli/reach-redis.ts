/**
 * Redis for a command that asks it something and ends.
 *
 * @module
 */

import type { Trail } from '../audit/trail.ts';
import { type Clock, pause } from '../base/clock.ts';
import type { StoreConfig } from '../config/config.ts';
import { connectRedis, type Redis } from '../redis/client.ts';

/** How long a connection may take, and how often it is looked at, ms. */
const reachMs = { limit: 5_000, step: 25 } as const;

/** Where it is, what is told while it connects, and by which clock. */
export interface Reaching extends Omit<Extract<StoreConfig, { kind: 'redis' }>, 'kind'> {
  readonly clock: Clock;
  readonly trail: Pick<Trail, 'info' | 'warn'>;
}

/** Runs `work` with a connection, and closes that. Throws what `work` throws; without a connection its first question does (`store-unavailable`). */
export async function withRedis<Result>(
  { url, timeoutMs, clock, trail }: Reaching,
  work: (redis: Redis) => Promise<Result>,
): Promise<Result> {
  const redis = connectRedis({ url, timeoutMs, clock, log: trail });
  try {
    const end = clock.elapsed() + reachMs.limit;
    while (!(await redis.ping()) && clock.elapsed() < end) await pause(clock, reachMs.step);
    return await work(redis);
  } finally {
    await redis.close();
  }
}
