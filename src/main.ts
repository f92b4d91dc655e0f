/**
 * Starts and stops the server: configuration, parts, two ports, signals.
 *
 * `npm start` runs this file. `demo/run.ts` and the tests call {@link start} with
 * an environment of their own.
 *
 * @module
 */

import { existsSync } from 'node:fs';
import { type App, createApp } from './app.ts';
import { Trail } from './audit/trail.ts';
import { systemClock } from './base/clock.ts';
import { ConfigError } from './config/faults.ts';
import { filesOnDisk } from './config/files.ts';
import { loadConfig } from './config/load.ts';

/** A running server. */
export interface Running {
  /** The address to open, with the port that was really opened. */
  readonly url: string;
  readonly opsUrl: string;
  /** Finishes what runs and closes everything. Safe to call twice. */
  close(): Promise<void>;
}

/** Starts a server from `env`. Rejects with a `ConfigError` that lists every fault, or with the reason a port cannot be had. */
export async function start(env: Readonly<Record<string, string | undefined>>): Promise<Running> {
  const config = loadConfig(env, filesOnDisk);
  const trail = new Trail({ level: config.logLevel });
  const app: App = createApp(config, { trail, clock: systemClock });
  const { port, operationsPort } = await app.listen();
  return {
    url: config.publicUrl.replace(/:0$/, `:${port}`),
    opsUrl: `http://${config.operations.host.includes(':') ? `[${config.operations.host}]` : config.operations.host}:${operationsPort}`,
    close: () => app.close(),
  };
}

async function run(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const starting = start(process.env);
  const stop = () => {
    starting
      .then((running) => running.close())
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  };
  // Before a port is open: what was accepted is answered, however early the end is asked for.
  process.once('SIGTERM', stop).once('SIGINT', stop);
  await starting;
}

if (import.meta.main) {
  run().catch((error: unknown) => {
    process.stderr.write(`${error instanceof ConfigError ? error.report() : startFault(error)}\n`);
    process.exit(1);
  });
}

function startFault(error: unknown): string {
  return error instanceof Error ? `Claimcheck cannot start: ${error.message}` : 'Claimcheck cannot start.';
}
