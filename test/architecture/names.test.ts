/**
 * Names say what is inside, in the words of the project.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { judge } from './exceptions.ts';
import { exportNameViolations, exportsOf, fileNameViolations, wordsOf } from './name-rules.ts';
import { allSources, filesAt, productSources } from './source-files.ts';

const paths = [...allSources.map(({ path }) => path), ...filesAt('{public,tools,src}/**/*.js').map(({ path }) => path)];

describe('names', () => {
  it('of files and folders say what is inside', () => {
    expect(judge('file names', fileNameViolations(paths))).toEqual([]);
  });

  it('of exports use our words', () => {
    expect(judge('export names', exportNameViolations(productSources))).toEqual([]);
  });
});

describe('these rules', () => {
  it.each([
    'src/utils/a.ts',
    'src/http/cookie-helper.ts',
    'src/session-manager.ts',
    'src/common/a.ts',
    'test/misc.test.ts',
    'src/Reply.ts',
    'src/http/client_address.ts',
  ])('refuse %s', (path) => {
    expect(fileNameViolations([path])).toHaveLength(1);
  });

  it.each([
    'src/http/client-address.ts',
    'vitest.config.ts',
    'test/unit/http/reply.test.ts',
    'src/token/utilization.ts',
  ])('let %s pass', (path) => {
    expect(fileNameViolations([path])).toEqual([]);
  });

  it('find the words of a name', () => {
    expect(wordsOf('readHTTPLine2')).toEqual(['read', 'http', 'line2']);
    expect(wordsOf('session-store')).toEqual(['session', 'store']);
  });

  it('see every kind of export, and refuse words that are not ours', () => {
    const text = `export const ipBlacklist = 1, b = 2; export class SessionManager {} export interface Ticket {} export type TTL = 1; export function returnUrlOf() {} export default function () {} const hiddenHelper = 1;`;
    const file = { path: 'src/a.ts', text };
    expect(exportsOf(file).map(({ name }) => name)).toEqual([
      'ipBlacklist',
      'b',
      'SessionManager',
      'Ticket',
      'TTL',
      'returnUrlOf',
      'default',
    ]);
    expect(exportNameViolations([file]).map(({ subject }) => subject.split('#')[1])).toEqual([
      'ipBlacklist',
      'SessionManager',
      'Ticket',
      'TTL',
    ]);
    expect(exportNameViolations([{ path: 'src/a.ts', text: 'export const returnUrl = 1;' }])).toHaveLength(1);
  });
});
