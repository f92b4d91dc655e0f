/**
 * Reads sockets through one buffer for all of them.
 *
 * By itself Node lays a new 64 KB under every read, which is shrunk to what came:
 * for answers of some hundred bytes that is most of the memory a call goes through.
 * Nothing can be read twice or by two: whoever takes the bytes is done with them, or
 * has a copy, before the next read begins.
 *
 * @module
 */

import type { Socket } from 'node:net';

/** As Node reads by itself, in bytes. */
const readBytes = 64 * 1024;

const taker = Symbol('takes what is read');

interface Read extends Socket {
  [taker]?: (bytes: Buffer) => void;
}

/** For the option `onread` of `net.connect` and `tls.connect`. */
export const sharedReader = {
  buffer: Buffer.allocUnsafeSlow(readBytes),
  /** Called by Node with the socket as `this`. `false`: no more for now, until it is read from again. */
  callback(this: Read, length: number, buffer: Buffer): boolean {
    const bytes = buffer.subarray(0, length);
    const take = this[taker];
    if (take === undefined) return this.push(Buffer.from(bytes));
    take(bytes);
    return true;
  },
};

/** Has a socket that was made with {@link sharedReader} give what it reads to `take`. */
export function readDirectly(socket: Socket, take: (bytes: Buffer) => void): void {
  const read: Read = socket;
  read[taker] = take;
}
