/**
 * Prints which requirement is shown by which test:
 * `node tools/trace.ts [docs/requirements.json] [--tests] [--check]`.
 *
 * `--tests` adds the tests of each row; `--check` fails when a test names a row
 * that does not exist.
 *
 * @module
 */

import { readFileSync } from 'node:fs';
import { allSources } from '../test/architecture/source-files.ts';
import { printTrace, type Requirement, traceOf } from './trace-report.ts';
import { traceFiles } from './trace-tests.ts';

const given = process.argv.slice(2);
const file = given.find((word) => !word.startsWith('--')) ?? 'docs/requirements.json';

const requirements = JSON.parse(readFileSync(file, 'utf8')) as readonly Requirement[]; // its form is checked by what is looked up in it
// Tests of the tools and of the test house name ids as samples, and show nothing of the product.
const isOfProduct = (path: string): boolean => !/^test\/(architecture|unit\/(tools|support))\//.test(path);
const tests = allSources.filter(({ path }) => path.endsWith('.test.ts') && isOfProduct(path));
const trace = traceOf(
  requirements,
  traceFiles(
    tests,
    allSources.filter(({ path }) => path.startsWith('test/')),
  ),
);

process.stdout.write(printTrace(trace, { withTests: given.includes('--tests') }));
if (given.includes('--check') && trace.unknown.length > 0) process.exitCode = 1;
