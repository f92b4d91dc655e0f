/**
 * The closing line of a test run never says that all is well when it is not.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { closingLine, countOf, type Report } from '../../../tools/test-count.ts';

const passed = { status: 'passed', fullName: 'a test', failureMessages: [] };
const well: Report = {
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [{ name: 'a.test.ts', status: 'passed', message: '', assertionResults: [passed] }],
};
const broken = { name: 'b.test.ts', status: 'failed', message: 'not found', assertionResults: [] };

describe('the count of a run', () => {
  it.each([
    ['all well', { report: well, exitCode: 0 }, '3 passed, 0 failed'],
    ['a failed test', { report: { ...well, numFailedTests: 2 }, exitCode: 1 }, '3 passed, 2 failed'],
    [
      'skipped and planned ones',
      { report: { ...well, numPendingTests: 1, numTodoTests: 1 }, exitCode: 0 },
      '3 passed, 0 failed, 2 skipped',
    ],
    ['a file that cannot be loaded', { report: { ...well, testResults: [broken] }, exitCode: 1 }, '3 passed, 1 failed'],
    ['an error nobody caught', { report: well, exitCode: 1 }, '3 passed, 1 failed'],
    ['a run that was killed', { report: well, exitCode: null }, '3 passed, 1 failed'],
    ['a crash without a report', { report: undefined, exitCode: 139 }, '0 passed, 1 failed'],
    ['no report at all', { report: undefined, exitCode: 0 }, '0 passed, 1 failed'],
    [
      'no test executed',
      { report: { ...well, numPassedTests: 0, testResults: [] }, exitCode: 0 },
      '0 passed, 1 failed',
    ],
    [
      'everything skipped',
      { report: { ...well, numPassedTests: 0, numPendingTests: 3 }, exitCode: 0 },
      '0 passed, 1 failed, 3 skipped',
    ],
  ])('%s', (_case, end, line) => {
    expect(closingLine(countOf(end))).toBe(line);
  });
});
