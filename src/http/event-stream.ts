/**
 * An answer that goes on: server-sent events (HTML, 9.2), as a page's
 * `EventSource` reads them.
 *
 * It knows what may become of a connection that is open for hours: a proxy that
 * buffers or closes what is silent, a reader that takes nothing, a server that
 * ends. What the events say is not its business.
 *
 * @module
 */

import type { Cancel, Clock } from '../base/clock.ts';
import type { Answerable } from './reply.ts';

/** A comment is sent this often, so that no proxy takes the connection for dead; ms. */
export const heartbeatMs = 15_000;
/** More than this is never kept for a reader that does not take it. */
const mostWaitingBytes = 64 * 1024;
/** How long the last words may take to leave before the connection is broken; ms. */
const farewellMs = 500;

const head = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store',
  // nginx and those that copy it would keep events until a buffer is full.
  'X-Accel-Buffering': 'no',
} as const;

/** One open stream. */
export class EventStream {
  readonly #response: Answerable['response'];
  readonly #clock: Pick<Clock, 'after'>;
  readonly #cancelers = new Set<Cancel>();
  #isStalled = false;

  /** Sends the head. `onClosed` is called once, however the stream ends. */
  constructor(request: Answerable, { clock, onClosed }: { readonly clock: Pick<Clock, 'after'>; onClosed(): void }) {
    const { response, replyHeaders } = request;
    this.#response = response;
    this.#clock = clock;
    response.once('close', () => {
      for (const cancel of this.#cancelers) cancel();
      onClosed();
    });
    // What follows a stream on its connection would only keep a server that ends waiting.
    response.shouldKeepAlive = false;
    replyHeaders.applyTo(response);
    response.writeHead(200, head);
    response.flushHeaders();
    this.#beatLater();
  }

  /** Sends an event with its data as JSON. Nothing happens to a stream that has ended. */
  send(event: string, data: unknown): void {
    this.#write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** How long the browser shall wait before it connects again, ms. Browsers choose for themselves until they are told. */
  retryAfter(ms: number): void {
    this.#write(`retry: ${Math.round(ms)}\n\n`);
  }

  /** Ends the stream. A reader that does not take even that loses its connection. */
  end(): void {
    this.#response.end();
    if (!this.#response.writableFinished) this.#later(farewellMs, () => this.#response.destroy());
  }

  #beatLater(): void {
    this.#later(heartbeatMs, () => {
      // What was written at the last beat is still here: nobody has read for a whole interval.
      if (this.#isStalled && this.#response.writableLength > 0) this.#response.destroy();
      this.#write(':\n\n');
      this.#isStalled = this.#response.writableLength > 0;
      this.#beatLater();
    });
  }

  #write(text: string): void {
    const response = this.#response;
    if (response.destroyed || response.writableEnded) return;
    response.write(text);
    if (response.writableLength > mostWaitingBytes) response.destroy();
  }

  #later(ms: number, task: () => void): void {
    if (this.#response.destroyed) return;
    const cancel = this.#clock.after(ms, () => {
      this.#cancelers.delete(cancel);
      task();
    });
    this.#cancelers.add(cancel);
  }
}
