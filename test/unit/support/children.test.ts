/**
 * Child processes of tests end, whatever becomes of the test.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { endAllChildren, endChild, hasEnded, startChild } from '../../support/children.ts';
import { eventually } from '../../support/eventually.ts';

const children = join(import.meta.dirname, '../../support/children.ts');

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    // ESRCH: there is no such process.
    return false;
  }
}

it('ends a child that does not want to', async () => {
  const child = await startChild(['/bin/sh', '-c', 'trap "" TERM; while :; do sleep 0.05; done']);
  expect(hasEnded(child)).toBe(false);
  await endChild(child, 200);
  expect(child.signalCode).toBe('SIGKILL');
});

it('ends a child that is frozen', async () => {
  const child = await startChild(['sleep', '60']);
  child.kill('SIGSTOP');
  await endChild(child);
  expect(hasEnded(child)).toBe(true);
});

it('ends all that is left', async () => {
  const left = [await startChild(['sleep', '60']), await startChild(['sleep', '60'])];
  await endAllChildren();
  expect(left.map(hasEnded)).toEqual([true, true]);
});

it('leaves no child behind when the test process itself is killed', async () => {
  const code = `const { startChild } = await import(${JSON.stringify(children)});
    const child = await startChild(['sleep', '60']); console.log(child.pid); await new Promise(() => setInterval(() => {}, 1000));`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line]: Buffer[] = await once(parent.stdout, 'data');
  const pid = Number(line);
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  await eventually(() => !isAlive(pid));
});
