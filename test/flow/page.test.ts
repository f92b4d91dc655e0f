import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { openRaw, rawRequest } from '../support/raw.ts';
import { startWorld, type World } from '../support/world.ts';

const page = { accept: 'text/html' };

describe('the page from a folder', () => {
  let world: World;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'claimcheck-page-'));
    await mkdir(join(folder, 'assets'));
    await writeFile(join(folder, 'index.html'), '<!doctype html><title>shell</title>');
    await writeFile(join(folder, 'assets', 'app-3f9a1c7e.js'), 'export {};');
    await writeFile(join(folder, 'assets', 'app-3f9a1c7e.js.map'), '{}');
    await writeFile(join(folder, 'assets', 'naïve name.css'), 'a{}');
    await writeFile(join(folder, '.env'), 'SECRET=1');
    await symlink('/etc/passwd', join(folder, 'passwd.txt'));
    world = await startWorld({ env: { PUBLIC_DIR: folder } });
    await writeFile(join(folder, 'late.js'), 'late');
  });

  afterAll(async () => {
    await world.close();
    await rm(folder, { recursive: true });
  });

  const get = (path: string, headers: Record<string, string> = {}) => fetch(world.origin + path, { headers });

  it.each(['/', '/orders', '/orders/7?x=1', '/deep/er/route'])(
    'CB-21: gives the shell for %s, without a session',
    async (path) => {
      const answer = await get(path, page);

      expect(answer.status).toBe(200);
      expect(await answer.text()).toContain('<title>shell</title>');
      expect(answer.headers.getSetCookie()).toEqual([]);
    },
  );

  it.each([
    '/.env',
    '/.git/HEAD',
    '/package.json',
    '/passwd.txt',
    '/late.js',
    '/assets/app-3f9a1c7e.js.map',
    '/assets/missing.js',
    '/server.php',
  ])('TL-09: has no %s', async (path) => {
    expect((await get(path, page)).status).toBe(404);
    expect((await get('/assets/app-3f9a1c7e.js')).status).toBe(200);
  });

  it.each(['/assets/..%2f.env', '/assets/%2e%2e/.env', '/%00', '/assets//app-3f9a1c7e.js', '/assets\\x'])(
    'TL-09, PX-04: refuses %s',
    async (path) => {
      const { final } = await rawRequest(world.port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);

      expect(final[0]?.status).toBe(400);
    },
  );

  it('TL-09: lists no folder and does not answer a program that wants data with the shell', async () => {
    expect((await get('/assets/', { accept: '*/*' })).status).toBe(404);
    const data = await get('/orders', { accept: 'application/json' });
    expect(data.status).toBe(404);
    expect(data.headers.get('content-type')).toBe('application/problem+json');
    expect((await get('/orders', page)).status).toBe(200);
  });

  it('CK-11: lets only what never changes be kept, and revalidates the rest', async () => {
    const asset = await get('/assets/app-3f9a1c7e.js');
    const shell = await get('/', page);

    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(shell.headers.get('cache-control')).toBe('no-cache');
    const tag = `If-None-Match: ${shell.headers.get('etag')}`;
    const { final } = await rawRequest(world.port, `GET / HTTP/1.1\r\nHost: localhost\r\n${tag}\r\n\r\n`);
    expect(final[0]?.status).toBe(304);
  });

  it('serves names with spaces and accents', async () => {
    expect((await get(`/assets/${encodeURIComponent('naïve name.css')}`)).status).toBe(200);
  });

  it('PX-05, ER-05: takes GET and HEAD only', async () => {
    const head = await fetch(`${world.origin}/`, { method: 'HEAD', headers: page });
    const post = await fetch(`${world.origin}/`, { method: 'POST' });

    expect(head.status).toBe(200);
    expect(post.status).toBe(405);
    expect(post.headers.get('allow')).toBe('GET, HEAD');
  });

  it('CF-18, CF-19, TL-08: carries the headers that close it, and none that tells what it runs on', async () => {
    const { headers } = await get('/', page);

    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data:;font-src 'self';connect-src 'self';" +
        "manifest-src 'self';media-src 'self';worker-src 'self';object-src 'none';base-uri 'none';frame-ancestors 'none';" +
        `form-action 'self' ${world.provider.issuer}`,
    );
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(headers.get('referrer-policy')).toBe('same-origin');
    expect(headers.get('x-powered-by')).toBeNull();
    expect(headers.get('server')).toBeNull();
    expect(headers.get('strict-transport-security')).toBeNull(); // the world's origin is http on a loopback name
  });

  it('GW-13: has no operations routes', async () => {
    for (const path of ['/metrics', '/healthz', '/readyz']) expect((await get(path)).status).toBe(404);
    expect((await fetch(`${world.opsUrl}/readyz`)).status).toBe(200);
  });
});

