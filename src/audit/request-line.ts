/**
 * The fields of a request's line, put together by hand: there is one for each
 * request, and a general serializer costs more than all guards together.
 *
 * @module
 */

import type { ErrorCode } from '../errors.ts';
import type { Kind } from '../http/inbound.ts';

/** What is said of a request. A field that is `undefined` is left out. */
export interface RequestLine {
  /** Letters, digits, `-` and `_`. */
  readonly requestId: string;
  /** Where the rules file lists several: small letters, digits and `-`. */
  readonly frontend: string | undefined;
  readonly kind: Kind | undefined;
  readonly method: string | undefined;
  readonly route: string | undefined;
  readonly path: string | undefined;
  readonly status: number | undefined;
  /** Whether the answer did not reach its end. */
  readonly isAborted: boolean;
  readonly ms: number;
  readonly upstream: string | undefined;
  readonly upstreamMs: number | undefined;
  /** A tag: letters, digits, `-` and `_`. */
  readonly session: string | undefined;
  readonly code: ErrorCode | undefined;
  readonly detail: string | undefined;
  readonly cause: string | undefined;
}

/** Each with a comma before it, in the order of {@link RequestLine}; durations to a tenth of a ms. */
export function requestFields(line: RequestLine): string {
  const { frontend, kind, method, status, upstreamMs, session, code } = line;
  return (
    `,"request_id":"${line.requestId}"` +
    (frontend === undefined ? '' : `,"frontend":"${frontend}"`) +
    (kind === undefined ? '' : `,"kind":"${kind}"`) +
    text('method', method) +
    text('route', line.route) +
    text('path', line.path) +
    (status === undefined ? '' : `,"status":${status}`) +
    (line.isAborted ? ',"aborted":true' : '') +
    `,"ms":${tenths(line.ms)}` +
    text('upstream', line.upstream) +
    (upstreamMs === undefined ? '' : `,"upstream_ms":${tenths(upstreamMs)}`) +
    (session === undefined ? '' : `,"session":"${session}"`) +
    (code === undefined ? '' : `,"code":"${code}"`) +
    text('detail', line.detail) +
    text('cause', line.cause)
  );
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

const needsNoEscape = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

function text(name: string, value: string | undefined): string {
  if (value === undefined) return '';
  return needsNoEscape.test(value) ? `,"${name}":"${value}"` : `,"${name}":${JSON.stringify(value)}`;
}
