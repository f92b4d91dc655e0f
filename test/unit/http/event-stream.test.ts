import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EventStream, heartbeatMs } from '../../../src/http/event-stream.ts';
import { ReplyHeaders } from '../../../src/http/reply-headers.ts';
import { ManualClock } from '../../support/clock.ts';
import { eventually } from '../../support/eventually.ts';

let server: Server;
let clock: ManualClock;
let stream: EventStream;
let response: ServerResponse;
let reader: Socket;
let received: string;
let closes: number;
let readerEnded: boolean;

beforeEach(async () => {
  clock = new ManualClock();
  received = '';
  closes = 0;
  readerEnded = false;
  const opened = Promise.withResolvers<void>();
  server = createServer((message, answer) => {
    response = answer;
    const request = { method: message.method ?? '', response: answer, replyHeaders: new ReplyHeaders(['X-A', 'b']) };
    stream = new EventStream(request, { clock, onClosed: () => closes++ });
    opened.resolve();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  reader = connect((server.address() as AddressInfo).port, '127.0.0.1');
  reader.on('data', (chunk: Buffer) => {
    received += chunk.toString();
  });
  reader.on('close', () => {
    readerEnded = true;
  });
  reader.on('error', () => undefined); // a broken connection is what some of these tests are about
  reader.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await opened.promise;
});

afterEach(async () => {
  reader.destroy();
  await eventually(() => readerEnded);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

it('sends its head before there is anything to say', async () => {
  await eventually(() => received.includes('\r\n\r\n'));

  expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(received).toContain('X-A: b\r\n');
  expect(received).toContain('Content-Type: text/event-stream\r\n');
  expect(received).toContain('Cache-Control: no-store\r\n');
  expect(received).toContain('X-Accel-Buffering: no\r\n');
});

it('sends each event at once, on one line of data whatever is in it', async () => {
  stream.send('state', { text: 'a\nb\r\nc\u2028' });

  await eventually(() => expect(received).toContain('event: state\ndata: {"text":"a\\nb\\r\\nc\u2028"}\n\n'));
});

it('sends a comment each 15 s, and nothing in between', async () => {
  await eventually(() => received.includes('\r\n\r\n'));
  const beats = () => received.split(':\n\n').length - 1;

  await clock.advance(heartbeatMs - 1);
  expect(response.writableLength).toBe(0);
  expect(beats()).toBe(0);
  await clock.advance(1);
  await eventually(() => beats() === 1);
  await clock.advance(2 * heartbeatMs);
  await eventually(() => beats() === 3);
});

it('LO-26: ends when it is told to, and says nothing afterwards', async () => {
  stream.send('ended', {});
  stream.end();
  stream.send('state', {});
  stream.retryAfter(5);

  await eventually(() => readerEnded);
  expect(received).toMatch(/event: ended\ndata: \{\}\n\n\r\n0\r\n\r\n$/);
  expect(closes).toBe(1);
  expect(clock.pending).toBe(0); // no heartbeat goes on
});

it('lets go of everything when the reader leaves', async () => {
  reader.destroy();

  await eventually(() => closes === 1);
  expect(clock.pending).toBe(0);
  stream.send('state', {});
  stream.end();
  expect(closes).toBe(1);
});

// Until neither the reader's side nor ours takes any more.
async function fillBuffers(): Promise<void> {
  reader.pause();
  const event = { pad: 'x'.repeat(16 * 1024) };
  for (let waiting = 0; waiting < 3; waiting = response.writableLength > 0 ? waiting + 1 : 0) {
    if (response.writableLength === 0) stream.send('state', event);
    for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
  }
}

it('RL-10: cuts a reader that takes nothing, as soon as more than 64 KB wait for it', async () => {
  await fillBuffers();
  expect(response.destroyed).toBe(false);

  for (let count = 0; count < 8; count++) stream.send('state', { pad: 'x'.repeat(16 * 1024) });

  expect(response.destroyed).toBe(true);
  await eventually(() => closes === 1);
});

it('RL-10: cuts a reader for which the same waits from one heartbeat to the next', async () => {
  await fillBuffers();

  await clock.advance(heartbeatMs);
  expect(response.destroyed).toBe(false);
  await clock.advance(heartbeatMs);

  expect(response.destroyed).toBe(true);
  await eventually(() => closes === 1);
});

it('keeps a reader that is slow and takes something', async () => {
  await fillBuffers();

  await clock.advance(heartbeatMs);
  reader.resume();
  await eventually(() => response.writableLength === 0);
  await clock.advance(heartbeatMs);
  await clock.advance(heartbeatMs);

  expect(response.destroyed).toBe(false);
  await eventually(() => received.endsWith(':\n\n\r\n'));
});

it('LO-26: a reader that does not even take the end loses its connection', async () => {
  await fillBuffers();

  stream.end();
  expect(response.destroyed).toBe(false);
  await clock.advance(500);

  expect(response.destroyed).toBe(true);
  await eventually(() => closes === 1);
});
