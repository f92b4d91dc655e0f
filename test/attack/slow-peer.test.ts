/**
 * Attack: a peer that is slow, silent or endless, to hold connections and memory.
 *
 * @module
 */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { startHop } from '../support/hop.ts';
import { startHopProcess } from '../support/hop-process.ts';
import { openRaw, rawRequest } from '../support/raw.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

const megabyte = 1024 * 1024;
const get = (path = '/api/x') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
const post = (lines: string) => `POST /api/x HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`;

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function upstreamOf(...parameters: Parameters<typeof startUpstream>): Promise<Upstream> {
  const upstream = await startUpstream(...parameters);
  closing.push(() => upstream.stop());
  return upstream;
}

async function hopBefore(upstream: { readonly origin: string }, options: Parameters<typeof startHop>[1] = {}) {
  const hop = await startHop(upstream.origin, options);
  closing.unshift(() => hop.close());
  return hop;
}

describe('a client that leaves', () => {
  it('PX-30: while the upstream thinks, ends the request there', async () => {
    const upstream = await upstreamOf(() => 'hang');
    const hop = await hopBefore(upstream);
    const client = await openRaw(hop.port);
    client.write(get());
    await eventually(() => upstream.begun.length === 1);
    client.reset();

    await eventually(() => expect(upstream.abortedRequests).toHaveLength(1), 1_000);
    await eventually(() => expect(upstream.openSockets).toBe(0), 1_000);
  });

  it('PX-30: in the middle of the answer, ends it there', async () => {
    const upstream = await upstreamOf(() => ({
      headers: [['Content-Type', 'text/plain']],
      chunks: (async function* () {
        for (;;) {
          yield 'x'.repeat(1_000);
          await new Promise((resolve) => setImmediate(resolve));
        }
      })(),
    }));
    const hop = await hopBefore(upstream);
    const client = await openRaw(hop.port);
    client.write(get());
    await client.waitFor(({ text }) => text.length > 5_000);
    client.destroy();

    await eventually(() => expect(upstream.openSockets).toBe(0), 1_000);
  });

  it('PX-30: in the middle of its body, ends the request there', async () => {
    const upstream = await upstreamOf();
    const hop = await hopBefore(upstream);
    const client = await openRaw(hop.port);
    client.write(`${post('Content-Length: 100\r\n')}only this`);
    await eventually(() => upstream.begun.length === 1);
    client.reset();

    await eventually(() => upstream.openSockets === 0, 1_000);
    expect(upstream.requests).toHaveLength(0);
    expect((await rawRequest(hop.port, get(), { responses: 1 })).final[0]?.status).toBe(200);
  });

  it('PX-30: while it waits for a connection, costs none', async () => {
    const upstream = await upstreamOf(({ target }) => (target === '/slow' ? 'hang' : { body: 'ok' }));
    const hop = await hopBefore(upstream, { limits: { connections: 1, mostConnections: 1 } });
    const slow = await openRaw(hop.port);
    slow.write(get('/api/slow'));
    await eventually(() => upstream.begun.length === 1);
    const waiting = await openRaw(hop.port);
    waiting.write(get('/api/left'));
    await eventually(() => hop.upstreams.at(upstream.origin).load.waiting === 1);
    waiting.destroy();
    await eventually(() => hop.upstreams.at(upstream.origin).load.waiting === 0, 1_000);
    slow.destroy();
    const next = await rawRequest(hop.port, get('/api/next'), { responses: 1 });

    expect(next.final[0]?.text()).toBe('ok');
    expect(upstream.begun.map(({ target }) => target)).toEqual(['/slow', '/next']);
  });
});

