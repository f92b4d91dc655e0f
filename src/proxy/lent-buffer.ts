/**
 * Reads each socket into one buffer again and again, for as long as nobody needs what
 * was read before.
 *
 * By itself Node lays a new 64 KB under every read and shrinks it to what came. For
 * answers of some hundred bytes that is most of the memory a call goes through; for
 * large ones V8 counts it, and collects everything ten times a second.
 *
 * Whoever takes the bytes says when it returns that it is done with them. If it does
 * not say so, the buffer is left to it and the socket gets another: nothing is ever
 * read over what waits to be written. No two sockets share a buffer.
 *
 * @module
 */

import type { Socket } from 'node:net';

/** As Node reads by itself, in bytes. */
const readBytes = 64 * 1024;

/** Takes what was read; must not throw. `true`: it is done with the bytes, and nothing refers to them. */
export type Taker = (bytes: Buffer) => boolean;

const taker = Symbol('takes what is read');

interface Read extends Socket {
  [taker]?: Taker;
}

/** Makes the option `onread` of `net.connect` and `tls.connect`, for any number of sockets. */
export function lendingReads() {
  /** What the socket that has just been read is read into next; set for the moment between both functions alone. */
  let next: Uint8Array | undefined;
  return {
    /** Called by Node when it makes a socket, and right after each call of `callback`. */
    buffer(): Uint8Array {
      const given = next ?? Buffer.allocUnsafeSlow(readBytes);
      next = undefined;
      return given;
    },
    /** Called by Node with the socket as `this`. `false`: no more for now, until it is read from again. */
    callback(this: Read, length: number, buffer: Uint8Array): boolean {
      const bytes = Buffer.from(buffer.buffer, buffer.byteOffset, length);
      const take = this[taker];
      let [goesOn, isDone] = [true, true];
      if (take === undefined) goesOn = this.push(Buffer.from(bytes));
      else isDone = take(bytes);
      // Not before: sockets that are made meanwhile get buffers of their own.
      if (isDone) next = buffer;
      return goesOn;
    },
  };
}

/** Has a socket that was made with {@link lendingReads} give what it reads to `take`. */
export function readDirectly(socket: Socket, take: Taker): void {
  const read: Read = socket;
  read[taker] = take;
}
