/**
 * Starts the upstream and the callers, each as a process of its own.
 *
 * @module
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LoadOrder, LoadResult } from './load-order.ts';

/** The service behind every peer, in a process of its own that ends with ours. */
export interface RunningUpstream {
  readonly port: number;
  readonly pid: number;
  stop(): void;
}

/** Starts it on a free port. */
export async function startUpstream(): Promise<RunningUpstream> {
  const child = forked('upstream-process.ts');
  const [message]: { port: number }[] = await once(child, 'message');
  if (message === undefined) throw new Error('the upstream named no port');
  if (child.pid === undefined) throw new Error('the upstream does not run');
  return { port: message.port, pid: child.pid, stop: () => child.disconnect() };
}

/** Sends load from a fresh process, and waits for what it tells. Throws when any answer was not a 200. */
export async function sendLoad(order: LoadOrder): Promise<LoadResult> {
  const child = forked('load-process.ts');
  child.send(order);
  const [result]: LoadResult[] = await once(child, 'message');
  child.disconnect();
  if (result === undefined || result.completed === 0 || Object.keys(result.failures).length > 0) {
    throw new Error(`requests failed: ${JSON.stringify(result?.failures)} beside ${result?.completed} that did not`);
  }
  return result;
}

function forked(file: string): ChildProcess {
  return fork(join(import.meta.dirname, file), { serialization: 'advanced' });
}
