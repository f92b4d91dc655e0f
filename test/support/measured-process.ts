/**
 * Claimcheck in a process of its own, whose time is moved from here, and which tells
 * what it holds: for whether something is left behind by what goes wrong.
 *
 * @module
 */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createApp } from '../../src/app.ts';
import { Trail } from '../../src/audit/trail.ts';
import { filesOnDisk } from '../../src/config/files.ts';
import { loadConfig } from '../../src/config/load.ts';
import { endChild, startChild } from './children.ts';
import { ShiftedClock } from './shifted-clock.ts';

/** What a process holds. */
export interface Held {
  /** Bytes of objects and buffers that live, right after a collection. */
  readonly liveBytes: number;
  /** Bytes of resident memory. */
  readonly residentBytes: number;
  /** Open sockets of any kind. */
  readonly sockets: number;
}

/** A running process. */
export interface MeasuredProcess {
  readonly port: number;
  held(): Promise<Held>;
  /** Moves its clock on by `ms`; its timers run on as they were. */
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts one with these settings, and nothing else of our environment. */
export async function startMeasured(env: Readonly<Record<string, string>>): Promise<MeasuredProcess> {
  const child = await startChild([process.execPath, '--expose-gc', fileURLToPath(import.meta.url)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
  });
  const { port } = await told<{ readonly port: number }>(child);
  const ask = <Answer>(question: Question): Promise<Answer> => {
    const answer = told<Answer>(child);
    child.send(question);
    return answer;
  };
  return {
    port,
    held: () => ask({ kind: 'held' }),
    advance: (ms) => ask({ kind: 'advance', ms }),
    close: () => endChild(child),
  };
}

type Question = { readonly kind: 'held' } | { readonly kind: 'advance'; readonly ms: number };

async function told<Answer>(child: ChildProcess): Promise<Answer> {
  const [value] = (await once(child, 'message')) as [Answer]; // the program below answers each question with what belongs to it
  return value;
}

function held(): Held {
  // Twice: what the first finds unreachable may be what held a buffer.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  const open = readdirSync('/proc/self/fd').filter((descriptor) => linkOf(descriptor).startsWith('socket:'));
  return { liveBytes: heapUsed + external, residentBytes: rss, sockets: open.length };
}

function linkOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return ''; // the one the folder itself was read by
  }
}

async function run(): Promise<void> {
  const clock = new ShiftedClock();
  const trail = new Trail({ level: 'silent', stream: { write: () => undefined } });
  const app = createApp(loadConfig(process.env, filesOnDisk), { trail, clock });
  const { port } = await app.listen();
  await app.ready();
  process.on('message', (question: Question) => {
    if (question.kind === 'advance') clock.advance(question.ms);
    process.send?.(question.kind === 'held' ? held() : 'moved');
  });
  process.send?.({ port });
}

if (import.meta.main) await run();
