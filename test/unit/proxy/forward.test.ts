/**
 * The way of a call and its answer through the hop.
 *
 * @module
 */

import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { hopRequestId, startHop } from '../../support/hop.ts';
import { openRaw, rawRequest } from '../../support/raw.ts';
import { startUpstream } from '../../support/upstream.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function start(script?: Parameters<typeof startUpstream>[0], options: Parameters<typeof startHop>[1] = {}) {
  const upstream = await startUpstream(script);
  const hop = await startHop(upstream.origin, options);
  closing.push(
    () => hop.close(),
    () => upstream.stop(),
  );
  return { upstream, hop };
}

const get = (path = '/api/x', lines = '') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`;

describe('a call', () => {
  it('PX-01, PX-32: arrives with what is ours, and nothing that was not asked for', async () => {
    const { upstream, hop } = await start();
    await rawRequest(
      hop.port,
      get('/api/orders/7?x=1', 'Accept: application/json\r\nX-CSRF-Token: secret\r\nOrigin: http://localhost\r\n'),
      {
        responses: 1,
      },
    );

    expect(upstream.last).toMatchObject({ method: 'GET', target: '/orders/7?x=1', version: 'HTTP/1.1' });
    expect(upstream.last.headers).toEqual([
      ['host', `127.0.0.1:${upstream.port}`],
      ['connection', 'keep-alive'],
      ['accept', 'application/json'],
      ['traceparent', '00-00000000000000000000000000000001-0000000000000001-01'],
      ['via', '1.1 claimcheck'],
      ['x-request-id', hopRequestId(1)],
      ['x-forwarded-for', '127.0.0.1'],
      ['x-forwarded-host', 'localhost'],
      ['x-forwarded-proto', 'http'],
      ['forwarded', 'for=127.0.0.1;host="localhost";proto=http'],
      ['authorization', 'Bearer attached-token'],
    ]);
  });

  it('PX-01: goes without a token where the route sends none', async () => {
    const { upstream, hop } = await start(undefined, { token: undefined });
    await rawRequest(hop.port, get('/api/x', 'Authorization: Bearer evil\r\n'), { responses: 1 });

    expect(upstream.last.all('authorization')).toEqual([]);
  });

  it('ER-04: notes the upstream, and how long it took', async () => {
    const { upstream, hop } = await start();
    const { final } = await rawRequest(hop.port, get(), { responses: 1 });

    expect(hop.records[0]).toMatchObject({ route: '/api', upstream: `127.0.0.1:${upstream.port}`, code: undefined });
    expect(hop.records[0]?.upstreamMs).toBeGreaterThan(0);
    expect(final[0]?.header('x-request-id')).toBe(hopRequestId(1));
  });

  it('PX-30: carries any body unchanged, whatever its framing and however it is cut', async () => {
    const { upstream, hop } = await start(({ body }) => ({
      headers: [['Content-Type', 'application/octet-stream']],
      body,
    }));
    const bodies = fc.tuple(
      fc.uint8Array({ minLength: 1, maxLength: 3_000 }),
      fc.boolean(),
      fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 6 }),
    );
    await fc.assert(
      fc.asyncProperty(bodies, async ([bytes, isChunked, cuts]) => {
        const body = Buffer.from(bytes);
        const client = await openRaw(hop.port, { methods: ['POST'] });
        client.write(
          `POST /api/x HTTP/1.1\r\nHost: localhost\r\n${isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`}\r\n\r\n`,
        );
        let at = 0;
        for (const cut of [...cuts, body.length]) {
          const part = body.subarray(at, Math.min(at + cut, body.length));
          at += part.length;
          if (part.length === 0) continue;
          client.write(
            isChunked
              ? Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')])
              : part,
          );
        }
        if (isChunked) client.write('0\r\n\r\n');
        const { final } = await client.waitFor(({ final: [answer] }) => answer?.complete === true);
        client.destroy();

        expect(upstream.last.body.equals(body)).toBe(true);
        expect(final[0]?.body.equals(body)).toBe(true);
        expect(upstream.last.all(isChunked ? 'transfer-encoding' : 'content-length')).toEqual([
          isChunked ? 'chunked' : String(body.length),
        ]);
      }),
      { numRuns: 150 },
    );
  });

  it('PX-30: answers before its body is whole are passed on, and the connection goes on', async () => {
    const upstream = await startUpstream(undefined, {
      atHead: ({ method }) =>
        method === 'POST' ? { status: 422, headers: [['Content-Type', 'application/json']], body: '{}' } : undefined,
    });
    const hop = await startHop(upstream.origin);
    closing.push(
      () => hop.close(),
      () => upstream.stop(),
    );
    const client = await openRaw(hop.port);
    client.write('POST /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nbegin');
    const early = await client.waitFor(({ final }) => final.length === 1);
    expect(early.final[0]?.status).toBe(422);

    client.write('x'.repeat(100_000 - 5) + get());
    const both = await client.waitFor(({ final }) => final.length === 2);
    expect(both.final[1]?.status).toBe(200);
    client.destroy();
  });
});

