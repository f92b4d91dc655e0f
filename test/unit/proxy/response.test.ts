/**
 * What of an upstream's answer a browser gets to see.
 *
 * @module
 */

import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, it } from 'vitest';
import { publicLinks, publicLocation } from '../../../src/proxy/public-location.ts';
import { addResponseHeaders } from '../../../src/proxy/response.ts';
import { Routes } from '../../../src/proxy/routes.ts';
import { routeOf } from '../../support/hop.ts';

function placeAt(origin: string, base: string, upstreamPath = `${base}/7`) {
  const [route] = [
    new Routes([routeOf(origin, { path: '/api/orders', upstream: { origin, path: base } })]).find('/api/orders'),
  ];
  if (!route) throw new Error('the route was not found');
  return { route, publicHost: 'app.example', isSecure: true, upstreamPath };
}

const place = placeAt('https://orders.internal:8443', '/v2');

interface Case {
  readonly method?: string;
  readonly status?: number;
  readonly present?: readonly string[];
}

function answered(headers: IncomingHttpHeaders, { method = 'GET', status = 200, present = [] }: Case = {}) {
  const flat = [...present];
  addResponseHeaders(flat, { method, status, headers, place });
  return Array.from({ length: flat.length / 2 }, (_item, at) => [flat[2 * at], flat[2 * at + 1]] as const);
}

