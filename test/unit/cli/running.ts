/**
 * Runs a command of `claimcheck` in this process and keeps what it writes.
 *
 * @module
 */

import type { Clock } from '../../../src/base/clock.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { runCommand } from '../../../src/cli/commands.ts';
import type { Environment } from '../../../src/config/environment.ts';
import type { Files } from '../../../src/config/files.ts';
import { filesWith, production } from '../config/settings.ts';

/** What a command did. */
export interface Ran {
  readonly code: number;
  readonly output: string;
  readonly complaints: string;
}

/** What a command is run with; by default settings without faults. */
export interface Around {
  readonly env?: Environment;
  readonly files?: Files;
  readonly clock?: Clock;
  readonly nodeVersion?: string;
}

/** Runs `claimcheck` with these arguments. */
export async function ranWith(
  args: readonly string[],
  { env = production, files = filesWith(), clock = systemClock, nodeVersion = process.versions.node }: Around = {},
): Promise<Ran> {
  const output: string[] = [];
  const complaints: string[] = [];
  const code = await runCommand(args, {
    env,
    files,
    clock,
    nodeVersion,
    operator: 'somebody',
    write: (line) => output.push(line),
    complain: (line) => complaints.push(line),
  });
  return { code, output: output.join('\n'), complaints: complaints.join('\n') };
}
