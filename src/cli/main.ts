#!/usr/bin/env node
/**
 * The program `claimcheck`: hands the process to a command. The only file of the
 * command line that touches the process.
 *
 * @module
 */

import { existsSync } from 'node:fs';
import { systemClock } from '../base/clock.ts';
import { filesOnDisk } from '../config/files.ts';
import { runCommand } from './commands.ts';

if (existsSync('.env')) process.loadEnvFile('.env');

process.exitCode = await runCommand(process.argv.slice(2), {
  env: process.env,
  files: filesOnDisk,
  clock: systemClock,
  nodeVersion: process.versions.node,
  write: (line) => void process.stdout.write(`${line}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
});
