/**
 * Makes the files that are made from tables of the product. `node tools/docs.ts`
 * writes them; `--check` writes nothing, names each file that is not what it
 * would be, and ends with 1 where there is one.
 *
 * @module
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationAsMarkdown, envExample } from '../src/config/describe.ts';
import { rulesAsJsonSchema } from '../src/config/rules-schema.ts';
import { refreshFailuresAsMarkdown } from '../src/token/failures.ts';
import { flawsAsMarkdown } from './docs/flaws.ts';
import { jsonText } from './docs/json-text.ts';
import { errorsAsMarkdown, eventsAsMarkdown, metricsAsMarkdown } from './docs/tables.ts';
import { verdictsAsMarkdown } from './docs/verdicts.ts';

/** A file and how its text is made. */
export interface MadeFile {
  readonly file: string;
  readonly make: () => string;
}

/** Every file that is made, from the root of the project. */
export const madeFiles: readonly MadeFile[] = [
  { file: '.env.example', make: envExample },
  { file: 'docs/configuration.md', make: configurationAsMarkdown },
  { file: 'docs/rules.schema.json', make: () => jsonText(rulesAsJsonSchema()) },
  { file: 'docs/errors.md', make: errorsAsMarkdown },
  { file: 'docs/audit-events.md', make: eventsAsMarkdown },
  { file: 'docs/metrics.md', make: metricsAsMarkdown },
  { file: 'docs/refresh-failures.md', make: refreshFailuresAsMarkdown },
  { file: 'docs/conformance.md', make: verdictsAsMarkdown },
  { file: 'docs/known-flaws.md', make: flawsAsMarkdown },
];

/** The files below `root` that are missing or hold something else. */
export function staleFiles(root: string, files: readonly MadeFile[] = madeFiles): readonly string[] {
  return files.filter(({ file, make }) => textAt(join(root, file)) !== make()).map(({ file }) => file);
}

function textAt(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** What the program works on. */
export interface Surface {
  readonly root: string;
  readonly files: readonly MadeFile[];
  /** Takes lines for the terminal. */
  readonly write: (line: string) => void;
}

/** Writes the files, or with `--check` only says which are stale; gives the exit code. */
export function refresh(args: readonly string[], { root, files, write }: Surface): number {
  const stale = staleFiles(root, files);
  if (args.includes('--check')) {
    for (const file of stale) write(`${file} is not what \`npm run docs\` makes.`);
    return stale.length === 0 ? 0 : 1;
  }
  for (const { file, make } of files) if (stale.includes(file)) writeFileSync(join(root, file), make());
  write(stale.length === 0 ? 'All files are as they should be.' : `Written: ${stale.join(', ')}`);
  return 0;
}

if (import.meta.main) {
  process.exitCode = refresh(process.argv.slice(2), {
    root: join(import.meta.dirname, '..'),
    files: madeFiles,
    write: (line) => void process.stdout.write(`${line}\n`),
  });
}
