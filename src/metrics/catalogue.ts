/**
 * Every metric, its labels and its meaning. docs/metrics.md is generated from
 * this table. Labels hold words of closed sets and names from the configuration,
 * never anything a request brought (LG-21).
 *
 * @module
 */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

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
    labels: ['kind', 'status', 'code'],
  },
  claimcheck_request_seconds: {
    type: 'histogram',
    help: 'Seconds from the first byte of a request to the end of its answer.',
    labels: ['kind'],
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
    labels: ['result'],
  },
  claimcheck_sessions_ended_total: { type: 'counter', help: 'Sessions ended, by reason.', labels: ['reason'] },
  claimcheck_refreshes_total: {
    type: 'counter',
    help: 'Refresh grants by result: success, or the reason of the failure.',
    labels: ['result'],
  },
  claimcheck_store_up: { type: 'gauge', help: '1 while the session store answers.', labels: [] },
  claimcheck_provider_up: {
    type: 'gauge',
    help: '1 while the metadata of the provider is known and fresh.',
    labels: [],
  },
} as const satisfies Readonly<Record<string, MetricEntry>>;

/** What can be measured: one of the table. */
export type MetricName = keyof typeof metrics;

/** The metrics of one process, typed by the catalogue. */
export class Metrics {
  readonly #registry = new Registry();
  readonly requests: Counter<'kind' | 'status' | 'code'>;
  readonly requestSeconds: Histogram<'kind'>;
  readonly upstreamSeconds: Histogram<'upstream'>;
  readonly upstreamOpen: Gauge<'upstream'>;
  readonly upstreamAddressesDown: Gauge<'upstream'>;
  readonly signIns: Counter<'result'>;
  readonly sessionsEnded: Counter<'reason'>;
  readonly refreshes: Counter<'result'>;
  readonly storeUp: Gauge;
  readonly providerUp: Gauge;

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
    this.requests = new Counter(this.#options('claimcheck_requests_total'));
    this.requestSeconds = new Histogram({ ...this.#options('claimcheck_request_seconds'), buckets: seconds });
    this.upstreamSeconds = new Histogram({ ...this.#options('claimcheck_upstream_seconds'), buckets: seconds });
    this.upstreamOpen = new Gauge(this.#options('claimcheck_upstream_open'));
    this.upstreamAddressesDown = new Gauge(this.#options('claimcheck_upstream_addresses_down'));
    this.signIns = new Counter(this.#options('claimcheck_sign_ins_total'));
    this.sessionsEnded = new Counter(this.#options('claimcheck_sessions_ended_total'));
    this.refreshes = new Counter(this.#options('claimcheck_refreshes_total'));
    this.storeUp = new Gauge(this.#options('claimcheck_store_up'));
    this.providerUp = new Gauge(this.#options('claimcheck_provider_up'));
  }

  /** All metrics in the text format of Prometheus, and its content type. */
  async exposition(): Promise<{ readonly type: string; readonly text: string }> {
    return { type: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  #options<Name extends MetricName>(name: Name) {
    const { help, labels } = metrics[name];
    return { name, help, labelNames: [...labels] as never, registers: [this.#registry] }; // the classes' own label type follows from the field
  }
}
