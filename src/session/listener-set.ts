/**
 * Who wants to know that a session ended.
 *
 * @module
 */

import type { EndReason } from './session.ts';
import type { EndedListener } from './store.ts';

interface Registered {
  readonly listener: EndedListener;
  readonly onGap: (() => void) | undefined;
}

/** The listeners of one store. */
export class ListenerSet {
  readonly #registered = new Set<Registered>();

  /** Adds a listener, and what is called when ends may have been missed. Returns what takes both out again. */
  add(listener: EndedListener, onGap: (() => void) | undefined): () => void {
    const registered = { listener, onGap };
    this.#registered.add(registered);
    return () => this.#registered.delete(registered);
  }

  /** Calls every listener. What one throws reaches the caller, but only when all were called. */
  tellEnded(id: string, reason: EndReason): void {
    callAll(
      [...this.#registered].map(
        ({ listener }) =>
          () =>
            listener(id, reason),
      ),
    );
  }

  /** Tells everybody that ends may have been missed. */
  tellGap(): void {
    callAll(
      [...this.#registered].map(
        ({ onGap }) =>
          () =>
            onGap?.(),
      ),
    );
  }
}

function callAll(calls: readonly (() => void)[]): void {
  const failures: unknown[] = [];
  for (const call of calls) {
    try {
      call();
    } catch (failure) {
      failures.push(failure);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'a listener for ended sessions failed');
}
