/**
 * A request as it goes out.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import { hasBody } from '../http/framing.ts';
import type { AuthorizedRequest } from '../http/inbound.ts';
import type { KeptBody } from './kept-body.ts';
import { outboundHeaders } from './outbound.ts';
import type { Route } from './routes.ts';
import { Upload } from './upload.ts';

/** Where it goes. */
export interface Destination {
  readonly route: Route;
  /** The target at the upstream. */
  readonly path: string;
  readonly clock: Clock;
  /** Gets a copy of the body, and is it when the call is sent once more. */
  readonly kept: KeptBody | undefined;
  /** Whether somebody else looks after the silence of the upstream, where no body goes up. */
  readonly isWatched: boolean;
}

/** What is sent: header, body and time limits. The body is a new reader of what the client sends, or what was kept of it. */
export function dispatchOptionsOf(authorized: AuthorizedRequest, { route, path, clock, kept, isWatched }: Destination) {
  const { request } = authorized;
  const { headers, method } = request;
  const { maxBody, timeoutMs, minUploadRate: minRate } = route;
  const flat = outboundHeaders(authorized);
  const length = headers['content-length'];
  const upload = () => new Upload(request, { maxBody, timeoutMs, minRate, clock, kept });
  const body = hasBody(headers) ? (kept?.bytes ?? upload()) : null;
  if (body !== null && length !== undefined) flat.push('content-length', length);
  const silenceMs = isWatched && body === null ? 0 : timeoutMs; // for undici, which asks for WebSockets; 0: it makes no timer
  return { method, path, headers: flat, body, headersTimeout: silenceMs, bodyTimeout: silenceMs };
}