describe('a client that is slow', () => {
  it('PX-29: between two chunks of its body is answered 408, and the upstream let go', async () => {
    const upstream = await upstreamOf();
    const hop = await hopBefore(upstream, { routes: [{ timeoutMs: 200 }] });
    const client = await openRaw(hop.port);
    client.write(`${post('Content-Length: 100\r\n')}only this`);
    const { final } = await client.waitFor((result) => result.final.length === 1);

    expect(final[0]?.status).toBe(408);
    await eventually(() => upstream.openSockets === 0, 1_000);
    expect(upstream.requests).toHaveLength(0);
    client.destroy();
  });

  it('PX-29: but goes on is not cut off, however long it takes', async () => {
    const upstream = await upstreamOf();
    const hop = await hopBefore(upstream, { routes: [{ timeoutMs: 500 }] });
    const client = await openRaw(hop.port);
    client.write(post('Content-Length: 10\r\n'));
    await client.drip('0123456789', 80);
    const { final } = await client.waitFor((result) => result.final.length === 1);

    expect(final[0]?.status).toBe(200);
    expect(upstream.last.text()).toBe('0123456789');
    client.destroy();
  });

  it('PX-29: and takes nothing of its answer is cut off, and the upstream let go', async () => {
    const upstream = await upstreamOf(() => ({
      headers: [['Content-Type', 'text/plain']],
      body: Buffer.alloc(32 * megabyte),
    }));
    const hop = await hopBefore(upstream, { readerTimeoutMs: 300, routes: [{ timeoutMs: 1_000 }] });
    const client = await openRaw(hop.port);
    client.write(get());
    client.stopReading();
    await eventually(() => upstream.begun.length === 1);

    await eventually(() => upstream.openSockets === 0, 3_000);
    client.readOn();
    await eventually(() => client.closed);
    expect(client.bytes().length).toBeLessThan(32 * megabyte);
  });

  it.each([4, 40])(
    'PX-29: and takes none of many answers of %i KiB, which are whole, is cut off as well',
    async (kib) => {
      const upstream = await upstreamOf(() => ({
        headers: [['Content-Type', 'text/plain']],
        body: Buffer.alloc(kib * 1024, 'x'),
      }));
      const hop = await hopBefore(upstream, { readerTimeoutMs: 300 });
      const client = await openRaw(hop.port);
      client.stopReading();
      for (let sent = 0; sent < 16 * 1024; sent += 64 * kib) client.write(get().repeat(64)); // more than the system buffers
      const isStuck = () => hop.requests.some(({ response }) => response.writableLength > 0);
      await eventually(isStuck);

      await eventually(
        () => hop.requests.every(({ response }) => response.destroyed || response.writableFinished),
        3_000,
      );
      client.readOn();
      await eventually(() => client.closed);
      expect(client.bytes().length).toBeLessThan(16 * megabyte);
    },
  );

  it('RL-10: and takes none of many answers of ours is cut off as well', async () => {
    const hop = await hopBefore(await upstreamOf(), { readerTimeoutMs: 300 });
    const client = await openRaw(hop.port);
    client.stopReading();
    for (let sent = 0; sent < 20_000; sent += 500) client.write(get('/nothing').repeat(500));
    const held = () => hop.requests.filter(({ response }) => !response.closed).length;
    await eventually(() => held() > 0); // how many depends on what the buffers of the system hold

    await eventually(() => held() === 0, 3_000);
    client.readOn();
    await eventually(() => client.closed);
    expect(client.responses().length).toBeLessThan(20_000);
  });

  it('PX-29: and reads on in time gets all of it', async () => {
    const upstream = await upstreamOf(() => ({
      headers: [['Content-Type', 'text/plain']],
      body: Buffer.alloc(32 * megabyte, 'x'),
    }));
    const hop = await hopBefore(upstream, { routes: [{ timeoutMs: 500 }] });
    const client = await openRaw(hop.port);
    client.write(get());
    client.stopReading();
    await eventually(() => upstream.begun.length === 1);
    await eventually(() => client.quietForMs > 1_200);
    client.readOn();
    await eventually(() => client.bytes().length > 32 * megabyte, 20_000);

    expect(client.responses()[0]).toMatchObject({ status: 200, complete: true });
    client.destroy();
  });
});

