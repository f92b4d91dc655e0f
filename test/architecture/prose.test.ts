/**
 * What files say, and what tests and catches may not do.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { judge } from './exceptions.ts';
import { failureViolations, projectTexts, testViolations, textViolations } from './prose-rules.ts';
import { allSources, productSources, type SourceFile } from './source-files.ts';

const tests = allSources.filter(({ path }) => path.startsWith('test/') && !path.startsWith('test/support/'));
const sample = (text: string, path = 'docs/a.md'): readonly SourceFile[] => [{ path, text }];

describe('the project', () => {
  it('says nothing that belongs elsewhere', () => {
    const texts = projectTexts();
    expect(texts.length).toBeGreaterThan(50);
    expect(judge('texts', textViolations(texts))).toEqual([]);
  });

  it('switches no test off and lets no test sleep', () => {
    expect(judge('tests', testViolations(tests))).toEqual([]);
  });

  it('swallows no failure and decides by no text of one', () => {
    expect(
      judge(
        'failures',
        failureViolations([...productSources, ...allSources.filter(({ path }) => path.startsWith('demo/'))]),
      ),
    ).toEqual([]);
  });
});

describe('these rules', () => {
  const parts = [
    ['a path of a machine', ['see /wo', 'rk/main/src']],
    ['another path of a machine', ['(/ro', 'ot/.cache)']],
    ['who wrote it', ['a help', 'er agent did']],
    ['what wrote it', ['a language-mo', 'del wrote']],
    ['a name of one', ['thanks to Cla', 'ude']],
    ['a trailer', ['Co-Auth', 'ored-By: x']],
    ['a registry', ['https://regis', 'try.npmjs.org/a']],
    ['a remark', ['// TO', 'DO: later']],
    ['a merge that was not finished', ['<<<<', '<<< HEAD']],
  ] as const;

  it.each(parts)('refuse %s', (_case, words) => {
    expect(textViolations(sample(words.join('')))).toHaveLength(1);
  });

  it.each(['a framework/work/flow', 'the user agent', `TO${'DO'}(#12): later`, 'the root/ of it', 'an assistant'])(
    'let "%s" pass',
    (text) => {
      expect(textViolations(sample(text))).toEqual([]);
    },
  );

  it.each([
    `it.only('a', f)`,
    `describe.skip('a', f)`,
    `it.todo('a')`,
    `test.fails('a', f)`,
    `it.skip.each([1])('a', f)`,
    `it.concurrent.only('a', f)`,
  ])('refuse %s', (text) => {
    expect(testViolations(sample(text, 'test/a.test.ts')).length).toBeGreaterThan(0);
  });

  it('refuse a test that sleeps, but not one that moves a clock', () => {
    expect(testViolations(sample('await new Promise((r) => setTimeout(r, 100));'))).toHaveLength(1);
    expect(testViolations(sample(`import { pause } from '../support/eventually.ts'; await pause(100);`))).toHaveLength(
      1,
    );
    expect(
      testViolations(
        sample(
          `import { pause } from '../../src/base/clock.ts'; await pause(clock, 100); it.skipIf(x)('a', f); it.each([1])('b', f);`,
        ),
      ),
    ).toEqual([]);
  });

  it.each([
    'try { a(); } catch {}',
    'try { a(); } catch (error) { /* nothing */ }',
    'a().catch(() => {});',
    'if (error.message.includes("x")) b();',
    'if (/x/.test(error.message)) b();',
  ])('refuse %s', (text) => {
    expect(failureViolations(sample(text))).toHaveLength(1);
  });

  it('let a catch pass that does something', () => {
    expect(
      failureViolations(sample('try { a(); } catch { b(); } a().catch((error) => log(error)); log(error.message);')),
    ).toEqual([]);
  });
});
