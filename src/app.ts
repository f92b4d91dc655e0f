/**
 * Makes every part and hands it what it needs; opens and closes the two ports.
 *
 * @module
 */

import { createParts, type Parts, type Tools } from './app/parts.ts';
import { Reloader } from './app/reload.ts';
import { createStages } from './app/stages.ts';
import type { Config } from './config/config.ts';
import type { Reread } from './config/reread.ts';
import { Listener } from './http/listener.ts';
import type { MetricValues } from './metrics/catalogue.ts';
import { arrange, compile, compileOperations } from './pipeline.ts';
import type { Readiness } from './stages/operations.ts';
import { Recorder } from './stages/record.ts';

/** Makes a server. It is not open yet. Throws, with what to do, when something it was told to serve is not there. */
export function createApp(config: Config, tools: Tools): App {
  return new App(createParts(config, tools));
}

/** One server: its ports, and whether it may be sent requests. */
export class App {
  readonly #parts: Parts;
  readonly #recorder: Recorder;
  readonly #public: Listener;
  /** `undefined` in a worker: there the primary has it. */
  readonly #operations: Listener | undefined;
  readonly #reloader: Reloader;
  #started: Promise<void> | undefined = undefined;
  #closed: Promise<void> | undefined = undefined;
  #storeWasReached = false;

  /** Use {@link createApp}. */
  constructor(parts: Parts) {
    const { config, clock } = parts;
    this.#parts = parts;
    this.#recorder = new Recorder(parts);
    const stages = createStages(parts, { recorder: this.#recorder, readiness: () => this.#readiness() });
    const onRefused = this.#recorder.refused.bind(this.#recorder);
    this.#public = new Listener(
      { ...config.listen, tls: tlsOf(config), clock },
      { onRequest: compile(arrange(stages), stages), onRefused },
    );
    this.#operations = parts.isWorker
      ? undefined
      : new Listener({ ...config.operations, clock }, { onRequest: compileOperations(stages), onRefused });
    this.#reloader = new Reloader({ ...parts, publicPort: this.#public });
  }

  /** Opens both ports; a worker, the public one. Rejects, with what to do, when one cannot be had. */
  async listen(): Promise<{ readonly port: number; readonly operationsPort: number }> {
    const { config, trail, provider, clientKeys } = this.#parts;
    this.#parts.overload.start();
    const port = await this.#public.listen();
    const operationsPort = (await this.#operations?.listen()) ?? 0;
    this.#started = Promise.all([provider.start(), clientKeys?.start()]).then(() => undefined);
    for (const warning of config.warnings) trail.warn(warning);
    trail.event('server.started', 'success', {
      version: process.version,
      public_url: config.publicUrl,
      store: config.store.kind,
      routes: config.routes.length,
    });
    return { port, operationsPort };
  }

  /** Takes over what was read again of the configuration. `false` when it has a fault: then nothing has changed, and the log says why. */
  reload(reread: Reread): boolean {
    return this.#reloader.apply(reread);
  }

  /** Resolves when the provider was asked for the first time; says whether it and the store answer. */
  async ready(): Promise<boolean> {
    await this.#started;
    const { store, provider } = await this.#readiness();
    return store && provider;
  }

  /** Whether it can serve, and its metrics: what a worker tells its primary. */
  async report(): Promise<{ readonly readiness: Readiness; readonly metrics: MetricValues }> {
    const readiness = await this.#readiness();
    return { readiness, metrics: await this.#parts.metrics.values() };
  }

  /** Finishes what runs and closes everything. Safe to call again. */
  close(reason = 'asked to'): Promise<void> {
    this.#closed ??= this.#close(reason);
    return this.#closed;
  }

  async #close(reason: string): Promise<void> {
    const {
      config,
      trail,
      events,
      sockets,
      watch,
      revoker,
      signOuts,
      refresher,
      provider,
      clientKeys,
      upstreams,
      store,
      overload,
    } = this.#parts;
    events.close();
    await sockets.close();
    await this.#public.close(config.shutdownTimeoutMs);
    watch.close();
    await refresher.settled(config.shutdownTimeoutMs);
    await signOuts.settled(config.shutdownTimeoutMs);
    await revoker.settled(config.providerTimeoutMs);
    clientKeys?.close();
    overload.stop();
    await Promise.all([provider.close(), upstreams.close(), store.close()]);
    await this.#operations?.close(0);
    trail.event('server.stopped', 'success', { reason });
    trail.flush();
  }

  async #readiness(): Promise<Readiness> {
    const { store: sessions, provider: issuer, providerHealth, metrics } = this.#parts;
    const store = await sessions.ping();
    const provider = issuer.ready && !providerHealth.isAway;
    metrics.storeUp.set(store ? 1 : 0);
    metrics.providerUp.set(provider ? 1 : 0);
    this.#storeWasReached ||= store;
    const everReady = this.#storeWasReached && issuer.ready;
    return { store, provider, everReady, draining: this.#closed !== undefined };
  }
}

function tlsOf({ tls }: Config): { readonly cert: string; readonly key: string } | undefined {
  return tls && { cert: tls.certificate, key: tls.key.reveal() };
}
