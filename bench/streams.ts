/**
 * Many event streams at once: CPU for each event that reaches a reader.
 *
 * @module
 */

import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunningPeer } from './peers/peer.ts';
import { usageOf } from './process-tree.ts';
import { requestsFor } from './requests.ts';

/** What came of it. */
export interface FanOut {
  readonly events: number;
  /** Microseconds for each event. */
  readonly cpuUs: number;
}

/** Opens `count` streams for `durationMs`. Throws when one of them brings nothing. */
export async function fanOut(
  running: RunningPeer,
  { count, durationMs }: { readonly count: number; readonly durationMs: number },
): Promise<FanOut> {
  const requests = requestsFor({ method: 'GET', path: '/api/events' }, running);
  const received = new Array<number>(count).fill(0);
  const sockets = received.map((_, index) => {
    const socket = connect(running.port, '127.0.0.1');
    socket.on('data', (chunk: Buffer) => {
      received[index] = (received[index] ?? 0) + chunk.toString('latin1').split('data: ').length - 1;
    });
    socket.on('error', () => socket.destroy());
    socket.write(requests[index % requests.length] ?? '');
    return socket;
  });
  await pause(1_000);
  const sum = () => received.reduce((total, events) => total + events, 0);
  const before = { cpuMs: usageOf(running.pid).cpuMs, events: sum() };
  await pause(durationMs);
  const cpuMs = usageOf(running.pid).cpuMs - before.cpuMs;
  const events = sum() - before.events;
  for (const socket of sockets) socket.destroy();
  if (received.some((own) => own === 0)) throw new Error('a stream brought no event');
  return { events, cpuUs: (cpuMs * 1000) / events };
}