const always = [
  ['cache-control', 'no-store'],
  ['X-Content-Type-Options', 'nosniff'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
];
const json = { 'content-type': 'application/json' };

describe('addResponseHeaders', () => {
  it('PX-18: passes on what describes the answer, untouched and in its order', () => {
    const headers = {
      date: 'Tue, 24 Nov 2026 11:41:46 GMT',
      etag: '"1"',
      'last-modified': 'Tue, 24 Nov 2026 11:41:46 GMT',
      'content-disposition': 'attachment; filename="a.json"',
      'content-encoding': 'gzip',
      'retry-after': '5',
      'x-total-count': '7',
      ratelimit: '"default";r=50;t=30',
      vary: 'Accept-Encoding',
    };

    expect(answered({ ...headers, ...json, 'content-length': '12' })).toEqual([
      ...Object.entries(headers),
      ['content-type', 'application/json'],
      ['content-length', '12'],
      ...always,
    ]);
  });

  it('PX-18: keeps each of several values', () => {
    expect(answered({ ...json, warning: ['1', '2'] as never }).slice(0, 2)).toEqual([
      ['warning', '1'],
      ['warning', '2'],
    ]);
  });

  it.each([
    'server',
    'x-powered-by',
    'via',
    'set-cookie',
    'set-cookie2',
    'access-control-allow-origin',
    'access-control-allow-credentials',
    'access-control-expose-headers',
    'www-authenticate',
    'proxy-authenticate',
    'proxy-authentication-info',
    'authentication-info',
    'clear-site-data',
    'strict-transport-security',
    'alt-svc',
    'public-key-pins',
    'public-key-pins-report-only',
    'expect-ct',
    'x-error-source',
    'x-request-id',
    'x-accel-redirect',
    'x-accel-expires',
    'x-sendfile',
    'nel',
    'report-to',
    'reporting-endpoints',
    'refresh',
    'content-security-policy',
    'content-security-policy-report-only',
    'cross-origin-resource-policy',
    'cross-origin-opener-policy',
    'referrer-policy',
    'permissions-policy',
    'x-frame-options',
    'x-content-type-options',
    'service-worker-allowed',
    'origin-trial',
    'sourcemap',
    'x-sourcemap',
    'server-timing',
    'timing-allow-origin',
    'dpop-nonce',
    'expires',
    'pragma',
    'age',
    'cdn-cache-control',
    'surrogate-control',
    'x-aspnet-version',
    'x-aspnetmvc-version',
    'x-envoy-upstream-service-time',
    'x-served-by',
    'x-runtime',
    'connection',
    'keep-alive',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'sec-websocket-accept',
    'x_internal',
    'x.internal',
    '__proto__',
  ])('PX-06, PX-18: drops %s, once or twice', (name) => {
    const once = Object.defineProperty({ ...json }, name, { value: 'x', enumerable: true });
    const twice = Object.defineProperty({ ...json }, name, { value: ['x', 'y'], enumerable: true });

    expect(answered(once)).toEqual([['content-type', 'application/json'], ...always]);
    expect(answered(twice)).toEqual([['content-type', 'application/json'], ...always]);
  });

  it.each(['X-Debug', 'close, X-Debug', 'x-debug , keep-alive', 'x-DEBUG'])(
    'PX-06: drops what Connection names: "%s"',
    (connection) => {
      expect(answered({ ...json, connection, 'x-debug': '1' })).toEqual([
        ['content-type', 'application/json'],
        ...always,
      ]);
    },
  );

  it('PX-06: keeps the same header where Connection does not name it', () => {
    expect(answered({ ...json, connection: 'keep-alive', 'x-debug': '1' })).toContainEqual(['x-debug', '1']);
  });

  it('PX-06: does not let Connection take back the length of the body or the words that are ours', () => {
    const headers = answered({
      ...json,
      connection: 'content-length, cache-control, x-content-type-options',
      'content-length': '3',
    });

    expect(headers).toEqual([['content-type', 'application/json'], ['content-length', '3'], ...always]);
  });

  it.each(['public, max-age=3600', 'private', 'max-age=60, immutable'])('PX-20: turns "%s" into no-store', (value) => {
    expect(answered({ ...json, 'cache-control': value, expires: 'never', age: '1' })).toEqual([
      ['content-type', 'application/json'],
      ...always,
    ]);
  });

  it('PX-21: says nosniff and same-origin once, whoever said it first', () => {
    const present = ['X-Content-Type-Options', 'nosniff', 'Cross-Origin-Resource-Policy', 'same-origin'];
    const names = answered(json, { present }).map(([name]) => name?.toLowerCase());

    expect(names.filter((name) => name === 'x-content-type-options')).toHaveLength(1);
    expect(names.filter((name) => name === 'cross-origin-resource-policy')).toHaveLength(1);
  });

  it.each([
    'text/html',
    'text/html; charset=utf-8',
    'TEXT/HTML',
    'application/xhtml+xml',
    'image/svg+xml',
    'IMAGE/SVG+XML',
    'text/xml',
    'application/xml',
    'application/rss+xml',
    'application/xslt+xml',
    'application/mathml+xml',
    'text/javascript',
    'text/vtt',
    'multipart/x-mixed-replace',
    'message/rfc822',
    'application/x-shockwave-flash',
    'application/unheard-of',
    // At a comma browsers begin anew, so the first type is not the one that counts.
    'text/plain; a=b, text/html',
    'application/json; charset=utf-8,text/html',
    'image/png; a="b", image/svg+xml',
  ])('PX-21: puts %s into a sandbox, and says how a document is shown', (type) => {
    expect(answered({ 'content-type': type })).toEqual([
      ['content-type', type],
      ['content-security-policy', 'sandbox'],
      ['Cross-Origin-Opener-Policy', 'same-origin'],
      ['Origin-Agent-Cluster', '?1'],
      ['X-DNS-Prefetch-Control', 'off'],
      ['X-Download-Options', 'noopen'],
      ['X-Permitted-Cross-Domain-Policies', 'none'],
      ['X-XSS-Protection', '0'],
      ...always,
    ]);
  });

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/problem+json',
    'text/plain',
    'text/event-stream',
    'text/csv; header=present',
    'image/png',
    'video/mp4',
    'font/woff2',
    'application/pdf',
    'application/octet-stream',
  ])('PX-21: leaves %s as it is', (type) => {
    expect(answered({ 'content-type': type })).toEqual([['content-type', type], ...always]);
  });

  it.each([
    undefined,
    '',
    'html',
    'text/plain, text/html',
    'text/',
    '/html',
    'text/html, text/plain',
    'text /html',
    'text\t/html',
    '*',
    ['text/html', 'text/plain'] as never,
  ])('PX-21: calls what has the type %j bytes', (type) => {
    expect(answered(type === undefined ? {} : { 'content-type': type })).toEqual([
      ['content-type', 'application/octet-stream'],
      ...always,
    ]);
  });

  it.each([
    [204, {}],
    [304, {}],
    [200, { 'content-length': '0' }],
  ])('PX-21: gives no type to an answer without a body (%i)', (status, headers) => {
    expect(answered(headers, { status }).map(([name]) => name)).not.toContain('content-type');
  });

  it('PX-30: passes the length on, so that a truncated answer is seen, but not with 204', () => {
    expect(answered({ ...json, 'content-length': '12' }, { method: 'HEAD' })).toContainEqual(['content-length', '12']);
    expect(answered({ 'content-length': '12' }, { status: 304 })).toContainEqual(['content-length', '12']);
    expect(answered({ 'content-length': '0' }, { status: 204 })).toEqual(always);
  });

  it('PX-10: maps Location, Content-Location and Link, and drops each of them where it leads away', () => {
    const inside = { location: '/v2/8', 'content-location': '/v2/8?x', link: '</v2?page=2>; rel="next"' };
    const outside = {
      location: 'http://evil.test/',
      'content-location': '/v3',
      link: '<https://evil.test/>; rel="next"',
    };

    expect(answered({ ...json, ...inside }).slice(1, 4)).toEqual([
      ['location', '/api/orders/8'],
      ['content-location', '/api/orders/8?x'],
      ['link', '</api/orders?page=2>; rel="next"'],
    ]);
    expect(answered({ ...json, ...outside })).toEqual([['content-type', 'application/json'], ...always]);
    expect(answered({ ...json, location: ['/v2/8', '/v2/9'] as never })).toEqual([
      ['content-type', 'application/json'],
      ...always,
    ]);
  });
});

