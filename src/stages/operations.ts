/**
 * The internal port: is the process alive, is it ready, and its metrics.
 *
 * It answers without detail that would help an attacker, but it is not meant to
 * be public all the same: it listens on a port of its own (ASVS 13.4.5).
 *
 * @module
 */

import type { Incoming, Opening } from '../http/inbound.ts';
import type { Metrics } from '../metrics/catalogue.ts';

/** What readiness is made of. */
export interface Readiness {
  readonly store: boolean;
  /** Whether the provider of each frontend answers. */
  readonly provider: boolean;
  /** The same for each, by the id of its frontend; not there where the environment describes the only one. */
  readonly providers?: Readonly<Record<string, boolean>>;
  /** Whether the store, and one provider at least, have been reached since the start. */
  readonly everReady: boolean;
  readonly draining: boolean;
}

/** What the internal port needs. */
export interface OperationsOptions {
  readonly metrics: Pick<Metrics, 'exposition'>;
  readonly readiness: () => Promise<Readiness>;
  /** Whether a degraded process shall be taken out of the balancer. */
  readonly strict: boolean;
}

/** Makes the answer of the internal port. */
export function operationsStage(options: OperationsOptions): (opening: Opening, from: Incoming) => void {
  return ({ record }, { message, response }) => {
    record.operations = true;
    const path = (message.url ?? '').split('?', 1)[0];
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
      response.end(`${JSON.stringify(body)}\n`);
    };
    const broken = (cause: unknown) => {
      record.refuse('internal', cause);
      answer(500, { status: 'error' });
    };
    if (message.method !== 'GET' && message.method !== 'HEAD') return answer(405, { status: 'method not allowed' });
    if (path === '/healthz') return answer(200, { status: 'ok' });
    if (path === '/readyz') {
      options.readiness().then((state) => answer(readyStatus(state, options), readyBody(state)), broken);
      return;
    }
    if (path !== '/metrics') return answer(404, { status: 'not found' });
    options.metrics.exposition().then(({ type, text }) => {
      response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-store' });
      response.end(text);
    }, broken);
  };
}

// One shared outage must not take every instance out of the balancer: then nobody would answer with our 503 and page.
function readyStatus(state: Readiness, { strict }: Pick<OperationsOptions, 'strict'>): number {
  if (state.draining || !state.everReady) return 503;
  return strict && !(state.store && state.provider) ? 503 : 200;
}

function readyBody(state: Readiness) {
  const word = (up: boolean) => (up ? 'ok' : 'unreachable');
  return {
    status: state.draining
      ? 'draining'
      : !state.everReady
        ? 'starting'
        : state.store && state.provider
          ? 'ok'
          : 'degraded',
    store: word(state.store),
    provider: word(state.provider),
    ...(state.providers && {
      frontends: Object.fromEntries(Object.entries(state.providers).map(([id, up]) => [id, word(up)])),
    }),
  };
}
