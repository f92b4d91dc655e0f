/**
 * One worker: waits for what it shall serve with, serves, and does what the primary
 * says. It has no operations port and reads no file of settings.
 *
 * @module
 */

import cluster from 'node:cluster';
import type { App } from '../app.ts';
import type { Environment } from '../config/environment.ts';
import type { Files } from '../config/files.ts';
import { rereadConfig } from '../config/reread.ts';
import type { News, Order } from './messages.ts';
import { filesOf, type Snapshot } from './snapshot.ts';

/** Whether this process was started as a worker. */
export const isWorker = cluster.isWorker;

/** What a worker needs of the program around it. */
export interface WorkerOptions {
  /** Makes the server; it is opened here. Throws what is wrong with the configuration. */
  readonly create: (env: Environment, files: Files) => App;
  /** Ends the process. `cause` when it could not serve. */
  readonly end: (cause?: unknown) => void;
}

/** Serves until told to stop. The promise settles never: the process ends. */
export function work(options: WorkerOptions): void {
  const worker = new Worker(options);
  process.on('message', (order: Order) => worker.obey(order)); // from the primary alone: it holds the other end
  // Of a whole group of processes, as from a terminal: the primary says what is to be done. A stop is the same from both.
  process.on('SIGHUP', () => undefined);
  process.on('SIGTERM', () => worker.stop()).on('SIGINT', () => worker.stop());
}

class Worker {
  readonly #options: WorkerOptions;
  #started: Snapshot | undefined = undefined;
  #serving: Promise<App> | undefined = undefined;
  #isStopping = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  obey(order: Order): void {
    if (order.kind === 'start') this.#start(order);
    else if (order.kind === 'stop') this.stop();
    else if (order.kind === 'reload') this.#withApp((app) => this.#reload(app, order.latest));
    else this.#withApp(async (app) => tell({ kind: 'report', question: order.question, report: await app.report() }));
  }

  stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    const closed = this.#serving?.then((app) => app.close()) ?? Promise.resolve();
    closed.then(() => this.#options.end(), this.#options.end);
  }

  #start({ started, latest }: { readonly started: Snapshot; readonly latest: Snapshot | undefined }): void {
    this.#started = started;
    this.#serving = this.#open(started, latest);
    this.#serving.catch(this.#options.end);
  }

  async #open(started: Snapshot, latest: Snapshot | undefined): Promise<App> {
    const app = this.#options.create(started.env, filesOf(started));
    if (latest !== undefined) this.#reload(app, latest); // before the port is open: no request sees the older one
    const { port } = await app.listen();
    tell({ kind: 'serving', port });
    return app;
  }

  #reload(app: App, latest: Snapshot): void {
    const started = this.#started?.env ?? latest.env;
    app.reload(rereadConfig({ started, now: latest.env, files: filesOf(latest), serving: app.config }));
  }

  // One that could not serve ends, and says why, where that is noticed.
  #withApp(task: (app: App) => unknown): void {
    void this.#serving?.then(task).catch(this.#options.end);
  }
}

function tell(news: News): void {
  // The channel is gone when the primary is: then this process is about to end too.
  if (process.connected) process.send?.(news, undefined, undefined, () => undefined);
}
