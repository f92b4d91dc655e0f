import fc from 'fast-check';
import { AggregatorRegistry, Counter, Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { FrequentCounter, FrequentHistogram } from '../../../src/metrics/frequent.ts';

const buckets = [0.001, 0.01, 0.1, 1];
const about = { name: 'sample', help: 'A sample.' };

/** What a registry shows, line by line and in no order of the labels: as text, and added up with itself as workers' are. */
async function shown(registry: Registry): Promise<readonly string[]> {
  const values = await registry.getMetricsAsJSON();
  const twice = AggregatorRegistry.aggregate([values, values]);
  const texts = [await registry.metrics(), await twice.metrics()];
  return texts.flatMap((text) => text.split('\n').map(withSortedLabels).sort());
}

function withSortedLabels(line: string): string {
  return line.replace(/\{(.*)\}/, (_all, labels: string) => `{${labels.split(',').sort().join(',')}}`);
}

const words = fc.constantFrom('A', 'I', 'P', '');
const values = fc.oneof(fc.constantFrom(0, ...buckets, 1.000_001, 3), fc.double({ min: 0, max: 2, noNaN: true }));

describe('a counter of what is frequent', () => {
  it('shows what the counter of prom-client shows, however often it is read', async () => {
    const calls = fc.array(fc.tuple(words, words, fc.boolean()), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(calls, async (counted) => {
        const [ours, theirs] = [new Registry(), new Registry()];
        const labelNames = ['kind', 'code'] as const;
        const frequent = new FrequentCounter<'kind' | 'code'>({ ...about, labelNames, registers: [ours] });
        const counter = new Counter({ ...about, labelNames, registers: [theirs] });
        for (const [kind, code, isRead] of counted) {
          frequent.inc({ kind, code });
          counter.inc({ kind, code });
          if (isRead) expect(await shown(ours)).toEqual(await shown(theirs));
        }
        expect(await shown(ours)).toEqual(await shown(theirs));
      }),
    );
  });

  it('keeps apart what lacks a label', async () => {
    const [ours, theirs] = [new Registry(), new Registry()];
    const labelNames = ['kind', 'code'] as const;
    const frequent = new FrequentCounter<'kind' | 'code'>({ ...about, labelNames, registers: [ours] });
    const counter = new Counter({ ...about, labelNames, registers: [theirs] });
    for (const one of [frequent, counter]) {
      one.inc({ kind: 'I' });
      one.inc({ kind: 'I', code: 'x' });
    }
    expect(await shown(ours)).toEqual(await shown(theirs));
  });
});

describe('a histogram of what is frequent', () => {
  it('shows what the histogram of prom-client shows', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(words, values), { maxLength: 60 }), async (observed) => {
        const [ours, theirs] = [new Registry(), new Registry()];
        const frequent = new FrequentHistogram<'kind'>({ ...about, labelNames: ['kind'], buckets, registers: [ours] });
        const histogram = new Histogram({ ...about, labelNames: ['kind'], buckets, registers: [theirs] });
        for (const [kind, value] of observed) {
          frequent.observe(kind, value);
          histogram.observe({ kind }, value);
        }
        expect(await shown(ours)).toEqual(await shown(theirs));
      }),
    );
  });

  it('can be registered once under a name', () => {
    const registers = [new Registry()];
    const make = () => new FrequentHistogram<'kind'>({ ...about, labelNames: ['kind'], buckets, registers });
    make();
    expect(make).toThrow(/sample/);
  });
});
