/**
 * Attack: clients that leave, dawdle or send nonsense at whatever moment, before
 * upstreams that answer early, late, in pieces, not at all, or close meanwhile.
 * Connections are few, so each serves all of them. Nobody may get what is another's,
 * and nothing may be held for good.
 *
 * @module
 */

import { randomInt } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, pause, systemClock } from '../../src/base/clock.ts';
import { usualBreakerLimits } from '../../src/proxy/breaker.ts';
import { eventually } from '../support/eventually.ts';
import { type Hop, startHop } from '../support/hop.ts';

const seed = randomInt(2 ** 31);
let state = seed;
/** From 0 up to 1; the same row for the same seed. */
function random(): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
  return state / 2 ** 31;
}
const pick = <Value>(...values: readonly Value[]): Value => values[Math.floor(random() * values.length)] as Value; // not empty

/** Everything is over sooner, so that names are looked up and connections made all the time. */
const hasty: Clock = {
  now: () => systemClock.now(),
  elapsed: () => systemClock.elapsed() * 100,
  after: (ms, task) => systemClock.after(ms / 100, task),
};

/** One request that the upstream has read whole. */
interface Asked {
  readonly method: string;
  readonly id: string;
  readonly body: string;
}

const requestLine = /^(GET|HEAD|POST|PUT) \/(\d+) HTTP\/1\.1\r\n/;
const ok = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n';
const excess = `${ok}Content-Length: 4\r\n\r\nevil`;

/** Reads requests one after the other, in order, and notes what is none. */
class Connection {
  readonly #socket: Socket;
  readonly #faults: string[];
  #bytes = '';
  #isBusy = false;

  constructor(socket: Socket, faults: string[]) {
    this.#socket = socket;
    this.#faults = faults;
    socket
      .on('error', () => undefined)
      .on('data', (bytes) => {
        this.#bytes += bytes.toString('latin1');
        void this.#serve();
      });
  }

  async #serve(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let asked = this.#next(); asked !== undefined; asked = this.#next()) {
      if (asked.body.replaceAll(`[${asked.id}]`, '') !== '') this.#faults.push(`a body of another in ${asked.id}`);
      await this.#answer(asked);
    }
    this.#isBusy = false;
    if (random() < 0.2) await pause(systemClock, pick(0, 1, 10));
    if (random() < 0.5 && !this.#isBusy && this.#bytes === '') this.#socket.end();
  }

  /** The next request, once it is whole. */
  #next(): Asked | undefined {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const head = this.#bytes.slice(0, end);
    const [, method, id] = requestLine.exec(head) ?? [];
    if (method === undefined || id === undefined) {
      this.#faults.push(`no request: ${head.slice(0, 60)}`);
      this.#socket.destroy();
      return undefined;
    }
    const rest = this.#bytes.slice(end + 4);
    const body = bodyIn(head, rest);
    if (body === undefined) return undefined;
    this.#bytes = rest.slice(body.length);
    return { method, id, body: body.text };
  }

  async #answer({ method, id }: Asked): Promise<void> {
    await pause(systemClock, pick(0, 0, 0, 1, 5));
    const text = `of ${id}`.padEnd(pick(20, 20, 20_000, 150_000), '.');
    const body = method === 'HEAD' ? '' : text;
    const whole = `${ok}Content-Length: ${text.length}\r\n\r\n${body}`;
    const chunks = body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`;
    const socket = this.#socket;
    const ways: readonly (() => unknown)[] = [
      ...Array.from({ length: 6 }, () => () => socket.write(whole)),
      () => socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`),
      () => socket.write(`HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${whole}`),
      () => socket.end(`${ok}Connection: close\r\n\r\n${body}`),
      () => socket.end(whole),
      () => socket.end(whole.slice(0, -1)),
      () => socket.end('HTTP/1.1 103 Early Hints\r\n\r\n'),
      () => socket.destroy(),
      () => socket.write(`${ok}Content-Length: 20\r\n\r\n${method === 'HEAD' ? '' : text.slice(0, 20)}${excess}`),
      () => this.#drip(whole),
    ];
    await pick(...ways)();
  }

  async #drip(bytes: string): Promise<void> {
    const size = Math.ceil(bytes.length / 5);
    for (let at = 0; at < bytes.length; at += size) {
      this.#socket.write(bytes.slice(at, at + size));
      await pause(systemClock, 1);
    }
  }
}

function bodyIn(head: string, rest: string): { text: string; length: number } | undefined {
  if (/\r\ntransfer-encoding: chunked/i.test(head)) {
    const end = rest.indexOf('0\r\n\r\n');
    return end < 0 ? undefined : { text: rest.slice(0, end).replace(/[0-9a-f]+\r\n|\r\n/g, ''), length: end + 5 };
  }
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  return rest.length < length ? undefined : { text: rest.slice(0, length), length };
}

