/**
 * Attack: requests are sent one behind the other without waiting, and the answer to
 * one that is not the first breaks off. The client must see that, and whoever shares
 * the connection must not wait for ever.
 *
 * @module
 */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Hop, startHop } from '../support/hop.ts';

const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ';
const large = 40_000;

let upstream: Server;
let hop: Hop;
/** Lets the first answer go; there once it was asked for. */
let release: (() => void) | undefined;

beforeAll(async () => {
  upstream = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .on('data', (bytes) => {
        const path = /^GET (\S+)/.exec(bytes.toString('latin1'))?.[1];
        if (path === '/first') release = () => socket.write(`${head}5\r\n\r\nfirst`);
        else if (path === '/broken') socket.end(`${head}100\r\n\r\nhalf`);
        else if (path === '/cut') socket.end(`${head}${large * 2}\r\n\r\n${'c'.repeat(large)}`);
        else socket.write(`${head}4\r\n\r\nlast`);
      });
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = upstream.address() as AddressInfo; // a TCP listener has such an address
  hop = await startHop(`http://127.0.0.1:${port}`);
});

afterAll(async () => {
  await hop.close();
  upstream.close();
});

/** What a client gets that sends all requests at once, and whether its connection has ended. */
function askAll(paths: readonly string[]) {
  release = undefined;
  const client = { got: '', hasEnded: false };
  const socket = connect(hop.port, '127.0.0.1');
  socket.on('error', () => undefined).on('data', (bytes) => (client.got += bytes.toString('latin1')));
  socket.once('close', () => (client.hasEnded = true));
  socket.write(paths.map((path) => `GET /api${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(''));
  return client;
}

describe('an answer behind another', () => {
  it('PX-29: waits for its turn, and all are served', async () => {
    const before = hop.requests.length;
    const client = askAll(['/first', '/last', '/last']);
    await eventually(() => hop.requests.length === before + 3 && release !== undefined);
    expect(client.got).toBe('');

    release?.();

    await eventually(() => expect(client.got.match(/first|last/g)).toEqual(['first', 'last', 'last']));
    expect(client.hasEnded).toBe(false);
  });

  it.each(['/broken', '/cut'])('PX-29: that breaks off ends the connection (%s)', async (path) => {
    const before = hop.requests.length;
    const client = askAll(['/first', path, '/last']);
    await eventually(() => hop.requests.length === before + 3 && release !== undefined);

    release?.();

    await eventually(() => expect(client.hasEnded).toBe(true));
    expect(client.got).not.toContain('last');
  });
});
