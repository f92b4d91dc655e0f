/**
 * Reads the tests and finds which requirement each of them claims to show, and
 * whether it looks at the wire.
 *
 * It reads the syntax, not a run: a test counts when it, or a function of the
 * tests that it calls, expects something of a status, a header or bytes.
 *
 * @module
 */

import { posix } from 'node:path';
import {
  dottedName,
  nameOf,
  nodeAt,
  nodesAt,
  type SourceFile,
  type SyntaxNode,
  treeOf,
  walk,
} from '../test/architecture/source-files.ts';

/** One `it` of a test file. */
export interface TracedTest {
  readonly path: string;
  readonly title: string;
  /** The requirement ids in its name, in those of its chapters, and in the rows of its table. */
  readonly ids: readonly string[];
  /** Does it expect something of what was on the wire? */
  readonly looksAtWire: boolean;
}

/** One test file. */
export interface TracedFile {
  readonly path: string;
  readonly tests: readonly TracedTest[];
  /** Does one of its tests expect a success (200 to 399)? Without one, a refusal may only show that nothing works. */
  readonly hasPositiveControl: boolean;
}

/** Words of what is on the wire. An expectation that names one of them looks at it. */
const wireWords = new Set(
  'status statusCode header headers all raw text json body bytes trailers location url hops hopTo received requests begun last responses final response closed aborted isAborted abortedRequests readable preflight cookies cookie jar cookieHeader history hasReceived holdsSecret upstream dumpAll'.split(
    ' ',
  ),
);

/** Reads test files. `others` are the files they may import functions from. */
export function traceFiles(files: readonly SourceFile[], others: readonly SourceFile[] = files): readonly TracedFile[] {
  const library = new Library([...files, ...others]);
  return files.map((file) => {
    const found = testsOf(file);
    const tests = found.map(({ title, ids, call }) => ({
      path: file.path,
      title,
      ids,
      looksAtWire: library.reach(file, call).some(isWireExpectation),
    }));
    const hasPositiveControl = found.some(
      ({ call }) =>
        library.reach(file, call).some((node) => isWireExpectation(node) && expectsSuccess(node)) ||
        hasSuccessRow(call, file),
    );
    return { path: file.path, tests, hasPositiveControl };
  });
}

/** The ids in a text: `CB-04, LS-19: refuses …` holds two. */
export function idsIn(text: string): readonly string[] {
  return [...text.matchAll(/\b[A-Z]{2}-\d{2}\b/g)].map(([id]) => id);
}

interface FoundTest {
  readonly title: string;
  readonly ids: readonly string[];
  readonly call: SyntaxNode;
}

function testsOf(file: SourceFile): readonly FoundTest[] {
  return [...walk(treeOf(file))].flatMap(({ node, parents }) => {
    if (!isCallOf(node, ['it', 'test'])) return [];
    const chapters = parents.filter((parent) => isCallOf(parent, ['describe']));
    const texts = [node, ...chapters].flatMap((call) => [titleOf(call), ...rowTexts(call, file)]);
    return [{ title: titleOf(node), ids: [...new Set(texts.flatMap(idsIn))], call: node }];
  });
}

/** Is it `it('…', …)`, `it.each(rows)('…', …)`, `it.skipIf(x)('…', …)`? The inner call of such a pair is none. */
function isCallOf(node: SyntaxNode, names: readonly string[]): boolean {
  if (node.type !== 'CallExpression' || nodesAt(node, 'arguments').length < 2) return false;
  return names.includes(rootName(nodeAt(node, 'callee')) ?? '');
}

function rootName(node: SyntaxNode | undefined): string | undefined {
  if (!node) return undefined;
  return node.type === 'Identifier'
    ? nameOf(node)
    : rootName(nodeAt(node, 'object') ?? nodeAt(node, 'callee') ?? nodeAt(node, 'tag'));
}

function titleOf(call: SyntaxNode): string {
  const [title] = nodesAt(call, 'arguments');
  if (title?.type !== 'TemplateLiteral') return nameOf(title) ?? '';
  return nodesAt(title, 'quasis').map(rawOf).join('…');
}

function rawOf(quasi: SyntaxNode): string {
  const { value } = quasi;
  return typeof value === 'object' && value !== null && 'raw' in value ? String(value.raw) : '';
}

