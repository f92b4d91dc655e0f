/**
 * Attack: a client takes all but the last bytes of its answer, and the connection to
 * the upstream goes to somebody else, whose answer is read where these bytes were
 * read. Nobody may find another's bytes in the own answer.
 *
 * @module
 */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pause, systemClock } from '../../src/base/clock.ts';
import { eventually } from '../support/eventually.ts';
import { type Hop, startHop } from '../support/hop.ts';

/** More than is read at once, and several times that. */
const otherBytes = 300 * 1024;
/** More than any system holds for a client that reads nothing. */
const tooManyBytes = 64 * 1024 * 1024;
/** How long whoever gets no connection is waited for, ms. */
const patienceMs = 400;

/** Answers `GET /<letter>/<bytes>` with the letter, so many times. */
function lettersServer(): Server {
  return createServer((socket) => {
    let asked = '';
    socket
      .on('error', () => undefined)
      .on('data', (bytes) => {
        asked += bytes.toString('latin1');
        for (let end = asked.indexOf('\r\n\r\n'); end >= 0; end = asked.indexOf('\r\n\r\n')) {
          const [, letter = '', count = ''] = /^GET \/(\w)\/(\d+) /.exec(asked) ?? [];
          asked = asked.slice(end + 4);
          socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${count}\r\n\r\n`);
          socket.write(Buffer.alloc(Number(count), letter));
        }
      });
  });
}

let upstream: Server;
let hop: Hop;

beforeAll(async () => {
  upstream = lettersServer().listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = upstream.address() as AddressInfo; // a TCP listener has such an address
  hop = await startHop(`http://127.0.0.1:${port}`, { limits: { connections: 1, mostConnections: 1 } });
});

afterAll(async () => {
  await hop.close();
  upstream.close();
});

/** A client that has asked, and how much of the body has come. */
interface Client {
  readonly socket: Socket;
  readonly body: () => Buffer;
}

function ask(letter: string, count: number): Client {
  const socket = connect(hop.port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('error', () => undefined).on('data', (bytes: Buffer) => chunks.push(bytes));
  socket.write(`GET /api/${letter}/${count} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const body = () => {
    const all = Buffer.concat(chunks);
    const end = all.indexOf('\r\n\r\n');
    return end < 0 ? Buffer.alloc(0) : all.subarray(end + 4);
  };
  return { socket, body };
}

/** Whether all has come within the time. */
async function isWhole({ body }: Client, count: number, limitMs: number): Promise<boolean> {
  const until = systemClock.elapsed() + limitMs;
  while (body().length < count && systemClock.elapsed() < until) await pause(systemClock, 5);
  return body().length === count;
}

/** The letters in a text, each once. */
const lettersIn = (body: Buffer) => [...new Set(body.toString('latin1'))].join('');

type Round = 'all left' | 'last bytes waited' | 'connection was held';

/** One client that reads nothing at first, and another on the same connection to the upstream. */
async function round(bytes: number): Promise<Round> {
  const slow = ask('s', bytes);
  slow.socket.pause();
  const before = hop.requests.length;
  await eventually(() => hop.requests.length > before);
  const waiting = () => hop.requests[before]?.response.socket?.writableLength ?? 0;
  const other = ask('o', otherBytes);
  const wasServed = await isWhole(other, otherBytes, patienceMs);
  const result = !wasServed ? 'connection was held' : waiting() > 0 ? 'last bytes waited' : 'all left';
  slow.socket.resume();

  expect([await isWhole(slow, bytes, 20_000), lettersIn(slow.body())]).toEqual([true, 's']);
  expect([await isWhole(other, otherBytes, 20_000), lettersIn(other.body())]).toEqual([true, 'o']);
  for (const { socket } of [slow, other]) socket.destroy();
  return result;
}

describe('a connection to an upstream that goes from one client to the next', () => {
  it('PX-22: brings nobody the bytes of the other, though the last of the first still wait', {
    timeout: 60_000,
  }, async () => {
    const seen = new Map<Round, number>();
    let [least, most] = [0, tooManyBytes];
    for (let rounds = 0; rounds < 40 && (seen.get('last bytes waited') ?? 0) < 8; rounds++) {
      const bytes = Math.floor((least + most) / 2);
      const result = await round(bytes);
      seen.set(result, (seen.get(result) ?? 0) + 1);
      if (result === 'all left') least = bytes;
      else if (result === 'connection was held') most = bytes;
      if (most - least < 16 * 1024) [least, most] = [least * 0.9, most * 1.1]; // systems are not quite steady
    }

    expect(seen.get('last bytes waited')).toBeGreaterThanOrEqual(3);
  });
});
