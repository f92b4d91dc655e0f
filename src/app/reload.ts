/**
 * Puts a configuration that was read again in place of the one in effect, without a
 * restart: session secrets, the client's secret or key, the password of Redis, the
 * certificate, the routes, how upstreams are reached.
 *
 * Everything that can fail is done first, for all parts; then all are swapped in one
 * go, between two requests. So either all of it counts or none. What is under way
 * keeps the route, the key and the connection it began with.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { pseudonymKey } from '../audit/redact.ts';
import type { Secret } from '../base/secret.ts';
import type { Config, FrontendConfig } from '../config/config.ts';
import { onlyFrontendId } from '../config/frontend-settings.ts';
import type { Reread } from '../config/reread.ts';
import type { Frontend } from '../http/frontend.ts';
import type { ListenerTls } from '../http/listener.ts';
import { addressIn } from '../redis/choose-topology.ts';
import type { Parts } from './parts.ts';
import type { Shared } from './shared.ts';

/** What is swapped, and what is told of it. */
export interface ReloadParts
  extends Pick<Shared, 'config' | 'metrics' | 'pseudonyms' | 'redisUrl' | 'trail' | 'upstreams'> {
  readonly frontends: readonly Pick<Parts, 'clientKeys' | 'frontend' | 'keys' | 'loginKeys' | 'provider' | 'routes'>[];
  readonly publicPort: { prepareCertificate(tls: ListenerTls): () => void };
}

/** One part of the configuration that can be swapped. */
interface Rotating {
  readonly name: string;
  /** The part as a text, to see whether it changed. It may be a secret: it is compared and nothing else. */
  readonly textOf: (config: Config) => string;
  /** Does all that can fail, and gives the swap, which cannot. */
  readonly prepare: (config: Config) => () => void;
}

/** Swaps parts of the configuration. */
export class Reloader {
  readonly #parts: ReloadParts;
  readonly #rotating: readonly Rotating[];
  #current: Config;

  constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#current = parts.config;
    this.#rotating = rotatingParts(parts);
  }

  /** Takes over what was read again. `false` when it has a fault: then nothing has changed, and the log says why. */
  apply(reread: Reread): boolean {
    const isDone = this.#apply(reread);
    this.#parts.trail.flush(); // whoever sent the signal waits for what came of it
    return isDone;
  }

  #apply({ examined: { config, error }, needRestart }: Reread): boolean {
    if (config === undefined) return this.#refuse(error?.faults ?? []);
    const fixed: readonly string[] = [...needRestart, ...placesThatDiffer(this.#current, config)];
    const changed = this.#rotating.filter(
      ({ name, textOf }) => !fixed.includes(name) && textOf(config) !== textOf(this.#current),
    );
    const swaps: (() => void)[] = [];
    for (const { name, prepare } of changed) {
      try {
        swaps.push(prepare(config));
      } catch (cause) {
        return this.#refuse([`${name}: cannot be used${codeOf(cause)}.`]);
      }
    }
    for (const swap of swaps) swap();
    this.#tell({ config, changed: changed.map(({ name }) => name), fixed });
    this.#current = config;
    return true;
  }

  #tell({ config, changed, fixed }: Told): void {
    const { trail, metrics } = this.#parts;
    for (const name of fixed) trail.warn('a setting differs, and counts only after a restart', { setting: name });
    for (const warning of config.warnings) if (!this.#current.warnings.includes(warning)) trail.warn(warning);
    metrics.configReloads.inc({ result: 'success' });
    metrics.configReloadOk.set(1);
    trail.event('config.reloaded', 'success', {
      changed: changed.join(' '),
      restart_needed: fixed.join(' '),
      routes: config.frontends.reduce((sum, { routes }) => sum + routes.length, 0),
      rules_hash: createHash('sha256')
        .update(textOf([...config.frontends.map(({ routes }) => routes), config.upstreams]))
        .digest('hex')
        .slice(0, 16),
    });
  }

  #refuse(faults: readonly string[]): false {
    const { trail, metrics } = this.#parts;
    for (const fault of faults) trail.error('the configuration was not reloaded', { fault });
    metrics.configReloads.inc({ result: 'failure' });
    metrics.configReloadOk.set(0);
    trail.event('config.reload-failed', 'failure', { faults: faults.length });
    return false;
  }
}

interface Told {
  readonly config: Config;
  readonly changed: readonly string[];
  readonly fixed: readonly string[];
}

