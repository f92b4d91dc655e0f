/**
 * Files and functions stay short enough to read.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { judge } from './exceptions.ts';
import { longFiles, longFunctions, wideFunctions } from './size-rules.ts';
import { allSources, type SourceFile } from './source-files.ts';

const sample = (text: string, path = 'src/a.ts'): readonly SourceFile[] => [{ path, text }];
const lines = (count: number): string => 'x();\n'.repeat(count);

describe('sizes', () => {
  it('of files: short enough to read in one sitting', () => {
    expect(judge('long files', longFiles(allSources))).toEqual([]);
  });

  it('of functions: each fits a screen', () => {
    expect(judge('long functions', longFunctions(allSources))).toEqual([]);
  });

  it('of argument lists: two, then an object', () => {
    const sources = allSources.filter(({ path }) => !path.endsWith('.test.ts'));
    expect(judge('wide functions', wideFunctions(sources))).toEqual([]);
  });
});

describe('these rules', () => {
  it('refuse a file of 301 lines, but not a table', () => {
    expect(longFiles(sample(lines(301)))).toHaveLength(1);
    expect(longFiles(sample(lines(300)))).toEqual([]);
    expect(longFiles(sample(lines(301), 'src/config/schema.ts'))).toEqual([]);
    expect(longFiles(sample(lines(600), 'test/attack/a.test.ts'))).toEqual([]);
    expect(longFiles(sample(lines(601), 'test/attack/a.test.ts'))).toHaveLength(1);
  });

  it.each([
    ['a declaration', `function long() {\n${lines(59)}}`, 'src/a.ts#long'],
    ['an arrow', `const long = () => {\n${lines(59)}};`, 'src/a.ts#long'],
    ['a method', `class A {\n  #long(): void {\n${lines(59)}}\n}`, 'src/a.ts#long'],
    ['a callback', `app.use('/x', () => {\n${lines(59)}});`, 'src/a.ts#/x'],
    ['a test', `it('tells', async () => {\n${lines(59)}});`, 'src/a.ts#tells'],
  ])('refuse %s of 61 lines', (_case, text, subject) => {
    expect(longFunctions(sample(text)).map((violation) => violation.subject)).toEqual([subject]);
    expect(longFunctions(sample(text.replace('x();\n', '')))).toEqual([]);
  });

  it('let a chapter of tests be long', () => {
    expect(longFunctions(sample(`describe('a', () => {\n${lines(80)}});`))).toEqual([]);
    expect(longFunctions(sample(`describe.each([1])('a', () => {\n${lines(80)}});`))).toEqual([]);
  });

  it.each([
    ['a declaration', 'function wide(a: string, b: string, c: string) {}'],
    ['an arrow', 'const wide = (a: string, b: string, c: string) => a;'],
    ['a method', 'class A { wide(a: string, b?: string, ...c: string[]) {} }'],
    ['a constructor', 'class A { constructor(a: string, b: string, c: string) {} }'],
    ['a contract', 'interface A { wide(a: string, b: string, c: string): void }'],
    ['two before and two objects', 'function wide(a: A, b: B, { c }: C, { d }: D) {}'],
    ['a list for an object', 'const wide = (a: A, b: B, c: readonly C[]) => a;'],
    [
      'a contract of our own',
      "import { Store } from './store.ts'; class A implements Store { m(a: string, b: string, c: string) {} }",
    ],
    ['a boolean by its place', 'function open(path: string, force: boolean) {}'],
  ])('refuse too many arguments: %s', (_case, text) => {
    expect(wideFunctions(sample(text))).toHaveLength(1);
  });

  it.each([
    ['two arguments', 'function narrow(this: Foo, a: string, { b, c }: B) {}'],
    ['two arguments before the object', 'function narrow(a: string, b: string, { c }: C = {}) {}'],
    ['two arguments before options', 'function narrow(a: string, b: string, options?: Options) {}'],
    ['a boolean alone', 'function show(visible: boolean) {}'],
    ['a callback', 'list.reduce((a, b, c) => a);'],
    ['a declared shape', 'const f: RequestHandler = (a, b, c) => a;'],
    ['an overridden method', 'class A extends B { override m(a: string, b: string, c: string) {} }'],
    [
      'the contract of a package',
      "import { Adapter } from 'op'; class A implements Adapter { m(a: string, b: string, c: string) {} }",
    ],
    ['a stage of Express', 'function stage(request: Request, response: Response, next: NextFunction) {}'],
    ['a listener of upgrades', 'function upgrade(request: Request, socket: Socket, head: Buffer) {}'],
  ])('let %s pass', (_case, text) => {
    expect(wideFunctions(sample(text))).toEqual([]);
  });
});
