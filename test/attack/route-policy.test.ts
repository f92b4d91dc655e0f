/**
 * Attack: a request that is let in under the rules of one route and served by
 * another (flaws 2A). The upstream says by its base path which route led to it.
 *
 * @module
 */

import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { rawRequest } from '../support/raw.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { startWorld, type World } from '../support/world.ts';

let upstream: Upstream;
let world: World;
let cookie: string;

beforeAll(async () => {
  upstream = await startUpstream(() => ({ body: 'ok' }));
  const rules = `
routes:
  - { path: /api/orders, upstream: "${upstream.origin}/for-sessions", methods: [GET] }
  - { path: /api/public, upstream: "${upstream.origin}/for-all", access: public, methods: [GET] }
  - { path: /api/public/admin, upstream: "${upstream.origin}/for-sessions", methods: [GET] }
  - { path: /api/scoped, upstream: "${upstream.origin}/for-nobody", scopes: [orders.delete], methods: [GET] }
`;
  world = await startWorld({ upstream: '', env: { RULES_FILE: 'rules.yaml' }, files: { 'rules.yaml': rules } });
  const browser = await world.signIn();
  cookie = browser.cookieHeader(`${world.origin}/api/x`) ?? '';
});

afterAll(async () => {
  await world.close();
  await upstream.stop();
});

beforeEach(() => upstream.forget());

async function ask(target: string, { method = 'GET', lines = '' }: { method?: string; lines?: string } = {}) {
  const bytes = Buffer.from(`${method} ${target} HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`, 'latin1');
  const { final } = await rawRequest(world.port, bytes, { responses: 1, methods: [method] });
  return final[0]?.status;
}

const signedIn = () => `Cookie: ${cookie}\r\n`;

describe('a query', () => {
  const words = ['path', 'uri', 'url', 'rd', 'next', 'skip_auth', '_method', 'route', 'x-original-url', 'p'];
  const suffixes = words.flatMap((word) => [
    `?${word}=/api/public`,
    `?${word}=%2Fapi%2Fpublic%2Fx`,
    `?a=1&${word}[]=/api/public/x&b`,
    `??${word}=//localhost/api/public`,
  ]);

  it('PX-03, GW-05: of forty that name a public route opens no other, and closes none', async () => {
    expect(suffixes).toHaveLength(40);
    for (const suffix of suffixes) {
      expect([suffix, await ask(`/api/orders/7${suffix}`), await ask(`/api/public/admin${suffix}`)]).toEqual([
        suffix,
        401,
        401,
      ]);
    }
    expect(upstream.requests).toEqual([]);
    for (const suffix of suffixes) expect([suffix, await ask(`/api/public/x${suffix}`)]).toEqual([suffix, 200]);
    expect(upstream.requests.map(({ target }) => target)).toEqual(suffixes.map((suffix) => `/for-all/x${suffix}`));
  });

  it('PX-03: with line breaks in it arrives as one line, in the bytes that were sent', async () => {
    const target = '/api/public/x?a=%0d%0aX-Injected:%201%0d%0a%0d%0aGET%20/for-sessions%20HTTP/1.1';

    expect(await ask(target)).toBe(200);
    const text = upstream.last.raw.toString('latin1');
    expect(text.startsWith(`GET ${target.replace('/api/public', '/for-all')} HTTP/1.1\r\n`)).toBe(true);
    expect(upstream.last.all('x-injected')).toEqual([]);
    expect(upstream.requests).toHaveLength(1);
  });
});

describe('a path below a public route', () => {
  it.each([
    '/api/public/../orders/7',
    '/api/public/%2e%2e/orders/7',
    '/api/public/.%2E/orders/7',
    '/api/public/..%2forders/7',
    '/api/public/..%5corders/7',
    '/api/public/..\\orders\\7',
    '/api/public/..;/orders/7',
    '/api/public/%252e%252e/orders/7',
    '/api/public/x/../../orders/7',
    '/api/public/./../orders/7',
    '/api/public//../orders/7',
    '/api/public/%2e%2e%2forders%2f7',
    '/api/public/..%00/orders/7',
    '/api/public/%c0%ae%c0%ae/orders/7',
    '/api/public/admin/../x',
    '/api/public/%61dmin',
    '/api/public/admin%2f..',
    '/api/public/x/%2e',
  ])('PX-04, GW-05: %s climbs out of nothing', async (target) => {
    expect([await ask(target), await ask(target, { lines: signedIn() })]).toEqual([400, 400]);
    expect(upstream.bytes).toHaveLength(0);
  });

  const bytes = ['2f', '5c', '00', '23', '3f', '3b', '2e', '0d', '0a', '09', '7f', '1f', '0b'];
  const encodings = [
    ...bytes.flatMap((hex) => [
      `%${hex}`,
      `%${hex.toUpperCase()}`,
      `%25${hex}`,
      `%2525${hex}`,
      `%u00${hex}`,
      `%%${hex}`,
    ]),
    ...['%c0%af', '%c0%ae', '%c1%9c', '%e0%80%af', '%f0%80%80%af', '%ff', '%ed%a0%80', '%', '%2z', '%g0', '\\', '%41'],
  ];

  it('PX-03, PX-04: is refused with any of more than sixty encodings in it, by whomever and wherever', async () => {
    const different = [...new Set(encodings)];
    expect(different.length).toBeGreaterThan(60);
    for (const encoding of different)
      for (const target of [`/api/public/a${encoding}b`, `/api/public/${encoding}`, `/api/public${encoding}/x`])
        expect([target, await ask(target, { lines: signedIn() })]).toEqual([target, 400]);
    expect(upstream.bytes).toHaveLength(0);
    expect(await ask('/api/public/a%20b')).toBe(200);
  });
});

