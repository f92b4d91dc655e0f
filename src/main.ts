/**
 * Starts and stops the server: configuration, parts, two ports, signals.
 *
 * `npm start` runs this file. `demo/run.ts` and the tests call {@link start} with
 * an environment of their own.
 *
 * @module
 */

import './base/memory.ts'; // first
import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { createApp } from './app.ts';
import { Trail } from './audit/trail.ts';
import { systemClock } from './base/clock.ts';
import type { Config } from './config/config.ts';
import type { Environment } from './config/environment.ts';
import { ConfigError } from './config/faults.ts';
import { filesOnDisk } from './config/files.ts';
import { loadConfig } from './config/load.ts';
import { rereadConfig } from './config/reread.ts';
import { startPrimary } from './workers/primary.ts';
import { isWorker, work } from './workers/worker.ts';

/** A running server. */
export interface Running {
  /** The address to open, of the first frontend, with the port that was really opened. */
  readonly url: string;
  readonly opsUrl: string;
  /** Reads the configuration again, with all files it names. `false` when it has a fault: then nothing has changed, and the log says why. */
  reload(now?: Environment): boolean;
  /** Finishes what runs and closes everything. Safe to call twice. */
  close(): Promise<void>;
  /** Resolves when workers died too often, and all is closed; not there where one process serves. */
  readonly gaveUp?: Promise<void>;
}

/** Starts a server from `env`. Rejects with a `ConfigError` that lists every fault, or with the reason a port cannot be had. */
export async function start(env: Environment): Promise<Running> {
  const started = { ...env };
  const config = loadConfig(started, filesOnDisk);
  if (config.workers > 1) return startSeveral(started, config);
  const app = createApp(config, { trail: new Trail({ level: config.logLevel }), clock: systemClock });
  return {
    ...addresses(config, await app.listen()),
    reload: (now = started) => app.reload(rereadConfig({ started, now, files: filesOnDisk, serving: config })),
    close: () => app.close(),
  };
}

async function startSeveral(started: Environment, config: Config): Promise<Running> {
  const primary = await startPrimary({ started, disk: filesOnDisk, program: import.meta.filename });
  return {
    ...addresses(config, primary.ports),
    reload: (now = started) => primary.reload(now),
    close: () => primary.close(),
    gaveUp: primary.gaveUp,
  };
}

function addresses({ frontends, operations: { host } }: Config, { port, operationsPort }: Ports) {
  return {
    url: frontends[0].publicUrl.replace(/:0$/, `:${port}`),
    opsUrl: `http://${host.includes(':') ? `[${host}]` : host}:${operationsPort}`,
  };
}

interface Ports {
  readonly port: number;
  readonly operationsPort: number;
}

/** One of several processes, started by {@link startPrimary}. */
function runWorker(): void {
  work({
    create: (env, files) => {
      const config = loadConfig(env, files);
      return createApp(config, {
        trail: new Trail({ level: config.logLevel, isShared: true }),
        clock: systemClock,
        isWorker,
      });
    },
    end: (cause) => (cause === undefined ? process.exit(0) : endWith(cause)),
  });
}

async function run(): Promise<void> {
  const own = { ...process.env };
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
  // As at the start, what the environment itself says counts more than the file.
  const read = (): Environment => (existsSync('.env') ? { ...parseEnv(readFileSync('.env', 'utf8')), ...own } : own);
  // Without a listener the signal would end the process. One that did not start ends by itself.
  process.on('SIGHUP', () => void starting.then((running) => running.reload(read())).catch(tellReloadFault));
  // Before a port is open: what was accepted is answered, however early the end is asked for.
  process.once('SIGTERM', stop).once('SIGINT', stop);
  const { gaveUp } = await starting;
  void gaveUp?.then(() => endWith(new Error('its workers died five times within a minute')));
}

if (import.meta.main) {
  if (isWorker) runWorker();
  else run().catch(endWith);
}

function endWith(error: unknown): void {
  process.stderr.write(`${error instanceof ConfigError ? error.report() : startFault(error)}\n`);
  process.exit(1);
}

// Such as a `.env` that cannot be read. What is wrong with settings is in the log.
function tellReloadFault(error: unknown): void {
  const why = error instanceof Error ? error.message : 'for a reason that is not known';
  process.stderr.write(`Claimcheck did not read its configuration again: ${why}\n`);
}

function startFault(error: unknown): string {
  return error instanceof Error ? `Claimcheck cannot run: ${error.message}` : 'Claimcheck cannot run.';
}
