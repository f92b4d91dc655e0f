/**
 * The table of flaws that others had names tests that there are.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { traceFiles } from '../../tools/trace-tests.ts';
import { knownFlaws, type Shown } from '../attack/known-flaws.ts';
import { allSources } from './source-files.ts';

const files = traceFiles(
  allSources.filter(({ path }) => path.endsWith('.test.ts')),
  allSources.filter(({ path }) => path.startsWith('test/')),
);
const titles = new Map(files.map(({ path, tests }) => [path, tests.map(({ title }) => title)]));

/** Those that are not there, or there more than once. */
function lost(tests: readonly Shown[]): readonly string[] {
  return tests
    .filter(({ file, title }) => titles.get(file)?.filter((each) => each === title).length !== 1)
    .map(({ file, title }) => `${file}: ${title}`);
}

const flaws = knownFlaws.flatMap((family) => family.flaws);

describe('the table of known flaws', () => {
  it('names tests that there are, by their names', () => {
    expect(lost(flaws.flatMap(({ shownBy }) => shownBy))).toEqual([]);
  });

  it('shows each flaw by a test, and numbers it once', () => {
    expect(flaws.filter(({ shownBy }) => shownBy.length === 0)).toEqual([]);
    expect(new Set(flaws.map(({ id }) => id)).size).toBe(flaws.length);
    expect(flaws.length).toBeGreaterThanOrEqual(48);
  });

  it('would tell of a test that was renamed, and of a file that is gone', () => {
    const [one] = flaws.flatMap(({ shownBy }) => shownBy);
    if (one === undefined) throw new Error('the table is empty');

    expect(lost([one])).toEqual([]);
    expect(
      lost([
        { ...one, title: `${one.title}.` },
        { ...one, file: 'test/attack/gone.test.ts' },
      ]),
    ).toHaveLength(2);
  });
});
