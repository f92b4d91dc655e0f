/**
 * What failed in a test run, told once more at its end. Pure.
 *
 * A run prints thousands of lines, and whoever keeps its output may keep the end
 * alone: there it must be said which test failed, and why.
 *
 * @module
 */

import { isAbsolute, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { isBroken, type Report } from './test-count.ts';

/** The line that the failures follow; `.ci/run` looks for it. */
export const failuresHeading = 'The tests that failed:';

/** How many lines of a message are shown: the assertion, what was there instead, and where it was. */
const longestMessage = 20;

/** The runner's own frames of a stack say nothing of the test. */
const frameOfRunner = /^\s+at .*(?:\/node_modules\/|<anonymous>)/;

/** A test, or a file that could not be run, and what was said of it. */
export interface Failure {
  readonly title: string;
  readonly message: string;
}

/** What failed in the run, with the names of files from `root` on. */
export function failuresOf(report: Report | undefined, root: string): readonly Failure[] {
  return (report?.testResults ?? []).flatMap((file) => {
    const name = isAbsolute(file.name) ? relative(root, file.name) : file.name;
    if (isBroken(file)) return [{ title: name, message: file.message }];
    const failed = file.assertionResults.filter(({ status }) => status === 'failed');
    return failed.map((test) => ({ title: `${name}: ${test.fullName}`, message: test.failureMessages.join('\n') }));
  });
}

/** The lines that say it, each message cut after its beginning; none when nothing failed. */
export function failureLines(failures: readonly Failure[]): readonly string[] {
  if (failures.length === 0) return [];
  return [failuresHeading, ...failures.flatMap(({ title, message }) => [`- ${title}`, ...beginning(message)])];
}

function beginning(message: string): string[] {
  const lines = stripVTControlCharacters(message)
    .split('\n')
    .filter((line) => line.trim() !== '' && !frameOfRunner.test(line));
  return lines.slice(0, longestMessage).map((line) => `    ${line}`);
}
