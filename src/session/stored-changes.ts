/**
 * Waiting for the next change of a session in the store, wherever it is written.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import type { SessionStore } from './store.ts';

/** What waiting needs. */
export interface StoredChangesParts {
  readonly store: Pick<SessionStore, 'onChanged'>;
  readonly clock: Pick<Clock, 'after'>;
}

/** Those who wait, by the id of the session. */
export class StoredChanges {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor({ store, clock }: StoredChangesParts) {
    this.#clock = clock;
    store.onChanged((id) => this.#wake(id));
  }

  /** Resolves when the session `id` was written, when that may have been missed, or after `limitMs`. */
  next(id: string, limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        cancel();
        this.#remove(id, wake);
        resolve();
      };
      const cancel = this.#clock.after(limitMs, wake);
      const waiting = this.#waiting.get(id);
      if (waiting === undefined) this.#waiting.set(id, new Set([wake]));
      else waiting.add(wake);
    });
  }

  #wake(id: string | undefined): void {
    const sets = id === undefined ? [...this.#waiting.values()] : [this.#waiting.get(id) ?? []];
    for (const waiting of sets) for (const wake of [...waiting]) wake();
  }

  #remove(id: string, wake: () => void): void {
    const waiting = this.#waiting.get(id);
    waiting?.delete(wake);
    if (waiting?.size === 0) this.#waiting.delete(id);
  }
}
