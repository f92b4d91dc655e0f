/**
 * Starts the program of a peer and waits until it listens.
 *
 * @module
 */

import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { endChild, hasEnded, startChild } from '../../test/support/children.ts';
import { eventually } from '../../test/support/eventually.ts';
import type { Place } from '../place.ts';

/** What is run, and the port of 127.0.0.1 on which it will be reached. */
export interface ProgramStart {
  readonly command: readonly [string, ...string[]];
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** It runs. */
export interface RunningProgram {
  readonly pid: number;
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, '../..');

/**
 * Starts it. What it prints goes to a file, as the output of a service does, and
 * is shown when it does not come to listen.
 */
export async function startProgram(place: Place, { command, port, env = {} }: ProgramStart): Promise<RunningProgram> {
  const log = join(place.directory, `${port}.log`);
  const output = openSync(log, 'a');
  const child = await startChild(command, {
    cwd: root,
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...env },
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  await eventually(async () => hasEnded(child) || (await listens(port)), 20_000);
  if (hasEnded(child) || child.pid === undefined) {
    throw new Error(`${command.join(' ')} ended at once:\n${readFileSync(log, 'utf8').slice(-4_000)}`);
  }
  return { pid: child.pid, stop: () => endChild(child) };
}

function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  }).then((is) => {
    socket.destroy();
    return is === true;
  });
}