describe('the page from another server', () => {
  let world: World;
  let server: Server;
  const seen: IncomingMessage[] = [];

  beforeAll(async () => {
    server = createServer((message, response) => {
      seen.push(message);
      response.writeHead(200, {
        'content-type': 'text/html',
        'set-cookie': ['claimcheck=evil; Path=/', 'other=1'],
        server: 'dev',
        'access-control-allow-origin': '*',
        'x-powered-by': 'dev',
      });
      response.end('<title>dev</title>');
    });
    server.on('upgrade', (message, socket) => {
      seen.push(message);
      const ours = 'Set-Cookie: claimcheck=evil; Path=/\r\nX-Powered-By: dev\r\nX-Kept: yes\r\n';
      if (message.url === '/hmr-refused') {
        socket.end(`HTTP/1.1 403 Forbidden\r\n${ours}Content-Length: 0\r\nConnection: close\r\n\r\n`);
        return;
      }
      const accept = createHash('sha1')
        .update(`${message.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${ours}\r\n`,
      );
      socket.on('data', (chunk: Buffer) => socket.write(chunk));
      socket.on('end', () => socket.end());
      socket.on('error', () => socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo; // it listens on TCP
    world = await startWorld({ env: { PAGE_UPSTREAM: `http://127.0.0.1:${port}`, PUBLIC_DIR: undefined } });
  });

  afterAll(async () => {
    await world.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const handshake = (origin: string, path = '/hmr') =>
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: claimcheck=secret\r\nOrigin: ${origin}\r\n\r\n`;

  it('CK-11, PX-18: passes the page on, without a cookie in either direction and without headers that speak for us', async () => {
    const answer = await fetch(`${world.origin}/`, {
      headers: { ...page, cookie: 'claimcheck=secret; mine=1', authorization: 'Bearer x' },
    });

    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe('<title>dev</title>');
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(answer.headers.get('x-powered-by')).toBeNull();
    expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(seen.at(-1)?.headers.cookie).toBeUndefined();
    expect(seen.at(-1)?.headers.authorization).toBeUndefined();
  });

  it('CF-17: carries hot reload over a WebSocket, from our own page only, without the cookie', async () => {
    await using raw = await openRaw(world.port);
    raw.write(handshake(world.origin));
    await eventually(() => raw.result().text.startsWith('HTTP/1.1 101'));
    raw.write('\x81\x02hi');
    await eventually(() => raw.result().text.endsWith('\x81\x02hi'));
    expect(seen.at(-1)?.headers.cookie).toBeUndefined();
    const before = seen.length;

    const foreign = await rawRequest(world.port, handshake('https://evil.test'));
    expect(foreign.final[0]?.status).toBe(403);
    const api = await rawRequest(world.port, handshake(world.origin, '/api/orders'));
    expect(api.final[0]?.status).toBe(404);
    expect(seen).toHaveLength(before);
  });

  it.each([
    ['an accepted', '/hmr', 'HTTP/1.1 101'],
    ['a refused', '/hmr-refused', 'HTTP/1.1 403'],
  ])('CK-11, PX-18: lets %s handshake set no cookie and say nothing in our name', async (_name, path, status) => {
    await using raw = await openRaw(world.port);
    raw.write(handshake(world.origin, path));
    await eventually(() => raw.result().text.includes('\r\n\r\n'));

    const head = raw.result().text.toLowerCase();
    expect(head).toMatch(new RegExp(`^${status.toLowerCase()}`));
    expect(head).toContain('x-kept: yes');
    expect(head).not.toContain('set-cookie');
    expect(head).not.toContain('x-powered-by');
  });

  it('PX-26: takes no other protocol', async () => {
    const upgrade =
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n';
    const { final } = await rawRequest(
      world.port,
      `GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n${upgrade}\r\n`,
    );

    expect(final[0]?.status).toBe(200);
    expect(seen.at(-1)?.headers.upgrade).toBeUndefined();
  });

  it('ER-08: answers 502 with a page when the server is away', async () => {
    const away = await startWorld({ env: { PAGE_UPSTREAM: 'http://127.0.0.1:9', PUBLIC_DIR: undefined } });
    const answer = await fetch(`${away.origin}/`, { headers: page });
    const body = await answer.text();
    await away.close();

    expect(answer.status).toBe(502);
    expect(answer.headers.get('x-error-source')).toBe('upstream');
    expect(body).toContain('The service did not answer');
    expect(body).not.toContain('127.0.0.1');
  });
});
