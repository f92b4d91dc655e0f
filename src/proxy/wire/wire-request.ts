/**
 * A request as it is given to a connection, and what follows from it and from its
 * answer for the framing and the connection. Pure.
 *
 * @module
 */

import { Readable } from 'node:stream';

/** A request as it is sent. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  /** Name and value by turns. */
  readonly headers: readonly string[];
  readonly body: Readable | Buffer | null;
}

/** Where there is no body with these, servers want to hear so (RFC 9110, 8.6). */
const expectBody: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** Bytes of the body; `undefined` where there is none, or where it goes in chunks. */
export function lengthOf({ headers, body }: WireRequest): number | undefined {
  if (body === null) return undefined;
  const told = toldLength(headers);
  return told ?? (body instanceof Readable ? undefined : body.length);
}

function toldLength(headers: readonly string[]): number | undefined {
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at] === 'content-length') return Number(headers[at + 1]);
  }
  return undefined;
}

/** The headers with a length, where the framing needs one that nobody told. */
export function headersOf(request: WireRequest): readonly string[] {
  const { headers, body, method } = request;
  if (body === null) return expectBody.has(method) ? [...headers, 'content-length', '0'] : headers;
  if (body instanceof Readable || toldLength(headers) !== undefined) return headers;
  return [...headers, 'content-length', String(body.length)];
}

const timeoutForm = /(?:^|[,\s])timeout=(\d{1,6})(?:$|[,;\s])/i;
/** Less than the upstream says, since it counts from another instant. */
const aheadMs = 1_000;

/** How long an upstream says that it keeps an idle connection, less a second, in ms; infinite where it says nothing. */
export function keptForMsIn(value: unknown): number {
  const seconds = typeof value === 'string' ? timeoutForm.exec(value)?.[1] : undefined;
  return seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1_000 - aheadMs;
}
