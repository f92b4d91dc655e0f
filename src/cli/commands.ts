/**
 * The commands of `claimcheck`, and how one is chosen.
 *
 * @module
 */

import { parseArgs } from 'node:util';
import { askHealth } from './ask-health.ts';
import { checkConfig } from './check-config.ts';
import type { Command, CommandLine, Surface } from './command.ts';
import { doctor } from './doctor.ts';
import { explainRequest } from './explain.ts';
import { keys } from './keys.ts';
import { listRoutes } from './list-routes.ts';
import { printConfig } from './print-config.ts';
import { sessions } from './sessions.ts';
import { columnsOf } from './table.ts';

const help: Command = {
  summary: 'prints this list',
  run: ({ write }) => {
    write(usage());
    return 0;
  },
};

/** All commands by name. */
export const commands: ReadonlyMap<string, Command> = new Map([
  ['config', printConfig],
  ['check', checkConfig],
  ['doctor', doctor],
  ['routes', listRoutes],
  ['explain', explainRequest],
  ['health', askHealth],
  ['keys', keys],
  ['sessions', sessions],
  ['help', help],
]);

/** Runs the command that the arguments name, and resolves to the exit code; 2 when they name none. */
export async function runCommand(args: readonly string[], surface: Surface): Promise<number> {
  const chosen = commandIn(args);
  if (chosen !== undefined) return await chosen.command.run(surface, chosen.given);
  surface.complain(usage());
  return 2;
}

interface Chosen {
  readonly command: Command;
  readonly given: CommandLine;
}

function commandIn(args: readonly string[]): Chosen | undefined {
  const [first = '', ...more] = args;
  const taking = commands.get(first);
  if (taking?.takesArguments && !more.some((word) => word === '--help' || word === '-h')) {
    return { command: taking, given: { strict: false, args: more } };
  }
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch {
    return undefined; // an option that there is not: the list of commands answers it
  }
  const [name, ...words] = parsed.positionals;
  const { help: asksHelp, strict = false } = parsed.values;
  if (asksHelp) return { command: help, given: { strict, args: more } };
  const command = name === undefined ? undefined : commands.get(name);
  if (command === undefined || words.length > 0) return undefined;
  return strict && !command.takesStrict ? undefined : { command, given: { strict, args: more } };
}

function parse(args: readonly string[]) {
  const options = { help: { type: 'boolean', short: 'h' }, strict: { type: 'boolean' } } as const;
  return parseArgs({ args: [...args], options, allowPositionals: true });
}

function usage(): string {
  const rows = [...commands].map(([name, { summary }]) => [`  ${name}`, summary]);
  return [
    'claimcheck COMMAND',
    '',
    ...columnsOf(rows),
    '',
    'Settings come from the environment, and from .env in the working directory. `npm start` runs the server.',
  ].join('\n');
}
