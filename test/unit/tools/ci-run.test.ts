/**
 * `.ci/run` with an npm of a few lines: what it runs, and what it says at the end.
 *
 * @module
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'claimcheck-ci-'));
const script = join(import.meta.dirname, '../../../.ci/run');

/** What the stand-in for npm prints, and its exit code, for each of its commands. */
type Steps = Readonly<Record<'ci' | 'check' | 'test' | 'deep', readonly [output: string, code: number]>>;

const well: Steps = {
  ci: ['', 0],
  check: ['', 0],
  test: ['noise\n\n12 passed, 0 failed', 0],
  deep: ['3 passed, 0 failed, 1 skipped', 0],
};

function run(changes: Partial<Steps>) {
  const steps = { ...well, ...changes };
  const cases = { ci: 'ci', check: 'run check', test: 'test', deep: 'run test:deep' };
  const branches = Object.entries(cases).map(([name, command]) => {
    const [output, code] = steps[name as keyof Steps]; // the keys of both are the same four
    return `  "${command}"*) echo "${command}" >> ${folder}/calls; printf '%s\\n' '${output}'; exit ${code} ;;`;
  });
  writeFileSync(join(folder, 'npm'), `#!/bin/sh\ncase "$*" in\n${branches.join('\n')}\n  *) exit 99 ;;\nesac\n`, {
    mode: 0o755,
  });
  const { status, stdout } = spawnSync('bash', [script], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
  });
  return {
    status,
    stdout,
    last: stdout.trimEnd().split('\n').at(-1),
    calls: readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n'),
  };
}

beforeEach(() => rmSync(join(folder, 'calls'), { force: true }));
afterAll(() => rmSync(folder, { recursive: true }));

describe('.ci/run', () => {
  it('installs, checks, tests, tests deep, and ends with the sum', () => {
    const { stdout: _, ...outcome } = run({});
    expect(outcome).toEqual({
      status: 0,
      last: '15 passed, 0 failed, 1 skipped',
      calls: ['ci', 'run check', 'test', 'run test:deep'],
    });
  });

  it('says nothing of skipped tests when there are none', () => {
    expect(run({ deep: ['3 passed, 0 failed', 0] }).last).toBe('15 passed, 0 failed');
  });

  it.each([
    ['a failed test', { test: ['11 passed, 1 failed', 1] }, '14 passed, 1 failed, 1 skipped'],
    ['a failed deep test', { deep: ['2 passed, 2 failed', 1] }, '14 passed, 2 failed'],
    ['a failed check', { check: ['', 1] }, '15 passed, 1 failed, 1 skipped'],
    ['tests that died without a count', { test: ['Segmentation fault', 139] }, '3 passed, 1 failed, 1 skipped'],
    ['a count that hides a failure', { test: ['12 passed, 0 failed', 1] }, '15 passed, 1 failed, 1 skipped'],
  ] as const)('fails for %s, and runs the rest all the same', (_case, changes, last) => {
    const outcome = run(changes);
    expect(outcome).toMatchObject({ status: 1, last });
    expect(outcome.calls).toHaveLength(4);
  });

  it('tells at its end which tests failed and why, after all that came later', () => {
    const failures = ['The tests that failed:', '- test/a.test.ts: is refused', '    expected 200 to be 401'];
    const { stdout } = run({ test: [['noise', ...failures, '11 passed, 1 failed'].join('\n'), 1] });
    const end = ['-- failed: test', ...failures, 'failed: test', '14 passed, 1 failed, 1 skipped'];
    expect(stdout.trimEnd().split('\n').slice(-end.length)).toEqual(end);
  });

  it('tells the last lines of a step that failed in another way', () => {
    const { stdout } = run({ check: ['one.ts: unused', 1] });
    expect(stdout).toMatch(/-- failed: check\none\.ts: unused\nfailed: check\n.*1 failed.*\n$/);
  });

  it('fails when nothing can be installed, after three tries', () => {
    expect(run({ ci: ['', 1] })).toMatchObject({ status: 1, last: '0 passed, 1 failed', calls: ['ci', 'ci', 'ci'] });
  });
});
