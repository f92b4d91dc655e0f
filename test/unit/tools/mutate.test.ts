/**
 * The engine that takes guards away, on a toy project with one guard.
 *
 * @module
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mutated, runVitest, tryMutation } from '../../../tools/mutation-run.ts';
import { mutations } from '../../../tools/mutations.ts';

const root = mkdtempSync(join(tmpdir(), 'claimcheck-toy-'));
const guard = `export const isAllowed = (age: number): boolean => age >= 18;\n`;

const toy = {
  name: 'toy: everybody is let in',
  file: 'src/guard.ts',
  search: 'age >= 18',
  replace: 'age >= 0',
  noticedBy: ['test/strict.test.ts'],
};

const testOf = (age: number, answer: boolean): string =>
  `import { expect, it } from 'vitest';\nimport { isAllowed } from '../src/guard.ts';\nit('decides', () => { expect(isAllowed(${age})).toBe(${answer}); });\n`;

beforeAll(() => {
  for (const folder of ['src', 'test']) mkdirSync(join(root, folder));
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  writeFileSync(join(root, 'src/guard.ts'), guard);
  writeFileSync(join(root, 'test/strict.test.ts'), testOf(17, false));
  writeFileSync(join(root, 'test/weak.test.ts'), testOf(18, true));
  writeFileSync(join(root, 'test/broken.test.ts'), testOf(18, false));
  symlinkSync(join(import.meta.dirname, '../../../node_modules'), join(root, 'node_modules'), 'dir');
});

afterAll(() => rmSync(root, { recursive: true }));

const fateOf = (changes: Partial<typeof toy>) => tryMutation({ ...toy, ...changes }, { root, runTests: runVitest });

describe('a mutation', { timeout: 60_000 }, () => {
  it('is noticed by a test that tells the two apart', async () => {
    expect(await fateOf({})).toEqual({ kind: 'noticed' });
  });

  it('survives a test that only asks for the good case', async () => {
    expect(await fateOf({ noticedBy: ['test/weak.test.ts'] })).toEqual({ kind: 'survived' });
  });

  it('is noticed when one of several tests notices', async () => {
    expect(await fateOf({ noticedBy: ['test/weak.test.ts', 'test/strict.test.ts'] })).toEqual({ kind: 'noticed' });
  });

  it('is not taken for noticed by a test that fails anyway', async () => {
    expect(await fateOf({ noticedBy: ['test/broken.test.ts'] })).toMatchObject({ kind: 'broken' });
  });

  it.each([
    ['its text is gone', { search: 'age > 99' }],
    ['its text stands there twice', { search: 'a' }],
    ['it changes nothing', { replace: toy.search }],
    ['its file is gone', { file: 'src/gone.ts' }],
    ['its test is gone', { noticedBy: ['test/gone.test.ts'] }],
    ['no test is named', { noticedBy: [] }],
  ])('is stale when %s', async (_case, changes) => {
    expect(await fateOf(changes)).toMatchObject({ kind: 'stale' });
  });

  it('leaves the project and the temporary directory as they were', async () => {
    const temporary = mkdtempSync(join(tmpdir(), 'claimcheck-copies-'));
    const fate = await tryMutation(toy, { root, runTests: runVitest, temporary });
    const left = readdirSync(temporary);
    rmSync(temporary, { recursive: true });
    expect(fate).toEqual({ kind: 'noticed' });
    expect(readFileSync(join(root, 'src/guard.ts'), 'utf8')).toBe(guard);
    expect(left).toEqual([]);
  });
});

describe('the list of mutations', () => {
  it('changes each text in its one place, and names tests that are there', () => {
    const faults = mutations.flatMap((mutation) => {
      try {
        const project = join(import.meta.dirname, '../../..');
        mutated(readFileSync(join(project, mutation.file), 'utf8'), mutation);
        for (const file of mutation.noticedBy) readFileSync(join(project, file));
        return [];
      } catch (error) {
        return [`${mutation.name}: ${error instanceof Error ? error.message : error}`];
      }
    });
    expect(faults).toEqual([]);
    expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length);
  });
});