describe('a body that is too large', () => {
  const limited = { routes: [{ maxBody: 1_000 }] };

  it('PX-28: by its length is 413 before anything is sent', async () => {
    const upstream = await upstreamOf();
    const hop = await hopBefore(upstream, limited);
    const { final } = await rawRequest(hop.port, post('Content-Length: 1001\r\n') + 'x'.repeat(1001), { responses: 1 });

    expect(final[0]?.status).toBe(413);
    expect(upstream.bytes).toHaveLength(0);
  });

  it('PX-28: by its length, announced with Expect, is 413 without a byte of it', async () => {
    const upstream = await upstreamOf();
    const hop = await hopBefore(upstream, limited);
    const { responses } = await rawRequest(hop.port, post('Content-Length: 1001\r\nExpect: 100-continue\r\n'), {
      responses: 1,
    });

    expect(responses.map(({ status }) => status)).toEqual([413]);
    expect(upstream.bytes).toHaveLength(0);
  });

  it('PX-28: in chunks is 413 as soon as it is, and the upstream never sees it whole', async () => {
    const upstream = await upstreamOf();
    const hop = await hopBefore(upstream, limited);
    const client = await openRaw(hop.port);
    client.write(post('Transfer-Encoding: chunked\r\n'));
    client.write(`1f4\r\n${'x'.repeat(500)}\r\n`);
    await eventually(() => upstream.begun.length === 1);
    client.write(`1f5\r\n${'x'.repeat(501)}\r\n`);
    const { final } = await client.waitFor((result) => result.final.length === 1);

    expect(final[0]?.status).toBe(413);
    await eventually(() => upstream.openSockets === 0, 1_000);
    expect(upstream.requests).toHaveLength(0);
    client.destroy();
  });

  it('PX-28: of exactly the limit passes, with a length and in chunks', async () => {
    const upstream = await upstreamOf();
    const hop = await hopBefore(upstream, limited);
    const known = await rawRequest(hop.port, post('Content-Length: 1000\r\n') + 'x'.repeat(1000), { responses: 1 });
    const chunked = await rawRequest(
      hop.port,
      `${post('Transfer-Encoding: chunked\r\n')}3e8\r\n${'x'.repeat(1000)}\r\n0\r\n\r\n`,
      { responses: 1 },
    );

    expect([known.final[0]?.status, chunked.final[0]?.status]).toEqual([200, 200]);
    expect(upstream.requests.map(({ body }) => body.length)).toEqual([1000, 1000]);
  });

  it('PX-28: a client that goes on sending after 413 finds its answer, and the connection works on', async () => {
    const upstream = await upstreamOf();
    const hop = await hopBefore(upstream, limited);
    const body = 'x'.repeat(300_000);
    const { final } = await rawRequest(hop.port, `${post(`Content-Length: ${body.length}\r\n`)}${body}${get()}`, {
      responses: 2,
    });

    expect(final.map(({ status }) => status)).toEqual([413, 200]);
  });
});

describe('many who wait', () => {
  it('PX-29: open streams do not keep others from a service', async () => {
    const upstream = await upstreamOf(({ target }) => (target === '/stream' ? 'hang' : { body: 'ok' }));
    const hop = await hopBefore(upstream, { limits: { connections: 2 } });
    const streams = await Promise.all([1, 2, 3, 4].map(() => openRaw(hop.port)));
    for (const stream of streams) stream.write(get('/api/stream'));
    const { final } = await rawRequest(hop.port, get(), { responses: 1, timeoutMs: 2_000 });

    expect(final[0]?.text()).toBe('ok');
    for (const stream of streams) stream.destroy();
  });

  it('PX-29, ER-05: what cannot be served is told so at once, with Retry-After', async () => {
    const upstream = await upstreamOf(() => 'hang');
    const hop = await hopBefore(upstream, { limits: { connections: 1, mostConnections: 1, mostWaiting: 1 } });
    const first = await openRaw(hop.port);
    first.write(get());
    const second = await openRaw(hop.port);
    await eventually(() => upstream.begun.length === 1);
    second.write(get());
    await eventually(() => hop.upstreams.at(upstream.origin).load.waiting === 1);
    const { final } = await rawRequest(hop.port, get(), { responses: 1 });

    expect(final[0]?.status).toBe(503);
    expect(final[0]?.header('retry-after')).toBe('1');
    expect(JSON.parse(final[0]?.text() ?? '')).toMatchObject({ code: 'overloaded' });
    for (const client of [first, second]) client.destroy();
  });

  it('PX-29: what has waited too long is told so', async () => {
    const upstream = await upstreamOf(() => 'hang');
    const hop = await hopBefore(upstream, { limits: { connections: 1, mostConnections: 1, longestWaitMs: 200 } });
    const first = await openRaw(hop.port);
    first.write(get());
    await eventually(() => upstream.begun.length === 1);
    const { final } = await rawRequest(hop.port, get(), { responses: 1 });

    expect(final[0]?.status).toBe(503);
    first.destroy();
  });
});

