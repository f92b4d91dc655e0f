/**
 * The machine's clock, moved forward: for stories in which a provider or Redis
 * keeps its own time.
 *
 * @module
 */

import { type Cancel, type Clock, systemClock } from '../../src/base/clock.ts';

/** Runs at the machine's speed, `offsetMs` ahead of it. Timers are not moved. */
export class ShiftedClock implements Clock {
  #offsetMs = 0;

  now(): number {
    return systemClock.now() + this.#offsetMs;
  }

  elapsed(): number {
    return systemClock.elapsed() + this.#offsetMs;
  }

  after(ms: number, task: () => void): Cancel {
    return systemClock.after(ms, task);
  }

  /** Moves on by `ms`. */
  advance(ms: number): void {
    this.#offsetMs += ms;
  }
}
