/**
 * Random requests to the routes that Claimcheck answers itself: their parameters,
 * bodies and cookies, right ones among wrong ones.
 *
 * @module
 */

import fc from 'fast-check';
import { cookieHeader, headerLine, noise } from './lines.ts';

/** One request, before it is known who sends it. */
export interface OwnRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** Further lines of the header. */
  readonly lines: readonly string[];
  /** `undefined`: that of the person. */
  readonly cookie: string | undefined;
  /** With the CSRF token of the person. */
  readonly isProven: boolean;
  readonly body: string | undefined;
  readonly type: string;
}

const paths = [
  ...['/', '/index.html', '/login', '/callback', '/session', '/session/refresh', '/session/events', '/logout'],
  ...[
    '/sessions',
    '/sessions/x',
    '/backchannel-logout',
    '/frontchannel-logout',
    '/.well-known/jwks.json',
    '/api',
    '/x',
  ],
];
const parameters = [
  ...['return_to', 'prompt', 'login_hint', 'ui_locales', 'acr_values', 'max_age', 'code', 'state', 'iss', 'error'],
  ...['response', 'local', 'except', 'sid', 'logout_token', '__proto__', 'constructor', 'toString', 'x'],
];
const words = [
  ...['', '/', '//evil', '0', '-1', 'none', 'login', 'null', '[]', '{', 'true', 'current', 'a'.repeat(3_000)],
  ...['http://localhost', 'https://evil.test', 'eyJhbGciOiJub25lIn0.e30.', 'a.b.c', '0.a.b'],
];
const types = [
  ...['application/x-www-form-urlencoded', 'application/json', 'text/plain', 'multipart/form-data; boundary=x', ''],
];
const word = fc.oneof(fc.constantFrom(...words), noise(40)).map(encodeURIComponent);
const pairs = fc
  .array(
    fc.tuple(fc.constantFrom(...parameters), word).map((pair) => pair.join('=')),
    { maxLength: 5 },
  )
  .map((given) => given.join('&'));

/** Any method, any of our paths. */
export const ownRequest: fc.Arbitrary<OwnRequest> = fc.record({
  method: fc.constantFrom('GET', 'GET', 'POST', 'POST', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'FOO'),
  path: fc.constantFrom(...paths),
  query: pairs.map((given) => (given === '' ? '' : `?${given}`)),
  lines: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(headerLine, { maxLength: 2 })),
  cookie: fc.option(
    cookieHeader.map((header) => header.slice(0, 2_000)),
    { nil: undefined, freq: 1 },
  ),
  isProven: fc.boolean(),
  body: fc.oneof(fc.constant(undefined), pairs, noise(100), fc.json()),
  type: fc.constantFrom(...types),
});

/** Whose request it is. */
export interface Sender {
  readonly cookie: string;
  readonly csrfToken: string;
}

/** The request as it goes over the wire. A stream of events is asked for by strangers only: it would have no end. */
export function bytesOf(request: OwnRequest, sender: Sender): Buffer {
  const { method, path, query, lines, isProven, body, type } = request;
  const cookie = path === '/session/events' ? '' : (request.cookie ?? sender.cookie);
  const bytes = Buffer.from(body ?? '', 'latin1');
  const head = [
    `${method} ${path}${query} HTTP/1.1`,
    'Host: localhost',
    `Cookie: ${cookie}`,
    ...(isProven ? ['Sec-Fetch-Site: same-origin', `X-CSRF-Token: ${sender.csrfToken}`] : []),
    ...lines,
    ...(body === undefined ? [] : [`Content-Type: ${type}`, `Content-Length: ${bytes.length}`]),
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]);
}
