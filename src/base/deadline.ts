/**
 * A time limit on something that may never answer.
 *
 * The work itself goes on when the limit passes: the caller learns only that it
 * does not know. What was asked for must therefore be safe to ask for again.
 *
 * @module
 */

import type { Clock } from './clock.ts';

/** Thrown when a limit passed: the outcome is unknown, not negative. */
export class DeadlineError extends Error {
  constructor(what: string, limitMs: number) {
    super(`${what} did not answer within ${limitMs} ms`);
    this.name = 'DeadlineError';
  }
}

/** What is waited for and how long. */
export interface Limit {
  /** Named in the error, for the log. */
  readonly what: string;
  readonly limitMs: number;
  readonly clock: Clock;
}

/** The value of `work`, or a {@link DeadlineError} once `limitMs` have passed. */
export function withDeadline<Value>(work: Promise<Value>, { what, limitMs, clock }: Limit): Promise<Value> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(limitMs, () => reject(new DeadlineError(what, limitMs)));
    work.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}
