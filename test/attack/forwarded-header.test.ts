/**
 * Attack: headers of a client that speak to the upstream in our name, or take
 * away what we say (flaws 2B).
 *
 * @module
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Hop, startHop } from '../support/hop.ts';
import { rawRequest } from '../support/raw.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

let upstream: Upstream;
let hop: Hop;

beforeAll(async () => {
  upstream = await startUpstream();
  hop = await startHop(upstream.origin, {
    routes: [{ path: '/api/orders' }, { path: '/api/public', access: 'public', token: 'none' }],
  });
});

afterAll(async () => {
  await hop.close();
  await upstream.stop();
});

beforeEach(() => upstream.forget());

const send = (lines: string, start = 'GET /api/orders/7', body = '') =>
  rawRequest(hop.port, `${start} HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n${body}`, { responses: 1 });

/** What the upstream is told of every call, whatever was sent. */
const ours = {
  authorization: ['Bearer attached-token'],
  via: ['1.1 claimcheck'],
  'x-forwarded-for': ['127.0.0.1'],
  'x-forwarded-host': ['localhost'],
  'x-forwarded-proto': ['http'],
  forwarded: ['for=127.0.0.1;host="localhost";proto=http'],
};
const seen = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, upstream.last.all(name)]));

describe('identity', () => {
  it.each([
    'X-User',
    'X-User-Id',
    'x-user-id',
    'X-USER-ID',
    'X-Forwarded-User',
    'X-Forwarded-Email',
    'X-Forwarded-Groups',
    'X-Forwarded-Access-Token',
    'X-Auth-Request-User',
    'X-Auth-User',
    'Remote-User',
    'Client-Cert',
    'Client-Cert-Chain',
    'X-SSL-Client-Verify',
    'X-SSL-Client-S-DN',
    'X-Amzn-Oidc-Data',
    'X-Amzn-Oidc-Identity',
    'X-Goog-Authenticated-User-Email',
    'X-Ms-Client-Principal',
    'X-Session-Id',
    'X-Api-Key',
    'Proxy-Authorization',
    'DPoP',
    'Cookie2',
  ])('PX-02, PX-09: %s is not passed on, and what is ours stands once', async (name) => {
    const { final } = await send(`${name}: forged-admin\r\n`);

    expect(final[0]?.status).toBe(200);
    expect(upstream.last.raw.toString('latin1')).not.toContain('forged-admin');
    expect(seen(Object.keys(ours))).toEqual(ours);
  });

  it.each([
    'X_User_Id',
    'x_user_id',
    'X.User.Id',
    'X-User_Id',
    'X.Forwarded.For',
    'X_Forwarded_For',
    'x.auth.user',
    'Authorization_',
    'X-User!',
  ])('PX-09: %s is refused, since some servers read it as the name with hyphens', async (name) => {
    const { final } = await send(`${name}: forged-admin\r\n`);

    expect(final[0]?.status).toBe(400);
    expect(upstream.bytes).toHaveLength(0);
  });

  it('PX-02, PX-09: no spelling of a name that speaks for a person or for us reaches the upstream', async () => {
    const words = ['x-user', 'x-forwarded-user', 'x-auth-request-email', 'x-forwarded-for', 'x-real-ip', 'remote-user'];
    const joins = ['-', '_', '.', '--', '-_', '~', "'", '+'];
    const cases = [
      (name: string) => name,
      (name: string) => name.toUpperCase(),
      (name: string) => name.replace(/[a-z]/, (letter) => letter.toUpperCase()),
      (name: string) => [...name].map((letter, at) => (at % 2 === 0 ? letter.toUpperCase() : letter)).join(''),
    ];
    let refused = 0;
    for (const word of words)
      for (const join of joins)
        for (const spelled of cases) {
          upstream.forget();
          const name = spelled(word.replaceAll('-', join));
          const { final } = await send(`${name}: forged-admin\r\n`);
          if (final[0]?.status === 400) refused++;
          else expect([name, final[0]?.status, seen(Object.keys(ours))]).toEqual([name, 200, ours]);
          expect(upstream.bytes.toString('latin1')).not.toContain('forged-admin');
        }
    expect(refused).toBe(words.length * cases.length * joins.filter((join) => !/^-+$/.test(join)).length);
  });

  it.each([
    'Authorization: Bearer evil',
    'authorization: Basic ZTpl',
    'AUTHORIZATION: Bearer evil',
    'Authorization:Bearer evil',
  ])('PX-01, PX-02: "%s" gives way to the token of the session, and to none on a public route', async (line) => {
    await send(`${line}\r\n`);
    expect(upstream.last.all('authorization')).toEqual(['Bearer attached-token']);

    await send(`${line}\r\n`, 'GET /api/public/x');
    expect(upstream.last.all('authorization')).toEqual([]);
  });

  it('PX-01: no cookie reaches the upstream, ours or another', async () => {
    await send('Cookie: claimcheck=s%3Aabc; theme=dark; claimcheck-login-x=1\r\n');

    expect(upstream.last.all('cookie')).toEqual([]);
    expect(upstream.last.raw.toString('latin1')).not.toMatch(/claimcheck=|theme|s%3Aabc/);
    expect(hop.requests.at(-1)?.sessionCookie).toBe('s%3Aabc');
  });
});