// The certificate first: should TLS refuse at the swap what it took before, nothing else has changed yet.
function rotatingParts(parts: ReloadParts): readonly Rotating[] {
  const { redisUrl, publicPort } = parts;
  return [
    {
      name: 'TLS_CERT_FILE',
      textOf: (config) =>
        textOf([config, ...config.frontends].map(({ tls }) => tls && [tls.certificate, tls.key.reveal()])),
      prepare: (config) => publicPort.prepareCertificate(tlsOf(config) ?? { cert: '', key: '' }),
    },
    {
      name: 'SESSION_SECRETS',
      textOf: ({ sessionSecrets }) => textOf(sessionSecrets.map(revealed)),
      prepare: ({ sessionSecrets }) => prepareSecrets(parts, sessionSecrets),
    },
    {
      name: 'CLIENT_SECRET',
      textOf: ({ frontends }) => textOf(sorted(frontends).map(({ client }) => textOfClient(client))),
      prepare: (config) =>
        together(
          parts.frontends.map(({ frontend, provider }) => provider.prepareClient(settingsFor(frontend, config).client)),
        ),
    },
    {
      name: 'REDIS_URL',
      textOf: ({ store }) => (store.kind === 'redis' ? store.url.reveal() : ''),
      prepare:
        ({ store }) =>
        () =>
          store.kind === 'redis' && redisUrl?.replace(store.url),
    },
    {
      name: 'RULES_FILE',
      textOf: ({ frontends, upstreams }) =>
        textOf([
          sorted(frontends).map(({ routes }) => routes),
          upstreams,
          ...upstreams.map(({ key }) => revealed(key)),
        ]),
      prepare: (config) => prepareRules(parts, config),
    },
  ];
}

function prepareSecrets({ frontends, pseudonyms }: ReloadParts, secrets: Config['sessionSecrets']): () => void {
  const sealing = frontends.flatMap(({ keys, loginKeys, clientKeys }) => [
    ...[keys, loginKeys],
    ...(clientKeys === undefined ? [] : [clientKeys]),
  ]);
  const swap = together(sealing.map((each) => each.prepare(secrets)));
  const tagKey = pseudonymKey(secrets, onlyFrontendId);
  return () => {
    swap();
    pseudonyms.replace(tagKey);
  };
}

function prepareRules({ frontends, upstreams }: ReloadParts, config: Config): () => void {
  const swap = together(frontends.map(({ frontend, routes }) => routes.prepare(settingsFor(frontend, config).routes)));
  return () => {
    swap();
    upstreams.replaceSettings(config.upstreams);
    upstreams.keepOnly(
      new Set(config.frontends.flatMap(({ routes }) => routes.map(({ upstream }) => upstream.origin))),
    );
  };
}

function together(swaps: readonly (() => void)[]): () => void {
  return () => {
    for (const swap of swaps) swap();
  };
}

function settingsFor({ name }: Pick<Frontend, 'name'>, { frontends }: Config): FrontendConfig {
  const own = frontends.find(({ id }) => id === name);
  if (own === undefined) throw new Error(`the frontend ${name} is not in the configuration that was read again`);
  return own;
}

// Their order in the file says nothing.
function sorted(frontends: Config['frontends']): readonly FrontendConfig[] {
  return [...frontends].sort((left, right) => (left.id < right.id ? -1 : 1));
}

function textOfClient({ secret, fallbackSecret, key, certificate, decryption }: FrontendConfig['client']): string {
  return textOf([...[secret, fallbackSecret, key, decryption?.keys].map(revealed), certificate?.chain]);
}

/** The certificates of the public port: where the rules file lists frontends, of each by its host name. */
export function tlsOf({ tls, frontends, listsFrontends }: Config): ListenerTls | undefined {
  if (tls === undefined) return undefined;
  const common = { cert: tls.certificate, key: tls.key.reveal() };
  if (!listsFrontends) return common;
  const byName = frontends.flatMap(({ publicUrl, tls: own }) =>
    own === undefined ? [] : [[new URL(publicUrl).hostname, { cert: own.certificate, key: own.key.reveal() }] as const],
  );
  return { ...common, byName: new Map(byName) };
}

/** Settings of which only a part can change: whether TLS is spoken at all, and where Redis is. */
function placesThatDiffer(now: Config, next: Config): readonly string[] {
  const differ: string[] = [];
  if ((now.tls === undefined) !== (next.tls === undefined)) differ.push('TLS_CERT_FILE');
  if (placeOf(now.store) !== placeOf(next.store)) differ.push('REDIS_URL');
  return differ;
}

function placeOf(store: Config['store']): string {
  if (store.kind === 'memory') return '';
  const { kind, tls, places, database, masterName } = addressIn(store.url);
  return textOf([kind, tls, places, database, masterName]);
}

function textOf(value: unknown): string {
  return JSON.stringify(value) ?? '';
}

function revealed(secret: Secret | undefined): string {
  return secret?.reveal() ?? '';
}

// The code alone: what a parser of keys says could show parts of one.
function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
}
