/**
 * A connection to Redis in its plain protocol (RESP 2), for looking at a server
 * from outside: nothing of the client library under test is used here.
 *
 * @module
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { within } from './eventually.ts';

/** What Redis answers; text stays bytes, so nothing is lost. */
export type Reply = Buffer | number | null | readonly Reply[];

/** Redis answered with an error (`-ERR …`). */
export class RedisError extends Error {
  override readonly name = 'RedisError';
}

interface Waiter {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** One connection; commands are answered in the order they are sent. */
export class RespConnection {
  readonly #socket: Socket;
  readonly #waiting: Waiter[] = [];
  #received: Buffer = Buffer.alloc(0);
  /** Lines of MONITOR and messages of SUBSCRIBE, which answer no command. */
  readonly unasked: Reply[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the connection to Redis has ended')));
  }

  /** Connects to 127.0.0.1. Rejects when nobody listens. */
  static async open(port: number): Promise<RespConnection> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RespConnection(socket);
  }

  /** Sends one command. Rejects with a {@link RedisError}, or after `limitMs` when Redis is frozen. */
  command(parts: readonly (string | Buffer)[], limitMs = 5_000): Promise<Reply> {
    const work = new Promise<Reply>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    if (this.#socket.destroyed) this.#fail(new Error('the connection to Redis has ended'));
    else this.#socket.write(encode(parts));
    return within(limitMs, { work, what: `Redis ${String(parts[0])}` });
  }

  /** Ends the connection. */
  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    for (let read = decode(this.#received, 0); read; read = decode(this.#received, 0)) {
      this.#received = this.#received.subarray(read.end);
      this.#answer(read.reply);
    }
  }

  #answer(reply: Reply | RedisError): void {
    const waiter = this.#waiting.shift();
    if (!waiter) {
      if (!(reply instanceof RedisError)) this.unasked.push(reply);
    } else if (reply instanceof RedisError) waiter.reject(reply);
    else waiter.resolve(reply);
  }

  #fail(error: Error): void {
    for (const waiter of this.#waiting.splice(0)) waiter.reject(error);
  }
}

/** A reply with its bytes read as UTF-8. */
export function textOf(reply: Reply): string {
  if (Buffer.isBuffer(reply)) return reply.toString();
  return Array.isArray(reply) ? reply.map(textOf).join('\n') : String(reply);
}

/** The members of an array reply; throws if it is none. */
export function listOf(reply: Reply | undefined): readonly Reply[] {
  if (!Array.isArray(reply)) throw new Error('Redis did not answer with an array');
  return reply;
}

/** A reply that must be bytes. */
export function bytesOf(reply: Reply | undefined): Buffer {
  if (!Buffer.isBuffer(reply)) throw new Error('Redis did not answer with a string');
  return reply;
}

function encode(parts: readonly (string | Buffer)[]): Buffer {
  const chunks: Buffer[] = [Buffer.from(`*${parts.length}\r\n`)];
  for (const part of parts) {
    const bytes = Buffer.from(part);
    chunks.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(chunks);
}

interface Read {
  readonly reply: Reply | RedisError;
  readonly end: number;
}

/** One reply from `start`, or `undefined` when it has not arrived whole. */
function decode(bytes: Buffer, start: number): Read | undefined {
  const lineEnd = bytes.indexOf('\r\n', start);
  if (lineEnd < 0) return undefined;
  const line = bytes.toString('latin1', start + 1, lineEnd);
  const next = lineEnd + 2;
  switch (bytes.toString('latin1', start, start + 1)) {
    case '+':
      return { reply: Buffer.from(line, 'latin1'), end: next };
    case '-':
      return { reply: new RedisError(line), end: next };
    case ':':
      return { reply: Number(line), end: next };
    case '$':
      return decodeBytes(bytes, { length: Number(line), start: next });
    case '*':
      return decodeList(bytes, { length: Number(line), start: next });
    default:
      throw new Error(`not a reply of Redis: ${line}`);
  }
}

function decodeBytes(bytes: Buffer, { length, start }: { length: number; start: number }): Read | undefined {
  if (length < 0) return { reply: null, end: start };
  const end = start + length;
  return bytes.length < end + 2 ? undefined : { reply: Buffer.from(bytes.subarray(start, end)), end: end + 2 };
}

function decodeList(bytes: Buffer, { length, start }: { length: number; start: number }): Read | undefined {
  if (length < 0) return { reply: null, end: start };
  const list: Reply[] = [];
  let end = start;
  for (let index = 0; index < length; index++) {
    const read = decode(bytes, end);
    if (!read) return undefined;
    // An error inside an array (EXEC) is kept as its text; no command used here needs more.
    list.push(read.reply instanceof RedisError ? Buffer.from(read.reply.message) : read.reply);
    end = read.end;
  }
  return { reply: list, end };
}
