/**
 * Ends connections whose other side takes nothing of what waits for it.
 *
 * Small answers need it as much as large ones: a client that asks and asks and never
 * reads holds a thousand requests with one connection, each with its memory and its
 * place among those under way.
 *
 * One look at all connections instead of a timer for each answer.
 *
 * @module
 */

import type { Socket } from 'node:net';
import type { Cancel, Clock } from '../base/clock.ts';

/** Which connections are looked at, and how long one may take nothing. */
export interface StalledReadersParts {
  readonly connections: Iterable<Socket>;
  /** Those that somebody else looks after. */
  readonly apart: { has(socket: Socket): boolean };
  readonly clock: Pick<Clock, 'after'>;
  /** In ms. One is ended after twice this at the latest. */
  readonly limitMs: number;
}

/** Looks at the connections of a port. */
export class StalledReaders {
  readonly #parts: StalledReadersParts;
  /** How many bytes had been taken at the last look, where more waited. */
  readonly #takenBefore = new WeakMap<Socket, number>();
  #cancel: Cancel | undefined;

  constructor(parts: StalledReadersParts) {
    this.#parts = parts;
  }

  /** Looks from now on, until {@link end}. */
  begin(): void {
    const { clock, limitMs } = this.#parts;
    this.#cancel = clock.after(limitMs, () => {
      this.#look();
      this.begin();
    });
  }

  end(): void {
    this.#cancel?.();
  }

  #look(): void {
    for (const socket of this.#parts.connections) {
      if (!this.#parts.apart.has(socket)) this.#lookAt(socket);
    }
  }

  #lookAt(socket: Socket): void {
    const { writableLength } = socket;
    const taken = socket.bytesWritten - writableLength;
    if (writableLength > 0 && this.#takenBefore.get(socket) === taken) socket.destroy();
    else if (writableLength > 0) this.#takenBefore.set(socket, taken);
    else this.#takenBefore.delete(socket);
  }
}
