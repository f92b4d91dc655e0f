/**
 * An allowance that is spent at once or bit by bit, and comes back with time.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';

/** How much there is, and how fast it comes back. */
export interface TokenBucketOptions {
  readonly capacity: number;
  /** Ms until one that was spent is back. */
  readonly refillMs: number;
  readonly clock: Pick<Clock, 'elapsed'>;
}

/** Starts full. */
export class TokenBucket {
  readonly #options: TokenBucketOptions;
  #level: number;
  #asOf: number;

  constructor(options: TokenBucketOptions) {
    this.#options = options;
    this.#level = options.capacity;
    this.#asOf = options.clock.elapsed();
  }

  /** Spends one. `false` when there is none. */
  take(): boolean {
    const { capacity, refillMs, clock } = this.#options;
    const now = clock.elapsed();
    this.#level = Math.min(capacity, this.#level + (now - this.#asOf) / refillMs);
    this.#asOf = now;
    if (this.#level < 1) return false;
    this.#level -= 1;
    return true;
  }
}
