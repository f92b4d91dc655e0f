/**
 * A request as it goes out.
 *
 * @module
 */

import type { Readable } from 'node:stream';
import type { AuthorizedRequest } from '../http/inbound.ts';
import { outboundHeaders } from './outbound.ts';
import type { Route } from './routes.ts';

/** Where it goes, and with what. */
export interface Destination {
  readonly route: Route;
  /** The target at the upstream. */
  readonly path: string;
  readonly body: Readable | Buffer | null;
  /** Whether somebody else looks after the silence of the upstream, where no body goes up. */
  readonly isWatched: boolean;
}

/** What is sent: header, body and time limits. */
export function dispatchOptionsOf(authorized: AuthorizedRequest, { route, path, body, isWatched }: Destination) {
  const { headers, method } = authorized.request;
  const flat = outboundHeaders(authorized);
  const length = headers['content-length'];
  if (body !== null && length !== undefined) flat.push('content-length', String(Number(length))); // never 010
  const silenceMs = isWatched && body === null ? 0 : route.timeoutMs; // for undici, which asks for WebSockets; 0: it makes no timer
  return { method, path, headers: flat, body, headersTimeout: silenceMs, bodyTimeout: silenceMs };
}
