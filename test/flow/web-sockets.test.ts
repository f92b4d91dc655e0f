import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { oauthFault } from '../support/hostile/fault.ts';
import { openRaw, rawRequest } from '../support/raw.ts';
import { echo, startUpstream, type Upstream } from '../support/upstream.ts';
import { startTwins, type Twins } from './twin-worlds.ts';
import { connectTo, openSocket, rulesFor, speaking } from './web-socket-world.ts';

let twins: Twins;
let upstream: Upstream;
let alice: Browser;

beforeAll(async () => {
  upstream = await startUpstream();
  const files = { 'rules.yaml': rulesFor(upstream.origin) };
  twins = await startTwins({ files, env: { RULES_FILE: 'rules.yaml', API_UPSTREAM: undefined } });
});

afterAll(async () => {
  await twins.close();
  await upstream.stop();
});

beforeEach(async () => {
  twins.hostile.reset();
  twins.clock.advance(11_000);
  alice = (await twins.signIn()).browser;
  upstream.script = speaking();
  upstream.forget();
});

const fieldsOf = () => new Map(upstream.last.headers.map(([name, value]) => [name.toLowerCase(), value]));

async function signOut(browser: Browser): Promise<void> {
  const { csrf_token } = await twins.first.session(browser);
  const headers = { 'X-CSRF-Token': csrf_token };
  await browser.fetch(`${twins.first.origin}/logout`, { method: 'POST', headers, from: `${twins.first.origin}/` });
}

describe('opening a WebSocket', () => {
  it('PX-26, CF-17: carries messages both ways, with the token and none of the cookies', async () => {
    const page = await openSocket(twins.first, '/api/live/room?x=1', { browser: alice, protocols: ['chat', 'other'] });

    page.socket.send('hello');
    await eventually(() => page.received.includes('hello'));

    expect(page.socket.protocol).toBe('chat');
    expect(upstream.last.target).toBe('/live/room?x=1');
    expect(fieldsOf().get('authorization')).toMatch(/^Bearer ./);
    for (const name of ['cookie', 'origin', 'referer']) expect(fieldsOf().has(name)).toBe(false);
    page.socket.close(1000);
    await eventually(() => page.closeCode() === 1000 && upstream.openSockets === 0);
  });

  it('RF-01: waits for a new token where the old one has expired, and takes it along', async () => {
    const early = await openSocket(twins.first, '/api/live', { browser: alice });
    const old = fieldsOf().get('authorization');
    const again = await openSocket(twins.first, '/api/live', { browser: alice });
    expect(fieldsOf().get('authorization')).toBe(old); // as long as it is good
    expect(twins.hostile.hits('refresh')).toBe(0);
    twins.clock.advance(20 * 60_000);

    const page = await openSocket(twins.first, '/api/live', { browser: alice });

    expect(twins.hostile.hits('refresh')).toBe(1);
    expect(fieldsOf().get('authorization')).toMatch(/^Bearer ./);
    expect(fieldsOf().get('authorization')).not.toBe(old);
    for (const { socket } of [early, again, page]) socket.terminate();
    await eventually(() => upstream.openSockets === 0);
  });

  it('RF-01: is refused where no new token can be had, before the upstream is asked', async () => {
    twins.clock.advance(20 * 60_000);
    twins.hostile.script.refresh.fault = oauthFault('invalid_grant');

    const page = connectTo(twins.first, '/api/live', { browser: alice });

    await eventually(() => page.status() !== undefined);
    expect(page.status()).toBe(401);
    expect(upstream.requests).toEqual([]);
  });

  it('PX-26: that would rather be HTTP/2 is an ordinary call, and stays one', async () => {
    upstream.script = echo;
    const { first } = twins;
    const cookie = alice.cookieHeader(`${first.origin}/api/live`, { from: `${first.origin}/` }) ?? '';
    const { final } = await rawRequest(
      first.port,
      `GET /api/live HTTP/1.1\r\nHost: ${new URL(first.origin).host}\r\nCookie: ${cookie}\r\n` +
        'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n',
      { responses: 1 },
    );

    expect(final[0]?.status).toBe(200);
    for (const name of ['upgrade', 'http2-settings']) expect(fieldsOf().has(name)).toBe(false);
  });

  it.each([
    ['a foreign Origin', 403, '/api/live', { origin: 'https://evil.test' }],
    ['no Origin', 403, '/api/live', { origin: undefined }],
    ['another mode than that of a handshake', 403, '/api/live', { headers: { 'Sec-Fetch-Mode': 'cors' } }],
    ['a route that offers none', 404, '/api/plain', {}],
    ['a path without a route', 404, '/api/nowhere', {}],
    ['a scope that was not granted', 403, '/api/scoped', {}],
    ['a token in the query', 400, '/api/live?access_token=x', {}],
    ['a token that hides as a protocol', 400, '/api/live', { protocols: ['bearer', 'x'.repeat(65)] }],
  ])('CF-17, PX-26: is refused with %s, before the upstream is asked', async (_name, status, path, options) => {
    const connections = upstream.connections;

    const page = connectTo(twins.first, path, { browser: alice, ...options });

    await eventually(() => page.status() !== undefined);
    expect(page.status()).toBe(status);
    expect(upstream.connections).toBe(connections);
  });

  it.each([
    'http://169.254.169.254/latest',
    'ws://localhost/api/live',
    '//169.254.169.254/api/live',
    'api/live',
    '/api/live/../plain',
    '/api/live%2f..%2fplain',
  ])('PX-03, PX-26: is refused with the target %s, whoever asks', async (target) => {
    const connections = upstream.connections;
    const cookie = alice.cookieHeader(`${twins.first.origin}/api/live`, { from: `${twins.first.origin}/` });
    const lines = `Host: localhost\r\nOrigin: ${twins.first.origin}\r\nCookie: ${cookie}\r\n`;
    const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    const asking = (place: string) =>
      `GET ${place} HTTP/1.1\r\n${lines}Connection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n`;

    expect((await rawRequest(twins.first.port, asking(target))).final[0]?.status).toBe(400);
    expect(upstream.connections).toBe(connections);
    expect((await rawRequest(twins.first.port, asking('/api/live'))).text).toMatch(/^HTTP\/1\.1 101 /);
    upstream.dropConnections();
    await eventually(() => upstream.openSockets === 0);
  });

  it('CF-17: is refused without a session, unless the route is public', async () => {
    const page = connectTo(twins.first, '/api/live');
    await eventually(() => page.status() === 401);
    expect(upstream.requests).toEqual([]);

    const open = await openSocket(twins.first, '/api/public', {});
    expect(fieldsOf().has('authorization')).toBe(false);
    open.socket.terminate();
  });

  it('RFC 6455, 4.4: is told the version that is spoken here', async () => {
    const page = connectTo(twins.first, '/api/live', { browser: alice, version: 8 });

    await eventually(() => page.status() !== undefined);
    expect(page.status()).toBe(426);
  });
});

