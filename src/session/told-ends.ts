/**
 * Why a session ended, for whoever has just found that it is gone.
 *
 * The store tells of an end on its own way, which may arrive a moment after the
 * session was found missing: so it is waited for. Nothing is asked.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import type { EndReason } from './session.ts';
import { RecentEnds } from './session-changes.ts';
import type { SessionStore } from './store.ts';

/** What learning of ends needs. */
export interface ToldEndsParts {
  readonly store: Pick<SessionStore, 'onEnded'>;
  readonly clock: Pick<Clock, 'elapsed' | 'after'>;
}

/** The ends of the last minute, by the id of the session. */
export class ToldEnds {
  readonly #clock: ToldEndsParts['clock'];
  readonly #recent: RecentEnds;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor({ store, clock }: ToldEndsParts) {
    this.#clock = clock;
    this.#recent = new RecentEnds(clock);
    store.onEnded((id, reason) => {
      this.#recent.add(id, reason);
      for (const wake of [...(this.#waiting.get(id) ?? [])]) wake();
    });
  }

  /** Why the session `id` ended; `undefined` when that is not told within `limitMs`. */
  async reasonOf(id: string, limitMs: number): Promise<EndReason | undefined> {
    if (this.#recent.reasonOf(id) === undefined) await this.#told(id, limitMs);
    return this.#recent.reasonOf(id);
  }

  #told(id: string, limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(id) ?? new Set();
      const wake = () => {
        cancel();
        waiting.delete(wake);
        if (waiting.size === 0) this.#waiting.delete(id);
        resolve();
      };
      const cancel = this.#clock.after(limitMs, wake);
      this.#waiting.set(id, waiting.add(wake));
    });
  }
}
