/**
 * Takes each guard away in turn and lists the tests that stay green:
 * `node tools/mutate.ts [part of a name …]`.
 *
 * Fails when a fault goes unnoticed, when its place is gone, or when its tests
 * fail without it.
 *
 * @module
 */

import { join } from 'node:path';
import { type Fate, runVitest, tryMutation } from './mutation-run.ts';
import { mutations } from './mutations.ts';

const root = join(import.meta.dirname, '..');
const wanted = process.argv.slice(2);
const chosen = mutations.filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));

const seenToPass = new Set<string>();

let noticed = 0;
for (const mutation of chosen) {
  const fate = await tryMutation(mutation, { root, runTests: runVitest, seenToPass });
  if (fate.kind === 'noticed') noticed++;
  process.stdout.write(`${fate.kind.padEnd(9)} ${mutation.name}${detailOf(fate)}\n`);
  if (fate.kind === 'survived') process.stdout.write(`          stayed green: ${mutation.noticedBy.join(', ')}\n`);
}

process.stdout.write(`\n${noticed} of ${chosen.length} faults noticed\n`);
if (noticed < chosen.length || chosen.length === 0) process.exitCode = 1;

function detailOf(fate: Fate): string {
  return 'reason' in fate ? `: ${fate.reason}` : '';
}
