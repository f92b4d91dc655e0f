/**
 * Refuses early what could not be answered in time: when the event loop is late again
 * and again, or when too many requests are under way. A refusal in a millisecond lets
 * a balancer and a client go elsewhere or wait; an answer after their time limit is
 * work for nobody.
 *
 * One long task (a collection of garbage, a large page) makes the loop late once. That
 * is no overload: what waited meanwhile is quickly answered. So the least delay of the
 * last few counts, as CoDel does it for queues (RFC 8289, 3.2).
 *
 * @module
 */

import type { Cancel, Clock } from '../base/clock.ts';
import { allow, type Decision, deny } from './decision.ts';

/** From when on requests are refused. */
export interface OverloadLimits {
  /** How late the event loop may be, in ms, each of {@link samples} times. */
  readonly lagMs: number;
  /** Requests of browsers under way in this process, without our own event streams and WebSockets, which have limits of their own. */
  readonly underWay: number;
}

/** The limits of each process. */
export const usualOverloadLimits: OverloadLimits = { lagMs: 500, underWay: 10_000 };

/** How many delays in a row must be too long. */
export const samples = 3;

/** Ms between two looks at the delay. */
const everyMs = 50;

/** Whether one more request can be taken. */
export class Overload {
  readonly #clock: Clock;
  readonly #limits: OverloadLimits;
  #cancel: Cancel = () => undefined;
  #lateInARow = 0;
  #underWay = 0;

  constructor({ clock, limits = usualOverloadLimits }: { readonly clock: Clock; readonly limits?: OverloadLimits }) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Looks at the event loop from now on, until {@link stop}. */
  start(): void {
    const due = this.#clock.elapsed() + everyMs;
    this.#cancel = this.#clock.after(everyMs, () => {
      const isLate = this.#clock.elapsed() - due > this.#limits.lagMs;
      this.#lateInARow = isLate ? this.#lateInARow + 1 : 0;
      this.start();
    });
  }

  /** Looks no more. */
  stop(): void {
    this.#cancel();
  }

  /** Takes a request or refuses it with `overloaded`. What is taken counts until `ended` was called. */
  take(ended: (task: () => void) => void): Decision {
    if (this.#lateInARow >= samples || this.#underWay >= this.#limits.underWay) return deny('overloaded');
    this.#underWay += 1;
    ended(() => {
      this.#underWay -= 1;
    });
    return allow;
  }
}