describe('another spelling of a route', () => {
  const paths = ['/api/orders', '/api/public', '/api/public/admin', '/api/scoped'];
  const places = (path: string) => [...path].flatMap((letter, at) => (/[a-z]/.test(letter) ? [at] : []));
  const changed = (path: string, at: number, to: string) => path.slice(0, at) + to + path.slice(at + 1);

  it('GW-01, GW-05: in the case of any letter, or with any letter encoded, leads nowhere', async () => {
    for (const path of paths)
      for (const at of places(path)) {
        const letter = path[at] ?? '';
        const code = letter.charCodeAt(0);
        for (const to of [letter.toUpperCase(), `%${code.toString(16)}`, `%${(code - 32).toString(16)}`]) {
          const target = changed(path, at, to);
          expect([target, await ask(target, { lines: signedIn() })]).toEqual([target, to.length > 1 ? 400 : 404]);
        }
      }
    expect(upstream.bytes).toHaveLength(0);
    expect(await ask('/api/orders', { lines: signedIn() })).toBe(200);
  });
});

describe('whatever is asked', () => {
  const start = fc.constantFrom(
    '/api',
    '/api/orders',
    '/api/public',
    '/api/public/admin',
    '/api/scoped',
    '/api/public/x',
  );
  const piece = fc.constantFrom('/orders', '/admin', '/7', '/x', '/', '..', '%2f', ';', '?', '=', 's', 'A', '/7', '?a');
  const targets = fc.tuple(start, fc.array(piece, { maxLength: 3 })).map(([path, pieces]) => path + pieces.join(''));
  const methods = fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'PUT', 'TRACE', 'get');
  const callers = fc.constantFrom('nobody', 'somebody');

  it('PX-03, GW-01, GW-02: the rules that were applied are those of the route that served it', async () => {
    const served = { '/for-all': 0, '/for-sessions': 0 };
    await fc.assert(
      fc.asyncProperty(targets, methods, callers, async (target, method, caller) => {
        upstream.forget();
        const status = await ask(target, { method, lines: caller === 'somebody' ? signedIn() : '' });
        const [seen] = upstream.requests;
        expect(upstream.requests.length).toBe(status === 200 ? 1 : 0);
        if (seen === undefined) return;
        const [base] = /^\/[a-z-]+/.exec(seen.target) ?? [];
        expect(['GET', 'HEAD']).toContain(seen.method);
        expect(seen.method).toBe(method);
        if (base === '/for-sessions') expect([caller, seen.all('authorization').length]).toEqual(['somebody', 1]);
        else expect([base, seen.all('authorization')]).toEqual(['/for-all', []]);
        served[base as keyof typeof served] += 1; // one of the two, as was just seen
      }),
      { numRuns: 1_000 },
    );
    expect(Math.min(...Object.values(served))).toBeGreaterThan(20);
  }, 30_000);
});

describe('Host', () => {
  const withHost = async (host: string) => {
    const bytes = `GET /api/public/x HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    const { final } = await rawRequest(world.port, bytes, { responses: 1 });
    return final[0]?.status;
  };

  it('PX-23, GW-01: has one meaning in every case, with its port and with a final dot', async () => {
    const { host, port } = new URL(world.origin);
    for (const same of [host, host.toUpperCase(), `LocalHost.:${port}`, `localhost.:${port}`])
      expect([same, await withHost(same)]).toEqual([same, 200]);
    expect(upstream.requests).toHaveLength(4);
  });

  it('PX-23, GW-01: that contains ours, or is contained in it, is another', async () => {
    const { port } = new URL(world.origin);
    const others = [
      ...[`evillocalhost:${port}`, `localhost.evil.test:${port}`, `localhostx:${port}`, `ocalhost:${port}`],
      ...[`localhost:${port}0`, `evil.test:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, `localhost..:${port}`],
      ...[`evil@localhost:${port}`, `localhost:${port}@evil.test`, `localhost:${port}/x`, `localhost:${port}#.evil`],
      ...[`localhost:${port}, evil.test`, `localhost%00.evil:${port}`, `localhost:0x${Number(port).toString(16)}`],
    ];
    for (const other of others) {
      const status = await withHost(other);
      expect([other, [400, 421].includes(status ?? 0)]).toEqual([other, true]);
    }
    expect(upstream.bytes).toHaveLength(0);
  });
});
