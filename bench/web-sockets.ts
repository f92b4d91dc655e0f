/**
 * WebSockets that echo: CPU for each message that goes there and comes back.
 *
 * @module
 */

import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { RunningPeer } from './peers/peer.ts';
import { usageOf } from './process-tree.ts';

/** What came of it. */
export interface Echoes {
  readonly messages: number;
  /** Microseconds for each message, both ways together. */
  readonly cpuUs: number;
}

/** 100 characters, as a message of a chat or a cursor has them. */
const message = 'm'.repeat(100);

/** Opens `count` sockets, each of which sends its next message when the last came back. Throws when one brings nothing. */
export async function echo(
  { pid, port, callers }: RunningPeer,
  { count, durationMs }: { readonly count: number; readonly durationMs: number },
): Promise<Echoes> {
  const received = new Array<number>(count).fill(0);
  const origin = `http://localhost:${port}`;
  const sockets = await Promise.all(
    received.map(async (_, index) => {
      const cookie = callers[index % callers.length]?.cookie ?? '';
      const socket = new WebSocket(`ws://127.0.0.1:${port}/api/echo`, {
        origin,
        headers: { Host: `localhost:${port}`, Cookie: cookie },
        perMessageDeflate: false,
      });
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      socket.on('message', () => {
        received[index] = (received[index] ?? 0) + 1;
        socket.send(message);
      });
      socket.send(message);
      return socket;
    }),
  );
  await pause(1_000);
  const sum = () => received.reduce((total, own) => total + own, 0);
  const before = { cpuMs: usageOf(pid).cpuMs, messages: sum() };
  await pause(durationMs);
  const cpuMs = usageOf(pid).cpuMs - before.cpuMs;
  const messages = sum() - before.messages;
  for (const socket of sockets) socket.terminate();
  if (received.some((own) => own === 0)) throw new Error('a WebSocket brought no message');
  return { messages, cpuUs: (cpuMs * 1000) / messages };
}