describe('an answer', () => {
  it('PX-30: that is a stream of events arrives event by event', async () => {
    let next = (): void => undefined;
    const { hop } = await start(() => ({
      headers: [['Content-Type', 'text/event-stream']],
      chunks: (async function* () {
        for (let at = 1; at <= 3; at++) {
          yield `data: ${at}\n\n`;
          await new Promise<void>((resolve) => {
            next = resolve;
          });
        }
      })(),
    }));
    const client = await openRaw(hop.port);
    client.write(get('/api/events', 'Accept: text/event-stream\r\nLast-Event-ID: 0\r\n'));
    for (let at = 1; at <= 3; at++) {
      const { text } = await client.waitFor((result) => result.text.includes(`data: ${at}`), 1_000);
      expect(text).not.toContain(`data: ${at + 1}`);
      next();
    }
    const { final } = await client.waitFor(({ final: [answer] }) => answer?.complete === true);

    expect(final[0]?.text()).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\n');
    client.destroy();
  });

  it('PX-30: whose body keeps the browser waiting shows its head at once', async () => {
    const { hop } = await start(() => ({
      raw: 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n',
    }));
    const client = await openRaw(hop.port);
    client.write(get());

    const { text } = await client.waitFor((result) => result.text.includes('\r\n\r\n'), 1_000);
    expect(text).toMatch(/^HTTP\/1\.1 200/);
    client.destroy();
  });

  it('PX-30: that is there at once has a length, though the upstream sent it in chunks', async () => {
    const { hop } = await start(() => ({
      raw: 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    }));
    const { final } = await rawRequest(hop.port, get(), { responses: 1 });

    expect(final[0]?.header('content-length')).toBe('5');
    expect(final[0]?.header('transfer-encoding')).toBeUndefined();
    expect(final[0]?.text()).toBe('hello');
  });

  it('PX-30: to an HTTP/1.0 client has no chunks', async () => {
    const { hop } = await start(() => ({
      headers: [['Content-Type', 'text/plain']],
      chunks: ['a'.repeat(70_000), 'b'.repeat(70_000)],
    }));
    const { final } = await rawRequest(hop.port, get().replace('1.1', '1.0'), { quietMs: 500 });

    expect(final[0]?.header('transfer-encoding')).toBeUndefined();
    expect(final[0]?.body).toHaveLength(140_000);
  });

  it('PX-18: carries what the stages want on it, once', async () => {
    const { hop } = await start(
      () => ({
        headers: [
          ['Content-Type', 'application/json'],
          ['X-Frame-Options', 'ALLOWALL'],
        ],
        body: '{}',
      }),
      {
        replyHeaders: ['X-Frame-Options', 'DENY', 'X-Content-Type-Options', 'nosniff'],
      },
    );
    const { final } = await rawRequest(hop.port, get(), { responses: 1 });

    expect(final[0]?.all('x-frame-options')).toEqual(['DENY']);
    expect(final[0]?.all('x-content-type-options')).toEqual(['nosniff']);
  });

  it('ER-03: that broke before it left carries nothing of the upstream', async () => {
    const { hop } = await start(() => ({
      raw: 'HTTP/1.1 200 OK\r\nX-Leak: internal\r\nContent-Type: text/html\r\nContent-Length: 5000\r\n\r\n',
      afterwards: 'close',
    }));
    const { responses, closed } = await rawRequest(hop.port, get(), { responses: 1 });

    expect(closed).toBe(true);
    expect(responses.filter(({ complete, status }) => complete && status !== 502)).toEqual([]);
    expect(responses.filter(({ raw, status }) => status === 502 && /leak|text\/html|5000/i.test(raw))).toEqual([]);
  });
});

