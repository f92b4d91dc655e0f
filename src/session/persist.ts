/**
 * Trying again: for writes that must not be given up because the store was away
 * for a moment.
 *
 * @module
 */

import { type Clock, pause } from '../base/clock.ts';
import { codeOf } from '../errors.ts';

const firstPauseMs = 100;
/** No longer than between two attempts to connect: calls wait for these writes, and must not wait much after the store is back. */
const longestPauseMs = 250;

/** How long is long enough. */
export interface Persistence {
  readonly clock: Clock;
  /** No attempt begins later than this after the first. */
  readonly limitMs: number;
}

/** The value of `task`, tried with growing pauses while the store is away. Throws what the last attempt threw. */
export async function persist<Value>(task: () => Promise<Value>, { clock, limitMs }: Persistence): Promise<Value> {
  const end = clock.elapsed() + limitMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    try {
      return await task();
    } catch (error) {
      if (codeOf(error) !== 'store-unavailable' || clock.elapsed() + pauseMs > end) throw error;
      await pause(clock, pauseMs);
    }
  }
}
