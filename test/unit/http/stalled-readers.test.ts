/**
 * Connections of which nothing is taken.
 *
 * @module
 */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StalledReaders } from '../../../src/http/stalled-readers.ts';
import { ManualClock } from '../../support/clock.ts';
import { eventually } from '../../support/eventually.ts';

const chunk = Buffer.alloc(64 * 1024);
const limitMs = 1_000;

let clock: ManualClock;
let ours: Socket;
let theirs: Socket;
let apart: Set<Socket>;
let stalled: StalledReaders;
let end: () => void;

beforeEach(async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  theirs = connect((server.address() as AddressInfo).port, '127.0.0.1'); // a TCP port
  [ours] = (await accepted) as [Socket]; // as Node documents the event
  ours.on('error', () => undefined);
  clock = new ManualClock();
  apart = new Set();
  stalled = new StalledReaders({ connections: [ours], apart, clock, limitMs });
  stalled.begin();
  end = () => {
    stalled.end();
    theirs.destroy();
    ours.destroy();
    server.close();
  };
});

afterEach(() => end());

const takenOf = (socket: Socket) => socket.bytesWritten - socket.writableLength;

/** Writes more than the system buffers for who does not read. */
async function fill(): Promise<void> {
  theirs.pause();
  for (let count = 0; count < 256; count++) ours.write(chunk);
  let before = -1;
  await eventually(() => {
    const isStill = takenOf(ours) === before;
    before = takenOf(ours);
    return isStill && ours.writableLength > 0;
  });
}

describe('StalledReaders', () => {
  it('ends a connection of which nothing was taken between two looks', async () => {
    await fill();
    await clock.advance(limitMs);
    expect(ours.destroyed).toBe(false);
    await clock.advance(limitMs);

    expect(ours.destroyed).toBe(true);
  });

  it('leaves alone one of which something was taken', async () => {
    await fill();
    for (let look = 0; look < 4; look++) {
      await clock.advance(limitMs);
      const before = takenOf(ours);
      theirs.resume();
      await eventually(() => takenOf(ours) > before);
      theirs.pause();
      for (let count = 0; count < 128; count++) ours.write(chunk);
    }

    expect([ours.destroyed, ours.writableLength > 0]).toEqual([false, true]);
  });

  it('leaves alone one for which nothing waits, and one that another looks after', async () => {
    await clock.advance(3 * limitMs);
    expect(ours.destroyed).toBe(false);

    apart.add(ours);
    await fill();
    await clock.advance(3 * limitMs);
    expect(ours.destroyed).toBe(false);
  });

  it('looks no more when it has ended', async () => {
    await fill();
    stalled.end();
    await clock.advance(3 * limitMs);

    expect(ours.destroyed).toBe(false);
  });
});