describe('an upstream', () => {
  it('PX-18: that answers otherwise is passed on without what speaks for our origin', async () => {
    upstream.script = () => ({
      status: 409,
      headers: [
        ['Set-Cookie', 'a=b'],
        ['X-Reason', 'full'],
      ],
      body: 'full',
    });

    const page = connectTo(twins.first, '/api/live', { browser: alice });

    await eventually(() => page.status() !== undefined);
    expect([page.status(), page.body()]).toEqual([409, 'full']);
    expect(page.headers()['x-reason']).toBe('full');
    expect(page.headers()['set-cookie']).toBeUndefined();
  });

  it.each([
    [
      'with another key',
      'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n',
    ],
    ['to another protocol', 'Upgrade: h2c\r\nConnection: Upgrade\r\n'],
    ['without a word', ''],
  ])('PX-26: that switches %s is taken for broken', async (_name, fields) => {
    upstream.script = () => ({ raw: `HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`, afterwards: 'keep' });

    const page = connectTo(twins.first, '/api/live', { browser: alice });

    await eventually(() => page.status() !== undefined);
    expect([502, 504]).toContain(page.status());
    await eventually(() => upstream.openSockets === 0);
  });
});

describe('the end of the session', () => {
  it.each([
    ['the same instance', 'first'],
    ['another instance', 'second'],
  ] as const)('LO-26: closes its WebSockets at %s with 4401, and both connections', async (_name, at) => {
    const page = await openSocket(twins[at], '/api/live', { browser: alice });

    await signOut(alice);

    await eventually(() => page.closeCode() !== undefined && upstream.openSockets === 0, 1_000);
    expect(page.closeCode()).toBe(4401);
  });

  it.each([
    ['the same instance', 'first'],
    ['another instance', 'second'],
  ] as const)('LO-26: during the handshake at %s leaves no WebSocket behind', async (_name, at) => {
    const accepting = speaking();
    upstream.script = async (request) => {
      await signOut(alice);
      return accepting(request);
    };

    const page = connectTo(twins[at], '/api/live', { browser: alice });

    await eventually(() => page.closeCode() !== undefined || page.status() !== undefined, 2_000);
    expect([4401, 401]).toContain(page.status() ?? page.closeCode());
    expect(upstream.requests).toHaveLength(1); // it had been asked already
    await eventually(() => upstream.openSockets === 0, 2_000);
  });

  it('LO-26: breaks a WebSocket in the middle of a frame', async () => {
    upstream.script = speaking((_socket, raw) => raw.write(Buffer.from([0x82, 0x7e, 0xff, 0xff, 1, 2, 3])));
    const page = await openSocket(twins.first, '/api/live', { browser: alice });

    await signOut(alice);

    await eventually(() => page.closeCode() !== undefined && upstream.openSockets === 0, 1_000);
    expect(page.closeCode()).toBe(1006);
  });
});

