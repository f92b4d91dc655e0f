/**
 * Attack: a path that the gateway reads one way and the upstream another (flaws 2A).
 *
 * Whatever is sent, the upstream either sees nothing or exactly the target that
 * was decided on.
 *
 * @module
 */

import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { upstreamTarget } from '../../src/proxy/routes.ts';
import { type Hop, startHop } from '../support/hop.ts';
import { rawRequest } from '../support/raw.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

let upstream: Upstream;
let hop: Hop;

beforeAll(async () => {
  upstream = await startUpstream();
  hop = await startHop(upstream.origin, {
    routes: [
      { path: '/api/orders', upstream: { origin: upstream.origin, path: '/v2' } },
      { path: '/api/public', upstream: { origin: upstream.origin, path: '/open' }, access: 'public', token: 'none' },
    ],
  });
});

afterAll(async () => {
  await hop.close();
  await upstream.stop();
});

beforeEach(() => upstream.forget());

const get = (target: string, lines = '') =>
  rawRequest(hop.port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`, { responses: 1 });

describe('a path that can be read in two ways', () => {
  it.each([
    '/api/orders/../admin',
    '/api/public/../orders/7',
    '/api/orders/..',
    '/api/orders/%2e%2e/admin',
    '/api/orders/%2E%2E/admin',
    '/api/orders/.%2e/admin',
    '/api/orders/%2e./admin',
    '/api/orders/..%2fadmin',
    '/api/public%2f..%2forders',
    '/api/orders/..%2f..%2fadmin',
    '/api/orders/..%5cadmin',
    '/api/orders/..\\admin',
    '/api/orders\\..\\admin',
    '/api/orders/%252e%252e/admin',
    '/api/orders/%25252e%25252e/admin',
    '/api/orders/a%252fb',
    '/api/orders/./admin',
    '/api/orders//admin',
    '/api//orders/7',
    '//evil.test/api/orders',
    '/api/%2f%2fevil.test',
    '/api/orders/..;/admin',
    '/api/orders;v=1',
    '/api/orders/7%3bv=1',
    '/api/orders/7%3fadmin=1',
    '/api/orders/secret%23/bar',
    '/api/orders/7%00.json',
    '/api/orders/7%0d%0aX-User:%20admin',
    '/api/orders/7%09',
    '/api/orders/%c0%ae%c0%ae/admin',
    '/api/orders/%c0%af',
    '/api/orders/%e0%80%af',
    '/api/orders/%',
    '/api/orders/%zz',
    '/api/orders/%u002e%u002e/',
    '/api/%6frders/7',
    '/%61pi/orders/7',
    '/api/orders/7#x',
    '/api/orders/7?x#y',
    '/api/orders/{id}',
    '/api/orders/"7"',
    'http://localhost/api/orders/7',
    'http://169.254.169.254/latest',
    'https://evil.test/api/orders',
    'http:http://internal/admin',
    'api/orders/7',
    '*',
    '?x',
    '@evil.test/api/orders',
  ])('PX-03, PX-04, GW-05: %s is 400 and the upstream sees nothing', async (target) => {
    const { final } = await get(target);

    expect(final[0]?.status).toBe(400);
    expect(upstream.bytes).toHaveLength(0);
  });

  it.each([
    ['/api/orders/7', '/v2/7'],
    ['/api/orders/7?next=/../x&u=//evil.test#'.slice(0, -1), '/v2/7?next=/../x&u=//evil.test'],
    ['/api/orders/caf%C3%A9/100%25', '/v2/caf%C3%A9/100%25'],
    ['/api/orders/', '/v2/'],
    ['/api/orders', '/v2'],
    ['/api/orders?', '/v2?'],
    ['/api/orders/https:', '/v2/https:'],
    ['/api/orders/@evil.test', '/v2/@evil.test'],
  ])('GW-05, GW-08: %s arrives as %s', async (target, arrived) => {
    const { final } = await get(target);

    expect(final[0]?.status).toBe(200);
    expect(upstream.last.target).toBe(arrived);
  });

  it.each(['/api/ORDERS/7', '/API/orders/7', '/api/ordersx', '/api', '/api/users', '/api/@evil', '/api/order'])(
    'GW-01: %s is 404 and the upstream sees nothing',
    async (target) => {
      const { final } = await get(target);

      expect(final[0]?.status).toBe(404);
      expect(upstream.bytes).toHaveLength(0);
    },
  );

  it('PX-28: takes a target of 8 KiB and refuses one byte more', async () => {
    const longest = `/api/orders/${'a'.repeat(8192 - 12)}`;

    expect((await get(longest)).final[0]?.status).toBe(200);
    expect((await get(`${longest}a`)).final[0]?.status).toBe(414);
    expect(upstream.requests).toHaveLength(1);
  });

  it('PX-02: refuses a token in the query, in any spelling', async () => {
    for (const query of ['access_token=evil', 'a=1&%61ccess_token=evil', 'access%5ftoken=evil']) {
      const { final } = await get(`/api/orders/7?${query}`);

      expect(final[0]?.status).toBe(400);
      expect(final[0]?.text()).toContain('token-in-request');
    }
    expect(upstream.bytes).toHaveLength(0);
    expect((await get('/api/orders/7?token_access=1')).final[0]?.status).toBe(200);
  });
});

describe('a query or a header that names another path', () => {
  it.each([
    'path=/api/public',
    'x=%2Fapi%2Fpublic',
    '/api/public',
    '?/api/public',
    'url=http://localhost/api/public/x',
  ])('GW-05: ?%s does not open the protected route', async (query) => {
    await get(`/api/orders/7?${query}`);

    expect(upstream.last.target).toBe(`/v2/7?${query}`);
    expect(upstream.last.header('authorization')).toBe('Bearer attached-token');
  });

  it.each([
    'X-Forwarded-Uri',
    'X-Forwarded-Path',
    'X-Forwarded-Prefix',
    'X-Forwarded-Method',
    'X-Original-Url',
    'X-Original-URI',
    'X-Original-Method',
    'X-Rewrite-Url',
    'X-Http-Method-Override',
    'X-HTTP-Method',
    'X-Method-Override',
    'X-Middleware-Subrequest',
    'X-Middleware-Prefetch',
    'X-Envoy-Original-Path',
    'X-Envoy-Decorator-Operation',
    'X-Invoke-Path',
    'X-Matched-Path',
    'X-Auth-Request-Redirect',
    'X-Accel-Redirect',
    'X-Sendfile',
    'X-Proxy-Url',
    'X-Host',
    'X-Forwarded-Server',
    'X-Forwarded-Host',
    'X-Url-Scheme',
    'Destination',
    'Request-Uri',
    'Base-Url',
    'Location',
    'Referer',
  ])('PX-03, GW-05: %s changes neither the decision nor what is sent', async (name) => {
    const { final } = await get('/api/orders/7', `${name}: /api/public/x\r\n`);

    expect(final[0]?.status).toBe(200);
    expect(upstream.last).toMatchObject({ method: 'GET', target: '/v2/7' });
    expect(upstream.last.raw.toString('latin1')).not.toContain('/api/public');
    expect((await get('/api/users', `${name}: /api/public/x\r\n`)).final[0]?.status).toBe(404);
  });
});

describe('any path at all', () => {
  it('GW-05: the upstream sees the target that was decided on, or nothing', async () => {
    const piece = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.constantFrom(
          '/',
          'a',
          'Z',
          '7',
          '.',
          '-',
          '/orders',
          '/public',
          '%20',
          '%C3%A9',
          '%25',
          '=',
          '@',
        ),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom('..', '%2e', '%2f', '%5c', ';', '\\', '?', '&', '%00', '//', '%', '%252e', '|', '['),
      },
      { weight: 1, arbitrary: fc.integer({ min: 0x21, max: 0xff }).map((code) => String.fromCharCode(code)) },
    );
    const targets = fc.array(piece, { maxLength: 8 }).map((pieces) => `/api/orders${pieces.join('')}`);
    let forwarded = 0;
    await fc.assert(
      fc.asyncProperty(targets, async (target) => {
        upstream.forget();
        const before = hop.requests.length;
        const { final } = await get(target);
        const decided = hop.requests.slice(before);
        if (final[0]?.status !== 200) {
          expect(upstream.bytes).toHaveLength(0);
          return;
        }
        forwarded++;
        const [request] = decided;
        expect(request && request.path + request.search).toBe(target);
        const route = { upstream: { path: '/v2' }, path: '/api/orders' } as Parameters<typeof upstreamTarget>[0]; // what the function looks at
        expect(upstream.requests.map((seen) => seen.target)).toEqual([request && upstreamTarget(route, request)]);
        expect(upstream.last.target).toBe(target.replace('/api/orders', '/v2'));
        expect(upstream.last.raw.toString('latin1').startsWith(`GET ${upstream.last.target} HTTP/1.1\r\n`)).toBe(true);
      }),
      { numRuns: 600 },
    );
    expect(forwarded).toBeGreaterThan(50);
  });
});
