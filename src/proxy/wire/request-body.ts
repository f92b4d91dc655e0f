/**
 * The body of a request on its way up: as fast as the upstream takes it, and just as
 * long as was said.
 *
 * @module
 */

import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { WireError } from './wire-error.ts';

/** Told how it goes; nothing after {@link RequestBody.stop}. */
export interface BodyEvents {
  /** All of it was given to the connection. */
  onSent(): void;
  /** The upstream takes no more for now. */
  onFull(): void;
  /** It takes more again. */
  onRoom(): void;
  onFailed(error: Error): void;
}

/** What is sent. */
export interface BodyParts {
  readonly socket: Socket;
  readonly body: Readable;
  /** Leaves with the first bytes of the body, or with its end. */
  readonly head: string;
  /** In bytes; `undefined`: in chunks. */
  readonly length: number | undefined;
}

/** One body. */
export class RequestBody {
  readonly #parts: BodyParts;
  readonly #events: BodyEvents;
  #head: string;
  #sent = 0;
  #isOver = false;

  constructor(parts: BodyParts, events: BodyEvents) {
    this.#parts = parts;
    this.#events = events;
    this.#head = parts.head;
    const { body, socket } = parts;
    socket.on('drain', this.#onDrain);
    body
      .on('data', (chunk: Buffer) => this.#send(chunk))
      .on('end', () => this.#end())
      .on('error', (error) => this.#fail(error))
      .on('close', () => this.#isOver || this.#fail(new WireError('length-mismatch', 'the body ended early')));
  }

  /** Sends no more of it; the stream is for its owner to end. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.socket.off('drain', this.#onDrain);
  }

  readonly #onDrain = (): void => {
    this.#events.onRoom();
    this.#parts.body.resume();
  };

  #send(chunk: Buffer): void {
    if (this.#isOver || chunk.length === 0) return;
    const { socket, body, length } = this.#parts;
    this.#sent += chunk.length;
    if (length !== undefined && this.#sent > length) {
      this.#fail(new WireError('length-mismatch', 'the body is longer than was said'));
      return;
    }
    socket.cork();
    this.#sendHead();
    if (length === undefined) socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
    let hasRoom = socket.write(chunk);
    if (length === undefined) hasRoom = socket.write('\r\n', 'latin1');
    socket.uncork();
    if (hasRoom) return;
    body.pause();
    this.#events.onFull();
  }

  #sendHead(): void {
    if (this.#head === '') return;
    this.#parts.socket.write(this.#head, 'latin1');
    this.#head = '';
  }

  #end(): void {
    if (this.#isOver) return;
    const { socket, length } = this.#parts;
    if (length !== undefined && this.#sent !== length) {
      this.#fail(new WireError('length-mismatch', 'the body is shorter than was said'));
      return;
    }
    this.#sendHead();
    if (length === undefined) socket.write('0\r\n\r\n', 'latin1');
    this.#isOver = true;
    socket.off('drain', this.#onDrain);
    this.#events.onSent();
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.stop();
    this.#events.onFailed(error);
  }
}
