/**
 * The answer on its way to the browser.
 *
 * @module
 */

import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { LoopTurn } from '../../../src/base/turn.ts';
import { AnswerStream } from '../../../src/proxy/answer-stream.ts';
import { ManualClock } from '../../support/clock.ts';
import { openRaw, type RawConnection } from '../../support/raw.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

class Events {
  readonly told: string[] = [];

  onDrain(): void {
    this.told.push('drain');
  }

  onUnwritable(): void {
    this.told.push('unwritable');
  }
}

async function start() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client: RawConnection = await openRaw((server.address() as AddressInfo).port); // a TCP listener has no other kind of address
  closing.push(() => {
    client.destroy();
    server.close();
  });
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse]; // as Node documents the event
  const clock = new ManualClock();
  const events = new Events();
  const answer = new AnswerStream(response, {
    limits: { clock, turn: new LoopTurn(), readerTimeoutMs: 1_000 },
    events,
  });
  return { client, response, clock, events, answer };
}

const head = (): string[] => ['content-type', 'text/plain'];

describe('AnswerStream', () => {
  it('PX-30: sends head, chunk and end in one piece when they come at once', async () => {
    const { client, answer } = await start();
    answer.open(200, head());
    answer.write(Buffer.from('whole'));
    answer.end();
    const { final } = await client.waitFor(({ final: [first] }) => first?.complete === true);

    expect(final[0]?.header('content-length')).toBe('5');
    expect(final[0]?.text()).toBe('whole');
  });

  it('PX-30: sends what it has when the tick is over', async () => {
    const { client, answer } = await start();
    answer.open(200, head());
    answer.write(Buffer.from('part'));
    const { text } = await client.waitFor((result) => result.text.includes('part'));
    expect(text).toContain('transfer-encoding: chunked'.replace('transfer-encoding', 'Transfer-Encoding'));

    answer.write(Buffer.from('rest'));
    answer.end();
    const { final } = await client.waitFor(({ final: [first] }) => first?.complete === true);
    expect(final[0]?.text()).toBe('partrest');
  });

  it('ER-03: sends nothing of what it was told to drop', async () => {
    const { client, answer, response } = await start();
    answer.open(200, head());
    answer.write(Buffer.from('secret'));
    answer.drop();
    expect(answer.hasBegun).toBe(false);
    response.writeHead(502, { 'Content-Length': 0 });
    response.end();
    const { text } = await client.waitFor(({ final: [first] }) => first?.complete === true);

    expect(text).toMatch(/^HTTP\/1\.1 502/);
    expect(text).not.toContain('secret');
  });

  it('ER-09: tells of a head that Node refuses, instead of throwing, and nothing has left', async () => {
    const { client, answer, events } = await start();
    answer.open(200, ['x-any', 'a\x01b']);
    answer.write(Buffer.from('x'));
    await new Promise((resolve) => setImmediate(resolve));

    expect(events.told).toEqual(['unwritable']);
    expect(answer.hasBegun).toBe(false);
    expect(client.received()).toBe('');
  });

  it('PX-30: asks for a pause when the reader has enough, and tells when it has taken it', async () => {
    const { client, answer, events, clock } = await start();
    answer.open(200, head());
    await new Promise((resolve) => setImmediate(resolve));
    client.stopReading();
    const chunk = Buffer.alloc(8 * 1024 * 1024);
    expect(answer.write(chunk)).toBe('full');
    client.readOn();
    await client.waitFor(() => events.told.length > 0);

    expect(events.told).toEqual(['drain']);
    expect(clock.pending).toBe(0);
  });

  it('PX-22: says of a large chunk that it is done with it once the socket has taken it whole, and keeps copies of small ones', async () => {
    const { client, answer } = await start();
    answer.open(200, head());
    const [small, large] = [Buffer.from('small'), Buffer.alloc(40_000, 'l')];

    expect(answer.write(small)).toBe('done');
    small.fill('X');
    expect(answer.write(large)).not.toBe('done');
    await new Promise((resolve) => setImmediate(resolve));
    const another = Buffer.alloc(40_000, 'a');
    expect(answer.write(another)).toBe('done');
    another.fill('X');
    answer.end();

    await client.waitFor(() => client.received().includes('a'.repeat(40_000)));
    expect(client.received()).toContain('small');
    expect(client.received()).toContain('l'.repeat(40_000));
  });

  it('PX-29: breaks the connection of a reader that takes nothing for too long', async () => {
    const { client, answer, response, clock } = await start();
    answer.open(200, head());
    await new Promise((resolve) => setImmediate(resolve));
    client.stopReading();
    answer.write(Buffer.alloc(8 * 1024 * 1024));
    await clock.advance(999);
    expect(response.destroyed).toBe(false);
    await clock.advance(1);

    expect(response.destroyed).toBe(true);
  });
});
