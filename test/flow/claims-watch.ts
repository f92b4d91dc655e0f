/**
 * Sees at Redis who claims a refresh token, and when those who wait have looked.
 *
 * @module
 */

import { beginSpendingScript } from '../../src/session/redis-scripts.ts';
import { eventually } from '../support/eventually.ts';
import type { RedisServer } from '../support/redis.ts';

/** Claims from now on. */
export interface ClaimsWatch extends Disposable {
  /** Resolves when a refresh token was claimed, or tried to be, so many times, and a session's tokens were read after that. */
  lookedAfter(times: number): Promise<void>;
}

/** Begins to watch. */
export async function watchClaims(redis: RedisServer): Promise<ClaimsWatch> {
  const { lines, close } = await redis.monitor();
  const isLook = (line: string) => /"HMGET".*:tokens/.test(line) && !line.includes(' lua]');
  return {
    [Symbol.dispose]: close,
    lookedAfter: async (times) => {
      await eventually(() => {
        const claims = [...lines().entries()].filter(([, line]) => line.includes(beginSpendingScript.hash));
        const [from] = claims[times - 1] ?? [];
        return from !== undefined && lines().slice(from).some(isLook);
      });
    },
  };
}
