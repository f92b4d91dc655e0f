/**
 * Comments that are owed: one for each file, one for each export.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { exportDocViolations, isOnlyTheName, moduleViolations } from './doc-rules.ts';
import { judge } from './exceptions.ts';
import { allSources, filesAt } from './source-files.ts';

const sources = allSources.filter(({ path }) => !path.endsWith('.test.ts'));
const scripts = filesAt('tools/*.js', 'public/*.js');

describe('comments', () => {
  it('say at the top of each file what it is for', () => {
    expect(judge('module comments', moduleViolations([...sources, ...scripts]))).toEqual([]);
  });

  it('say something of each export', () => {
    expect(judge('export comments', exportDocViolations(sources))).toEqual([]);
  });
});

describe('these rules', () => {
  const top = '/**\n * Keeps sessions for a while.\n *\n * @module\n */\n';

  it.each([
    ['no comment', 'export {};'],
    ['a comment without @module', '/** Keeps sessions for a while. */\n'],
    ['nothing but @module', '/** @module */\n'],
    ['a line comment', '// Keeps sessions. @module\n'],
    ['a comment further down', `const a = 1;\n${top}`],
  ])('refuse a file with %s', (_case, text) => {
    expect(moduleViolations([{ path: 'src/a.ts', text }])).toHaveLength(1);
  });

  it('let a file pass that says what it is for', () => {
    expect(
      moduleViolations([
        { path: 'src/a.ts', text: top },
        { path: 'tools/b.ts', text: `#!/usr/bin/env node\n${top}` },
      ]),
    ).toEqual([]);
  });

  it.each([
    ['nothing', 'export const a = 1;'],
    ['a line comment', '// The first letter.\nexport const a = 1;'],
    ['a plain block', '/* The first letter. */\nexport const a = 1;'],
    ['only the comment of the file', `${top}export const a = 1;`],
    ['only its name again', '/** The session store. */\nexport interface SessionStore {}'],
    ['a comment that belongs to another', '/** The first letter of all. */\nconst b = 1;\nexport const a = 1;'],
  ])('refuse an export with %s', (_case, text) => {
    expect(exportDocViolations([{ path: 'src/a.ts', text }])).toHaveLength(1);
  });

  it('let an export pass that says something', () => {
    const text = `${top}/**\n * Ends after 30 s of silence.\n */\nexport function close(): void {}\n/** Bytes, at most. */\n// biome-ignore lint/x: why\nexport const limit = 1;`;
    expect(exportDocViolations([{ path: 'src/a.ts', text }])).toEqual([]);
  });

  it('know a sentence from a name', () => {
    expect(isOnlyTheName('Gets the session cookies.', 'sessionCookie')).toBe(true);
    expect(isOnlyTheName('The session cookie: one secret.', 'sessionCookie')).toBe(false);
  });
});
