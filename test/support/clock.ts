/**
 * A clock that stands still until a test moves it.
 *
 * @module
 */

import type { Cancel, Clock } from '../../src/base/clock.ts';

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly task: () => void;
}

/** 2026-03-01T12:00:00Z: where a {@link ManualClock} starts unless told otherwise, in ms. */
export const defaultStart = Date.UTC(2026, 2, 1, 12);

/** Time by hand: nothing is due until {@link ManualClock.advance}. */
export class ManualClock implements Clock {
  #now: number;
  #elapsed = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  /** @param start The first instant, in ms since 1970. */
  constructor(start: number = defaultStart) {
    this.#now = start;
  }

  /** The instant reached so far, in ms since 1970. */
  now(): number {
    return this.#now;
  }

  /** How far the clock was moved, in ms; {@link set} does not change it. */
  elapsed(): number {
    return this.#elapsed;
  }

  /** Runs `task` when the clock has been moved `ms` further. */
  after(ms: number, task: () => void): Cancel {
    const timer: Timer = { due: this.#elapsed + Math.max(0, ms), order: this.#order++, task };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /**
   * Moves the time by `ms`, running what falls due in its order, each at its own
   * instant. Between two timers promises are given the time to settle, so a task
   * that sets the next timer from an `await` is run too when that falls due.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settle();
    for (let next = this.#nextUntil(end); next; next = this.#nextUntil(end)) {
      this.#timers.delete(next);
      this.#moveTo(next.due);
      next.task();
      await settle();
    }
    this.#moveTo(end);
    await settle();
  }

  /** Moves the time by `ms` at once: runs what falls due, but lets no promise settle in between. */
  advanceSync(ms: number): void {
    const end = this.#elapsed + ms;
    for (let next = this.#nextUntil(end); next; next = this.#nextUntil(end)) {
      this.#timers.delete(next);
      this.#moveTo(next.due);
      next.task();
    }
    this.#moveTo(end);
  }

  /** Sets the wall clock, as an operator or NTP would; timers and {@link elapsed} do not notice. */
  set(instant: number): void {
    this.#now = instant;
  }

  #moveTo(elapsed: number): void {
    this.#now += elapsed - this.#elapsed;
    this.#elapsed = elapsed;
  }

  #nextUntil(end: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.due > end) continue;
      if (!next || timer.due < next.due || (timer.due === next.due && timer.order < next.order)) next = timer;
    }
    return next;
  }
}

/** Lets every promise that is ready run its course, sockets aside. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
