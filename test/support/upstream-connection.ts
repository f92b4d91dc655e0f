/**
 * One connection to the recording upstream: finds the requests in its bytes.
 *
 * @module
 */

import type { Socket } from 'node:net';
import {
  type Body,
  type Fields,
  firstOf,
  type Head,
  isChunked,
  readChunked,
  readHead,
  readLength,
  valuesOf,
} from './http-bytes.ts';

/** A request as the upstream received it. Of one that is still arriving, `body`, `trailers` and `raw` are not yet whole. */
export class UpstreamRequest {
  /** Number of the connection it came on, from 1. */
  readonly connection: number;
  readonly method: string;
  /** The request target as it stands on the request line. */
  readonly target: string;
  readonly version: string;
  /** In the order and spelling of the wire. */
  readonly headers: Fields;
  /** Resolves when the peer closes before the answer is written. */
  readonly aborted: Promise<void>;
  /** The body without its framing. */
  body: Buffer = Buffer.alloc(0);
  trailers: Fields = [];
  /** Every byte, framing and trailers included. */
  raw: Buffer = Buffer.alloc(0);
  /** What had come behind it by then: the first bytes of another protocol, or of the next request. */
  surplus: Buffer = Buffer.alloc(0);
  /** Has all of it arrived? */
  complete = false;
  /** Has the answer been written? */
  answered = false;
  /** Has the peer closed before the answer was written? */
  isAborted = false;

  readonly #forgetSocket: () => void;

  /** Made by {@link readRequests}. */
  constructor(head: Head, { connection, socket }: { connection: number; socket: Socket }) {
    const [method = '', target = '', version = ''] = head.startLine.split(' ');
    this.connection = connection;
    this.method = method;
    this.target = target;
    this.version = version;
    this.headers = head.headers;
    const { promise, resolve } = Promise.withResolvers<void>();
    const onClose = (): void => {
      this.isAborted = true;
      resolve();
    };
    socket.once('close', onClose);
    this.aborted = promise;
    this.#forgetSocket = () => socket.off('close', onClose);
  }

  /** Notes that the answer has been written: what happens to the connection from now on is no abort. */
  markAnswered(): void {
    this.answered = true;
    this.#forgetSocket();
  }

  /** The first value of a header. */
  header(name: string): string | undefined {
    return firstOf(this.headers, name);
  }

  /** All values of a header, in order. */
  all(name: string): readonly string[] {
    return valuesOf(this.headers, name);
  }

  /** The body as UTF-8. */
  text(): string {
    return this.body.toString();
  }
}

/** What is done with the requests of a connection. */
export interface RequestEvents {
  /** The head is there, the body may still be on its way. */
  onHead(request: UpstreamRequest): void;
  /** All of it is there. The next one is read when this is done, unless the answer is `false`. */
  onRequest(request: UpstreamRequest): Promise<boolean>;
  /** The connection ended inside a request, or brought bytes that are none. */
  onFault(bytes: Buffer, reason: string): void;
}

/** Reads requests from a socket, one after the other, until it ends or an answer takes it over. Gives all bytes received so far. */
export function readRequests(
  socket: Socket,
  { number, events }: { number: number; events: RequestEvents },
): () => Buffer {
  const inbox = new Inbox(socket);
  void readAll(inbox, { number, events });
  return () => inbox.bytes;
}

async function readAll(inbox: Inbox, { number, events }: { number: number; events: RequestEvents }): Promise<void> {
  let start = 0;
  try {
    for (;;) {
      const head = await inbox.read((bytes) => readHead(bytes, start));
      if (!head) break;
      const request = new UpstreamRequest(head, { connection: number, socket: inbox.socket });
      events.onHead(request);
      const body = await inbox.read((bytes) => readBody(bytes, head));
      if (!body) break;
      complete(request, { body, start, bytes: inbox.bytes });
      start = body.end;
      if (!(await events.onRequest(request))) return;
    }
    if (inbox.bytes.length > start)
      events.onFault(inbox.bytes.subarray(start), 'the connection ended inside a request');
  } catch (error) {
    events.onFault(inbox.bytes.subarray(start), String(error));
    inbox.socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  }
}

function complete(
  request: UpstreamRequest,
  { body, start, bytes }: { body: Body; start: number; bytes: Buffer },
): void {
  request.body = body.body;
  request.trailers = body.trailers;
  request.raw = Buffer.from(bytes.subarray(start, body.end));
  request.surplus = Buffer.from(bytes.subarray(body.end));
  request.complete = true;
}

/** RFC 9112, 6.3: the transfer coding wins, then the length; otherwise there is no body. */
function readBody(bytes: Buffer, head: Head): Body | undefined {
  if (isChunked(head.headers)) return readChunked(bytes, head.end);
  return readLength(bytes, { start: head.end, length: Number(firstOf(head.headers, 'content-length') ?? 0) });
}

/** The bytes of a socket, and waiting for more of them. */
class Inbox {
  readonly socket: Socket;
  #storage: Buffer = Buffer.alloc(65_536);
  #length = 0;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#append(chunk);
      this.#wake();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    socket.on('end', end);
    socket.on('close', end);
    // A reset of the peer is told by `aborted` and by the fault of an unfinished request.
    socket.on('error', end);
  }

  /** All that has come. A view: copy what shall be kept. */
  get bytes(): Buffer {
    return this.#storage.subarray(0, this.#length);
  }

  /** What `parse` finds, as soon as it does; `undefined` when the connection ends before. */
  async read<T>(parse: (bytes: Buffer) => T | undefined): Promise<T | undefined> {
    for (;;) {
      const found = parse(this.bytes);
      if (found !== undefined || this.#ended) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Doubles the storage when it is full, so that a body of 100 MB is not copied for each of its packets. */
  #append(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (length > this.#storage.length) {
      const larger = Buffer.alloc(Math.max(length, this.#storage.length * 2));
      this.bytes.copy(larger);
      this.#storage = larger;
    }
    chunk.copy(this.#storage, this.#length);
    this.#length = length;
  }
}
