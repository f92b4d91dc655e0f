#!/usr/bin/env node
/**
 * The program `claimcheck`: hands the process to a command. The only file of the
 * command line that touches the process.
 *
 * @module
 */

import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { systemClock } from '../base/clock.ts';
import { filesOnDisk } from '../config/files.ts';
import { runCommand } from './commands.ts';

if (existsSync('.env')) process.loadEnvFile('.env');

process.exitCode = await runCommand(process.argv.slice(2), {
  env: process.env,
  files: filesOnDisk,
  clock: systemClock,
  nodeVersion: process.versions.node,
  operator: operator(),
  write: (line) => void process.stdout.write(`${line}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
});

// In a container the number of the user need not have a name.
function operator(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
