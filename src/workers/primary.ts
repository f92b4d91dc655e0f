/**
 * The primary of several workers: owns the operations port, adds up what the workers
 * measure, passes SIGHUP and the end on to them. No request of a browser is read here.
 *
 * @module
 */

import { Pseudonyms, pseudonymKey } from '../audit/redact.ts';
import { Trail } from '../audit/trail.ts';
import { systemClock } from '../base/clock.ts';
import type { Config } from '../config/config.ts';
import type { Environment } from '../config/environment.ts';
import type { Files } from '../config/files.ts';
import { onlyFrontendId } from '../config/frontend-settings.ts';
import { loadConfig } from '../config/load.ts';
import { rereadConfig } from '../config/reread.ts';
import { Listener } from '../http/listener.ts';
import { countsAlone, expositionOf, Metrics, type MetricValues } from '../metrics/catalogue.ts';
import { operationsStage, type Readiness } from '../stages/operations.ts';
import { Recorder } from '../stages/record.ts';
import { Crew, type Death, deathLimit } from './crew.ts';
import type { Report } from './messages.ts';
import { type Snapshot, snapshotOf } from './snapshot.ts';

/** What a primary is started with. */
export interface PrimaryOptions {
  readonly started: Environment;
  readonly disk: Files;
  /** The file that a worker runs. */
  readonly program: string;
}

/** Beyond the time that requests have: for what a worker closes after them, in ms. */
const graceMs = 5_000;

/** Starts the workers and opens the operations port. Rejects with the reason when that fails. */
export async function startPrimary({ started, disk, program }: PrimaryOptions): Promise<Primary> {
  const { snapshot, result: config } = snapshotOf({ env: started, disk }, (files) => loadConfig(started, files));
  const primary = new Primary({ config, snapshot, disk, program });
  await primary.open();
  return primary;
}

interface PrimaryParts {
  readonly config: Config;
  readonly snapshot: Snapshot;
  readonly disk: Files;
  readonly program: string;
}

/** A running primary. Use {@link startPrimary}. */
export class Primary {
  /** Resolves when workers died too often: everything is closed then. */
  readonly gaveUp: Promise<void>;
  readonly #parts: PrimaryParts;
  readonly #trail: Trail;
  readonly #metrics = new Metrics();
  readonly #crew: Crew;
  readonly #operations: Listener;
  #countedByDead: MetricValues = [];
  #ports = { port: 0, operationsPort: 0 };
  #closed: Promise<void> | undefined = undefined;

  constructor(parts: PrimaryParts) {
    const { config, snapshot: started, program } = parts;
    this.#parts = parts;
    this.#trail = new Trail({ level: config.logLevel, isShared: true });
    const tooMany = Promise.withResolvers<void>();
    this.gaveUp = tooMany.promise.then(() => this.#giveUp());
    const clock = systemClock;
    const onDeath = (death: Death) => this.#mourn(death);
    const crew = { program, size: config.workers, started, clock, onDeath, onTooManyDeaths: tooMany.resolve };
    this.#crew = new Crew(crew);
    this.#operations = this.#operationsPort();
  }

  /** Opens it all. */
  async open(): Promise<void> {
    // Of these the workers know; the least of all counts.
    this.#metrics.storeUp.set(1);
    const { listsFrontends, frontends } = this.#parts.config;
    for (const { id } of frontends) this.#metrics.providerUp.set(listsFrontends ? { frontend: id } : {}, 1);
    const operationsPort = await this.#operations.listen();
    this.#ports = { port: await this.#crew.start(), operationsPort };
  }

  /** Of the public port and of the operations port. */
  get ports(): { readonly port: number; readonly operationsPort: number } {
    return this.#ports;
  }

  /** Reads the configuration once, for all workers. `false` when it has a fault: then no worker takes it over, and each says why. */
  reload(now: Environment): boolean {
    const { snapshot: started, disk, config: serving } = this.#parts;
    const read = (files: Files) => rereadConfig({ started: started.env, now, files, serving });
    const { snapshot: latest, result } = snapshotOf({ env: now, disk }, read);
    const isSound = result.examined.config !== undefined;
    this.#crew.reload(latest, { isSound });
    return isSound;
  }

  /** Has all workers finish what they do, and closes. Safe to call twice. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { shutdownTimeoutMs, frontends } = this.#parts.config;
    const providerTimeoutMs = Math.max(...frontends.map((each) => each.providerTimeoutMs));
    // Requests, then refreshes under way, then revocations: see App.close.
    await this.#crew.end(2 * shutdownTimeoutMs + providerTimeoutMs + graceMs);
    await this.#operations.close(0);
    this.#trail.flush();
  }

  async #giveUp(): Promise<void> {
    const { deaths, withinMs } = deathLimit;
    this.#trail.error('workers died too often: the server ends', { deaths, within_seconds: withinMs / 1000 });
    await this.close();
  }

  #mourn({ pid, how, recent }: Death): void {
    this.#metrics.workerDeaths.inc();
    this.#trail.event('worker.died', 'failure', { pid, how, recent });
    this.#trail.flush();
  }

  #operationsPort(): Listener {
    const { config } = this.#parts;
    const pseudonyms = new Pseudonyms(pseudonymKey(config.sessionSecrets, onlyFrontendId));
    const recorder = new Recorder({ trail: this.#trail, metrics: this.#metrics, pseudonyms, clock: systemClock });
    const answer = operationsStage({
      metrics: { exposition: () => this.#exposition() },
      readiness: async () => this.#together(await this.#crew.gather()),
      strict: config.readyStrict,
    });
    return new Listener(
      { ...config.operations, clock: systemClock },
      {
        onRequest: (from) => answer(recorder.open(from.message, from.response), from),
        onRefused: recorder.refused.bind(recorder),
      },
    );
  }

  // Ready is who serves with all it was to have.
  #together(reports: readonly Report[]): Readiness {
    const { listsFrontends, frontends } = this.#parts.config;
    const all = (test: (readiness: Readiness) => boolean) => reports.every(({ readiness }) => test(readiness));
    return {
      store: all(({ store }) => store),
      provider: all(({ provider }) => provider),
      ...(listsFrontends
        ? {
            providers: Object.fromEntries(
              frontends.map(({ id }) => [id, all(({ providers }) => providers?.[id] === true)]),
            ),
          }
        : {}),
      everReady: reports.length >= this.#parts.config.workers && all(({ everReady }) => everReady),
      draining: this.#closed !== undefined,
    };
  }

  async #exposition(): Promise<{ readonly type: string; readonly text: string }> {
    const reports = await this.#crew.gather();
    this.#countedByDead = await countsAlone([this.#countedByDead, ...this.#crew.takeCountsOfDead()]);
    this.#metrics.workers.set(this.#crew.serving);
    const own = await this.#metrics.values();
    return expositionOf([own, this.#countedByDead, ...reports.map(({ metrics }) => metrics)]);
  }
}
