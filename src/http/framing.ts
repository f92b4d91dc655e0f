/**
 * Where the body of a request ends, and whether there is one.
 *
 * Node's parser has seen to it that there is one length only: two, or a length
 * beside a transfer coding, never come as far as this.
 *
 * @module
 */

import type { IncomingHttpHeaders } from 'node:http';

/** What is wrong with the framing. */
export type FramingFault = 'http-version' | 'transfer-encoding' | 'content-length' | 'unexpected-body';

/** What the framing of a request is read from. */
export interface FramingFacts {
  readonly method?: string | undefined;
  readonly httpVersion: string;
  readonly headers: IncomingHttpHeaders;
}

/**
 * Node also reads HTTP/0.9 and names that later versions have, which frame otherwise.
 * A transfer coding other than `chunked` would be taken off by nobody (RFC 9112,
 * 6.1), and `chunked` of an HTTP/1.0 client is a sign of a proxy that does not
 * know it. A body with GET, HEAD or OPTIONS means nothing (RFC 9110, 9.3.1), and
 * some servers leave it in the connection, where it becomes the next request. A
 * length beyond 2^53 is another number for whoever counts with fewer bits.
 * Browsers send none of these.
 */
export function faultOfFraming({ method, httpVersion, headers }: FramingFacts): FramingFault | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'http-version';
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || httpVersion !== '1.1')) return 'transfer-encoding';
  const length = headers['content-length'];
  if (length !== undefined && !Number.isSafeInteger(Number(length))) return 'content-length';
  const isSafe = method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
  return isSafe && hasBody(headers) ? 'unexpected-body' : undefined;
}

/** Whether a body was announced, of whatever length but zero. */
export function hasBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) !== 0);
}
