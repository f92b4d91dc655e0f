/**
 * What time it is, and when something shall happen later.
 *
 * The only file that asks the system for the time or sets a timer. Everything
 * else is handed a {@link Clock}, so that tests move the time instead of waiting.
 *
 * @module
 */

/** Ends a timer that has not fired yet; harmless afterwards. */
export type Cancel = () => void;

/** The time as a part sees it. */
export interface Clock {
  /** The instant, in ms since 1970-01-01T00:00:00Z. Comparable over machines. */
  now(): number;
  /** A steadily growing count of ms without an origin: for durations, unharmed by corrections of the system's clock. */
  elapsed(): number;
  /** Runs `task` once, `ms` from now. The timer does not keep the process alive. */
  after(ms: number, task: () => void): Cancel;
}

/** The time of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after: (ms, task) => {
    const timer = setTimeout(task, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve));
}

/** An instant as RFC 3339 in UTC, to the second: `2026-03-01T12:00:00Z`. */
export function rfc3339(instant: number): string {
  return `${new Date(instant).toISOString().slice(0, 19)}Z`;
}

/** Writes the present instant as RFC 3339 in UTC, to the ms, for who does it often: within a second only the ms are made anew. */
export class Timestamps {
  #second = Number.NaN;
  #secondText = '';

  now(): string {
    const now = Date.now();
    const ms = now % 1_000;
    if (now - ms !== this.#second) {
      this.#second = now - ms;
      this.#secondText = new Date(this.#second).toISOString().slice(0, 20);
    }
    return `${this.#secondText}${ms < 10 ? '00' : ms < 100 ? '0' : ''}${ms}Z`;
  }
}
