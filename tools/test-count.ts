/**
 * Counts what a test run showed. Pure.
 *
 * A run may end badly without one failed test: a file that cannot be loaded, an
 * error nobody caught, a crash, or no test at all. Each of them counts here.
 *
 * @module
 */

/** How many tests did what. */
export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What it says of one file: `message` is what kept the file from being run, or empty. */
export interface FileReport {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly assertionResults: readonly TestReport[];
}

/** What it says of one test. */
export interface TestReport {
  readonly status: string;
  /** The names of what it stands in, and its own. */
  readonly fullName: string;
  readonly failureMessages: readonly string[];
}

/** What vitest's JSON report says, as far as it is read here. */
export interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly FileReport[];
}

/** The end of a run: its report, if it lived to write one, and its exit code (`null`: killed). */
export interface RunEnd {
  readonly report: Report | undefined;
  readonly exitCode: number | null;
}

/** Counts the tests. `failed` is at least 1 unless tests ran and everything about the run was well. */
export function countOf({ report, exitCode }: RunEnd): Count {
  if (!report) return { passed: 0, failed: 1, skipped: 0 };
  const failed = report.numFailedTests + report.testResults.filter(isBroken).length;
  const wasWell = exitCode === 0 && report.numPassedTests > 0;
  return {
    passed: report.numPassedTests,
    failed: wasWell ? failed : Math.max(1, failed),
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** Whether a file failed as a whole: it could not be loaded, or what it does around its tests failed. */
export function isBroken({ status, assertionResults }: FileReport): boolean {
  return status === 'failed' && !assertionResults.some((test) => test.status === 'failed');
}

/** The count with the bench's gate as one test more; `undefined` when it was not run. */
export function withGate(count: Count, isPassed: boolean | undefined): Count {
  if (isPassed === undefined) return count;
  return isPassed ? { ...count, passed: count.passed + 1 } : { ...count, failed: count.failed + 1 };
}

/** `12 passed, 0 failed`, and the skipped ones when there are any. */
export function closingLine({ passed, failed, skipped }: Count): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
