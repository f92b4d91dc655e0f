/**
 * Every metric, its labels and its meaning. docs/metrics.md is generated from
 * this table. Labels hold words of closed sets and names from the configuration,
 * never anything a request brought (LG-21). The label `frontend` is there where the
 * rules file lists frontends.
 *
 * @module
 */

import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { FrequentCounter, FrequentHistogram } from './frequent.ts';

interface MetricEntry {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Every metric of ours; those of the process are prom-client's own. */
export const metrics = {
  claimcheck_requests_total: {
    type: 'counter',
    help: 'Requests answered, by kind (P page, A auth, I API, U upgrade), status class, and our code where we refused or failed them.',
    labels: ['kind', 'status', 'code', 'frontend'],
  },
  claimcheck_request_seconds: {
    type: 'histogram',
    help: 'Seconds from the first byte of a request to the end of its answer.',
    labels: ['kind'],
  },
  claimcheck_forwarded_proto_total: {
    type: 'counter',
    help: 'Requests that a proxy of TRUSTED_PROXIES passed on, by what it said in X-Forwarded-Proto: https, http, or untold.',
    labels: ['proto'],
  },
  claimcheck_upstream_seconds: {
    type: 'histogram',
    help: 'Seconds until the upstream sent the head of its answer.',
    labels: ['upstream'],
  },
  claimcheck_upstream_open: {
    type: 'gauge',
    help: '1 while an upstream is not called, since too many of its recent calls failed.',
    labels: ['upstream'],
  },
  claimcheck_upstream_addresses_down: {
    type: 'gauge',
    help: 'How many addresses of an upstream with several take no connection.',
    labels: ['upstream'],
  },
  claimcheck_sign_ins_total: {
    type: 'counter',
    help: 'Sign-ins by result: success, or the reason of the failure.',
    labels: ['result', 'frontend'],
  },
  claimcheck_sessions_ended_total: {
    type: 'counter',
    help: 'Sessions ended, by reason.',
    labels: ['reason', 'frontend'],
  },
  claimcheck_refreshes_total: {
    type: 'counter',
    help: 'Refresh grants by result: success, or the reason of the failure.',
    labels: ['result', 'frontend'],
  },
  claimcheck_token_reuse_suspected_total: {
    type: 'counter',
    help: 'Refresh tokens that a rotating provider refused in a living session: expired or revoked there, or used by somebody else. More than now and then is an alert.',
    labels: ['frontend'],
  },
  claimcheck_websockets_open: { type: 'gauge', help: 'WebSockets to APIs that are open.', labels: [] },
  claimcheck_websocket_upgrades_total: {
    type: 'counter',
    help: 'Requests for a WebSocket to an API, by route and outcome: opened, answered (the upstream gave another answer), or our code.',
    labels: ['route', 'outcome'],
  },
  claimcheck_websocket_ends_total: {
    type: 'counter',
    help: 'WebSockets that ended, by who ended them: browser, upstream, session, shutdown.',
    labels: ['end'],
  },
  claimcheck_session_lookups_total: {
    type: 'counter',
    help: 'Looks for the session of a verified cookie, by result: hit, where it was held in memory; compared, where the store was asked whether what is held is still the same; miss, where it was read from the store, as one that has changed is after it was compared.',
    labels: ['result'],
  },
  claimcheck_session_cache_dropped_total: {
    type: 'counter',
    help: 'Opened sessions in memory that may not be used as they are any longer, by reason: changed, as the store told; out-of-touch, since it might not have; keys, after a change of the keys.',
    labels: ['reason'],
  },
  claimcheck_session_cache_entries: { type: 'gauge', help: 'Opened sessions held in memory.', labels: ['frontend'] },
  claimcheck_session_cache_bytes: {
    type: 'gauge',
    help: 'Bytes of the opened sessions held in memory, as estimated from what lies in the store.',
    labels: ['frontend'],
  },
  claimcheck_session_key_uses_total: {
    type: 'counter',
    help: 'Sessions opened by a request, by part (cookie: what signed it; record: what sealed it in the store) and by the position in SESSION_SECRETS of the entry that did: active (the first) or older.',
    labels: ['part', 'position'],
  },
  claimcheck_config_reloads_total: {
    type: 'counter',
    help: 'Times the configuration was read again on SIGHUP, by result: success or failure (nothing was changed then).',
    labels: ['result'],
  },
  claimcheck_config_reload_ok: {
    type: 'gauge',
    help: '1 unless the last reading of the configuration on SIGHUP failed.',
    labels: [],
  },
  claimcheck_workers: {
    type: 'gauge',
    help: 'Workers that serve, where WORKERS is more than 1; 0 where the one process serves.',
    labels: [],
  },
  claimcheck_worker_deaths_total: { type: 'counter', help: 'Workers that ended without being told to.', labels: [] },
  claimcheck_store_up: { type: 'gauge', help: '1 while the session store answers.', labels: [] },
  claimcheck_provider_up: {
    type: 'gauge',
    help: '1 while the metadata of the provider is known and fresh.',
    labels: ['frontend'],
  },
} as const satisfies Readonly<Record<string, MetricEntry>>;

/** The metrics of one process, or of several added up. */
export type MetricValues = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** What can be measured: one of the table. */
export type MetricName = keyof typeof metrics;

/** Says which frontend something was counted for; empty where the environment describes the only one. */
export interface FrontendLabel {
  readonly frontend?: string;
}

/** The metrics of one process, typed by the catalogue. */
export class Metrics {
  readonly #registry = new Registry();
  readonly requests: FrequentCounter<'kind' | 'status' | 'code' | 'frontend'>;
  readonly requestSeconds: FrequentHistogram<'kind'>;
  readonly forwardedProto: Counter<'proto'>;
  readonly upstreamSeconds: FrequentHistogram<'upstream'>;
  readonly upstreamOpen: Gauge<'upstream'>;
  readonly upstreamAddressesDown: Gauge<'upstream'>;
  readonly signIns: Counter<'result' | 'frontend'>;
  readonly sessionsEnded: Counter<'reason' | 'frontend'>;
  readonly refreshes: Counter<'result' | 'frontend'>;
  readonly reuseSuspected: Counter<'frontend'>;
  readonly webSocketsOpen: Gauge;
  readonly webSocketUpgrades: Counter<'route' | 'outcome'>;
  readonly webSocketEnds: Counter<'end'>;
  readonly sessionLookups: FrequentCounter<'result'>;
  readonly sessionsDropped: Counter<'reason'>;
  readonly sessionsHeld: Gauge<'frontend'>;
  readonly sessionBytesHeld: Gauge<'frontend'>;
  readonly sessionKeyUses: Counter<'part' | 'position'>;
  readonly configReloads: Counter<'result'>;
  readonly configReloadOk: Gauge;
  readonly workers: Gauge;
  readonly workerDeaths: Counter;
  readonly storeUp: Gauge;
  readonly providerUp: Gauge<'frontend'>;

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
    this.requests = new FrequentCounter(this.#options('claimcheck_requests_total'));
    this.requestSeconds = new FrequentHistogram({ ...this.#options('claimcheck_request_seconds'), buckets: seconds });
    this.forwardedProto = new Counter(this.#options('claimcheck_forwarded_proto_total'));
    this.upstreamSeconds = new FrequentHistogram({ ...this.#options('claimcheck_upstream_seconds'), buckets: seconds });
    this.upstreamOpen = new Gauge(this.#options('claimcheck_upstream_open'));
    this.upstreamAddressesDown = new Gauge(this.#options('claimcheck_upstream_addresses_down'));
    this.signIns = new Counter(this.#options('claimcheck_sign_ins_total'));
    this.sessionsEnded = new Counter(this.#options('claimcheck_sessions_ended_total'));
    this.refreshes = new Counter(this.#options('claimcheck_refreshes_total'));
    this.reuseSuspected = new Counter(this.#options('claimcheck_token_reuse_suspected_total'));
    this.webSocketsOpen = new Gauge(this.#options('claimcheck_websockets_open'));
    this.webSocketUpgrades = new Counter(this.#options('claimcheck_websocket_upgrades_total'));
    this.webSocketEnds = new Counter(this.#options('claimcheck_websocket_ends_total'));
    this.sessionLookups = new FrequentCounter(this.#options('claimcheck_session_lookups_total'));
    this.sessionsDropped = new Counter(this.#options('claimcheck_session_cache_dropped_total'));
    this.sessionsHeld = new Gauge(this.#options('claimcheck_session_cache_entries'));
    this.sessionBytesHeld = new Gauge(this.#options('claimcheck_session_cache_bytes'));
    this.sessionKeyUses = new Counter(this.#options('claimcheck_session_key_uses_total'));
    this.configReloads = new Counter(this.#options('claimcheck_config_reloads_total'));
    this.configReloadOk = new Gauge({ ...this.#options('claimcheck_config_reload_ok'), aggregator: 'min' });
    this.configReloadOk.set(1);
    this.workers = new Gauge(this.#options('claimcheck_workers'));
    this.workerDeaths = new Counter(this.#options('claimcheck_worker_deaths_total'));
    this.storeUp = new Gauge({ ...this.#options('claimcheck_store_up'), aggregator: 'min' });
    this.providerUp = new Gauge({ ...this.#options('claimcheck_provider_up'), aggregator: 'min' });
  }

  /** All metrics in the text format of Prometheus, and its content type. */
  async exposition(): Promise<{ readonly type: string; readonly text: string }> {
    return { type: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  /** All metrics as data, to be added up with those of other processes. */
  values(): Promise<MetricValues> {
    return this.#registry.getMetricsAsJSON();
  }

  #options<Name extends MetricName>(name: Name) {
    const { help, labels } = metrics[name];
    return { name, help, labelNames: [...labels] as never, registers: [this.#registry] }; // the classes' own label type follows from the field
  }
}

/** The metrics of several processes in the text format of Prometheus: counts added up; of what is up or not, the least. */
export async function expositionOf(
  values: readonly MetricValues[],
): Promise<{ readonly type: string; readonly text: string }> {
  const together = AggregatorRegistry.aggregate([...values]);
  return { type: together.contentType, text: await together.metrics() };
}

/** What only grows, of several processes added up: what stays of them when they are gone. */
export async function countsAlone(values: readonly MetricValues[]): Promise<MetricValues> {
  const counts = values.map((metrics) => metrics.filter(({ type }) => grows.has(String(type))));
  return AggregatorRegistry.aggregate(counts).getMetricsAsJSON();
}

// prom-client's types say numbers of an enum that its code does not have; it gives these words.
const grows: ReadonlySet<string> = new Set(['counter', 'histogram']);
