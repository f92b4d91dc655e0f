/**
 * What `claimcheck doctor` says: one line for each thing it looked at.
 *
 * A line names the setting or the place, what is so, and what to do. It never
 * repeats a secret: whoever makes a finding puts names and words of closed sets
 * into it, and public addresses.
 *
 * @module
 */

/** `fail` must be mended, `warn` may be meant, `skip` could not be looked at. */
export type Verdict = 'ok' | 'warn' | 'fail' | 'skip';

/** One line. */
export interface Finding {
  readonly verdict: Verdict;
  /** What was looked at: `metadata`, `redis`, `redirect URI` … */
  readonly subject: string;
  /** What is so; for everything but `ok` also what to do. */
  readonly text: string;
}

/** All is well with `subject`. */
export function ok(subject: string, text: string): Finding {
  return { verdict: 'ok', subject, text };
}

/** May be meant, and should be known. */
export function warn(subject: string, text: string): Finding {
  return { verdict: 'warn', subject, text };
}

/** Must be mended. */
export function fail(subject: string, text: string): Finding {
  return { verdict: 'fail', subject, text };
}

/** Could not be looked at, and why. */
export function skip(subject: string, text: string): Finding {
  return { verdict: 'skip', subject, text };
}

/** The line of a finding. Columns stand below each other. */
export function lineOf({ verdict, subject, text }: Finding): string {
  return `${verdict.padEnd(4)}  ${subject.padEnd(14)}  ${text}`;
}
