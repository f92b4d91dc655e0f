/**
 * How many refreshes may run at once, and when none may: keeps a storm of expired
 * sessions from a provider that is in trouble (RF-15).
 *
 * After failures in a row nobody asks for a while, which grows. Then one asks; if
 * that goes well two may, then four: so the recovery is no stampede either. Each
 * pause is spread at random, since every instance sees the outage at once.
 *
 * What counts as a failure is said in failures.ts.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import { randomFraction } from '../base/random.ts';

const mostAtOnce = 32;
const mostWaiting = 10_000;
const failuresInARow = 5;
const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

/** The right to ask the provider once. Give it back by {@link Attempt.end}. */
export interface Attempt {
  /** `unused` when the provider was not asked after all; `retryAfterMs` is what it asked for. */
  end(outcome: 'answered' | 'away' | 'unused', retryAfterMs?: number): void;
}

/** No attempt now. */
export interface Paused {
  /** Ms until a new one may make sense. */
  readonly retryAfterMs: number;
}

/** What the limits are made from. */
export interface AttemptsParts {
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random?: (() => number) | undefined;
}

/** Admits refreshes. One for each process and provider. */
export class Attempts {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #waiting: ((admitted: Attempt | Paused) => void)[] = [];
  #running = 0;
  #limit = mostAtOnce;
  #failures = 0;
  #pauses = 0;
  #pausedUntil = 0;
  /** Counts the pauses that began: what ends in a later one than it began in says nothing new. */
  #era = 0;

  constructor({ clock, random = randomFraction }: AttemptsParts) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Waits for its turn, first come, first served. */
  admit(): Promise<Attempt | Paused> {
    const leftMs = this.#pausedUntil - this.#clock.elapsed();
    if (leftMs > 0) return Promise.resolve(this.#paused(leftMs));
    if (this.#running < this.#limit) return Promise.resolve(this.#begin());
    if (this.#waiting.length >= mostWaiting) return Promise.resolve(this.#paused(firstPauseMs));
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** How many run, and how many wait to. */
  get load(): { readonly running: number; readonly waiting: number } {
    return { running: this.#running, waiting: this.#waiting.length };
  }

  #begin(): Attempt {
    this.#running += 1;
    const era = this.#era;
    let ended = false;
    return {
      end: (outcome, retryAfterMs) => {
        if (ended) return;
        ended = true;
        this.#running -= 1;
        if (outcome === 'answered') this.#recover();
        if (outcome === 'away' && era === this.#era) this.#suffer(retryAfterMs);
        this.#admitNext();
      },
    };
  }

  #recover(): void {
    this.#failures = 0;
    this.#pauses = 0;
    this.#pausedUntil = 0;
    this.#limit = Math.min(mostAtOnce, this.#limit * 2);
  }

  #suffer(retryAfterMs: number | undefined): void {
    this.#failures += 1;
    const isProbe = this.#pauses > 0;
    if (this.#failures < failuresInARow && !isProbe && retryAfterMs === undefined) return;
    const growingMs = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#pauses);
    // What the provider asks for is the least; nobody may stop us for longer than the longest pause.
    const pauseMs = Math.max(growingMs * (0.5 + this.#random() / 2), Math.min(longestPauseMs, retryAfterMs ?? 0));
    this.#era += 1;
    this.#pauses += 1;
    this.#failures = 0;
    this.#limit = 1;
    this.#pausedUntil = this.#clock.elapsed() + pauseMs;
    for (const answer of this.#waiting.splice(0)) answer(this.#paused(pauseMs));
  }

  #admitNext(): void {
    while (this.#running < this.#limit) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      next(this.#begin());
    }
  }

  // Spread, so that those who were told the same do not come back as one.
  #paused(leftMs: number): Paused {
    return { retryAfterMs: leftMs + this.#random() * firstPauseMs };
  }
}
