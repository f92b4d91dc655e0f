/**
 * What a process and all its children have used, read from /proc (Linux).
 *
 * @module
 */

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** CPU in ms (user and system, ended children included) and memory in bytes. */
export interface Usage {
  readonly cpuMs: number;
  /** Resident memory, pages that are shared counted for each process. */
  readonly rssBytes: number;
}

/** The usage of the tree that `root` is the root of. */
export function usageOf(root: number): Usage {
  const all = readAll();
  const members = new Set([root]);
  for (let before = 0; before < members.size; ) {
    before = members.size;
    for (const { pid, parent } of all) if (members.has(parent)) members.add(pid);
  }
  const tree = all.filter(({ pid }) => members.has(pid));
  return {
    cpuMs: (tree.reduce((sum, { ticks }) => sum + ticks, 0) * 1000) / ticksPerSecond,
    rssBytes: tree.reduce((sum, { pages }) => sum + pages, 0) * 4096,
  };
}

interface Entry {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
  readonly pages: number;
}

function readAll(): readonly Entry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => entryOf(Number(name)) ?? []);
}

function entryOf(pid: number): Entry | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the name in brackets, which may hold anything: proc_pid_stat(5), counted from field 3.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [, parent = 0] = fields;
    const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
    return { pid, parent, ticks: utime + stime + cutime + cstime, pages: fields[21] ?? 0 };
  } catch {
    // It ended between the listing and the reading: its parent has its time now.
    return undefined;
  }
}
