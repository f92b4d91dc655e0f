/**
 * Applies a mutation to a copy of the project and runs the tests that ought to
 * notice.
 *
 * The copy lies in a directory of its own, so the tree that is worked in is never
 * touched; node_modules is linked into it.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Mutation } from './mutations.ts';

/** What became of a mutation. `stale`: its text, or one of its test files, is not there; `broken`: its tests fail without it too. */
export type Fate =
  | { readonly kind: 'noticed' | 'survived' }
  | { readonly kind: 'stale' | 'broken'; readonly reason: string };

/** Where things are. */
export interface Workshop {
  /** The project to copy. */
  readonly root: string;
  /** Runs test files in a copy; `true` when all pass. */
  readonly runTests: (directory: string, files: readonly string[]) => Promise<boolean>;
  /** Lists of tests that were seen to pass without a fault; added to, so that each list is tried once. */
  readonly seenToPass?: Set<string>;
  /** Where copies are made; the system's directory for such things unless told otherwise. */
  readonly temporary?: string;
}

/** The text with the fault in it. Throws when the place to change is missing or not the only one. */
export function mutated(text: string, { search, replace }: Pick<Mutation, 'search' | 'replace'>): string {
  const parts = text.split(search);
  if (parts.length !== 2) throw new Error(`its text stands ${parts.length - 1} times in the file, not once`);
  if (search === replace) throw new Error('it changes nothing');
  return parts.join(replace);
}

/** Tries one mutation. The copy is removed whatever happens. */
export async function tryMutation(mutation: Mutation, workshop: Workshop): Promise<Fate> {
  const { root, runTests, temporary = tmpdir() } = workshop;
  const missing = [mutation.file, ...mutation.noticedBy].filter((path) => !existsSync(join(root, path)));
  if (missing.length > 0 || mutation.noticedBy.length === 0)
    return { kind: 'stale', reason: `missing: ${missing.join(', ') || 'a test that ought to notice'}` };
  const directory = copyOf(root, temporary);
  try {
    const file = join(directory, mutation.file);
    const original = readFileSync(file, 'utf8');
    writeFileSync(file, mutated(original, mutation));
    if (await runTests(directory, mutation.noticedBy)) return { kind: 'survived' };
    // A test that fails anyway notices nothing: the same tests must pass on the same copy without the fault.
    writeFileSync(file, original);
    const passes = await passWithoutFault(directory, { files: mutation.noticedBy, workshop });
    return passes ? { kind: 'noticed' } : { kind: 'broken', reason: 'its tests fail without the fault as well' };
  } catch (error) {
    return { kind: 'stale', reason: error instanceof Error ? error.message : String(error) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function passWithoutFault(
  directory: string,
  { files, workshop }: { files: readonly string[]; workshop: Workshop },
): Promise<boolean> {
  const key = files.join('\n');
  if (workshop.seenToPass?.has(key)) return true;
  const passes = await workshop.runTests(directory, files);
  if (passes) workshop.seenToPass?.add(key);
  return passes;
}

/** Runs the files with vitest inside the copy, without its output. */
export async function runVitest(directory: string, files: readonly string[]): Promise<boolean> {
  const parameters = [join(directory, 'node_modules/vitest/vitest.mjs'), 'run', '--reporter=dot', '--bail=1', ...files];
  const child = spawn(process.execPath, parameters, { cwd: directory, stdio: 'ignore' });
  const [exitCode]: (number | null)[] = await once(child, 'close');
  return exitCode === 0;
}

const leftOut = ['node_modules', 'dist', '.git', 'coverage'];

function copyOf(root: string, temporary: string): string {
  const directory = mkdtempSync(join(temporary, 'claimcheck-mutation-'));
  cpSync(root, directory, {
    recursive: true,
    filter: (source) => source === root || !leftOut.includes(basename(source)),
  });
  if (existsSync(join(root, 'node_modules')))
    symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'), 'dir');
  return directory;
}