describe('a connection that dies', () => {
  const flaky = async (method: string, body = '') => {
    let dead = false;
    const upstream = await upstreamOf(() => {
      if (!dead) return { body: 'ok' };
      dead = false;
      return 'reset';
    });
    const hop = await hopBefore(upstream, { limits: { connections: 1 } });
    await rawRequest(hop.port, get(), { responses: 1 });
    dead = true;
    const lines = body === '' ? '' : `Content-Length: ${body.length}\r\n`;
    const bytes = `${method} /api/again HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n${body}`;
    const { final } = await rawRequest(hop.port, bytes, { responses: 1 });
    return {
      status: final[0]?.status,
      seen: upstream.begun.filter(({ target }) => target === '/again').length,
      upstream,
    };
  };

  it.each(['GET', 'HEAD'])('PX-14: %s on a reused connection is sent once more, on a fresh one', async (method) => {
    const { status, seen, upstream } = await flaky(method);

    expect(status).toBe(200);
    expect(seen).toBe(2);
    expect(upstream.connections).toBe(2);
  });

  it.each([
    ['POST', 'abc'],
    ['POST', ''],
    ['PUT', 'abc'],
    ['PUT', ''],
    ['PATCH', 'abc'],
    ['DELETE', ''],
  ])('PX-14: %s with the body "%s" is never sent twice', async (method, body) => {
    const { status, seen } = await flaky(method, body);

    expect(status).toBe(502);
    expect(seen).toBe(1);
  });

  it('PX-14: GET on a fresh connection is not sent again, nor a third time on a reused one', async () => {
    const always = await upstreamOf(() => 'reset');
    const hop = await hopBefore(always, { limits: { connections: 1 } });
    expect((await rawRequest(hop.port, get(), { responses: 1 })).final[0]?.status).toBe(502);
    expect(always.begun).toHaveLength(1);

    always.script = () => ({ body: 'ok' });
    await rawRequest(hop.port, get(), { responses: 1 });
    always.forget();
    always.script = () => 'reset';
    expect((await rawRequest(hop.port, get(), { responses: 1 })).final[0]?.status).toBe(502);
    expect(always.begun).toHaveLength(2);
  });

  it('PX-14: GET is not sent again once a byte of the answer has come', async () => {
    const upstream = await upstreamOf(() => ({ body: 'ok' }));
    const hop = await hopBefore(upstream, { limits: { connections: 1 } });
    await rawRequest(hop.port, get(), { responses: 1 });
    upstream.forget();
    upstream.script = () => ({ raw: 'HTTP/1.1 200 OK\r\nContent-', afterwards: 'reset' });
    const { final } = await rawRequest(hop.port, get(), { responses: 1 });

    expect(final[0]?.status).toBe(502);
    expect(upstream.begun).toHaveLength(1);
  });

  it('PX-14: an upstream that closes idle connections without a word costs no caller an answer', async () => {
    const upstream = await upstreamOf(() => ({ body: 'ok' }));
    const hop = await hopBefore(upstream, { limits: { connections: 1 } });
    for (let round = 0; round < 30; round++) {
      const { final } = await rawRequest(hop.port, get(), { responses: 1 });
      expect(final[0]?.status).toBe(200);
      upstream.dropConnections();
    }
  });
});

