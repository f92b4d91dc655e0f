/**
 * The log as it leaves a process: whole lines, and all of them.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';

const program = new URL('./trail-writer.ts', import.meta.url).pathname;

/** Runs `script` in a shell, and gives the lines that came out of it. */
async function outputOf(script: string): Promise<readonly string[]> {
  const child = spawn('sh', ['-c', script, process.execPath, program], { stdio: ['ignore', 'pipe', 'ignore'] });
  const closed = once(child, 'close');
  let text = '';
  child.stdout.setEncoding('utf8');
  for await (const chunk of child.stdout) text += chunk;
  await closed;
  return text.split('\n').slice(0, -1);
}

function isWhole(line: string): boolean {
  try {
    return typeof JSON.parse(line) === 'object';
  } catch {
    return false;
  }
}

describe('Trail', () => {
  it('LG-13: keeps the lines whole of processes that write to one pipe', async () => {
    const one = '"$0" "$1" shared 3000';
    const several = `{ ${one} & ${one} & ${one} & wait; } | dd bs=4096`; // what Node gives a child is a socket and no pipe
    const lines = await outputOf(several);

    expect(lines.filter((line) => !isWhole(line))).toEqual([]);
    expect(lines).toHaveLength(9_000);
  }, 30_000);

  it('LG-13: loses no line when a mistake ends the process', async () => {
    expect(await outputOf('"$0" "$1" alone 3')).toHaveLength(3);
    expect(await outputOf('"$0" "$1" alone 3 crash')).toHaveLength(3);
  }, 30_000);
});