describe('a token that the upstream refuses', () => {
  const challenge = [['WWW-Authenticate', 'Bearer error="invalid_token"']] as const;
  const accepting = (token: string) => (request: { header(name: string): string | undefined }) =>
    request.header('authorization') === `Bearer ${token}`
      ? { headers: [['Content-Type', 'text/plain']] as const, body: 'ok' }
      : { status: 401, headers: challenge, body: 'expired' };

  it('PX-13: is renewed once, and the call sent again', async () => {
    let renewals = 0;
    const { upstream, hop } = await start(accepting('new'), {
      renew: async () => {
        renewals++;
        return 'new';
      },
    });
    const { final } = await rawRequest(hop.port, get(), { responses: 1 });

    expect(final.map((answer) => [answer.status, answer.text()])).toEqual([[200, 'ok']]);
    expect(renewals).toBe(1);
    expect(upstream.requests).toHaveLength(2);
  });

  it('PX-13, PX-27: is renewed for an upstream that says nothing afterwards, which is waited for no longer', async () => {
    let aheadMs = 0;
    const clock = { ...systemClock, elapsed: () => systemClock.elapsed() + aheadMs };
    const { upstream, hop } = await start(accepting('new'), { clock, renew: async () => 'new' });
    upstream.script = (request) => (request.header('authorization') === 'Bearer new' ? 'hang' : accepting('')(request));
    const asked = rawRequest(hop.port, get(), { responses: 1 });
    await eventually(() => upstream.requests.length === 2);
    aheadMs = 5_001;

    expect((await asked).final.map(({ status }) => status)).toEqual([504]);
  });

  it('PX-13: is renewed for a call whose place nobody takes, however many wait', async () => {
    const { upstream, hop } = await start(() => 'hang', {
      renew: async () => 'new',
      limits: { connections: 1, mostConnections: 1, mostWaiting: 1 },
    });
    let refuse = (): void => undefined;
    upstream.script = (request) =>
      request.header('authorization') === 'Bearer new' || request.target === '/other'
        ? { body: 'ok' }
        : new Promise((resolve) => {
            refuse = () => resolve(accepting('new')(request));
          });
    const mine = rawRequest(hop.port, get('/api/mine'), { responses: 1 });
    await eventually(() => upstream.requests.length === 1);
    const other = rawRequest(hop.port, get('/api/other'), { responses: 1 });
    await eventually(() => hop.upstreams.at(upstream.origin).load.waiting === 1);
    refuse();

    expect((await mine).final.map(({ status }) => status)).toEqual([200]);
    expect((await other).final.map(({ status }) => status)).toEqual([200]);
  });

  it('PX-13: is not renewed twice', async () => {
    let renewals = 0;
    const { upstream, hop } = await start(accepting('never'), {
      renew: async () => {
        renewals++;
        return 'another';
      },
    });
    const { final } = await rawRequest(hop.port, get(), { responses: 1 });

    expect(final.map((answer) => [answer.status, answer.text()])).toEqual([[401, 'expired']]);
    expect([renewals, upstream.requests.length]).toEqual([1, 2]);
  });

  it('PX-13: leaves the 401 as it is when there is no other', async () => {
    const { upstream, hop } = await start(accepting('never'), { renew: async () => undefined });
    const { final } = await rawRequest(hop.port, get(), { responses: 1 });

    expect(final.map((answer) => [answer.status, answer.text()])).toEqual([[401, 'expired']]);
    expect(upstream.requests).toHaveLength(1);
  });

  it.each([
    ['POST', ''],
    ['PATCH', ''],
    ['PUT', 'abc'],
    ['DELETE', 'abc'],
  ])('PX-14: %s with the body "%s" is not sent again', async (method, body) => {
    const { upstream, hop } = await start(accepting('new'), { renew: async () => 'new' });
    const bytes = `${method} /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const { final } = await rawRequest(hop.port, bytes, { responses: 1 });

    expect(final[0]?.status).toBe(401);
    expect(upstream.requests).toHaveLength(1);
  });

  it('PX-13: of a client that leaves meanwhile costs no second call', async () => {
    let finish = (): void => undefined;
    const { upstream, hop } = await start(accepting('new'), {
      renew: () =>
        new Promise((resolve) => {
          finish = () => resolve('new');
        }),
    });
    const client = await openRaw(hop.port);
    client.write(get());
    await eventually(() => upstream.requests.length === 1);
    await eventually(() => hop.records[0]?.upstreamMs !== undefined);
    client.destroy();
    await eventually(() => upstream.openSockets === 0);
    finish();
    await rawRequest(hop.port, get('/api/other'), { quietMs: 50 }).finally(() => undefined);

    expect(upstream.requests.filter(({ target }) => target === '/x')).toHaveLength(1);
  });
});

describe('the way out', () => {
  it('PX-03: is one call in the whole source, and one for WebSockets', () => {
    const calls = globSync('src/**/*.ts').flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(/\.(dispatch|pipeline|stream|upgrade)\(/g)]
        .filter(() => path.startsWith('src/proxy/'))
        .map(([call]) => `${path} ${call}`),
    );
    const others = globSync('src/**/*.ts').filter(
      (path) => /from 'undici'/.test(readFileSync(path, 'utf8')) && !path.startsWith('src/oidc/'),
    );

    const lines = globSync('src/**/*.ts').filter((path) => /new Connection\(/.test(readFileSync(path, 'utf8')));

    expect(lines).toEqual(['src/proxy/line.ts']);
    expect(calls).toEqual(['src/proxy/upgrade-line.ts .dispatch(']);
    // the one makes connections and sends nothing on them
    expect(others).toEqual(['src/proxy/dial.ts', 'src/proxy/upgrade-line.ts']);
  });

  it('ER-08: that is closed answers 503 to what still comes', async () => {
    const { upstream, hop } = await start();
    await hop.upstreams.close();
    const { final } = await rawRequest(hop.port, get(), { responses: 1 });

    expect(final[0]?.status).toBe(503);
    expect(upstream.bytes).toHaveLength(0);
  });
});

describe('an upstream that falls silent', () => {
  const silent = async (head: string, route: Parameters<typeof startHop>[1] = {}) => {
    const closed: number[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => undefined).on('data', () => socket.write(head));
      socket.on('close', () => closed.push(1));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // it listens on TCP
    const hop = await startHop(`http://127.0.0.1:${port}`, route);
    closing.push(async () => {
      await hop.close();
      server.close();
    });
    return { hop, closed };
  };

  it('PX-27: before its head is a 504, and its connection is broken', async () => {
    const { hop, closed } = await silent('', { routes: [{ timeoutMs: 300 }] });
    const { final } = await rawRequest(hop.port, get(), { responses: 1 });

    expect(final[0]?.status).toBe(504);
    expect(hop.records[0]).toMatchObject({ code: 'upstream-timeout' });
    await eventually(() => closed.length === 1);
  });

  it('PX-27: in the middle of an answer breaks that off', async () => {
    const { hop, closed } = await silent('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', {
      routes: [{ timeoutMs: 300 }],
    });
    const client = await openRaw(hop.port);
    client.write(get());
    await eventually(() => client.closed);

    expect(hop.records[0]).toMatchObject({ code: 'upstream-timeout' });
    await eventually(() => closed.length === 1);
  });

  it('PX-27: in the middle of an answer that nobody sees does not keep its connection', async () => {
    const { hop, closed } = await silent('HTTP/1.1 500 Oh\r\nContent-Length: 10\r\n\r\nhalf', {
      routes: [{ timeoutMs: 300, maskErrors: true }],
    });
    const { final } = await rawRequest(hop.port, get(), { responses: 1 });

    expect(final[0]?.text()).not.toContain('half');
    expect(hop.records[0]).toMatchObject({ code: 'upstream-error' });
    await eventually(() => closed.length === 1);
  });
});
