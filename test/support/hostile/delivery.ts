/**
 * Writes an answer onto the socket, with the fault that is due.
 *
 * A client that leaves early is no failure here: the request's `cut` says so.
 *
 * @module
 */

import type { ServerResponse } from 'node:http';
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pause } from '../eventually.ts';
import type { AnswerHeaders, DressedAnswer } from './answer.ts';
import type { Drip, Fault, Gzip, Huge, Instead, Moment } from './fault.ts';
import { nestMember } from './json.ts';

/** What is to be delivered, and how it goes wrong. */
export interface Delivery {
  readonly answer: DressedAnswer;
  readonly fault?: Fault | undefined;
}

/** Answers without any processing; `undefined` for a fault that lets the request be processed. */
export function unprocessedAnswer(fault: Fault | undefined): DressedAnswer | undefined {
  if (fault?.kind === 'redirect') {
    return { status: fault.status ?? 307, headers: { location: fault.to }, body: Buffer.alloc(0) };
  }
  if (fault?.kind !== 'instead') return undefined;
  return { status: fault.status, headers: headersInstead(fault), body: bodyInstead(fault) };
}

function headersInstead({ json, headers }: Instead): AnswerHeaders {
  return { ...(json ? { 'content-type': 'application/json' } : {}), ...headers };
}

function bodyInstead({ json, body = '' }: Instead): Buffer {
  return Buffer.from(json ? JSON.stringify(json) : body);
}

/** Breaks the connection with a reset. TLS sockets cannot, they just end without a good-bye. */
export function resetConnection(response: ServerResponse): void {
  const { socket } = response;
  if (!socket) return;
  if ('encrypted' in socket) socket.destroy();
  else socket.resetAndDestroy();
}

function writeHead(response: ServerResponse, { status, headers }: Omit<DressedAnswer, 'body'>): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.writeHead(status);
}

function writeWhole(response: ServerResponse, { status, headers, body }: DressedAnswer): void {
  // RFC 9110, section 8.6: 204 has no length, and 304 would have that of the answer it stands for.
  const length = status === 204 || status === 304 ? {} : { 'content-length': String(body.length) };
  writeHead(response, { status, headers: { ...length, ...headers } });
  response.end(body);
}

/** Writes as much as goes out before `at`, then calls `afterwards`. */
function writeUntil(
  response: ServerResponse,
  { answer, at, afterwards }: { answer: DressedAnswer; at: Moment; afterwards?: () => void },
): void {
  if (at === 'before-processing' || at === 'before-headers') {
    afterwards?.();
    return;
  }
  const { body } = answer;
  writeHead(response, { ...answer, headers: { ...answer.headers, 'content-length': String(body.length) } });
  response.flushHeaders();
  const part = at === 'mid-body' ? body.subarray(0, Math.ceil(body.length / 2)) : Buffer.alloc(0);
  if (part.length > 0) response.write(part, () => afterwards?.());
  else response.socket?.write('', () => afterwards?.());
}

/** The body, then white space up to `bytes`. */
function* paddedBody(body: Buffer, bytes: number): Generator<Buffer> {
  yield body;
  const block = Buffer.alloc(65_536, ' ');
  for (let left = bytes - body.length; left > 0; left -= block.length)
    yield block.subarray(0, Math.min(left, block.length));
}

async function stream(response: ServerResponse, parts: readonly [Readable, ...Transform[]]): Promise<void> {
  try {
    await pipeline([...parts, response]);
  } catch (error) {
    // A client that has had enough is what these faults are for; anything else is a fault of ours.
    if (!response.destroyed) throw error;
  }
}

async function writeGzip(
  response: ServerResponse,
  { answer, fault }: { answer: DressedAnswer; fault: Gzip },
): Promise<void> {
  writeHead(response, { ...answer, headers: { ...answer.headers, 'content-encoding': 'gzip' } });
  const padded = Readable.from(paddedBody(answer.body, fault.inflatedBytes ?? 0));
  await stream(response, [padded, createGzip()]);
}

async function writeHuge(
  response: ServerResponse,
  { answer, fault }: { answer: DressedAnswer; fault: Huge },
): Promise<void> {
  const size = fault.announced ? { 'content-length': String(Math.max(fault.bytes, answer.body.length)) } : {};
  writeHead(response, { ...answer, headers: { ...answer.headers, ...size } });
  await stream(response, [Readable.from(paddedBody(answer.body, fault.bytes))]);
}

async function writeDrip(
  response: ServerResponse,
  { answer, fault }: { answer: DressedAnswer; fault: Drip },
): Promise<void> {
  const { body } = answer;
  const step = fault.bytes ?? 1;
  writeHead(response, { ...answer, headers: { ...answer.headers, 'content-length': String(body.length) } });
  for (let from = 0; from < body.length && !response.destroyed; from += step) {
    response.write(body.subarray(from, from + step));
    await pause(fault.everyMs);
  }
  response.end();
}

/** Writes the answer. Settles when everything that will be written was handed to the socket. */
export async function deliver(response: ServerResponse, { answer, fault }: Delivery): Promise<void> {
  if (response.destroyed) return;
  switch (fault?.kind) {
    case 'hang':
      return writeUntil(response, { answer, at: fault.at });
    case 'reset':
      return writeUntil(response, { answer, at: fault.at, afterwards: () => resetConnection(response) });
    case 'half-close':
      return writeUntil(response, { answer, at: 'mid-body', afterwards: () => response.socket?.end() });
    case 'drip':
      return writeDrip(response, { answer, fault });
    case 'gzip':
      return writeGzip(response, { answer, fault });
    case 'huge':
      return writeHuge(response, { answer, fault });
    case 'nested':
      return writeWhole(response, {
        ...answer,
        body: Buffer.from(nestMember('nested', fault.depth)(answer.body.toString())),
      });
    case 'truncated':
      return writeWhole(response, { ...answer, body: answer.body.subarray(0, Math.floor(answer.body.length / 2)) });
    case 'html': {
      const body = Buffer.from(fault.body ?? '<!doctype html><title>Sign in to the network</title><p>Welcome.');
      return writeWhole(response, { status: 200, headers: { 'content-type': 'text/html' }, body });
    }
    case 'bytes':
      if (fault.keepOpen) response.socket?.write(fault.bytes);
      else response.socket?.end(fault.bytes);
      return;
    default:
      return writeWhole(response, answer);
  }
}
