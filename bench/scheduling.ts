/**
 * Lets no process interrupt another.
 *
 * A process that is woken takes the processor from the one that woke it, unless the
 * kernel is told that it can wait (`SCHED_BATCH`, sched(7)). Where callers and upstream
 * run on the two processors of those that are measured, two workers were interrupted
 * once for every third request, and one process, which has a processor to itself, hardly
 * ever: that is no cost of workers, but of the callers beside them.
 *
 * @module
 */

import { spawnSync } from 'node:child_process';

/**
 * Runs `work` so that neither we, nor the processes `pids`, nor those that are started
 * meanwhile interrupt others. Where `chrt` (util-linux) is not to be had they do as ever:
 * `isUninterrupted` says which it was.
 */
export async function uninterrupted<Result>(
  pids: readonly number[],
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly isUninterrupted: boolean }> {
  const all = [process.pid, ...pids];
  const isUninterrupted = all.every((pid) => schedule(pid, '--batch'));
  try {
    return { result: await work(), isUninterrupted };
  } finally {
    for (const pid of all) schedule(pid, '--other');
  }
}

function schedule(pid: number, policy: '--batch' | '--other'): boolean {
  return spawnSync('chrt', ['--all-tasks', policy, '--pid', '0', String(pid)]).status === 0;
}
