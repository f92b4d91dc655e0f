/**
 * Reads a socket through one buffer for all of them, and passes on copies of the
 * size of what came.
 *
 * By itself Node lays a new 64 KB under every read, which is shrunk to what came:
 * for answers of some hundred bytes that is most of the memory a call goes through.
 * Nothing can be read twice or by two: the copy is made before the next read begins.
 *
 * @module
 */

import type { Socket } from 'node:net';

/** As Node reads by itself, in bytes. */
const readBytes = 64 * 1024;

/** For the option `onread` of `net.connect` and `tls.connect`. */
export const copyingReader = {
  buffer: Buffer.allocUnsafeSlow(readBytes),
  /** Called by Node with the socket as `this`. `false`: no more for now, until it is read from again. */
  callback(this: Socket, bytes: number, buffer: Uint8Array): boolean {
    return this.push(Buffer.from(buffer.subarray(0, bytes)));
  },
};
