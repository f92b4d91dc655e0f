/**
 * What the rules of this folder let pass, each with its reason and date.
 *
 * An entry that is no longer needed fails the test of its rule, so the list only
 * holds what is true.
 *
 * @module
 */

import type { Violation } from './source-files.ts';

/** One violation that stands. */
export interface Exception {
  readonly rule: string;
  /** The `subject` of the violation, whole. */
  readonly subject: string;
  readonly reason: string;
  /** When it was let pass, `2026-11-24`. */
  readonly since: string;
}

/** All of them. */
export const exceptions: readonly Exception[] = [
  {
    rule: 'module state',
    subject: 'src/base/random.ts#next',
    reason:
      'the place in a block of random bytes, so that 256 request ids cost one call of the generator; nothing depends on it',
    since: '2026-11-24',
  },
];

/** What a rule found, less what is let pass, and the entries that let nothing pass any more. */
export function judge(
  rule: string,
  violations: readonly Violation[],
  { allowed = exceptions }: { allowed?: readonly Exception[] } = {},
): readonly string[] {
  const own = allowed.filter((exception) => exception.rule === rule);
  const left = violations.filter(({ subject }) => !own.some((exception) => exception.subject === subject));
  const unneeded = own.filter(({ subject }) => !violations.some((violation) => violation.subject === subject));
  return [
    ...left.map(({ subject, text }) => `${subject}: ${text}`),
    ...unneeded.map(({ subject }) => `${subject}: this exception to "${rule}" is no longer needed`),
  ];
}
