/**
 * A line to an upstream: a connection that is made when it is needed, carries one
 * request at a time, and is made anew when it was closed.
 *
 * A request on a connection that was used before is sent after the event loop has
 * looked at the sockets once more: bytes or an end that were on their way are seen
 * first, and such a connection is not used any more.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import type { Task, Turn } from '../base/turn.ts';
import type { Address } from './addresses.ts';
import type { Dialed } from './dial.ts';
import type { Carrier } from './line-queue.ts';
import type { Line, Outgoing, OutgoingOptions } from './upstreams.ts';
import { Connection } from './wire/connection.ts';
import { WireError } from './wire/wire-error.ts';

/** What a line is made with. */
export interface LineParts {
  readonly clock: Pick<Clock, 'elapsed'>;
  /** The one that calls are given to lines in. */
  readonly turn: Turn;
  readonly dial: () => Promise<Dialed>;
  /** Called each time it has become free. */
  readonly free: () => void;
  /** Called when it has a connection: {@link CallLine.closeIdle} is asked now and then from now on. */
  readonly onOpened: (line: CallLine) => void;
  /** As in `URL.host`. */
  readonly host: string;
  readonly maxHeaderSize: number;
  /** An idle connection is closed after this, in ms, or earlier where the upstream says so. */
  readonly idleTimeoutMs: number;
}

/** Carries calls, one at a time. */
export class CallLine implements Carrier<Outgoing>, Line, Task {
  readonly #parts: LineParts;
  #connection: Connection | undefined;
  /** What was given to it and is not sent yet. */
  #next: Outgoing | undefined;
  /** By `Clock.elapsed`; infinite while it carries a call. */
  #idleSince = 0;
  #isDialing = false;
  #isClosed = false;
  answers = 0;
  address: Address | undefined;

  constructor(parts: LineParts) {
    this.#parts = parts;
  }

  /** THE ONE CALL that sends a request to an upstream, but for those that ask for a WebSocket. */
  send(outgoing: Outgoing): boolean {
    outgoing.onLine(this);
    this.#next = outgoing;
    if (this.#connection?.isOpen) this.#parts.turn.atNextEnd(this);
    else this.#dial();
    return true;
  }

  /** For the end of the turn after the one in which it was given a call. */
  run(): void {
    const connection = this.#connection;
    if (this.#next === undefined) return;
    if (connection?.isOpen && !this.#isStale(connection)) this.#sendOn(connection, this.#next);
    else this.#dial();
  }

  /** Closes a connection that has been idle for long. `true` while there is one that may become so. */
  closeIdle(): boolean {
    const connection = this.#connection;
    if (!connection?.isOpen) return false;
    if (this.#isStale(connection)) connection.destroy();
    return connection.isOpen;
  }

  /** Closes it. What it carries is broken off. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#connection?.destroy();
  }

  #isStale({ keptForMs }: Connection): boolean {
    const { clock, idleTimeoutMs } = this.#parts;
    return clock.elapsed() - this.#idleSince >= Math.min(idleTimeoutMs, keptForMs);
  }

  #dial(): void {
    if (this.#isDialing) return;
    this.#connection?.destroy();
    this.#connection = undefined;
    this.address = undefined;
    this.answers = 0;
    if (this.#isClosed) {
      this.#failNext(closed());
      return;
    }
    this.#isDialing = true;
    this.#parts.dial().then(
      (dialed) => this.#onDialed(dialed),
      (error: Error) => {
        this.#isDialing = false;
        this.#failNext(error);
      },
    );
  }

  #onDialed({ socket, address, readWith }: Dialed): void {
    this.#isDialing = false;
    const { host, maxHeaderSize: maxHeadBytes, onOpened } = this.#parts;
    const connection = new Connection({ socket, host, maxHeadBytes, onFree: () => this.#onFree() });
    readWith((bytes) => connection.take(bytes));
    this.#connection = connection;
    this.address = address;
    onOpened(this);
    if (this.#isClosed) connection.destroy();
    if (this.#next !== undefined && connection.isOpen) this.#sendOn(connection, this.#next);
    else this.#failNext(closed());
  }

  #sendOn(connection: Connection, outgoing: Outgoing): void {
    let request: OutgoingOptions;
    try {
      request = outgoing.dispatchOptions();
    } catch (error) {
      this.#failNext(error as Error); // what we throw are errors
      return;
    }
    this.#next = undefined;
    this.#idleSince = Number.POSITIVE_INFINITY;
    connection.send(request, outgoing);
  }

  #failNext(error: Error): void {
    const next = this.#next;
    this.#next = undefined;
    next?.onResponseError(undefined, error);
    this.#onFree();
  }

  // A call that was broken off may have been sent once more by now, on this same line.
  #onFree(): void {
    if (this.#next !== undefined) return;
    this.#idleSince = this.#parts.clock.elapsed();
    this.#parts.free();
  }
}

function closed(): WireError {
  return new WireError('destroyed', 'the line was closed');
}
