/**
 * What the recording upstream can be told to answer, and how that is written.
 *
 * @module
 */

import type { Socket } from 'node:net';
import { pause } from './eventually.ts';
import { chunkOf, type Fields, linesOf } from './http-bytes.ts';

/** A proper answer. */
export interface FullAnswer {
  /** 200 unless told otherwise. */
  readonly status?: number;
  readonly reason?: string;
  /** Sent as they stand. `Content-Length` or `Transfer-Encoding` are added for the body unless they stand here. */
  readonly headers?: Fields;
  readonly body?: string | Buffer;
  /** Instead of `body`, sent chunked: each part as it comes. An async generator decides the pace. */
  readonly chunks?: Iterable<string | Buffer> | AsyncIterable<string | Buffer>;
  /** After `chunks`. */
  readonly trailers?: Fields;
  /** Interim answers (1xx) before this one, as literal text. */
  readonly interim?: string;
  /** What becomes of the connection afterwards; `keep` unless told otherwise. */
  readonly afterwards?: 'keep' | 'close' | 'reset';
}

/** Literal bytes, right or wrong: two answers in one, wrong lengths, garbage. */
export interface RawAnswer {
  readonly raw: string | Buffer;
  readonly afterwards?: 'keep' | 'close' | 'reset';
}

/** Bytes one at a time. */
export interface DripAnswer {
  readonly drip: string | Buffer;
  readonly everyMs: number;
  readonly afterwards?: 'keep' | 'close' | 'reset';
}

/** The connection becomes the test's own: for WebSockets and whatever is not HTTP. */
export interface UpgradeAnswer {
  readonly upgrade: (socket: Socket) => void;
}

/**
 * What to do with a request. `hang` never answers; `close` ends the connection
 * without a byte, `reset` breaks it; `close-after-headers` sends a head that
 * promises a body and ends before it.
 */
export type Answer =
  | FullAnswer
  | RawAnswer
  | DripAnswer
  | UpgradeAnswer
  | 'hang'
  | 'close'
  | 'reset'
  | 'close-after-headers';

/** Writes the answer. `false`: the connection takes no further request. */
export async function writeAnswer(
  socket: Socket,
  { answer, method }: { answer: Answer; method: string },
): Promise<boolean> {
  if (typeof answer === 'string') return writeEnd(socket, answer);
  if ('upgrade' in answer) {
    answer.upgrade(socket);
    return false;
  }
  if ('raw' in answer) await write(socket, answer.raw);
  else if ('drip' in answer) await drip(socket, answer);
  else await writeFull(socket, { ...answer, method });
  return endAs(socket, answer.afterwards ?? 'keep');
}

async function writeEnd(socket: Socket, answer: 'hang' | 'close' | 'reset' | 'close-after-headers'): Promise<boolean> {
  if (answer === 'hang') return false;
  if (answer === 'close-after-headers')
    await write(socket, 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n');
  return endAs(socket, answer === 'reset' ? 'reset' : 'close');
}

function endAs(socket: Socket, end: 'keep' | 'close' | 'reset'): boolean {
  if (end === 'close') socket.end();
  if (end === 'reset') socket.resetAndDestroy();
  return end === 'keep' && !socket.destroyed;
}

async function writeFull(socket: Socket, answer: FullAnswer & { method: string }): Promise<void> {
  const { method, status = 200, reason = 'Test', headers = [], body = '', chunks, interim = '' } = answer;
  const framing =
    isFramed(headers) || isBodyless(status) ? [] : framingOf(chunks ? undefined : Buffer.byteLength(body));
  const head = `${interim}HTTP/1.1 ${status} ${reason}\r\n${linesOf([...headers, ...framing])}\r\n`;
  const hasBody = method !== 'HEAD' && !isBodyless(status);
  await write(
    socket,
    Buffer.concat([Buffer.from(head, 'latin1'), hasBody && !chunks ? Buffer.from(body) : Buffer.alloc(0)]),
  );
  if (hasBody && chunks) await writeChunks(socket, { ...answer, chunks });
}

async function writeChunks(
  socket: Socket,
  { chunks, trailers, headers = [] }: FullAnswer & { chunks: NonNullable<FullAnswer['chunks']> },
): Promise<void> {
  const isPlain = isFramed(headers) && !headers.some(([name]) => name.toLowerCase() === 'transfer-encoding');
  for await (const part of chunks) {
    if (socket.destroyed) return;
    await write(socket, isPlain ? part : chunkOf(part));
  }
  if (!isPlain) await write(socket, chunkOf('', trailers));
}

async function drip(socket: Socket, { drip: text, everyMs }: DripAnswer): Promise<void> {
  for (const byte of Buffer.from(text)) {
    if (socket.destroyed) return;
    await write(socket, Buffer.from([byte]));
    await pause(everyMs);
  }
}

/** Writes, and waits until the peer takes more. Ends quietly when the peer is gone: that is noted elsewhere. */
function write(socket: Socket, bytes: string | Buffer): Promise<void> {
  const chunk = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
  return new Promise((resolve) => {
    if (socket.destroyed || chunk.length === 0) return resolve();
    if (socket.write(chunk)) return resolve();
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
}

function framingOf(length: number | undefined): Fields {
  return length === undefined ? [['Transfer-Encoding', 'chunked']] : [['Content-Length', String(length)]];
}

function isFramed(headers: Fields): boolean {
  return headers.some(([name]) => ['content-length', 'transfer-encoding'].includes(name.toLowerCase()));
}

function isBodyless(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}
