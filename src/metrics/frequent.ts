/**
 * Metrics that every request adds to, as plain sums: prom-client sorts and joins
 * the labels each time, which costs as much as writing the request's line.
 *
 * What they hold reaches prom-client when the metrics are read, in its own form.
 *
 * @module
 */

import { Counter, type CounterConfiguration, type Metric, type Registry } from 'prom-client';

/** Values by name of the label; one that is left out is not shown. */
type Labels<Label extends string> = Readonly<Partial<Record<Label, string>>>;

interface Sum<Label extends string> {
  readonly labels: Labels<Label>;
  /** Since the metrics were last read. */
  count: number;
}

/** A counter. Its labels hold words of closed sets, so that there are few sums. */
export class FrequentCounter<Label extends string> {
  readonly #sums: Sum<Label>[] = [];
  readonly #names: readonly Label[];

  constructor(options: CounterConfiguration<Label> & { readonly labelNames: readonly Label[] }) {
    const sums = this.#sums;
    this.#names = options.labelNames;
    new Counter({
      ...options,
      collect() {
        for (const sum of sums) {
          this.inc({ ...sum.labels }, sum.count);
          sum.count = 0;
        }
      },
    });
  }

  /** Counts one more. */
  inc(labels: Labels<Label>): void {
    this.#sumOf(labels).count += 1;
  }

  #sumOf(labels: Labels<Label>): Sum<Label> {
    for (const sum of this.#sums) if (this.#areSame(sum.labels, labels)) return sum;
    const sum = { labels, count: 0 };
    this.#sums.push(sum);
    return sum;
  }

  #areSame(one: Labels<Label>, other: Labels<Label>): boolean {
    for (const name of this.#names) if (one[name] !== other[name]) return false;
    return true;
  }
}

/** How a {@link FrequentHistogram} is made. */
export interface FrequentHistogramOptions<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly [Label];
  readonly registers: readonly Registry[];
  /** Upper bounds, smallest first. */
  readonly buckets: readonly number[];
}

interface Observed {
  readonly label: string;
  /** For each bucket what lies in it and in none before; the last is for what lies beyond all. */
  readonly inBucket: number[];
  sum: number;
}

/** A histogram with one label. */
export class FrequentHistogram<Label extends string> {
  readonly #options: FrequentHistogramOptions<Label>;
  readonly #observed: Observed[] = [];

  constructor(options: FrequentHistogramOptions<Label>) {
    const { name, registers } = options;
    this.#options = options;
    const metric = { name, get: async () => this.#read() };
    // A registry asks no more of a metric than its name and what it reads (prom-client, lib/registry.js), whatever its types say.
    for (const registry of registers) registry.registerMetric(metric as unknown as Metric);
  }

  /** Adds one value. */
  observe(label: string, value: number): void {
    const { buckets } = this.#options;
    const observed = this.#of(label);
    let at = 0;
    while (at < buckets.length && value > (buckets[at] as number)) at++; // inside its bounds
    observed.inBucket[at] = (observed.inBucket[at] ?? 0) + 1;
    observed.sum += value;
  }

  #of(label: string): Observed {
    for (const observed of this.#observed) if (observed.label === label) return observed;
    const observed = { label, inBucket: new Array<number>(this.#options.buckets.length + 1).fill(0), sum: 0 };
    this.#observed.push(observed);
    return observed;
  }

  #read() {
    const { name, help } = this.#options;
    return {
      name,
      help,
      type: 'histogram',
      aggregator: 'sum',
      values: this.#observed.flatMap((each) => this.#valuesOf(each)),
    };
  }

  // Buckets hold all that is not above their bound, smaller ones included (Prometheus, exposition formats, "Histograms").
  #valuesOf({ label, inBucket, sum }: Observed) {
    const { name, buckets, labelNames } = this.#options;
    const own = { [labelNames[0]]: label };
    let total = 0;
    const values: { labels: Record<string, string | number>; value: number; metricName: string }[] = [];
    for (const [at, count] of inBucket.entries()) {
      total += count;
      values.push({ labels: { le: buckets[at] ?? '+Inf', ...own }, value: total, metricName: `${name}_bucket` });
    }
    values.push({ labels: own, value: sum, metricName: `${name}_sum` });
    values.push({ labels: own, value: total, metricName: `${name}_count` });
    return values;
  }
}