describe('bytes around the handshake', () => {
  it('PX-26: that came behind it reach the upstream as frames, and an end of one side ends both', async () => {
    const got: string[] = [];
    upstream.script = speaking((socket) => socket.on('message', (data) => got.push(String(data))));
    const { first } = twins;
    const cookie = alice.cookieHeader(`${first.origin}/api/live`, { from: `${first.origin}/` }) ?? '';
    await using raw = await openRaw(first.port);
    raw.write(
      `GET /api/live HTTP/1.1\r\nHost: ${new URL(first.origin).host}\r\nOrigin: ${first.origin}\r\nCookie: ${cookie}\r\n` +
        'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n' +
        Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]).toString('latin1'),
    );

    await eventually(() => got.includes('hi'));
    upstream.dropConnections();
    await eventually(() => raw.closed, 6_000);
    expect(got).toEqual(['hi']);
  });
});

describe('bounds', () => {
  it('PX-29: one session has no more than fifty, and another has its own', async () => {
    const pages = await Promise.all(
      Array.from({ length: 50 }, () => openSocket(twins.first, '/api/live', { browser: alice })),
    );
    const refused = connectTo(twins.first, '/api/live', { browser: alice });
    await eventually(() => refused.status() !== undefined);
    expect(refused.status()).toBe(429);

    const { browser: bob } = await twins.signIn('bob');
    pages.push(await openSocket(twins.first, '/api/live', { browser: bob }));
    for (const { socket } of pages) socket.terminate();
    await eventually(() => upstream.openSockets === 0);

    const again = await openSocket(twins.first, '/api/live', { browser: alice });
    again.socket.terminate();
    await eventually(() => upstream.openSockets === 0);
  });

  it('PX-30: a reader that takes nothing holds the upstream back', async () => {
    let sent = 0;
    const part = Buffer.alloc(1024 * 1024);
    let server: { readonly bufferedAmount: number } | undefined;
    upstream.script = speaking((socket) => {
      server = socket;
      for (; sent < 100; sent++) socket.send(part);
    });
    const page = connectTo(twins.first, '/api/live', { browser: alice });
    page.socket.on('upgrade', () => page.socket.pause());
    page.socket.on('open', () => page.socket.pause());

    await eventually(() => server !== undefined && page.socket.isPaused);
    // The sender's own buffer shrinks until the connections between are full, and then stands still.
    let last = Number.NaN;
    let still = 0;
    await eventually(() => {
      const now = server?.bufferedAmount ?? 0;
      still = now === last ? still + 1 : 0;
      last = now;
      return still > 40;
    });

    // What the proxy and the system between keep is small against what was sent.
    expect(last).toBeGreaterThan(64 * 1024 * 1024);
    page.socket.terminate();
    upstream.dropConnections();
    await eventually(() => upstream.openSockets === 0);
  });
});

describe('the end of the process', () => {
  it('sends 1001 to every WebSocket, and takes no more', async () => {
    const files = { 'rules.yaml': rulesFor(upstream.origin) };
    const other = await startTwins({ files, env: { RULES_FILE: 'rules.yaml', API_UPSTREAM: undefined } });
    const page = await openSocket(other.first, '/api/public', {});

    await other.close();

    await eventually(() => page.closeCode() !== undefined && upstream.openSockets === 0);
    expect(page.closeCode()).toBe(1001);
  });
});

describe('an upstream of WebSockets', () => {
  it('PX-31: is no longer asked once it failed, and the first that opens brings it back while it stays open', async () => {
    const get = () => alice.fetch(`${twins.second.origin}/api/plain`, { from: `${twins.second.origin}/` });
    upstream.script = () => ({ status: 503 });
    let page = connectTo(twins.second, '/api/live', { browser: alice });
    for (let at = 0; at < 40 && page.headers()['retry-after'] === undefined; at++) {
      page = connectTo(twins.second, '/api/live', { browser: alice });
      await eventually(() => page.status() !== undefined);
    }
    await eventually(() => page.body() !== '');
    expect(page.body()).toContain('upstream-failing');
    upstream.script = (request) => (request.target.startsWith('/live') ? speaking()(request) : { body: 'fine' });
    expect((await get()).json()).toMatchObject({ code: 'upstream-failing' });
    twins.clock.advance(5_000);

    const open = await openSocket(twins.second, '/api/live', { browser: alice });

    expect((await get()).status).toBe(200);
    expect(open.closeCode()).toBeUndefined();
    open.socket.terminate();
    await eventually(() => upstream.openSockets === 0);
  });
});
