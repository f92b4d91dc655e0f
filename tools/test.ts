/**
 * Runs the tests: `node tools/test.ts [deep] [what vitest shall be told]`.
 *
 * Brings Redis and a browser where they are missing, runs vitest, and closes with
 * what failed and one line that counts. `npm test` and `npm run test:deep` are this file.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, redisServer } from '../test/support/programs.ts';
import { ensurePrograms } from './install-programs.ts';
import { deepProjects, quickProjects } from './projects.ts';
import { closingLine, countOf, type Report, type RunEnd, withGate } from './test-count.ts';
import { type Failure, failureLines, failuresOf } from './test-failures.ts';

const root = join(import.meta.dirname, '..');

/** When a run counts as hanging: well beyond what it may take (15 and 30 minutes). */
const longestRunMs = { quick: 35 * 60_000, deep: 50 * 60_000 };

/** The same for the gate of the bench, which may take five minutes. */
const longestGateMs = 10 * 60_000;

const failedGate: Failure = { title: 'bench/gate.ts', message: 'its table and what it missed stand above' };

process.exitCode = await runTests(process.argv.slice(2));

async function runTests(given: readonly string[]): Promise<number> {
  const isDeep = given[0] === 'deep';
  const advice = ensurePrograms([redisServer, chromium]);
  if (advice !== undefined) {
    process.stderr.write(`${advice}\n`);
    return 1;
  }
  const end = await runVitest({
    projects: isDeep ? deepProjects : quickProjects,
    // Deep tests load the machine and measure: one file at a time, or they would measure each other.
    given: isDeep ? ['--no-file-parallelism', ...given.slice(1)] : given,
    limitMs: isDeep ? longestRunMs.deep : longestRunMs.quick,
  });
  const isGatePassed = isDeep && given.length === 1 ? await runGate() : undefined;
  const count = withGate(countOf(end), isGatePassed);
  const failures = [...failuresOf(end.report, root), ...(isGatePassed === false ? [failedGate] : [])];
  const closing = [...failureLines(failures), closingLine(count)];
  process.stdout.write(`\n${closing.join('\n')}\n`);
  return count.failed === 0 ? 0 : 1;
}

// The regression gate of the bench, after the tests: beside them it would measure them.
async function runGate(): Promise<boolean> {
  const child = spawn(process.execPath, [join(root, 'bench/gate.ts')], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const hang = setTimeout(() => child.kill('SIGKILL'), longestGateMs);
  const [exitCode]: (number | null)[] = await once(child, 'exit');
  clearTimeout(hang);
  return exitCode === 0;
}

interface Run {
  readonly projects: readonly string[];
  /** What vitest shall be told besides. */
  readonly given: readonly string[];
  readonly limitMs: number;
}

async function runVitest({ projects, given, limitMs }: Run): Promise<RunEnd> {
  const directory = mkdtempSync(join(tmpdir(), 'claimcheck-tests-'));
  const file = join(directory, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const parameters = ['run', ...projects.map((name) => `--project=${name}`), ...reporters, ...given];
  const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...parameters], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  // Ctrl-C reaches vitest as well; we stay to count what it finished.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const hang = setTimeout(() => {
    process.stderr.write(`\nThe tests hang: ended after ${limitMs / 60_000} minutes.\n`);
    child.kill('SIGKILL');
  }, limitMs);
  const [exitCode]: (number | null)[] = await once(child, 'exit');
  clearTimeout(hang);
  const report = reportIn(file);
  rmSync(directory, { recursive: true });
  return { report, exitCode: exitCode ?? null };
}

function reportIn(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report; // written by vitest in the version of the lock file
  } catch {
    // No report, or half of one: the run did not live to its end, and is counted so.
    return undefined;
  }
}
