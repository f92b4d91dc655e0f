/**
 * Child processes that never outlive the test that started them.
 *
 * Three nets: the test stops its child; end-children.ts stops what is left after
 * each test file; and a watcher of a few lines of shell kills the rest when this
 * process dies without a word. Each by process id, never by name.
 *
 * @module
 */

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { within } from './eventually.ts';

const running = new Set<ChildProcess>();
let watcher: ChildProcess | undefined;

/** Starts a program that is ended with this test file at the latest. Rejects when it cannot be started. */
export async function startChild(
  command: readonly [string, ...string[]],
  options: SpawnOptions = {},
): Promise<ChildProcess> {
  const [file, ...parameters] = command;
  const child = spawn(file, parameters, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  await once(child, 'spawn');
  running.add(child);
  watch('+', child);
  child.once('exit', () => {
    running.delete(child);
    watch('-', child);
  });
  return child;
}

/** Has the process ended? */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Asks the process to end (SIGTERM), and after `graceMs` makes it (SIGKILL). A frozen process is thawed first. */
export async function endChild(child: ChildProcess, graceMs = 5_000): Promise<void> {
  if (hasEnded(child)) return;
  child.kill('SIGCONT');
  child.kill('SIGTERM');
  const ended = once(child, 'exit');
  try {
    await within(graceMs, { work: ended, what: `the end of process ${child.pid}` });
  } catch {
    // It had its time. The exit is awaited below, so a failure to kill shows as a hang with a name.
    child.kill('SIGKILL');
    await within(5_000, { work: ended, what: `the end of process ${child.pid} after SIGKILL` });
  }
}

/** Makes the process end at once, as a crash would (SIGKILL). */
export async function killChild(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await within(5_000, { work: ended, what: `the end of process ${child.pid} after SIGKILL` });
}

/** Ends every process that is still running. */
export async function endAllChildren(): Promise<void> {
  await Promise.all([...running].map((child) => killChild(child)));
}

/** Tells the watcher of a process that began (`+`) or ended (`-`). */
function watch(sign: '+' | '-', child: ChildProcess): void {
  watcher ??= startWatcher();
  watcher.stdin?.write(`${sign} ${child.pid}\n`);
}

const watcherScript = `
pids=
while read -r sign pid; do
  next=
  for known in $pids; do [ "$known" = "$pid" ] || next="$next $known"; done
  pids=$next
  [ "$sign" = - ] || pids="$pids $pid"
done
[ -z "$pids" ] || kill -9 $pids
`;

/** Reads process ids until our end of the pipe closes, which it does however we die. */
function startWatcher(): ChildProcess {
  const child = spawn('/bin/sh', ['-c', watcherScript], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
  child.stdin?.on('error', () => {
    watcher = undefined;
  });
  return child;
}
