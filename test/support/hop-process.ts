/**
 * A hop in a process of its own, whose memory can be asked for.
 *
 * Run as a program with the origin of the upstream; tells its port, and its
 * resident memory in bytes each time it is asked.
 *
 * @module
 */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { endChild, startChild } from './children.ts';
import { startHop } from './hop.ts';

/** A running hop process. */
export interface HopProcess {
  readonly port: number;
  /** Resident memory now, in bytes. */
  memory(): Promise<number>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a hop before the upstream at `origin`. */
export async function startHopProcess(origin: string): Promise<HopProcess> {
  const child = await startChild([process.execPath, fileURLToPath(import.meta.url), origin], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const port = await told(child);
  const close = (): Promise<void> => endChild(child);
  return {
    port,
    memory: () => {
      const answer = told(child);
      child.send('memory');
      return answer;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function told(child: ChildProcess): Promise<number> {
  const [value] = (await once(child, 'message')) as [number]; // the program below sends numbers only
  return value;
}

async function run(origin: string): Promise<void> {
  const hop = await startHop(origin, { readerTimeoutMs: 60_000 });
  process.on('message', () => process.send?.(process.memoryUsage().rss));
  process.send?.(hop.port);
}

if (import.meta.main) await run(process.argv[2] ?? '');
