/**
 * A run that failed says at its end what failed and why.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import type { Report } from '../../../tools/test-count.ts';
import { failureLines, failuresOf } from '../../../tools/test-failures.ts';

const runner = '\n    at run (file:///project/node_modules/vitest/run.js:1:2)\n    at new Promise (<anonymous>)';
const passed = { status: 'passed', fullName: 'is served', failureMessages: [] };
const failed = {
  status: 'failed',
  fullName: 'a stranger is refused',
  failureMessages: [`\u001b[31mAssertionError\u001b[39m: expected 200 to be 401\n\n    at test/a.test.ts:7:1${runner}`],
};

function linesOf(...testResults: Report['testResults']): readonly string[] {
  const report: Report = { numPassedTests: 1, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0, testResults };
  return failureLines(failuresOf(report, '/project'));
}

describe('the end of a run', () => {
  it('names each failed test with its file, and what it said, without colours and the runner', () => {
    const file = { name: '/project/test/a.test.ts', status: 'failed', message: '', assertionResults: [passed, failed] };
    expect(linesOf(file)).toEqual([
      'The tests that failed:',
      '- test/a.test.ts: a stranger is refused',
      '    AssertionError: expected 200 to be 401',
      '        at test/a.test.ts:7:1',
    ]);
  });

  it('names a file that could not be run', () => {
    const file = { name: '/project/test/b.test.ts', status: 'failed', message: 'not found', assertionResults: [] };
    expect(linesOf(file)).toEqual(['The tests that failed:', '- test/b.test.ts', '    not found']);
  });

  it('shows only the beginning of a long message', () => {
    const long = { ...failed, failureMessages: [Array.from({ length: 500 }, (_, at) => `line ${at}`).join('\n')] };
    const lines = linesOf({ name: 'a.test.ts', status: 'failed', message: '', assertionResults: [long] });
    expect(lines).toHaveLength(22);
    expect(lines.at(-1)).toBe('    line 19');
  });

  it('says nothing when nothing failed, or there is no report', () => {
    expect(linesOf({ name: 'a.test.ts', status: 'passed', message: '', assertionResults: [passed] })).toEqual([]);
    expect(failureLines(failuresOf(undefined, '/project'))).toEqual([]);
  });
});
