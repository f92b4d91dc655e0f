/**
 * A request as it goes out.
 *
 * @module
 */

import type { Readable } from 'node:stream';
import type { AuthorizedRequest } from '../http/inbound.ts';
import { outboundHeaders } from './outbound.ts';

/** Where it goes, and with what. */
export interface Destination {
  /** The target at the upstream. */
  readonly path: string;
  readonly body: Readable | Buffer | null;
}

/** What is sent. */
export function dispatchOptionsOf(authorized: AuthorizedRequest, { path, body }: Destination) {
  const { headers, method } = authorized.request;
  const flat = outboundHeaders(authorized);
  const length = headers['content-length'];
  if (body !== null && length !== undefined) flat.push('content-length', String(Number(length))); // never 010
  return { method, path, headers: flat, body };
}
