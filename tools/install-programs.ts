/**
 * Brings the programs that the tests need from the system's packages.
 *
 * Only on Debian and its children, and only where we may: as root, or where sudo
 * asks for no password. Everywhere else it says what to install.
 *
 * @module
 */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { find, type Program } from '../test/support/programs.ts';

/** What is known of the machine. */
export interface Machine {
  /** Contents of /etc/os-release; empty where there is none. */
  readonly osRelease: string;
  readonly hasAptGet: boolean;
  readonly isRoot: boolean;
  /** Does sudo work without a password? */
  readonly hasSudo: boolean;
}

/** What to do about missing programs: run these commands, or give up with a sentence. */
export type Plan = { readonly commands: readonly (readonly string[])[] } | { readonly advice: string };

/** Decides how the packages come onto the machine. */
export function planInstall(missing: readonly Program[], machine: Machine): Plan {
  const packages = missing.map(({ debianPackage }) => debianPackage);
  const isDebian = /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(machine.osRelease);
  if (!isDebian || !machine.hasAptGet || !(machine.isRoot || machine.hasSudo)) return { advice: adviceFor(missing) };
  const prefix = [...(machine.isRoot ? [] : ['sudo', '-n']), 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get'];
  return {
    commands: [
      [...prefix, 'update', '-q'],
      [...prefix, 'install', '-q', '-y', '--no-install-recommends', ...packages],
    ],
  };
}

/** Finds every program, installing what is missing. Gives one line that says what to install when it cannot. */
export function ensurePrograms(programs: readonly Program[]): string | undefined {
  const missing = programs.filter((program) => find(program) === undefined);
  if (missing.length === 0) return undefined;
  const plan = planInstall(missing, machineHere());
  if ('advice' in plan) return plan.advice;
  for (const [file = '', ...parameters] of plan.commands) {
    process.stdout.write(`installing: ${file} ${parameters.join(' ')}\n`);
    const { status } = spawnSync(file, parameters, { stdio: ['ignore', 'inherit', 'inherit'] });
    if (status !== 0) break;
  }
  const still = missing.filter((program) => find(program) === undefined);
  return still.length === 0 ? undefined : adviceFor(still);
}

function adviceFor(missing: readonly Program[]): string {
  const wishes = missing.map(
    ({ names, debianPackage, variable }) =>
      `${names[0]} (Debian package ${debianPackage}, or set ${variable} to its path)`,
  );
  return `The tests need what is not installed here: ${wishes.join('; ')}.`;
}

function machineHere(): Machine {
  return {
    osRelease: readOsRelease(),
    hasAptGet: succeeds('apt-get', '--version'),
    isRoot: process.getuid?.() === 0,
    hasSudo: succeeds('sudo', '-n', 'true'),
  };
}

function succeeds(file: string, ...parameters: readonly string[]): boolean {
  return spawnSync(file, parameters, { stdio: 'ignore' }).status === 0;
}

function readOsRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    // No such file: not a Debian.
    return '';
  }
}
