/**
 * What is made from the tables of the product: that it is fresh, that staleness is
 * seen, and that it says what the tables say.
 *
 * @module
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { events } from '../../../src/audit/events.ts';
import { rulesExample } from '../../../src/config/describe.ts';
import { settingNames, settings } from '../../../src/config/schema.ts';
import { catalogue } from '../../../src/errors.ts';
import { metrics } from '../../../src/metrics/catalogue.ts';
import { refreshFailures } from '../../../src/token/failures.ts';
import { jsonText } from '../../../tools/docs/json-text.ts';
import { madeFiles, refresh, staleFiles } from '../../../tools/docs.ts';
import { runProgram } from '../../support/processes.ts';
import { errorOf, faultsOf, filesWith, production } from '../config/settings.ts';

const root = join(import.meta.dirname, '../../..');
const textOf = (file: string) => readFileSync(join(root, file), 'utf8');

describe('the files that are made', () => {
  it('are what npm run docs makes', () => {
    expect(staleFiles(root)).toEqual([]);
  });

  it('are checked by a program that says which is not', async () => {
    const ended = await runProgram({ entry: 'tools/docs.ts', parameters: ['--check'] });
    expect(ended).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it.each([
    ['docs/errors.md', Object.keys(catalogue).map((code) => `\n## ${code}\n`)],
    ['docs/audit-events.md', Object.keys(events).map((name) => `| \`${name}\` |`)],
    ['docs/metrics.md', Object.keys(metrics).map((name) => `| \`${name}\` |`)],
    ['docs/refresh-failures.md', Object.keys(refreshFailures).map((name) => `| \`${name}\` |`)],
    ['docs/configuration.md', settingNames.map((name) => `| \`${name}\` |`)],
  ])('%s has a place for each row of its table', (file, places) => {
    const text = textOf(file);
    expect(places.length).toBeGreaterThan(0);
    expect(places.filter((place) => text.split(place).length !== 2)).toEqual([]);
  });

  it('have rows of Markdown with as many cells as their head', () => {
    const files = madeFiles.map(({ file }) => file).filter((file) => file.endsWith('.md'));
    const uneven = files.flatMap((file) =>
      textOf(file)
        .split(/\n\n+/)
        .filter((block) => block.startsWith('|'))
        .filter((table) => new Set(table.trim().split('\n').map(cellsIn)).size !== 1)
        .map((table) => `${file}: ${table.slice(0, 40)}`),
    );
    expect(uneven).toEqual([]);
  });
});

function cellsIn(row: string): number {
  return row.replaceAll('\\|', '').split('|').length;
}

describe('files that are stale', () => {
  const files = [
    { file: 'a.md', make: () => 'a' },
    { file: 'docs/b.md', make: () => 'b' },
  ];
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'claimcheck-docs-'));
    for (const { file, make } of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), make());
    }
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function refreshed(...args: readonly string[]) {
    const lines: string[] = [];
    return { code: refresh(args, { root: folder, files, write: (line) => lines.push(line) }), lines };
  }

  it('are none while all are fresh', () => {
    expect(staleFiles(folder, files)).toEqual([]);
  });

  it('are those that differ and those that are missing', () => {
    writeFileSync(join(folder, 'a.md'), 'a\n');
    rmSync(join(folder, 'docs/b.md'));
    expect(staleFiles(folder, files)).toEqual(['a.md', 'docs/b.md']);
  });

  it('are told by --check, which writes nothing and fails', () => {
    writeFileSync(join(folder, 'a.md'), 'stale');
    expect(refreshed('--check')).toEqual({ code: 1, lines: ['a.md is not what `npm run docs` makes.'] });
    expect(readFileSync(join(folder, 'a.md'), 'utf8')).toBe('stale');
  });

  it('are written without it, and are fresh then', () => {
    writeFileSync(join(folder, 'a.md'), 'stale');
    expect(refreshed()).toEqual({ code: 0, lines: ['Written: a.md'] });
    expect(readFileSync(join(folder, 'a.md'), 'utf8')).toBe('a');
    expect(refreshed()).toEqual({ code: 0, lines: ['All files are as they should be.'] });
    expect(refreshed('--check')).toEqual({ code: 0, lines: [] });
  });
});

describe('.env.example', () => {
  const env = parseEnv(textOf('.env.example'));

  it('sets nothing, and names what is needed without a value', () => {
    expect(Object.values(env).filter((text) => text !== '')).toEqual([]);
    expect(Object.keys(env).sort()).toEqual(settingNames.filter((name) => 'needed' in settings[name]).sort());
  });

  it('TL-07: leads to the faults of what is missing and to no other', () => {
    expect(errorOf(env).faults).toEqual(errorOf({}).faults);
    expect(errorOf(env).isEmpty).toBe(true);
  });

  it('has every default in a comment that says the same without its sign', () => {
    const uncommented = parseEnv(textOf('.env.example').replaceAll(/^# ([A-Z_]+=)/gm, '$1'));
    expect(Object.keys(uncommented).sort()).toEqual([...settingNames].sort());
    for (const name of settingNames) {
      expect(uncommented[name], name).toBe('default' in settings[name] ? settings[name].default : '');
    }
  });
});

describe('the example of a rules file', () => {
  it('TL-07: is a rules file without faults, and stands in docs/configuration.md', () => {
    const env = { ...production, API_UPSTREAM: undefined, RULES_FILE: 'rules.yaml' };
    expect(faultsOf(env, filesWith({ 'rules.yaml': rulesExample }))).toEqual([]);
    expect(textOf('docs/configuration.md')).toContain(rulesExample);
  });
});

describe('jsonText', () => {
  it.each([
    ['nothing', {}, '{}\n'],
    ['members on lines of their own', { a: 1, b: null }, '{\n  "a": 1,\n  "b": null\n}\n'],
    ['a short list on one line', { a: ['x', 'y'] }, '{\n  "a": ["x", "y"]\n}\n'],
    ['a list of objects', [{ a: 1 }], '[\n  {\n    "a": 1\n  }\n]\n'],
  ])('writes %s', (_case, value, text) => {
    expect(jsonText(value)).toBe(text);
  });

  it('breaks a list that is too long for a line, and keeps what it means', () => {
    const value = { list: Array.from({ length: 30 }, (_, at) => `item ${at}`) };
    expect(jsonText(value).split('\n')).toHaveLength(35);
    expect(JSON.parse(jsonText(value))).toEqual(value);
  });
});