/** The answer in what a client got, if there was one and it is whole. */
function answerIn(got: string, method: string): { status: number; body: string } | undefined {
  const end = got.indexOf('\r\n\r\n');
  const [, digits] = /^HTTP\/1\.1 (\d{3})/.exec(got) ?? [];
  if (digits === undefined || end < 0) return undefined;
  const raw = got.slice(end + 4);
  const announced = /\r\ncontent-length: (\d+)/i.exec(got.slice(0, end))?.[1];
  const status = Number(digits);
  if (method === 'HEAD') return { status, body: '' };
  if (announced !== undefined) return raw.length < Number(announced) ? undefined : { status, body: raw };
  if (!/\r\ntransfer-encoding: chunked/i.test(got.slice(0, end)) || !raw.endsWith('0\r\n\r\n')) return undefined;
  return { status, body: raw.replace(/(?:^|\r\n)[0-9a-f]+(?=\r\n)/g, '') };
}

let upstream: Server;
let hop: Hop;
const upstreamSockets = new Set<Socket>();
const upstreamFaults: string[] = [];

beforeAll(async () => {
  upstream = createServer((socket) => {
    upstreamSockets.add(socket);
    socket.once('close', () => upstreamSockets.delete(socket));
    new Connection(socket, upstreamFaults);
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const resolve = async () => {
    await pause(systemClock, pick(0, 5, 20, 40));
    if (random() < 0.05) throw new Error('no such name');
    return ['127.0.0.1'];
  };
  const breaker = { ...usualBreakerLimits, leastCalls: Number.POSITIVE_INFINITY }; // it would refuse most of what comes
  hop = await startHop(origin(), {
    clock: hasty,
    limits: { resolve, connections: 3, mostConnections: 4, breaker, connectTimeoutMs: 50_000, longestWaitMs: 300_000 },
    routes: [{ timeoutMs: 300_000 }],
  });
});

afterAll(async () => {
  await hop.close();
  for (const socket of upstreamSockets) socket.destroy();
  upstream.close();
});

const origin = () => `http://service.test:${(upstream.address() as AddressInfo).port}`; // a TCP listener has such an address

/** What a client came to. */
interface Outcome {
  readonly id: number;
  readonly kind: 'answered' | 'left' | 'broken off' | 'hanging';
  readonly status: number;
  readonly body: string;
}

/** One client: one request, in pieces, and away. */
async function live(id: number): Promise<Outcome> {
  const method = pick('GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT');
  const socket = connect(hop.port, '127.0.0.1');
  let got = '';
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => undefined).on('data', (bytes) => (got += bytes.toString('latin1')));
  const patience = random() < 0.3 ? pick(0, 1, 5, 20, 40) : 3_000;
  let hasLeft = false;
  const cancel = systemClock.after(patience, () => {
    hasLeft = true;
    socket.destroy();
  });
  for (const piece of piecesOf(method, id)) {
    if (socket.destroyed) break;
    socket.write(piece);
    if (random() < 0.7) await pause(systemClock, pick(0, 1, 5, 20));
  }
  const isDone = () => socket.destroyed || answerIn(got, method) !== undefined;
  while (!isDone()) await pause(systemClock, 1);
  cancel();
  socket.destroy();
  await ended;
  const answer = answerIn(got, method);
  const kind = answer !== undefined ? 'answered' : !hasLeft ? 'broken off' : patience < 3_000 ? 'left' : 'hanging';
  return { id, kind, status: answer?.status ?? 0, body: answer?.body ?? '' };
}

function piecesOf(method: string, id: number): readonly string[] {
  const head = `${method} /api/${id} HTTP/1.1\r\nHost: localhost\r\n`;
  if (method === 'GET' || method === 'HEAD') return [`${head}\r\n`];
  const part = `[${id}]`;
  const parts = Array.from({ length: pick(0, 1, 3) }, () => part);
  if (random() < 0.5) return [`${head}Content-Length: ${part.length * parts.length}\r\n\r\n`, ...parts];
  const chunks = parts.map((each) => `${each.length.toString(16)}\r\n${each}\r\n`);
  return [
    `${head}Transfer-Encoding: chunked\r\n\r\n`,
    ...chunks,
    pick('0\r\n\r\n', '0\r\n\r\n', '0\r\n\r\n', 'zz\r\n'),
  ];
}

describe('connections that all share', () => {
  it('PX-14, PX-22, PX-29: give nobody what is another’s, and are all free in the end', {
    timeout: 60_000,
  }, async () => {
    const outcomes: Outcome[] = [];
    let next = 0;
    const client = async (): Promise<void> => {
      while (next < 3_000) outcomes.push(await live(next++));
    };
    await Promise.all(Array.from({ length: 12 }, client));

    const isWrong = ({ body, id }: Outcome) => (body.match(/of \d+|evil/g) ?? []).some((found) => found !== `of ${id}`);
    const wrong = outcomes.filter(isWrong).map(({ id, body }) => `${id} got ${body.slice(0, 20)}`);
    expect({ seed, wrong, upstreamFaults }).toEqual({ seed, wrong: [], upstreamFaults: [] });
    await eventually(() => expect(hop.upstreams.at(origin()).load).toMatchObject({ taken: 0, waiting: 0 }));
    expect(outcomes.filter(({ kind }) => kind === 'hanging')).toEqual([]);
    const served = outcomes.filter(({ status, body, id }) => status === 200 && body.startsWith(`of ${id}`));
    expect(served.length).toBeGreaterThan(outcomes.length / 4); // most others are HEAD, or were meant to fail
    expect(outcomes.filter(({ kind }) => kind === 'left').length).toBeGreaterThan(20);
  });
});
