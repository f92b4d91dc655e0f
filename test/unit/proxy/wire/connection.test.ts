/**
 * Connections to an upstream that are used again, and those that must not be.
 *
 * @module
 */

import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import type { ProblemError } from '../../../../src/errors.ts';
import type { Pass } from '../../../../src/proxy/breaker.ts';
import { type Line, type Outgoing, type OutgoingOptions, Upstreams } from '../../../../src/proxy/upstreams.ts';
import { Connection, type Controller } from '../../../../src/proxy/wire/connection.ts';
import { ManualClock } from '../../../support/clock.ts';
import { eventually } from '../../../support/eventually.ts';

class Call implements Outgoing {
  readonly #options: Partial<OutgoingOptions>;
  line: Line | undefined;
  isOver = false;
  pass: Pass | undefined;
  readonly party = 'somebody';
  status = 0;
  body = '';
  error: Error | undefined;
  isStarted = false;
  controller: Controller | undefined;

  constructor(options: Partial<OutgoingOptions> = {}) {
    this.#options = options;
  }

  dispatchOptions(): OutgoingOptions {
    return { method: 'GET', path: '/x', headers: [], body: null, ...this.#options };
  }

  onLine(line: Line): void {
    this.line = line;
  }

  onRequestStart(controller: Controller): void {
    this.controller = controller;
    this.isStarted = true;
  }

  onResponseStart(_controller: unknown, status: number): void {
    this.status = status;
  }

  onResponseData(_controller: Controller, chunk: Buffer): boolean {
    this.body += chunk.toString();
    return true;
  }

  onResponseEnd(): void {
    this.isOver = true;
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.error = error;
    this.isOver = true;
  }

  onRefused(problem: ProblemError): void {
    this.onResponseError(undefined, problem);
  }

  onOverloaded(): void {
    this.onResponseError(undefined, new Error('overloaded'));
  }
}

/** Whether a request whose body is `half`, in chunks or none has come to its end. */
const isWhole = (request: string) => /\r\n\r\n(?:half|[\s\S]*\r\n0\r\n\r\n)?$/.test(request);
const answer = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const evil = answer('evil');

/** Two chunks, and the end. */
const halves = '2\r\nok\r\n2\r\nok\r\n0\r\n\r\n';

/** Runs `task` in a timer: sockets are read after it. */
function inTimer(task: () => void): Promise<void> {
  return new Promise((resolve) => {
    systemClock.after(1, () => {
      task();
      resolve();
    });
  });
}

/** Runs `task` in the phase of the event loop in which sockets are read. */
async function whileSocketsAreRead(task: () => void): Promise<void> {
  const echo = createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const socket = connect((echo.address() as AddressInfo).port, '127.0.0.1');
  socket.write('x');
  await new Promise<void>((resolve) => {
    socket.once('data', () => {
      task();
      resolve();
    });
  });
  socket.destroy();
  echo.close();
}

let server: Server;
let sockets: Socket[];
let upstreams: Upstreams;
/** What the upstream does with the head of a request. */
let script: (socket: Socket, head: string) => void;

beforeEach(async () => {
  sockets = [];
  script = (socket) => socket.write(answer('ok'));
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      if (bytes.includes('\r\n\r\n')) script(socket, bytes.toString());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  upstreams = new Upstreams(systemClock, { connections: 1, mostConnections: 1 });
});

afterEach(async () => {
  await upstreams.close();
  for (const socket of sockets) socket.destroy();
  server.close();
});

const place = () => upstreams.at(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);

async function sent(options: Partial<OutgoingOptions> = {}): Promise<Call> {
  const call = new Call(options);
  place().send(call);
  await eventually(() => call.isOver);
  return call;
}

describe('a connection', () => {
  it('PX-22: is used again', async () => {
    for (let round = 0; round < 3; round++) expect((await sent()).body).toBe('ok');

    expect(sockets).toHaveLength(1);
  });

  it('PX-22: is not used again when more came with an answer than was asked for', async () => {
    script = (socket) => socket.write(answer('ok') + evil);
    expect((await sent()).body).toBe('ok');
    script = (socket) => socket.write(answer('mine'));

    expect((await sent()).body).toBe('mine');
    expect(sockets).toHaveLength(2);
  });

  it.each<readonly [string, (task: () => void) => Promise<void>]>([
    ['in a timer', inTimer],
    ['while sockets are read', whileSocketsAreRead],
  ])(
    'PX-22: is not used again when something came that nobody asked for, however short before: %s',
    async (_when, doIt) => {
      await sent();
      script = (socket) => socket.write(answer('mine'));
      const next = new Call();
      await doIt(() => {
        sockets[0]?.write(evil); // lies at the other end before the call is given to the line
        place().send(next);
      });
      await eventually(() => next.isOver);

      expect([next.body, next.error]).toEqual(['mine', undefined]);
      expect(sockets).toHaveLength(2);
    },
  );

  it('PX-22: is not used again behind HEAD, whose answer may have a body all the same', async () => {
    script = (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
    expect((await sent({ method: 'HEAD' })).status).toBe(200);
    script = (socket) => socket.write(answer('ok'));

    expect((await sent()).body).toBe('ok');
    expect(sockets).toHaveLength(2);
  });

  it('PX-22: is not used again when the answer came before the body was sent', async () => {
    const body = new Readable({ read: () => undefined });
    body.push('half');
    script = (socket) => socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n');
    const call = await sent({ method: 'POST', headers: ['content-length', '8'], body });
    expect([call.status, body.destroyed]).toEqual([413, true]);
    script = (socket) => socket.write(answer('ok'));

    expect((await sent()).body).toBe('ok');
    expect(sockets).toHaveLength(2);
  });

  it('PX-22: is not used again when the upstream had not taken all of the body that was given to it', async () => {
    script = (socket) => {
      socket.pause();
      socket.write(answer('enough'));
      script = (next) => next.write(answer('ok'));
    };
    expect((await sent({ method: 'POST', body: Buffer.alloc(16 * 1024 * 1024) })).body).toBe('enough');

    expect((await sent()).body).toBe('ok');
    expect(sockets).toHaveLength(2);
  });

  it.each<readonly [string, (socket: Socket | undefined, told: () => void) => unknown]>([
    ['something came', (socket, told) => socket?.write(evil, told)],
    ['it was closed', (socket, told) => socket?.end(told)],
  ])('PX-22: is not used for a call that waits for it when %s while nothing was read', async (_what, happens) => {
    script = (socket) => socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${halves}`);
    const paused = new Call();
    paused.onResponseData = (controller: Controller) => {
      paused.onResponseData = () => true;
      controller.pause();
      return true;
    };
    const waiting = new Call({ method: 'POST' });
    place().send(paused);
    place().send(waiting);
    await eventually(() => paused.status === 200);
    await new Promise<void>((resolve) => happens(sockets[0], resolve));
    script = (socket) => socket.write(answer('mine'));
    await whileSocketsAreRead(() => paused.controller?.resume());
    await eventually(() => waiting.isOver);

    expect([waiting.body, waiting.error, sockets.length]).toEqual(['mine', undefined, 2]);
  });

  it('PX-22: fails both calls when it is given two at once', async () => {
    script = () => undefined;
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const told: string[] = [];
    const parts = { socket, host: 'h', maxHeadBytes: 1_000, onFree: () => told.push('free') };
    const connection = new Connection(parts);
    const events = (name: string) => ({
      onRequestStart: () => undefined,
      onResponseError: (_controller: unknown, error: Error) => told.push(`${name}: ${error.name}`),
    });
    const request = { method: 'GET', path: '/', headers: [], body: null };
    connection.send(request, events('first'));
    connection.send(request, events('second'));

    expect(told).toEqual(['first: WireError', 'free', 'second: WireError']);
    expect(connection.isOpen).toBe(false);
  });

  it('PX-29: is free again when its call leaves', async () => {
    script = () => undefined;
    const call = new Call();
    place().send(call);
    await eventually(() => call.isStarted);
    call.controller?.abort(new Error('left'));
    await eventually(() => place().load.taken === 0);
    script = (socket) => socket.write(answer('ok'));

    expect(call.error?.message).toBe('left');
    expect((await sent()).body).toBe('ok');
  });

  it('PX-14: is closed when it was idle for long, or for as long as the upstream said', async () => {
    const clock = new ManualClock();
    upstreams = new Upstreams(clock, { connections: 1, mostConnections: 1, idleTimeoutMs: 4_000 });
    const isClosed = () => sockets.at(-1)?.destroyed === true || sockets.at(-1)?.readableEnded === true;
    await sent();
    await clock.advance(3_000);
    expect(isClosed()).toBe(false);
    await clock.advance(2_000);
    await eventually(isClosed);

    script = (socket) => socket.write('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=2, max=9\r\nContent-Length: 0\r\n\r\n');
    await sent();
    expect(isClosed()).toBe(false);
    await clock.advance(2_000);
    await eventually(isClosed);
  });
});

describe('a body', () => {
  const bodyOf = (...chunks: string[]) => Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  const posted = async (options: Partial<OutgoingOptions>) => {
    let seen = '';
    script = (socket, head) => {
      seen = head;
      socket.on('data', (bytes) => (seen += bytes.toString()));
      void eventually(() => isWhole(seen)).then(
        () => socket.write(answer('ok')),
        () => undefined, // a call that failed sends no whole one
      );
    };
    const call = await sent({ method: 'POST', ...options });
    return { call, seen: seen.slice(seen.indexOf('\r\n') + 2) };
  };
  const head = () => `host: 127.0.0.1:${(server.address() as AddressInfo).port}\r\nconnection: keep-alive\r\n`;

  it('PX-30: of a length goes as it is', async () => {
    const { call, seen } = await posted({ headers: ['content-length', '4'], body: bodyOf('ha', 'lf') });
    expect([call.body, seen]).toEqual(['ok', `${head()}content-length: 4\r\n\r\nhalf`]);
  });

  it('PX-30: of no length goes in chunks', async () => {
    const { call, seen } = await posted({ body: bodyOf('hello', '', 'x'.repeat(20)) });
    const chunks = `5\r\nhello\r\n14\r\n${'x'.repeat(20)}\r\n0\r\n\r\n`;
    expect([call.body, seen]).toEqual(['ok', `${head()}transfer-encoding: chunked\r\n\r\n${chunks}`]);
  });

  it('PX-30: that is held whole goes with its length, and none with 0 where one is expected', async () => {
    expect((await posted({ body: Buffer.from('half') })).seen).toBe(`${head()}content-length: 4\r\n\r\nhalf`);
    expect((await posted({})).seen).toBe(`${head()}content-length: 0\r\n\r\n`);
    expect((await posted({ method: 'DELETE' })).seen).toBe(`${head()}\r\n`);
  });

  it.each([
    ['shorter', '5'],
    ['longer', '3'],
  ])('PX-30: that is %s than was said breaks the connection', async (_how, length) => {
    const { call } = await posted({ headers: ['content-length', length], body: bodyOf('ha', 'lf') });
    expect(call.error).toMatchObject({ code: 'WIRE_length-mismatch' });
    expect((await sent()).body).toBe('ok');
    expect(sockets).toHaveLength(2);
  });
});

describe('a request', () => {
  it.each([
    { path: '/a b' },
    { path: '/a\r\nx: y' },
    { path: 'x' },
    { method: 'GET ' },
    { headers: ['x y', 'z'] },
    { headers: ['x', 'a\r\ny: z'] },
    { headers: ['x', '\u0100'] },
    { headers: ['x', 'a\u010d\u010ay: z'] },
    { headers: ['x', 'a\0b'] },
  ])('PX-03: that would be two, or none, is never written: %j', async (options) => {
    const call = await sent(options);
    expect(call.error).toMatchObject({ code: 'WIRE_unwritable' });
    expect((await sent()).body).toBe('ok');
  });
});
