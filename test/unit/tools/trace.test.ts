/**
 * What counts as shown, and what does not.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { printTrace, type Requirement, traceOf } from '../../../tools/trace-report.ts';
import { idsIn, traceFiles } from '../../../tools/trace-tests.ts';

const path = 'test/attack/a.test.ts';
const control = `it('lets it through', async () => { expect(answer.status).toBe(200); });`;
const requirements: readonly Requirement[] = [
  { id: 'CB-01', level: 'M', requirement: 'one' },
  { id: 'CB-02', level: 'M·L2', requirement: 'two' },
  { id: 'LS-01', level: 'S', requirement: 'three' },
];

const trace = (text: string, support = '') => {
  const files = [{ path, text }];
  return traceOf(requirements, traceFiles(files, [...files, { path: 'test/support/refusals.ts', text: support }]));
};
const shownBy = (text: string, support = '') => [...trace(text, support).shown.keys()];

describe('an id counts', () => {
  it.each([
    ['for a status', `it('CB-01: refuses', () => { expect(answer.status).toBe(400); });`],
    ['for the bytes of an upstream', `it('CB-01: refuses', async () => { expect(upstream.requests).toEqual([]); });`],
    ['for a header', `it('CB-01: refuses', () => expect(a.header('x')).toBe('y'));`],
    ['in a title of a template', `it(\`CB-01: refuses \${what}\`, () => { expect(a.status).toBe(400); });`],
    [
      'in the title of its chapter',
      `describe('CB-01', () => { it('refuses', () => { expect(a.status).toBe(400); }); });`,
    ],
    [
      'in a row of a table',
      `it.each([['CB-01: a case', 400]])('%s', (_c, status) => { expect(a.status).toBe(status); });`,
    ],
    [
      'in a named table',
      `const rows = [['CB-01: a case', 400]]; it.each(rows)('%s', (_c, status) => { expect(a.status).toBe(status); });`,
    ],
    [
      'through a function of the file',
      `function refuse(a) { expect(a.status).toBe(400); } it('CB-01: x', () => { refuse(a); });`,
    ],
    [
      'through an arrow of the file',
      `const refuse = (a) => expect(a.status).toBe(400); it('CB-01: x', () => { refuse(a); });`,
    ],
  ])('%s', (_case, text) => {
    expect(shownBy(text + control)).toEqual(['CB-01']);
  });

  it('through a function of another file of the tests', () => {
    const support = `export async function expectRefused(answer) { check(answer); } function check(answer) { expect(answer.status).toBe(400); }`;
    const text = `import { expectRefused as refused } from '../support/refusals.ts'; it('CB-01: x', async () => { await refused(a); });`;
    expect(shownBy(text + control, support)).toEqual(['CB-01']);
  });

  it('for all of several ids', () => {
    expect(idsIn('CB-01, LS-01: refuses RFC-9700 and ab-12')).toEqual(['CB-01', 'LS-01']);
  });
});

describe('an id does not count', () => {
  it.each([
    ['for a decision', `it('CB-01: x', () => { expect(decision.allowed).toBe(false); });`, 'expects nothing'],
    [
      'for a status that nobody expects',
      `it('CB-01: x', () => { answer.status; expect(1).toBe(1); });`,
      'expects nothing',
    ],
    [
      'for a function that nobody calls',
      `function f() { expect(a.status).toBe(400); } it('CB-01: x', () => { expect(1).toBe(1); });`,
      'expects nothing',
    ],
  ])('%s', (_case, text, reason) => {
    const { shown, notCounted } = trace(text + control);
    expect([...shown]).toEqual([]);
    expect(notCounted).toMatchObject([{ id: 'CB-01', reason: expect.stringContaining(reason) }]);
  });

  it('without a positive control in its file', () => {
    const refusal = `it('CB-01: x', () => { expect(answer.status).toBe(400); });`;
    expect(trace(refusal).notCounted).toMatchObject([{ id: 'CB-01', reason: 'its file expects no success anywhere' }]);
    expect(
      shownBy(`${refusal} it.each([['fine', 303]])('%s', (_c, status) => { expect(a.status).toBe(status); });`),
    ).toEqual(['CB-01']);
  });
});

it('reports groups, rows that must be shown and are not, and ids that do not exist', () => {
  const found = trace(`it('CB-01, CB-99: x', () => { expect(a.status).toBe(200); });`);
  const text = printTrace(found, { withTests: true });

  expect(found.groups).toEqual([
    { group: 'CB', rows: 2, shown: 1, musts: 2, mustsShown: 1 },
    { group: 'LS', rows: 1, shown: 0, musts: 0, mustsShown: 0 },
  ]);
  expect(found.uncoveredMusts.map(({ id }) => id)).toEqual(['CB-02']);
  expect(found.unknown).toEqual([{ id: 'CB-99', test: `${path}: CB-01, CB-99: x` }]);
  expect(text).toMatch(/^CB +1 +2 +1 +2$/m);
  expect(text).toMatch(/^ {2}CB-01 {2}test\/attack\/a\.test\.ts: CB-01, CB-99: x$/m);
  expect(text).toContain('must be shown and are not (1)\n  CB-02  M·L2  two');
});