describe('bodies of 200 MB', () => {
  const total = 200 * megabyte;
  const piece = Buffer.alloc(64 * 1024, 'x');

  it('PX-30: a download with a reader that stalls does not grow the process', async () => {
    const source = await bareServer((socket) => {
      socket.on('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${total}\r\n\r\n`);
        pour(socket, { piece, total });
      });
    });
    await using hop = await startHopProcess(source.origin);
    const client = await countingClient(hop.port);
    client.socket.write(get());
    await watch(hop, () => client.received >= total); // once at full speed, so that what Node itself needs is there
    const before = await hop.memory();
    client.received = 0;
    client.socket.write(get());
    await eventually(() => client.received > 0);
    client.socket.pause();
    await eventually(() => source.quietForMs() > 500, 10_000);
    const sentWhileStalled = source.written() - total;
    const stalled = await hop.memory();
    client.socket.resume();
    const peak = await watch(hop, () => client.received >= total);

    expect(sentWhileStalled).toBeLessThan(total / 2);
    expect(stalled - before).toBeLessThan(64 * megabyte);
    expect(peak - before).toBeLessThan(64 * megabyte);
  }, 60_000);

  it('PX-30: an upload to a service that stalls does not grow the process, and arrives whole', async () => {
    const bytes = post(`Content-Length: ${total}\r\n`);
    const sink = { received: 0, stalls: false, resume: (): void => undefined };
    const target = await bareServer((socket) => {
      sink.resume = () => socket.resume();
      socket.on('data', (chunk) => {
        if (sink.received === 0 && sink.stalls) socket.pause();
        // The head is in the first piece and is not counted, or what is left of it would be taken for the next body.
        const head = sink.received === 0 ? chunk.indexOf('\r\n\r\n') : -1;
        sink.received += head < 0 ? chunk.length : chunk.length - head - 4;
        if (sink.received < total) return;
        sink.received = 0;
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok');
      });
    });
    await using hop = await startHopProcess(target.origin);
    const client = await countingClient(hop.port);
    client.socket.write(bytes);
    pour(client.socket, { piece, total });
    await watch(hop, () => client.text.endsWith('ok')); // once at full speed, as above
    const before = await hop.memory();
    client.text = '';
    sink.stalls = true;
    const poured = { written: 0, lastAt: performance.now() };
    client.socket.write(bytes);
    pour(client.socket, { piece, total, progress: poured });
    await eventually(() => poured.written > 0 && performance.now() - poured.lastAt > 500, 10_000);
    const stalled = await hop.memory();
    const sentWhileStalled = poured.written;
    sink.resume();
    const peak = await watch(hop, () => client.text.endsWith('ok'));

    expect(client.text).toMatch(/^HTTP\/1.1 200/);
    expect(sentWhileStalled).toBeLessThan(total / 2);
    expect(stalled - before).toBeLessThan(64 * megabyte);
    expect(peak - before).toBeLessThan(64 * megabyte);
  }, 60_000);
});

interface Pouring {
  readonly piece: Buffer;
  readonly total: number;
  readonly progress?: { written: number; lastAt: number };
}

/** Writes `total` bytes as fast as the other side takes them. */
function pour(socket: Socket, { piece, total, progress = { written: 0, lastAt: 0 } }: Pouring): void {
  const more = (): void => {
    while (progress.written < total) {
      const part = piece.subarray(0, total - progress.written);
      progress.written += part.length;
      progress.lastAt = performance.now();
      if (!socket.write(part)) return;
    }
    socket.off('drain', more);
  };
  socket.on('drain', more);
  more();
}

/** A server on bare sockets that keeps nothing of what it sends or gets. */
async function bareServer(serve: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const written = (): number =>
    [...sockets].reduce((sum, { bytesWritten, writableLength }) => sum + bytesWritten - writableLength, 0);
  let last = { written: 0, at: performance.now() };
  const { port } = server.address() as AddressInfo; // a TCP listener has no other kind of address
  return {
    origin: `http://127.0.0.1:${port}`,
    written,
    quietForMs: () => {
      if (written() !== last.written) last = { written: written(), at: performance.now() };
      return performance.now() - last.at;
    },
  };
}

/** A client that counts what it reads and keeps the last of it only. */
async function countingClient(port: number) {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  closing.push(() => {
    socket.destroy();
  });
  const client = { socket, received: 0, text: '' };
  socket.on('data', (chunk) => {
    client.received += chunk.length;
    client.text = (client.text + chunk.toString('latin1')).slice(-2_000);
  });
  return client;
}

/** The most memory that was seen until the condition held. */
async function watch(hop: { memory(): Promise<number> }, condition: () => boolean): Promise<number> {
  let peak = 0;
  await eventually(async () => {
    peak = Math.max(peak, await hop.memory());
    return condition();
  }, 40_000);
  return peak;
}
