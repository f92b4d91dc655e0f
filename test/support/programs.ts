/**
 * Where the programs of the operating system are that the tests need.
 *
 * @module
 */

import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program the tests use, the names it goes by, and the variable that names it outright. */
export interface Program {
  readonly names: readonly string[];
  /** Environment variable with a path; it wins over the search. */
  readonly variable: string;
  /** The package of Debian and Ubuntu that brings it. */
  readonly debianPackage: string;
}

/** The Redis server; Valkey does as well. */
export const redisServer: Program = {
  names: ['redis-server', 'valkey-server'],
  variable: 'REDIS_SERVER',
  debianPackage: 'redis-server',
};

/** A browser of the Chromium family. */
export const chromium: Program = {
  names: ['chromium', 'chromium-browser', 'google-chrome'],
  variable: 'CHROMIUM',
  debianPackage: 'chromium',
};

/** The path of the program, or `undefined` when this machine has none. A path in the variable is not searched further. */
export function find(program: Program, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = env[program.variable];
  if (named) return isExecutable(named) ? named : undefined;
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return program.names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

/** Like {@link find}, but throws and says what to install. */
export function mustFind(program: Program): string {
  const path = find(program);
  if (!path)
    throw new Error(
      `${program.names[0]} is not installed: apt-get install ${program.debianPackage}, or set ${program.variable}`,
    );
  return path;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Not there, or not ours to run: either way the search goes on.
    return false;
  }
}
