/**
 * HTTP/1.1 answers read from the bytes of one connection.
 *
 * @module
 */

import { type Fields, firstOf, isChunked, readChunked, readHead, readLength, valuesOf } from './http-bytes.ts';

/** One answer. */
export interface RawResponse {
  readonly status: number;
  readonly reason: string;
  /** In the order and spelling of the wire. */
  readonly headers: Fields;
  /** Without the chunked framing. Bytes; of an incomplete answer what has come. */
  readonly body: Buffer;
  readonly trailers: Fields;
  /** Has all of it arrived? A body that lasts until the connection ends is complete then. */
  readonly complete: boolean;
  /** The literal bytes, one character each. */
  readonly raw: string;
  /** The first value of a header. */
  header(name: string): string | undefined;
  /** All values of a header. */
  all(name: string): readonly string[];
  /** The body as UTF-8. */
  text(): string;
}

/** What must be known besides the bytes: whose answers they are, and whether more can come. */
export interface Reading {
  /** Of the requests, in order. */
  readonly methods: readonly string[];
  /** Has the server closed? */
  readonly ended: boolean;
}

/** All answers in the bytes, in order. Throws when something that is no answer stands where one must begin. */
export function readResponses(bytes: Buffer, { methods, ended }: Reading): readonly RawResponse[] {
  const responses: RawResponse[] = [];
  let at = 0;
  let asked = 0;
  while (at < bytes.length) {
    const read = readResponse(bytes, { start: at, method: methods[asked] ?? 'GET', ended });
    if (!read) break;
    responses.push(read.response);
    if (read.response.status >= 200 || read.response.status === 101) asked++;
    at = read.end;
  }
  return responses;
}

interface Place {
  readonly start: number;
  readonly method: string;
  readonly ended: boolean;
}

function readResponse(bytes: Buffer, place: Place): { response: RawResponse; end: number } | undefined {
  const head = readHead(bytes, place.start);
  if (!head) return undefined;
  const [, status = '', reason = ''] = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(head.startLine) ?? [];
  if (status === '') throw new Error(`not an answer: ${JSON.stringify(head.startLine)}`);
  const framing = { ...place, status: Number(status), headers: head.headers };
  const body = readBody(bytes, head.end, framing);
  const rest = { body: Buffer.from(bytes.subarray(head.end)), trailers: [], end: bytes.length };
  const found = body ?? rest;
  const response = {
    status: Number(status),
    reason,
    headers: head.headers,
    body: found.body,
    trailers: found.trailers,
    complete: body !== undefined,
    raw: bytes.toString('latin1', place.start, found.end),
    header: (name: string) => firstOf(head.headers, name),
    all: (name: string) => valuesOf(head.headers, name),
    text: () => found.body.toString(),
  };
  return { response, end: found.end };
}

/** RFC 9112, 6.3: which rule tells the length of the body. */
function readBody(bytes: Buffer, start: number, framing: Place & { status: number; headers: Fields }) {
  const { status, method, headers, ended } = framing;
  if (status === 101 || (method === 'CONNECT' && status < 300))
    return { body: Buffer.from(bytes.subarray(start)), trailers: [], end: bytes.length };
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD')
    return { body: Buffer.alloc(0), trailers: [], end: start };
  if (isChunked(headers)) return readChunked(bytes, start);
  const length = firstOf(headers, 'content-length');
  if (length !== undefined) return readLength(bytes, { start, length: Number(length) });
  return ended ? readLength(bytes, { start, length: bytes.length - start }) : undefined;
}
