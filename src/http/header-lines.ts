/**
 * The header lines as they came, before Node joins them: refuses what another
 * server could read otherwise.
 *
 * Node keeps the first of two `Host` or `Authorization` lines and drops the
 * other; a server behind or before us may keep the last. Names with `_` or `.`
 * become those with `-` in many of them (design rule 2).
 *
 * Node's parser has refused broken lines by then. This looks again at what was
 * let through, since the parser can be told to be lenient.
 *
 * @module
 */

import { control } from './field-syntax.ts';

/** What is wrong with the lines. `repeated-…` names a header of a closed list. */
export type HeaderFault = 'header-name' | 'header-value' | 'header-count' | `repeated-${string}`;

/** Lines. Browsers send some twenty; Node drops those beyond 2000 without a word. */
export const mostHeaderLines = 128;

/**
 * Headers that have one value. Twice on one request means two readings. `Cookie`
 * is among them: a browser sends one (RFC 6265, 5.4), and a proxy that speaks
 * HTTP/2 must join its crumbs before it passes them on (RFC 9113, 8.2.3).
 */
const singleValued = [
  'Host',
  'Content-Length',
  'Transfer-Encoding',
  'Content-Type',
  'Authorization',
  'Proxy-Authorization',
  'DPoP',
  'Cookie',
  'Origin',
  'Referer',
  'Sec-Fetch-Site',
  'Sec-Fetch-Mode',
  'Sec-Fetch-Dest',
  'X-CSRF-Token',
  'X-CSRF',
  'Expect',
  'User-Agent',
  'Range',
  'If-Range',
  'If-Modified-Since',
  'If-Unmodified-Since',
  'Idempotency-Key',
  'Last-Event-ID',
  'Traceparent',
  'Upgrade',
  'Sec-WebSocket-Key',
  'Access-Control-Request-Method',
  'X-Forwarded-Proto',
];

/** Known to be well-formed and allowed more than once: spared the closer look. */
const listValued = [
  'Accept',
  'Accept-Encoding',
  'Accept-Language',
  'Cache-Control',
  'Connection',
  'DNT',
  'If-None-Match',
  'Pragma',
  'Priority',
  'Sec-CH-UA',
  'Sec-CH-UA-Mobile',
  'Sec-CH-UA-Platform',
  'Sec-Fetch-User',
  'Sec-GPC',
  'Upgrade-Insecure-Requests',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Requested-With',
];

/** By name in the usual spellings: the bit of a single-valued header, or 0. */
const known: ReadonlyMap<string, number> = new Map(
  [
    ...singleValued.map((name, at) => [name, 1 << at] as const),
    ...listValued.map((name) => [name, 0] as const),
  ].flatMap(([name, bit]) => [
    [name, bit],
    [name.toLowerCase(), bit],
  ]),
);

const wellFormed = /^[A-Za-z0-9-]+$/;

/** What is wrong with the lines of `rawHeaders` (name, value, name, value), or nothing. */
export function faultOfHeaderLines(rawHeaders: readonly string[]): HeaderFault | undefined {
  if (rawHeaders.length > 2 * mostHeaderLines) return 'header-count';
  let seen = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    const bit = known.get(name) ?? bitOf(name);
    if (bit < 0) return 'header-name';
    if ((seen & bit) !== 0) return `repeated-${name.toLowerCase()}`;
    seen |= bit;
    if (control.test(rawHeaders[at + 1] ?? '')) return 'header-value';
  }
  return undefined;
}

/** For the other spellings: -1 when the name is not of letters, digits and hyphens. */
function bitOf(name: string): number {
  return wellFormed.test(name) ? (known.get(name.toLowerCase()) ?? 0) : -1;
}