describe('publicLocation', () => {
  it.each([
    ['absolute', 'https://orders.internal:8443/v2/8', '/api/orders/8'],
    ['absolute with query and fragment', 'https://orders.internal:8443/v2/8?x=1#y', '/api/orders/8?x=1#y'],
    ['absolute with userinfo', 'https://ann:pw@orders.internal:8443/v2/8', '/api/orders/8'],
    ['absolute in capitals', 'HTTPS://ORDERS.INTERNAL:8443/v2/8', '/api/orders/8'],
    ['the root of the route', 'https://orders.internal:8443/v2', '/api/orders'],
    ['the root with a slash', '/v2/', '/api/orders/'],
    ['path-absolute', '/v2/8', '/api/orders/8'],
    ['network path', '//orders.internal:8443/v2/8', '/api/orders/8'],
    ['relative', '8', '/api/orders/8'],
    ['relative, up and inside', '../v2/8', '/api/orders/8'],
    ['a query', '?page=2', '/api/orders/7?page=2'],
    ['a fragment', '#top', '/api/orders/7#top'],
    ['empty', '', '/api/orders/7'],
    ['our own origin', 'https://app.example/api/orders/8', '/api/orders/8'],
    ['our own origin over http', 'http://app.example/api/orders/8', '/api/orders/8'],
    ['our own origin with the path of the upstream', 'https://app.example/v2/8', '/api/orders/8'],
    ['the public path', '/api/orders/8', '/api/orders/8'],
    ['spaces around', '  /v2/8  ', '/api/orders/8'],
    ['a backslash', '/v2\\8', '/api/orders/8'],
    ['two slashes inside', '/v2//evil.test/x', '/api/orders//evil.test/x'],
  ])('PX-10, GW-08: maps %s', (_case, reference, expected) => {
    expect(publicLocation(reference, place)).toBe(expected);
  });

  it.each([
    ['another host', 'https://evil.test/v2/8'],
    ['another port', 'https://orders.internal:9443/v2/8'],
    ['another scheme', 'http://orders.internal:8443/v2/8'],
    ['a network path to another host', '//evil.test/v2/8'],
    ['backslashes to another host', '\\\\evil.test/v2/8'],
    ['a tab in a network path', '/\t/evil.test/v2'],
    ['another path of the upstream', 'https://orders.internal:8443/admin'],
    ['a path that only begins alike', '/v2x/8'],
    ['the way out', '/v2/../admin'],
    ['the encoded way out', '/v2/%2e%2e/admin'],
    ['the relative way out', '../admin'],
    ['another public path', '/api/users/1'],
    ['our origin, elsewhere', 'https://app.example/login'],
    ['a script', 'javascript:alert(1)'],
    ['data', 'data:text/html,x'],
    ['a file', 'file:///v2/8'],
    ['a host that begins like ours', 'https://app.example.evil.test/api/orders/8'],
    ['no URL at all', 'https://['],
    ['a port that is none', 'https://orders.internal:99999/v2'],
  ])('PX-10, GW-08: does not map %s', (_case, reference) => {
    expect(publicLocation(reference, place)).toBeUndefined();
  });

  it('GW-08: maps every path of an upstream without a base path', () => {
    const root = placeAt('http://h.test', '', '/x/7');

    expect(publicLocation('/x/8', root)).toBe('/api/orders/x/8');
    expect(publicLocation('8', root)).toBe('/api/orders/x/8');
    expect(publicLocation('/', root)).toBe('/api/orders/');
    expect(publicLocation('//evil.test/', root)).toBeUndefined();
  });
});

describe('publicLinks', () => {
  it.each([
    ['one', '</v2?page=2>; rel="next"', '</api/orders?page=2>; rel="next"'],
    [
      'two',
      '</v2?p=2>; rel=next, <https://orders.internal:8443/v2?p=9>;rel="last"',
      '</api/orders?p=2>; rel=next, </api/orders?p=9>;rel="last"',
    ],
    [
      'one that leads away beside one that does not',
      '<https://evil.test/>; rel=x, </v2>; rel=up',
      '</api/orders>; rel=up',
    ],
    ['a title with a comma', '</v2>; rel=up; title="a, b"', '</api/orders>; rel=up; title="a, b"'],
  ])('GW-08: maps %s', (_case, value, expected) => {
    expect(publicLinks(value, place)).toBe(expected);
  });

  it.each([
    ['all lead away', '<https://evil.test/>; rel=next'],
    ['an anchor', '</v2>; rel=next; anchor="https://orders.internal:8443/x"'],
    ['the upstream in a parameter', '</v2>; rel="https://orders.internal:8443/rel"'],
    ['no brackets', '/v2; rel=next'],
    ['an open bracket', '</v2; rel=next'],
    ['an open quote', '</v2>; rel="next'],
    ['a bracket in a quote', '</v2>; title="<x>"'],
    ['nothing', ''],
  ])('GW-08: drops the value when %s', (_case, value) => {
    expect(publicLinks(value, place)).toBeUndefined();
  });

  it('PX-29: reads 32 KiB of nonsense at once', () => {
    const start = performance.now();
    for (const piece of ['</v2>; rel=next ', '<', '; a = "', ' ;', ',<'])
      publicLinks(`</v2>${piece.repeat(32_768 / piece.length)}`, place);

    expect(performance.now() - start).toBeLessThan(500);
  });
});
