/**
 * Many raw requests in little time: connections that are kept open, used for one
 * request after the other, and made anew when the server closes them.
 *
 * For a few requests, and for what happens on one connection, raw.ts is there.
 *
 * @module
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { within } from '../support/eventually.ts';
import { type RawResponse, readResponses } from '../support/raw-responses.ts';

/** What came of a request: its answer, or `closed` when the connection ended without one. */
export type WireAnswer = RawResponse | 'closed';

/** How a request is sent. */
export interface WireOptions {
  /** HEAD has an answer without a body; the others are read alike. */
  readonly method?: string;
  /** Close the connection afterwards: for bytes that may leave it in a state of their own. */
  readonly alone?: boolean;
  /** End our side behind the bytes, so that a server that waits for more sees that nothing comes. */
  readonly ends?: boolean;
}

/** Longer than any answer of ours takes; beyond it the server hangs. */
const limitMs = 8_000;

/** One connection at a time. */
export class Wire {
  readonly #port: number;
  #socket: Socket | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  #wake: () => void = () => undefined;

  /** @param port Of 127.0.0.1. */
  constructor(port: number) {
    this.#port = port;
  }

  /** Sends the bytes and waits for one answer, or the end. Rejects, saying so, when neither comes. */
  async ask(bytes: Buffer, { method = 'GET', alone = false, ends = false }: WireOptions = {}): Promise<WireAnswer> {
    const socket = await this.#open();
    socket.write(bytes);
    if (ends) socket.end();
    const answer = await within(limitMs, {
      work: this.#answer(socket, method),
      what: `an answer to ${JSON.stringify(bytes.toString('latin1'))}`,
    });
    if (alone || ends || answer === 'closed' || answer.header('connection') === 'close') this.close();
    return answer;
  }

  /** Closes the connection, if there is one. */
  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #open(): Promise<Socket> {
    this.#bytes = Buffer.alloc(0);
    if (this.#socket && !this.#socket.destroyed && this.#socket.readable) return this.#socket;
    const socket = connect({ port: this.#port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.#socket = socket;
    await once(socket, 'connect');
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    const woken = (): void => this.#wake();
    // A reset shows as the end of the connection; nobody here tells one from the other.
    socket.on('end', woken).on('close', woken).on('error', woken);
    return socket;
  }

  async #answer(socket: Socket, method: string): Promise<WireAnswer> {
    for (;;) {
      const ended = socket.destroyed || socket.readableEnded;
      const answers = readResponses(this.#bytes, { methods: [method], ended });
      const final = answers.find(({ status, complete }) => status >= 200 && complete);
      if (final) return final;
      if (ended) return 'closed';
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Several connections side by side. */
export class Wires {
  readonly #wires: readonly Wire[];

  /** `count` connections to a port of 127.0.0.1. */
  constructor(port: number, count: number) {
    this.#wires = Array.from({ length: count }, () => new Wire(port));
  }

  /** Asks with each item on the next connection that is free; gives what `ask` gave, in the order of the items. */
  async each<Item, Result>(
    items: readonly Item[],
    ask: (wire: Wire, item: Item) => Promise<Result>,
  ): Promise<Result[]> {
    const results: Result[] = [];
    const entries = items.entries();
    const work = this.#wires.map(async (wire) => {
      for (const [index, item] of entries) results[index] = await ask(wire, item);
    });
    await Promise.all(work);
    return results;
  }

  /** Closes all of them. */
  close(): void {
    for (const wire of this.#wires) wire.close();
  }
}
