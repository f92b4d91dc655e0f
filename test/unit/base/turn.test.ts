/**
 * The turns of the event loop, and what is done at their ends.
 *
 * @module
 */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { pause, systemClock } from '../../../src/base/clock.ts';
import { LoopTurn, type Task } from '../../../src/base/turn.ts';

/** How often sockets have been looked at since the process began. */
const looks = () => performance.nodeTiming.uvMetricsInfo.loopCount;

/** Runs `task` in the phase of the event loop that the name says. */
const phases: Readonly<Record<string, (task: () => void) => Promise<void>>> = {
  async 'a timer'(task) {
    await pause(systemClock, 1);
    task();
  },
  async 'the reading of a socket'(task) {
    const server = createServer((socket) => socket.end('x'));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1'); // a TCP listener has such an address
    socket.once('data', task);
    await once(socket, 'close');
    server.close();
  },
  'the end of a turn': (task) =>
    new Promise((resolve) => {
      setImmediate(() => {
        task();
        resolve();
      });
    }),
};

const taskOf = (run: () => void): Task => ({ run });

describe('LoopTurn', () => {
  it.each(Object.keys(phases))('PX-22: looks at the sockets once more before a task given in %s', async (phase) => {
    const turn = new LoopTurn();
    const seen: { given: number; done: number }[] = [];
    const give = () => {
      const given = looks();
      return taskOf(() => seen.push({ given, done: looks() }));
    };
    await phases[phase]?.(() => {
      // Others are about to be run already, and one of them gives another.
      turn.atEnd(taskOf(() => turn.atNextEnd(give())));
      turn.atNextEnd(give());
      turn.atEnd(taskOf(() => undefined));
    });
    while (seen.length < 2) await pause(systemClock, 1);

    expect(seen.filter(({ given, done }) => done <= given)).toEqual([]);
  });

  it('runs what it is given in its order, and what a task gives at the next end', async () => {
    const turn = new LoopTurn();
    const told: string[] = [];
    const tell = (word: string) => taskOf(() => told.push(word));
    turn.atNextEnd(tell('next end'));
    turn.atEnd(
      taskOf(() => {
        told.push('first');
        turn.atEnd(tell('given by the first'));
      }),
    );
    turn.atEnd(tell('second'));
    while (told.length < 4) await pause(systemClock, 1);

    expect(told).toEqual(['first', 'second', 'next end', 'given by the first']);
  });
});
