/**
 * Faults of the transport: what can go wrong between the provider's decision and
 * the client's socket, and answers that are no answer.
 *
 * A fault knows nothing of OpenID Connect. What an answer says is changed by the
 * other switches; delivery.ts writes faults onto the socket.
 *
 * @module
 */

import type { LoggedRequest } from './log.ts';

/**
 * When a hang or a reset happens. `before-processing`: nothing was consumed, a
 * code or a refresh token is still good. `before-headers`: it was consumed, the
 * client learns nothing. `after-headers`: status and headers are out.
 * `mid-body`: half of the body is out.
 */
export type Moment = 'before-processing' | 'before-headers' | 'after-headers' | 'mid-body';

/** The connection stays open and nothing more comes, until the client leaves or the provider is closed. */
export interface Hang {
  readonly kind: 'hang';
  readonly at: Moment;
}

/** The connection ends with a TCP reset; over TLS without a `close_notify`. */
export interface Reset {
  readonly kind: 'reset';
  readonly at: Moment;
}

/** Half of the body, then the end of what the provider sends (FIN); it still reads, and never closes by itself. */
export interface HalfClose {
  readonly kind: 'half-close';
}

/**
 * The provider waits until the test resolves a promise, then goes on as if
 * nothing had been, or with the fault in `next`. For races: hold a refresh, sign
 * out, release.
 */
export interface Hold {
  readonly kind: 'hold';
  readonly at: 'before-processing' | 'before-headers';
  readonly until: Promise<unknown>;
  readonly next?: Fault | undefined;
}

/** The body comes `bytes` (1 by default) at a time, every `everyMs`. */
export interface Drip {
  readonly kind: 'drip';
  readonly everyMs: number;
  readonly bytes?: number | undefined;
}

/** Another answer, given without any processing: 500, 429 with Retry-After, `invalid_grant`, an empty body. */
export interface Instead {
  readonly kind: 'instead';
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as `application/json`. */
  readonly json?: object | undefined;
  /** Sent as it is, without a content type unless `headers` has one. */
  readonly body?: string | Uint8Array | undefined;
}

/** A redirect, without any processing; 307 by default, which makes a client that follows repeat its POST with its secret. */
export interface Redirect {
  readonly kind: 'redirect';
  readonly to: string;
  readonly status?: 301 | 302 | 303 | 307 | 308 | undefined;
}

/** 200 with an HTML page, as a captive portal or a proxy gives; the request was processed. */
export interface Html {
  readonly kind: 'html';
  readonly body?: string | undefined;
}

/** The honest body with `Content-Encoding: gzip`, asked for or not; with `inflatedBytes` it is padded to that size first (a bomb). */
export interface Gzip {
  readonly kind: 'gzip';
  readonly inflatedBytes?: number | undefined;
}

/** The honest body, padded with white space to `bytes`: still valid JSON. Streamed, so that gigabytes cost no memory here. */
export interface Huge {
  readonly kind: 'huge';
  readonly bytes: number;
  /** `true` announces the size with Content-Length; otherwise the body is chunked. */
  readonly announced?: boolean | undefined;
}

/** The honest JSON object with a member that holds `depth` arrays inside one another. */
export interface Nested {
  readonly kind: 'nested';
  readonly depth: number;
}

/** A complete HTTP message that holds the first half of the body: JSON that ends too early. */
export interface Truncated {
  readonly kind: 'truncated';
}

/** The bytes, whatever they are, onto the socket instead of an answer, and the end; the request was processed. Two answers to one request, bad header bytes. */
export interface Bytes {
  readonly kind: 'bytes';
  readonly bytes: string | Uint8Array;
  /** `true` leaves the connection open afterwards. */
  readonly keepOpen?: boolean | undefined;
}

/** Any of the faults above, told apart by `kind`. */
export type Fault =
  | Hang
  | Reset
  | HalfClose
  | Hold
  | Drip
  | Instead
  | Redirect
  | Html
  | Gzip
  | Huge
  | Nested
  | Truncated
  | Bytes;

/** The fault for every request, or a function that decides for each one (by `request.nth`, by its body, …). */
export type FaultSwitch = Fault | ((request: LoggedRequest) => Fault | undefined);

/** The fault that is due for a request. */
export function faultFor(by: FaultSwitch | undefined, request: LoggedRequest): Fault | undefined {
  return typeof by === 'function' ? by(request) : by;
}

/** The fault for the next `times` requests (1 by default), and none afterwards. */
export function onlyNext(fault: Fault, times = 1): (request: LoggedRequest) => Fault | undefined {
  let left = times;
  return () => (left-- > 0 ? fault : undefined);
}

/** An OAuth error answer instead of the honest one (RFC 6749, section 5.2), with 400 unless `status` says otherwise. */
export function oauthFault(error: string, status = 400): Instead {
  return { kind: 'instead', status, json: { error, error_description: `the provider says ${error}` } };
}

/** A gate: the fault to set, and what lets the waiting requests through. */
export interface Gate {
  readonly fault: Hold;
  open(): void;
}

/** A hold that ends when `open()` is called. Requests that come later pass at once. */
export function createGate(at: Hold['at'] = 'before-headers', next?: Fault): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { fault: { kind: 'hold', at, until: promise, next }, open: () => resolve() };
}
