/**
 * The raw client, against a server of a few lines that writes what it is told.
 *
 * @module
 */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { openRaw, rawRequest } from '../../support/raw.ts';
import { readResponses } from '../../support/raw-responses.ts';

let server: Server | undefined;

async function serve(onConnection: (socket: Socket) => void): Promise<number> {
  server = createServer(onConnection).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP listener has no other kind of address
  return port;
}

const answering = (text: string, then: 'keep' | 'close' = 'keep') =>
  serve((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => (then === 'close' ? socket.end(text) : socket.write(text)));
  });

afterEach(() => server?.close());

const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

it('reads several answers of every framing from one connection', () => {
  const text =
    'HTTP/1.1 100 Continue\r\n\r\n' +
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n\r\nhi' +
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nT: 1\r\n\r\n' +
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n' +
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n' +
    'HTTP/1.1 200 OK\r\n\r\nuntil the end';
  const responses = readResponses(Buffer.from(text), { methods: ['GET', 'GET', 'GET', 'HEAD', 'GET'], ended: true });

  expect(responses.map(({ status, complete }) => [status, complete])).toEqual([
    [100, true],
    [200, true],
    [200, true],
    [304, true],
    [200, true],
    [200, true],
  ]);
  expect(responses.map((response) => response.text())).toEqual(['', 'hi', 'x', '', '', 'until the end']);
  expect(responses[1]?.all('set-cookie')).toEqual(['a=1', 'b=2']);
  expect(responses[1]?.headers).toContainEqual(['Set-Cookie', 'a=1']);
  expect(responses[2]?.trailers).toEqual([['T', '1']]);
});

it('tells an incomplete answer from a complete one', () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc';
  expect(readResponses(Buffer.from(head), { methods: ['GET'], ended: false })).toMatchObject([{ complete: false }]);
  expect(readResponses(Buffer.from(`${head}de`), { methods: ['GET'], ended: false })).toMatchObject([
    { complete: true },
  ]);
});

it('throws on bytes that are no answer', () => {
  const bytes = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\ngarbage\r\n\r\n');
  expect(() => readResponses(bytes, { methods: ['GET'], ended: true })).toThrow('not an answer: "garbage"');
});

it('sees an answer that nobody asked for', async () => {
  const port = await answering(
    'HTTP/1.1 200 A\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 B\r\nContent-Length: 0\r\n\r\n',
  );
  const { final, closed } = await rawRequest(port, get);

  expect(final.map(({ reason }) => reason)).toEqual(['A', 'B']);
  expect(closed).toBe(false);
});

it('knows of HEAD from the bytes it sent', async () => {
  const port = await answering('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n');
  const { final } = await rawRequest(port, 'HEAD / HTTP/1.1\r\nHost: x\r\n\r\n', { responses: 1 });

  expect(final).toMatchObject([{ status: 200, complete: true }]);
});

it('tells that the server closed, and gives up in time when it says nothing', async () => {
  expect(await rawRequest(await answering('', 'close'), get)).toMatchObject({ text: '', closed: true });
  server?.close();
  const silent = await serve((socket) => socket.on('error', () => socket.destroy()));
  expect(await rawRequest(silent, get, { timeoutMs: 60 })).toMatchObject({ text: '', closed: false });
});

it('writes step by step, reads when it likes, and can break the connection', async () => {
  const seen: string[] = [];
  let failure = '';
  const port = await serve((socket) => {
    socket.on('data', (chunk: Buffer) => seen.push(chunk.toString('latin1')));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      failure = error.code ?? '';
    });
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx');
  });
  using raw = await openRaw(port, { methods: ['GET'] });
  raw.stopReading();
  await raw.drip('GET', 2);
  raw.write('\xff');
  await expect.poll(() => seen.join('')).toBe('GET\xff');
  expect(raw.received()).toBe('');
  raw.readOn();
  await raw.waitFor(({ final }) => final.length === 1);
  raw.reset();
  await expect.poll(() => failure).toBe('ECONNRESET');
});
