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
import { jsonText } from './docs/json-text.ts';
import { errorsAsMarkdown, eventsAsMarkdown, metricsAsMarkdown } from './docs/tables.ts';

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

function run(root: string, args: readonly string[]): number {
  const stale = staleFiles(root);
  if (!args.includes('--check')) {
    for (const { file, make } of madeFiles.filter(({ file }) => stale.includes(file)))
      writeFileSync(join(root, file), make());
    process.stdout.write(stale.length === 0 ? 'All files are as they should be.\n' : `Written: ${stale.join(', ')}\n`);
    return 0;
  }
  for (const file of stale) process.stderr.write(`${file} is not what \`npm run docs\` makes.\n`);
  return stale.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = run(join(import.meta.dirname, '..'), process.argv.slice(2));
