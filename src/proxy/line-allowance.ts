/**
 * How many lines of a queue may be in use: doubled while that serves those who wait,
 * and taken back by and by.
 *
 * More connections help against a service that is slow to answer. Against one that
 * has no time left they harm: a busy server may accept one connection in each turn of
 * its event loop (libuv does so), and what was sent on the others lies unread until
 * its timeout, beside connections that are served at once. From here both look the
 * same, so it is tried: what did not raise the number of answers is undone, and not
 * tried again for a while. Where nothing at all is answered there is nothing to lose.
 *
 * @module
 */

/** Between which numbers of lines an allowance moves. */
export interface AllowanceLimits {
  /** Lines that are used without hesitation. */
  readonly connections: number;
  /** Lines at the most. */
  readonly mostConnections: number;
}

/** What a queue shows of itself. */
export interface QueueState {
  /** By the clock's `elapsed`, ms. */
  readonly now: number;
  /** Lines in use. */
  readonly taken: number;
  /** Requests that wait for one. */
  readonly waiting: number;
}

/** How long answers are counted before it is decided, in ms. */
export const windowMs = 50;

/** Those who wait so long at the present speed need more lines, in ms. */
const patienceMs = 100;

/** Twice the lines shall bring so many times the answers. */
const worthwhile = 1.25;

/** How long nothing is tried after a trial that was of no use, in ms: at first, and after several. */
const [shortestHoldMs, longestHoldMs] = [500, 4_000];

/** How long after a change it is tried whether fewer lines will do, in ms. */
const lessAfterMs = 1_000;

interface Trial {
  /** Answers per ms before it. */
  readonly rate: number;
  readonly from: number;
}

/** The number of lines that may be in use. Not more than `mostConnections`, not fewer than `connections`. */
export class LineAllowance {
  readonly #limits: AllowanceLimits;
  #lines: number;
  #turnover = 0;
  #since = 0;
  #trial: Trial | undefined;
  #holdMs = shortestHoldMs;
  #heldUntil = 0;
  #grewOrShrankAt = 0;

  constructor(limits: AllowanceLimits) {
    this.#limits = limits;
    this.#lines = limits.connections;
  }

  /** How many lines may be in use. */
  get lines(): number {
    return this.#lines;
  }

  /** A line has served somebody. */
  turned(): void {
    this.#turnover++;
  }

  /** Counts from now on. */
  begin(now: number): void {
    this.#since = now;
    this.#turnover = 0;
  }

  /** Judges what went since the last look. Call it each {@link windowMs} while somebody waits or more lines than usual are allowed. */
  look(state: QueueState): void {
    const tookMs = state.now - this.#since;
    const rate = this.#turnover / Math.max(1, tookMs);
    this.begin(state.now);
    // When a look is late it was this process that stood still, and answers that have come are not counted yet.
    if (tookMs < 2 * windowMs) {
      this.#endTrial(rate, state);
      this.#growFor(rate, state);
    }
    this.#tryLess(state.now);
  }

  #endTrial(rate: number, { now, waiting }: QueueState): void {
    const trial = this.#trial;
    this.#trial = undefined;
    if (trial === undefined) return;
    if (waiting === 0 || rate >= trial.rate * worthwhile) {
      this.#holdMs = shortestHoldMs;
      return;
    }
    this.#lines = Math.min(this.#lines, trial.from);
    this.#heldUntil = now + this.#holdMs;
    this.#holdMs = Math.min(longestHoldMs, 2 * this.#holdMs);
  }

  #growFor(rate: number, { now, taken, waiting }: QueueState): void {
    if (now < this.#heldUntil || waiting <= rate * patienceMs) return;
    this.#trial = { rate, from: this.#lines };
    this.#grewOrShrankAt = now;
    const wanted = Math.min(2 * Math.max(taken, this.#lines), taken + waiting);
    this.#lines = Math.max(this.#lines, Math.min(this.#limits.mostConnections, wanted));
  }

  // What a moment of slowness added is taken back by halves; where it is still needed it is added again.
  #tryLess(now: number): void {
    if (now - this.#grewOrShrankAt < lessAfterMs) return;
    this.#grewOrShrankAt = now;
    this.#lines = Math.max(this.#limits.connections, Math.ceil(this.#lines / 2));
  }
}
