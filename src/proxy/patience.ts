/**
 * How long an upstream may say nothing: one look at all calls, ten times a second,
 * instead of a timer for each.
 *
 * While a body goes up the upstream is waited for only when it takes no more of it:
 * how slow a client may be is for upload.ts to say.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';

/** How often it is looked, in ms: so much later than it should may an end come. */
export const lookMs = 100;

/** What holds the upstream back. */
interface Pausable {
  pause(): void;
  resume(): void;
}

/** What a call's silence is measured with. */
export interface SilenceParts {
  /** Without it somebody else looks after the silence. */
  readonly patience: Patience | undefined;
  readonly clock: Pick<Clock, 'elapsed'>;
  /** In ms. */
  readonly limitMs: number;
  /** Called once when it lasted for too long. */
  readonly onTooLong: () => void;
}

/** The silence of one call's upstream. */
export class Silence {
  readonly #parts: SilenceParts;
  #since = Number.POSITIVE_INFINITY;
  /** It is not the upstream that others wait for. */
  #isOurTurn = false;
  /** It is we who do not listen. */
  #isPaused = false;
  /** Among those that are looked at; -1: it is none of them. For {@link Patience} alone. */
  place = -1;

  constructor(parts: SilenceParts) {
    this.#parts = parts;
  }

  /** The upstream is asked, and looked at from now on. Gives the instant, by `Clock.elapsed`. */
  begin(whose: 'upstream' | 'ours'): number {
    this.#isPaused = false;
    this.#isOurTurn = whose === 'ours';
    this.goOn();
    return this.broken();
  }

  /** It is looked at again. */
  goOn(): void {
    this.#parts.patience?.watch(this);
  }

  /** The upstream said something. Gives the instant, by `Clock.elapsed`. */
  broken(): number {
    this.#since = this.#parts.clock.elapsed();
    return this.#since;
  }

  /** From now on it is the upstream that others wait for, or it is not. */
  turnTo(whose: 'upstream' | 'ours'): void {
    this.#isOurTurn = whose === 'ours';
    this.broken();
  }

  /** Has the upstream wait: until it is told to go on, its silence is our wish. */
  pause(controller: Pausable): void {
    this.#isPaused = true;
    controller.pause();
  }

  /** Has it go on. */
  resume(controller: Pausable | undefined): void {
    this.#isPaused = false;
    this.broken();
    controller?.resume();
  }

  /** It is not looked at any more. */
  end(): void {
    this.#parts.patience?.leave(this);
  }

  /** Whether it has lasted for too long at `now`. */
  isTooLong(now: number): boolean {
    return !this.#isPaused && !this.#isOurTurn && now - this.#since > this.#parts.limitMs;
  }

  tell(): void {
    this.#parts.onTooLong();
  }
}

/** Looks at the silences of all calls. */
export class Patience {
  readonly #clock: Clock;
  readonly #silences: Silence[] = [];
  #isLooking = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Harmless for one that is looked at already. */
  watch(silence: Silence): void {
    if (silence.place >= 0) return;
    silence.place = this.#silences.length;
    this.#silences.push(silence);
    if (!this.#isLooking) this.#lookLater();
  }

  /** Harmless for one that is not looked at. The last takes its place, so that none moves up. */
  leave(silence: Silence): void {
    const { place } = silence;
    if (place < 0) return;
    const last = this.#silences.pop();
    if (last !== undefined && last !== silence) {
      this.#silences[place] = last;
      last.place = place;
    }
    silence.place = -1;
  }

  #lookLater(): void {
    this.#isLooking = true;
    this.#clock.after(lookMs, () => this.#look());
  }

  #look(): void {
    const now = this.#clock.elapsed();
    for (const silence of this.#silences.filter((each) => each.isTooLong(now))) {
      this.leave(silence);
      silence.tell();
    }
    this.#isLooking = false;
    if (this.#silences.length > 0) this.#lookLater();
  }
}
