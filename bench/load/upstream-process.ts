/**
 * The service behind every peer: a process that answers as cheaply as a socket
 * allows, so that what is measured is the proxy before it.
 *
 * It understands just what proxies send. `/private/…` demands a bearer token and
 * answers 401 without one; `/open/…` does not. It writes no header that is not
 * needed, and keeps connections open.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { answerFor, isEventStream, isGigabyte, pieces } from './upstream-answers.ts';

const headEnd = Buffer.from('\r\n\r\n');
const unauthorized = Buffer.from('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');

const webSocketKey = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // RFC 6455, 1.3

/** Reads one connection: requests one after the other, each answered when its body is there. */
class Connection {
  readonly #socket: Socket;
  #held: Buffer = Buffer.alloc(0);
  #isEcho = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk)).on('error', () => socket.destroy());
  }

  #take(chunk: Buffer): void {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    while (!this.#isEcho) {
      const end = this.#held.indexOf(headEnd);
      if (end < 0) return;
      const head = this.#held.toString('latin1', 0, end);
      const length = lengthOfBody(head, this.#held.subarray(end + 4));
      if (length === undefined || this.#held.length < end + 4 + length) return;
      this.#held = this.#held.subarray(end + 4 + length);
      this.#answer(head);
    }
    this.#echo();
  }

  #beginEcho(head: string): void {
    const key = /\r\nsec-websocket-key: *(\S+)/i.exec(head)?.[1] ?? '';
    const accept = createHash('sha1')
      .update(key + webSocketKey)
      .digest('base64');
    this.#socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    this.#isEcho = true;
  }

  // Short frames in one piece are all that is sent here (RFC 6455, 5.2): two bytes, four of the mask, the text.
  #echo(): void {
    while (this.#held.length >= 6) {
      const length = (this.#held[1] ?? 0) & 0x7f;
      if (this.#held.length < 6 + length) return;
      const frame = Buffer.alloc(2 + length);
      frame[0] = this.#held[0] ?? 0;
      frame[1] = length;
      for (let at = 0; at < length; at++) {
        frame[2 + at] = (this.#held[6 + at] ?? 0) ^ (this.#held[2 + (at & 3)] ?? 0);
      }
      this.#held = this.#held.subarray(6 + length);
      this.#socket.write(frame);
    }
  }

  #answer(head: string): void {
    const path = head.slice(head.indexOf(' ') + 1, head.indexOf(' HTTP/'));
    if (path.startsWith('/private/') && !/\r\nauthorization: bearer \S/i.test(head)) this.#socket.write(unauthorized);
    else if (/\r\nupgrade: websocket/i.test(head)) this.#beginEcho(head);
    else if (isGigabyte(path)) void this.#stream();
    else if (isEventStream(path)) this.#sendEvents();
    else this.#socket.write(answerFor(path));
  }

  async #stream(): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.once('close', resolve));
    for (const piece of pieces()) {
      if (this.#socket.destroyed) return;
      if (!this.#socket.write(piece))
        await Promise.race([closed, new Promise((resolve) => this.#socket.once('drain', resolve))]);
    }
  }

  #sendEvents(): void {
    this.#socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
    const timer = setInterval(() => {
      const event = `data: ${performance.timeOrigin + performance.now()}\n\n`;
      this.#socket.write(`${event.length.toString(16)}\r\n${event}\r\n`);
    }, 100);
    this.#socket.once('close', () => clearInterval(timer));
  }
}

/** Bytes of the body on the wire; `undefined` while a chunked one is not there to its end. */
function lengthOfBody(head: string, rest: Buffer): number | undefined {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return Number(length);
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return 0;
  const end = rest.indexOf('0\r\n\r\n');
  return end < 0 ? undefined : end + 5;
}

const server = createServer((socket) => void new Connection(socket));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined });
});
process.once('disconnect', () => process.exit(0));
