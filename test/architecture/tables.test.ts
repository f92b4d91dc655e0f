/**
 * The tables of the product hold what is used, and all that is used stands in them.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { judge } from './exceptions.ts';
import { productSources, type SourceFile } from './source-files.ts';
import {
  firstArguments,
  keysOfTable,
  metricViolations,
  stageViolations,
  tableViolations,
  wordsOfType,
} from './table-rules.ts';

const at = (path: string): SourceFile | undefined => productSources.find((file) => file.path === path);

const codes = {
  kind: 'code',
  path: 'src/errors.ts',
  words: keysOfTable(at('src/errors.ts'), 'catalogue'),
  calls: ['ProblemError', 'problemReply'],
};
const reasons = {
  kind: 'reason',
  path: 'src/guards/decision.ts',
  words: wordsOfType(at('src/guards/decision.ts'), 'DenyReason'),
  calls: ['deny'],
};
const events = {
  kind: 'event',
  path: 'src/audit/events.ts',
  words: keysOfTable(at('src/audit/events.ts'), 'events'),
  calls: ['event'],
};

describe('tables', () => {
  it('of failures: every code of src/errors.ts is used, and no other', () => {
    expect(judge('codes', tableViolations(codes, productSources))).toEqual([]);
  });

  it('of refusals: every reason of src/guards/decision.ts is given by a guard, and no other', () => {
    const guards = productSources.filter(({ path }) => path !== 'src/errors.ts');
    expect(judge('reasons', tableViolations(reasons, guards))).toEqual([]);
  });

  it('of audit events: every event of src/audit/events.ts is written, and no other', () => {
    expect(judge('events', tableViolations(events, productSources))).toEqual([]);
  });

  it('of metrics: every metric of src/metrics/catalogue.ts is made and moved', () => {
    expect(judge('metrics', metricViolations(at('src/metrics/catalogue.ts'), productSources))).toEqual([]);
  });

  it('of stages: every stage is arranged in src/pipeline.ts', () => {
    expect(judge('stages', stageViolations(at('src/pipeline.ts')))).toEqual([]);
  });

  it('are found where they are looked for', () => {
    const found = { codes: codes.words.length, reasons: reasons.words.length, events: events.words.length };
    const exist = { codes: at(codes.path), reasons: at(reasons.path), events: at(events.path) };
    const empty = Object.entries(found).filter(([name, count]) => count === 0 && exist[name as keyof typeof exist]); // the keys of both are the same three
    expect(empty).toEqual([]);
  });
});

describe('these rules', () => {
  const table = `export const catalogue = { 'a-code': { status: 400 }, bCode: {} } as const satisfies Record<string, Entry>;`;
  const errors = { path: 'src/errors.ts', text: table };
  const sample = {
    kind: 'code',
    path: 'src/errors.ts',
    words: keysOfTable(errors, 'catalogue'),
    calls: ['ProblemError'],
  };
  const using = (text: string): readonly SourceFile[] => [errors, { path: 'src/a.ts', text }];

  it('read a table through its types, and a type through its brackets', () => {
    expect(sample.words).toEqual(['a-code', 'bCode']);
    const decision = { path: 'src/d.ts', text: `export type R = Extract<Code, 'x' | 'y'>; type Other = 'z';` };
    expect(wordsOfType(decision, 'R')).toEqual(['x', 'y']);
    expect(keysOfTable(undefined, 'catalogue')).toEqual([]);
  });

  it('refuse a word that nobody says, also where a comment does', () => {
    expect(tableViolations(sample, using(`throw new ProblemError('a-code'); // bCode 'bCode'`))).toEqual([
      { subject: 'src/errors.ts#bCode', text: 'this code is declared and never used' },
    ]);
    expect(tableViolations(sample, using(`throw new ProblemError('a-code'); const other = 'bCode';`))).toEqual([]);
  });

  it('refuse a word that the table does not have', () => {
    const text = `new ProblemError('a-code'); x.ProblemError('bCode'); new ProblemError('c-code', { a: 'd' });`;
    expect(firstArguments({ path: 'src/a.ts', text }, ['ProblemError'])).toEqual(['a-code', 'bCode', 'c-code']);
    expect(tableViolations(sample, using(text)).map(({ subject }) => subject)).toEqual(['src/a.ts#c-code']);
  });

  it('refuse a metric that is not made, or not moved', () => {
    const text = `const metrics = { a_total: {}, b_total: {}, c_total: {} }; class M { constructor() { this.a = new Counter(this.#o('a_total')); this.b = new Histogram({ ...this.#o('b_total'), x }); } }`;
    const catalogue = { path: 'src/metrics/catalogue.ts', text };
    const violations = metricViolations(catalogue, [catalogue, { path: 'src/x.ts', text: 'metrics.a.inc();' }]);
    expect(violations.map((violation) => violation.text)).toEqual([
      'this metric is made and never moved',
      'this metric is declared and never made',
    ]);
  });

  it('refuse a stage that is not arranged', () => {
    const text = `export interface Stages { record: A; cors: B; page: C } function f(stages: Stages) { stages.cors; } function g({ record }: Stages) {} const page = 1;`;
    expect(stageViolations({ path: 'src/pipeline.ts', text }).map(({ subject }) => subject)).toEqual([
      'src/pipeline.ts#page',
    ]);
  });
});
