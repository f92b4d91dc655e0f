/**
 * The commands of `claimcheck`, and how one is chosen.
 *
 * @module
 */

import { parseArgs } from 'node:util';
import { askHealth } from './ask-health.ts';
import { checkConfig } from './check-config.ts';
import type { Command, Surface } from './command.ts';
import { doctor } from './doctor.ts';
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
  ['health', askHealth],
  ['sessions', sessions],
  ['help', help],
]);

/** Runs the command that the arguments name, and resolves to the exit code; 2 when they name none. */
export async function runCommand(args: readonly string[], surface: Surface): Promise<number> {
  const [name, ...more] = args;
  const taking = name === undefined ? undefined : commands.get(name);
  if (taking?.takesArguments && !asksForHelp(more)) return await taking.run(surface, more);
  const command = commandIn(args);
  if (command !== undefined) return await command.run(surface);
  surface.complain(usage());
  return 2;
}

function asksForHelp(args: readonly string[]): boolean {
  return args.includes('--help') || args.includes('-h');
}

function commandIn(args: readonly string[]): Command | undefined {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch {
    return undefined; // an option that there is not: the list of commands answers it
  }
  const [name, ...more] = parsed.positionals;
  if (parsed.values.help) return help;
  return name === undefined || more.length > 0 ? undefined : commands.get(name);
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options: { help: { type: 'boolean', short: 'h' } }, allowPositionals: true });
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
