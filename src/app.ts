/**
 * Makes every part and hands it what it needs; opens and closes the two ports.
 *
 * @module
 */

import { createParts, type Parts } from './app/parts.ts';
import { Reloader, tlsOf } from './app/reload.ts';
import { createShared, type Shared, type Tools } from './app/shared.ts';
import { createEntry, createStages } from './app/stages.ts';
import type { Config } from './config/config.ts';
import type { Reread } from './config/reread.ts';
import { Listener } from './http/listener.ts';
import type { MetricValues } from './metrics/catalogue.ts';
import { arrange, compile, compileFor, compileOperations } from './pipeline.ts';
import type { Readiness } from './stages/operations.ts';
import { Recorder } from './stages/record.ts';

/** Makes a server. It is not open yet. Throws, with what to do, when something it was told to serve is not there. */
export function createApp(config: Config, tools: Tools): App {
  const shared = createShared(config, tools);
  return new App(
    shared,
    config.frontends.map((own) => createParts(shared, own)),
  );
}

/** One server: its ports, and whether it may be sent requests. */
export class App {
  /** What it was made from. */
  readonly config: Config;
  readonly #shared: Shared;
  readonly #frontends: readonly Parts[];
  readonly #recorder: Recorder;
  readonly #public: Listener;
  /** `undefined` in a worker: there the primary has it. */
  readonly #operations: Listener | undefined;
  readonly #reloader: Reloader;
  #started: Promise<void> | undefined = undefined;
  #closed: Promise<void> | undefined = undefined;
  #storeWasReached = false;

  /** Use {@link createApp}. */
  constructor(shared: Shared, frontends: readonly Parts[]) {
    const { config, clock } = shared;
    this.config = config;
    this.#shared = shared;
    this.#frontends = frontends;
    this.#recorder = new Recorder({ ...shared, namesFrontends: config.listsFrontends });
    const entry = createEntry(shared, {
      frontends: frontends.map(({ frontend }) => frontend),
      recorder: this.#recorder,
      readiness: () => this.#readiness(),
    });
    const tables = new Map(frontends.map((parts) => [parts.frontend.id, arrange(createStages(parts))]));
    const [only, ...others] = tables.values();
    const onRequest = only && others.length === 0 ? compile(only, entry) : compileFor(tables, entry);
    const onRefused = this.#recorder.refused.bind(this.#recorder);
    this.#public = new Listener({ ...config.listen, tls: tlsOf(config), clock }, { onRequest, onRefused });
    this.#operations = shared.isWorker
      ? undefined
      : new Listener({ ...config.operations, clock }, { onRequest: compileOperations(entry), onRefused });
    this.#reloader = new Reloader({ ...shared, frontends, publicPort: this.#public });
  }

  /** Opens both ports; a worker, the public one. Rejects, with what to do, when one cannot be had. */
  async listen(): Promise<{ readonly port: number; readonly operationsPort: number }> {
    const { config, trail, overload } = this.#shared;
    overload.start();
    const port = await this.#public.listen();
    const operationsPort = (await this.#operations?.listen()) ?? 0;
    const starting = this.#frontends.flatMap(({ provider, clientKeys }) => [provider.start(), clientKeys?.start()]);
    this.#started = Promise.all(starting).then(() => undefined);
    for (const warning of config.warnings) trail.warn(warning);
    trail.event('server.started', 'success', {
      version: process.version,
      public_url: config.frontends.map(({ publicUrl }) => publicUrl).join(' '),
      store: config.store.kind,
      routes: config.frontends.reduce((sum, { routes }) => sum + routes.length, 0),
    });
    return { port, operationsPort };
  }

  /** Takes over what was read again of the configuration. `false` when it has a fault: then nothing has changed, and the log says why. */
  reload(reread: Reread): boolean {
    return this.#reloader.apply(reread);
  }

  /** Resolves when each provider was asked for the first time; says whether they and the store answer. */
  async ready(): Promise<boolean> {
    await this.#started;
    const { store, provider } = await this.#readiness();
    return store && provider;
  }

  /** Whether it can serve, and its metrics: what a worker tells its primary. */
  async report(): Promise<{ readonly readiness: Readiness; readonly metrics: MetricValues }> {
    const readiness = await this.#readiness();
    return { readiness, metrics: await this.#shared.metrics.values() };
  }

  /** Finishes what runs and closes everything. Safe to call again. */
  close(reason = 'asked to'): Promise<void> {
    this.#closed ??= this.#close(reason);
    return this.#closed;
  }

  async #close(reason: string): Promise<void> {
    const { config, trail, upstreams, store, overload } = this.#shared;
    const ofEach = (task: (parts: Parts) => unknown) => Promise.all(this.#frontends.map(task));
    await ofEach(({ events }) => events.close());
    await ofEach(({ sockets }) => sockets.close());
    await this.#public.close(config.shutdownTimeoutMs);
    await ofEach(({ watch }) => watch.close());
    await ofEach(({ refresher }) => refresher.settled(config.shutdownTimeoutMs));
    await ofEach(({ signOuts }) => signOuts.settled(config.shutdownTimeoutMs));
    await ofEach(({ revoker, config: own }) => revoker.settled(own.providerTimeoutMs));
    await ofEach(({ clientKeys }) => clientKeys?.close());
    overload.stop();
    await Promise.all([ofEach(({ provider }) => provider.close()), upstreams.close(), store.close()]);
    await this.#operations?.close(0);
    trail.event('server.stopped', 'success', { reason });
    trail.flush();
  }

  // Where one provider of several was never there, the apps of the others are not kept waiting for it.
  async #readiness(): Promise<Readiness> {
    const { config, store: sessions, metrics } = this.#shared;
    const store = await sessions.ping();
    metrics.storeUp.set(store ? 1 : 0);
    this.#storeWasReached ||= store;
    const providers = this.#frontends.map(({ frontend, provider, providerHealth, label }) => {
      const isUp = provider.ready && !providerHealth.isAway;
      metrics.providerUp.set(label, isUp ? 1 : 0);
      return [frontend.name, isUp] as const;
    });
    return {
      store,
      provider: providers.every(([, isUp]) => isUp),
      ...(config.listsFrontends ? { providers: Object.fromEntries(providers) } : {}),
      everReady: this.#storeWasReached && this.#frontends.some(({ provider }) => provider.ready),
      draining: this.#closed !== undefined,
    };
  }
}