/** The texts in the table of `it.each(table)`; a table that stands under a name in the same file is looked up. */
function rowTexts(call: SyntaxNode, file: SourceFile): readonly string[] {
  return tablesOf(call, file).flatMap((table) =>
    [...walk(table)].flatMap(({ node }) => (node.type === 'Literal' ? (nameOf(node) ?? []) : [])),
  );
}

function tablesOf(call: SyntaxNode, file: SourceFile): readonly SyntaxNode[] {
  const inner = nodeAt(call, 'callee');
  if (inner?.type !== 'CallExpression') return [];
  return nodesAt(inner, 'arguments').flatMap((table) =>
    table.type === 'Identifier' ? (valueNamed(file, nameOf(table) ?? '') ?? []) : table,
  );
}

function valueNamed(file: SourceFile, name: string): SyntaxNode | undefined {
  const found = [...walk(treeOf(file))].find(
    ({ node }) => node.type === 'VariableDeclarator' && nameOf(nodeAt(node, 'id')) === name,
  );
  return nodeAt(found?.node, 'init');
}

/** A row of a table that holds a number of success: the table's test compares it. */
function hasSuccessRow(call: SyntaxNode, file: SourceFile): boolean {
  return tablesOf(call, file).some((table) => [...walk(table)].some(({ node }) => isSuccess(node)));
}

function isSuccess(node: SyntaxNode): boolean {
  return node.type === 'Literal' && typeof node.value === 'number' && node.value >= 200 && node.value < 400;
}

/** Is the node a whole chain that begins with `expect(…)` and names something of the wire? */
function isWireExpectation(node: SyntaxNode): boolean {
  if (
    node.type !== 'CallExpression' ||
    rootName(node) !== 'expect' ||
    nodeAt(node, 'callee')?.type !== 'MemberExpression'
  )
    return false;
  return [...walk(node)].some(({ node: inner }) =>
    wireWords.has(nameOf(inner.type === 'Literal' ? undefined : inner) ?? ''),
  );
}

function expectsSuccess(expectation: SyntaxNode): boolean {
  return [...walk(expectation)].some(({ node }) => isSuccess(node));
}

/** The functions of the tests, found by name from where they are called. */
class Library {
  readonly #files: ReadonlyMap<string, SourceFile>;

  constructor(files: readonly SourceFile[]) {
    this.#files = new Map(files.map((file) => [file.path, file]));
  }

  /** Every node of the call and of the functions it calls, here and in the files those are imported from. */
  reach(file: SourceFile, call: SyntaxNode): readonly SyntaxNode[] {
    const nodes: SyntaxNode[] = [];
    const seen = new Set<SyntaxNode>();
    const queue: { file: SourceFile; node: SyntaxNode }[] = [{ file, node: call }];
    for (let next = queue.pop(); next; next = queue.pop()) {
      if (seen.has(next.node)) continue;
      seen.add(next.node);
      for (const { node } of walk(next.node)) {
        nodes.push(node);
        const callee = node.type === 'CallExpression' ? (dottedName(nodeAt(node, 'callee')) ?? '') : '';
        const called = callee === '' ? undefined : this.#functionNamed(next.file, callee);
        if (called) queue.push(called);
      }
    }
    return nodes;
  }

  #functionNamed(file: SourceFile, name: string): { file: SourceFile; node: SyntaxNode } | undefined {
    for (const statement of nodesAt(treeOf(file), 'body')) {
      const declaration = nodeAt(statement, 'declaration') ?? statement;
      if (declaration.type === 'FunctionDeclaration' && nameOf(nodeAt(declaration, 'id')) === name)
        return { file, node: declaration };
      const variable = nodesAt(declaration, 'declarations').find((part) => nameOf(nodeAt(part, 'id')) === name);
      if (variable) return { file, node: variable };
      const imported = statement.type === 'ImportDeclaration' ? this.#imported(statement, { file, name }) : undefined;
      if (imported) return imported;
    }
    return undefined;
  }

  #imported(
    statement: SyntaxNode,
    { file, name }: { file: SourceFile; name: string },
  ): { file: SourceFile; node: SyntaxNode } | undefined {
    const specifier = nodesAt(statement, 'specifiers').find((part) => nameOf(nodeAt(part, 'local')) === name);
    const source = nameOf(nodeAt(statement, 'source')) ?? '';
    const target =
      specifier && source.startsWith('.') ? this.#files.get(posix.join(posix.dirname(file.path), source)) : undefined;
    return target ? this.#functionNamed(target, nameOf(nodeAt(specifier, 'imported')) ?? name) : undefined;
  }
}