describe('forwarding headers', () => {
  it.each([
    ['X-Forwarded-For', '1.2.3.4'],
    ['x-forwarded-for', '127.0.0.1, 1.2.3.4'],
    ['X-Forwarded-Host', 'evil.test'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Port', '1'],
    ['X-Forwarded-Prefix', '/admin'],
    ['X-Forwarded-Server', 'evil'],
    ['X-Forwarded-Ssl', 'on'],
    ['X-Real-IP', '1.2.3.4'],
    ['Forwarded', 'for=1.2.3.4;host=evil.test'],
    ['CF-Connecting-IP', '1.2.3.4'],
    ['True-Client-IP', '1.2.3.4'],
    ['X-Client-IP', '1.2.3.4'],
    ['X-Cluster-Client-IP', '1.2.3.4'],
    ['Fastly-Client-IP', '1.2.3.4'],
    ['X-Envoy-External-Address', '1.2.3.4'],
    ['Via', '1.1 evil'],
    ['X-Request-Id', 'evil'],
  ])('PX-08: %s: %s of a stranger says nothing to the upstream nor to us', async (name, value) => {
    await send(`${name}: ${value}\r\n`);

    expect(seen(Object.keys(ours))).toEqual(ours);
    expect(upstream.last.raw.toString('latin1')).not.toMatch(/1\.2\.3\.4|evil|\/admin/);
    expect(hop.requests.at(-1)).toMatchObject({ clientAddress: '127.0.0.1', forwardedProto: undefined });
  });

  it('PX-08: those of a trusted proxy are read from the right, and passed on in our form only', async () => {
    await using proxied = await startHop(upstream.origin, { trustedProxies: ['127.0.0.0/8'] });
    const lines =
      'X-Forwarded-For: 1.2.3.4, 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.test\r\n';
    await rawRequest(proxied.port, `GET /api/x HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`, { responses: 1 });

    expect(seen(Object.keys(ours))).toEqual({
      ...ours,
      'x-forwarded-for': ['203.0.113.9'],
      forwarded: ['for=203.0.113.9;host="localhost";proto=http'],
    });
    expect(proxied.requests.at(-1)).toMatchObject({ clientAddress: '203.0.113.9', forwardedProto: 'https' });
  });
});

describe('hop-by-hop headers', () => {
  const named = ['authorization', 'x-forwarded-for', 'x-request-id', 'via', 'forwarded', 'content-length', 'host'];

  it.each([
    'close, authorization, x-forwarded-for, x-request-id, dpop',
    'Authorization',
    'AUTHORIZATION',
    'keep-alive, authorization',
    'x-forwarded-host,x-forwarded-proto,forwarded,via',
    'host',
  ])('PX-07: "Connection: %s" takes nothing of ours away', async (tokens) => {
    const { final } = await send(`Connection: ${tokens}\r\n`);

    expect(final[0]?.status).toBe(200);
    expect(seen(Object.keys(ours))).toEqual(ours);
    expect(upstream.last.all('x-request-id')).toHaveLength(1);
    expect(upstream.last.all('host')).toEqual([`127.0.0.1:${upstream.port}`]);
    for (const token of upstream.last.all('connection').join().split(',')) expect(named).not.toContain(token.trim());
  });

  it.each(['x-debug, keep-alive', 'X-DEBUG', 'keep-alive, x-debug'])(
    'PX-06: "Connection: %s" and what it names end at our edge',
    async (tokens) => {
      await send(
        `Connection: ${tokens}\r\nX-Debug: 1\r\nTE: trailers\r\nKeep-Alive: timeout=1\r\nProxy-Connection: keep-alive\r\n`,
      );

      for (const name of ['x-debug', 'te', 'keep-alive', 'proxy-connection', 'upgrade', 'trailer']) {
        expect(upstream.last.all(name)).toEqual([]);
      }
      expect(upstream.last.all('connection')).toEqual(['keep-alive']);
    },
  );

  it.each([
    ['a length', 'Content-Length: 3\r\n', 'abc'],
    ['chunks', 'Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n0\r\n\r\n'],
    ['a length of zero', 'Content-Length: 0\r\n', ''],
    ['no body', '', ''],
  ])(
    'PX-01: Expect: 100-continue with %s passes the same guards and ends at our edge',
    async (_case, framing, body) => {
      const lines = `Expect: 100-continue\r\nCookie: claimcheck=x\r\nAuthorization: Bearer evil\r\nX-User: evil\r\n${framing}`;
      const { responses } = await send(lines, 'POST /api/orders', body);

      expect(responses.map(({ status }) => status)).toEqual(body === '' ? [200] : [100, 200]);
      expect(upstream.last.all('expect')).toEqual([]);
      expect(upstream.last.raw.toString('latin1')).not.toMatch(/evil|claimcheck=x/);
      expect(seen(Object.keys(ours))).toEqual(ours);
      expect(upstream.last.text()).toBe(body === '' ? '' : 'abc');
    },
  );

  it('PX-28: who expects 100-continue and is refused sends no body', async () => {
    const { responses } = await send('Expect: 100-continue\r\nContent-Length: 3\r\n', 'POST /api/users');

    expect(responses.map(({ status }) => status)).toEqual([404]);
    expect(upstream.bytes).toHaveLength(0);
  });

  it.each(['200-ok', '100-continue, 100-continue', 'foo 100-continue', '100-continued', ''])(
    'PX-06: refuses "Expect: %s" with 417',
    async (value) => {
      const { final } = await send(`Expect: ${value}\r\nContent-Length: 3\r\n`, 'POST /api/orders', 'abc');

      expect(final[0]?.status).toBe(417);
      expect(upstream.bytes).toHaveLength(0);
    },
  );

  it.each([
    'Authorization: Bearer evil',
    'Host: evil.test',
    'X-Auth-User: admin',
    'Cookie: claimcheck=evil',
    'X-Any: 1',
  ])('PX-25: the trailer "%s" is not passed on', async (trailer) => {
    const framing = `Transfer-Encoding: chunked\r\nTrailer: ${trailer.split(':')[0]}\r\n`;
    const { final } = await send(framing, 'POST /api/orders', `3\r\nabc\r\n0\r\n${trailer}\r\n\r\n`);

    expect(final[0]?.status).toBe(200);
    expect(upstream.last.trailers).toEqual([]);
    expect(upstream.last.all('trailer')).toEqual([]);
    expect(upstream.last.text()).toBe('abc');
    expect(upstream.last.raw.toString('latin1')).not.toContain(trailer);
  });

  it.each(['Content-Length: 9', 'Transfer-Encoding: chunked', 'X-Any : 1', 'X-Any: a\rb'])(
    'PX-25: the trailer "%s" ends the request',
    async (trailer) => {
      await send('Transfer-Encoding: chunked\r\n', 'POST /api/orders', `3\r\nabc\r\n0\r\n${trailer}\r\n\r\n`);

      expect(upstream.requests).toHaveLength(0);
      expect(upstream.bytes.toString('latin1')).not.toContain(trailer);
    },
  );

  it.each(['h2c', 'TLS/1.0', 'websocket2', 'h2c, websocket'])(
    'PX-26: "Upgrade: %s" is overlooked: an ordinary call goes out',
    async (protocol) => {
      const { final } = await send(
        `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: AAMAAABk\r\n`,
      );

      expect(final[0]?.status).toBe(200);
      expect(upstream.last.raw.toString('latin1')).not.toMatch(/upgrade|http2|AAMAAABk/i);
      expect(upstream.requests).toHaveLength(1);
    },
  );

  it('PX-26: a WebSocket handshake is none of the calls that are forwarded', async () => {
    const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    const { final } = await send(`Connection: Upgrade\r\nUpgrade: websocket\r\n${key}`);

    expect(final[0]?.text()).toContain('upgrade-refused');
    expect(upstream.bytes).toHaveLength(0);
  });
});

describe('the trace', () => {
  const browsers = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const traced = () => upstream.last.all('traceparent');

  it('PX-32: of a browser goes on with its state', async () => {
    await send(`traceparent: ${browsers}\r\ntracestate: vendor=1\r\n`);

    expect([traced(), upstream.last.all('tracestate')]).toEqual([[browsers], ['vendor=1']]);
  });

  it.each(['', 'traceparent: 00-zz-zz-01\r\ntracestate: vendor=1\r\n', `traceparent: ${browsers}-x\r\n`])(
    'PX-32: begins with us, named as the request is, where a browser sends %j',
    async (lines) => {
      const seenTraces = new Set<string>();
      for (let times = 0; times < 2; times++) {
        await send(lines);
        const hex = upstream.last.header('x-request-id') ?? '';
        expect(hex).toMatch(/^[0-9a-f]{32}$/);
        expect([traced(), upstream.last.all('tracestate')]).toEqual([[`00-${hex}-${hex.slice(16)}-01`], []]);
        seenTraces.add(hex);
      }
      expect(seenTraces.size).toBe(2);
    },
  );
});
