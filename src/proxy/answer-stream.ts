/**
 * The answer on its way to the browser.
 *
 * Head and first chunk are held until all that was there to be read has been read,
 * so that an answer which is there at once leaves in one write, together with the
 * others: a write wakes its reader, and the first of several in a row wakes it for
 * all. One that trickles (server-sent events) still leaves at once.
 *
 * @module
 */

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Cancel, Clock } from '../base/clock.ts';
import type { Turn } from '../base/turn.ts';
import { breakOff } from '../http/break-off.ts';

/** Told what the browser's side does. */
export interface AnswerEvents {
  /** The reader has taken what waited for it. */
  onDrain(): void;
  /** The head cannot be written; nothing has left. */
  onUnwritable(error: unknown): void;
}

/** When answers leave, and what bounds a slow reader. */
export interface ReaderLimits {
  readonly clock: Clock;
  readonly turn: Turn;
  /** How long a reader may take nothing of what waits for it, in ms. Then its connection is broken. */
  readonly readerTimeoutMs: number;
}

/** A longer body is not copied once more to leave with its head. */
const longestTextBytes = 8 * 1024;

/** Larger chunks are written as they lie where they were read; one that waits then keeps 64 KB, so smaller ones are copied. */
const longestCopyBytes = 16 * 1024;

/** What became of a chunk. */
export type Taken =
  /** Nothing refers to it any more; more may come. */
  | 'done'
  /** It still waits where it lies; more may come. */
  | 'kept'
  /** It may wait still, and no more may come until `onDrain`. */
  | 'full';

/** Writes one answer. */
export class AnswerStream {
  readonly #response: ServerResponse;
  readonly #limits: ReaderLimits;
  readonly #events: AnswerEvents;
  #status = 0;
  #head: string[] | undefined;
  #held: Buffer | undefined;
  #hasBegun = false;
  #isWhole = false;
  #cancelStall: Cancel | undefined;

  constructor(response: ServerResponse, { limits, events }: { limits: ReaderLimits; events: AnswerEvents }) {
    this.#response = response;
    this.#limits = limits;
    this.#events = events;
  }

  /** Whether something has left that cannot be taken back. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Takes the head; it leaves at the end of this turn at the latest. `flat` is name and value by turns. */
  open(status: number, flat: string[]): void {
    this.#status = status;
    this.#head = flat;
    this.#limits.turn.atEnd(this);
  }

  /** Takes a chunk. */
  write(chunk: Buffer): Taken {
    if (!this.#hasBegun) {
      if (chunk.length <= longestCopyBytes && this.#held === undefined) {
        this.#held = Buffer.from(chunk);
        return 'done';
      }
      if (!this.#letGo()) return 'done';
    }
    const socket = chunk.length > longestCopyBytes ? this.#readySocket : undefined;
    if (socket !== undefined) return this.#writeThrough(chunk, socket);
    return this.#response.write(Buffer.from(chunk)) ? 'done' : this.#waitForReader();
  }

  /** The answer is whole. */
  end(): void {
    if (this.#hasBegun) this.#response.end();
    else this.#isWhole = true;
  }

  /** For the end of the turn. */
  run(): void {
    const isHeadAlone = this.#held === undefined;
    if (this.#isWhole) this.#endAtOnce();
    else if (!this.#hasBegun && this.#letGo() && isHeadAlone) this.#response.flushHeaders();
  }

  /** Lets what has not left yet fall. */
  drop(): void {
    this.#head = undefined;
    this.#held = undefined;
    this.#cancelStall?.();
  }

  // The head, with the chunk that was held; alone it leaves with what comes next. `false` when it cannot be written.
  #letGo(): boolean {
    if (this.#head === undefined || !this.#begin(this.#head)) return false;
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#response.write(held);
    return true;
  }

  // One that takes bytes at once. TLS always takes its time, and so does what stands behind something that waits, or behind another answer.
  get #readySocket(): Socket | undefined {
    const { socket } = this.#response;
    return socket !== null && !('encrypted' in socket) && socket.writableLength === 0 ? socket : undefined;
  }

  // By itself Node writes at the next tick. At once the socket takes it whole in most cases; then nobody needs it any more.
  #writeThrough(chunk: Buffer, socket: Socket): Taken {
    socket.cork();
    const hasRoom = this.#response.write(chunk);
    socket.uncork();
    if (this.#response.socket === socket && this.#response.writableLength === 0) return 'done';
    return hasRoom ? 'kept' : this.#waitForReader();
  }

  // Everything is there, so its length is known even where the upstream sent it in chunks.
  #endAtOnce(): void {
    const head = this.#head;
    if (head === undefined) return;
    const held = this.#held;
    if (held !== undefined && !head.includes('content-length')) head.push('content-length', String(held.length));
    if (!this.#begin(head)) return;
    if (held === undefined) this.#response.end();
    else if (held.length > longestTextBytes) this.#response.end(held);
    // Latin-1 has a character for each byte and a byte for each character. Node puts head and text into one
    // string and one plain write; a buffer costs it a vector of two.
    else this.#response.end(held.toString('latin1'), 'latin1');
  }

  #begin(head: string[]): boolean {
    try {
      this.#response.writeHead(this.#status, head);
    } catch (error) {
      this.drop();
      this.#events.onUnwritable(error); // Node refuses a value that its parser let through
      return false;
    }
    this.#hasBegun = true;
    return true;
  }

  #waitForReader(): 'full' {
    if (this.#cancelStall !== undefined) return 'full';
    const { clock, readerTimeoutMs } = this.#limits;
    // Behind another answer it is not the reader who takes nothing of this one.
    const isCurrent = this.#response.socket !== null;
    this.#cancelStall = isCurrent ? clock.after(readerTimeoutMs, () => breakOff(this.#response)) : () => undefined;
    this.#response.once('drain', () => {
      this.#cancelStall?.();
      this.#cancelStall = undefined;
      this.#events.onDrain();
    });
    return 'full';
  }
}
