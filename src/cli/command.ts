/**
 * What a command of `claimcheck` is, and what it is handed: no command looks at the
 * process by itself.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import type { Environment } from '../config/environment.ts';
import type { Files } from '../config/files.ts';

/** What commands use. */
export interface Surface {
  readonly env: Environment;
  readonly files: Files;
  readonly clock: Clock;
  /** Of the Node that runs this, as `process.versions.node` has it. */
  readonly nodeVersion: string;
  /** As whom this runs: the system's name for the user, or the number where there is none. */
  readonly operator: string;
  /** Takes lines for standard output, without their line break. */
  readonly write: (line: string) => void;
  /** Takes lines for standard error. */
  readonly complain: (line: string) => void;
}

/** What stood behind the name of a command. */
export interface CommandLine {
  /** Whether `--strict` was given. */
  readonly strict: boolean;
  /** All of it as it was given. */
  readonly args: readonly string[];
}

/** One command. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  /** Whether it takes `--strict`. */
  readonly takesStrict?: boolean;
  /** Whether what stands behind its name is its own to read: `args`. */
  readonly takesArguments?: true;
  /** Does it, and resolves to the exit code: 0 when all is well. */
  readonly run: (surface: Surface, given: CommandLine) => Promise<number> | number;
}
