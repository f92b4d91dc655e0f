/**
 * Tables and their use agree: what is declared is used, what is used is declared.
 *
 * Words are compared as text literals of the syntax tree; a word in a comment
 * counts for nothing.
 *
 * @module
 */

import {
  dottedName,
  nameOf,
  nodeAt,
  nodesAt,
  type SourceFile,
  type SyntaxNode,
  treeOf,
  type Violation,
  walk,
} from './source-files.ts';

/** The keys of the object that a file declares under this name, `as const` and `satisfies` taken off; none when the file does not declare it. */
export function keysOfTable(file: SourceFile | undefined, name: string): readonly string[] {
  if (!file) return [];
  const declared = [...walk(treeOf(file))].find(
    ({ node }) => node.type === 'VariableDeclarator' && nameOf(nodeAt(node, 'id')) === name,
  );
  let value = nodeAt(declared?.node, 'init');
  while (value && value.type !== 'ObjectExpression') value = nodeAt(value, 'expression');
  return nodesAt(value, 'properties').flatMap((property) => nameOf(nodeAt(property, 'key')) ?? []);
}

/** The text literals inside the type of this name. */
export function wordsOfType(file: SourceFile | undefined, name: string): readonly string[] {
  if (!file) return [];
  const declared = [...walk(treeOf(file))].find(
    ({ node }) => node.type === 'TSTypeAliasDeclaration' && nameOf(nodeAt(node, 'id')) === name,
  );
  return declared ? literalsIn(declared.node) : [];
}

/** Every text literal of a file, as many times as it stands there. */
export function literalsOf(file: SourceFile): readonly string[] {
  return literalsIn(treeOf(file));
}

function literalsIn(node: SyntaxNode): readonly string[] {
  return [...walk(node)].flatMap(({ node: inner }) =>
    inner.type === 'Literal' && typeof inner.value === 'string' ? [inner.value] : [],
  );
}

/** A table, the file that holds it, and the calls that use its words. */
export interface Table {
  /** What one of its words is called. */
  readonly kind: string;
  readonly path: string;
  readonly words: readonly string[];
  /** Calls whose first argument is a word of the table: `deny`, `ProblemError`. */
  readonly calls: readonly string[];
}

/** Words of the table that no other file says, and words in its calls that the table does not have. */
export function tableViolations(
  { kind, path, words, calls }: Table,
  files: readonly SourceFile[],
): readonly Violation[] {
  const others = files.filter((file) => file.path !== path);
  const said = new Set(others.flatMap(literalsOf));
  const unused = words
    .filter((word) => !said.has(word))
    .map((word) => ({ subject: `${path}#${word}`, text: `this ${kind} is declared and never used` }));
  const unknown =
    words.length === 0
      ? []
      : others.flatMap((file) =>
          firstArguments(file, calls)
            .filter((word) => !words.includes(word))
            .map((word) => ({ subject: `${file.path}#${word}`, text: `this ${kind} is used and not declared` })),
        );
  return [...unused, ...unknown];
}

/** The text literals that are the first argument of one of the calls, `new` included. */
export function firstArguments(file: SourceFile, calls: readonly string[]): readonly string[] {
  return [...walk(treeOf(file))].flatMap(({ node }) => {
    if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return [];
    const callee = dottedName(nodeAt(node, 'callee'))?.split('.').at(-1) ?? '';
    const [first] = nodesAt(node, 'arguments');
    return calls.includes(callee) && first?.type === 'Literal' ? (nameOf(first) ?? []) : [];
  });
}

/** Metrics that the class of metrics does not make, and made ones that nobody moves. */
export function metricViolations(
  catalogue: SourceFile | undefined,
  files: readonly SourceFile[],
): readonly Violation[] {
  if (!catalogue) return [];
  const words = keysOfTable(catalogue, 'metrics');
  const madeAs = new Map(
    [...catalogue.text.matchAll(/this\.(\w+) = new \w+\([^;]*?'(\w+)'/g)].map(([, field = '', name = '']) => [
      name,
      field,
    ]),
  );
  const others = files.filter(({ path }) => path !== catalogue.path).map(({ text }) => text);
  return words.flatMap((word) => {
    const field = madeAs.get(word);
    const subject = `${catalogue.path}#${word}`;
    if (field === undefined) return [{ subject, text: 'this metric is declared and never made' }];
    const moves = new RegExp(`\\.${field}\\b`);
    return others.some((text) => moves.test(text)) ? [] : [{ subject, text: 'this metric is made and never moved' }];
  });
}

/** Fields of the stages that the table of the pipeline does not arrange. */
export function stageViolations(pipeline: SourceFile | undefined): readonly Violation[] {
  if (!pipeline) return [];
  const declared = [...walk(treeOf(pipeline))].find(
    ({ node }) => node.type === 'TSInterfaceDeclaration' && nameOf(nodeAt(node, 'id')) === 'Stages',
  );
  const names = nodesAt(nodeAt(declared?.node, 'body'), 'body').flatMap(
    (member) => nameOf(nodeAt(member, 'key')) ?? [],
  );
  const uses = new Set([...walk(treeOf(pipeline))].flatMap(({ node }) => usedField(node)));
  return names
    .filter((name) => !uses.has(name))
    .map((name) => ({ subject: `${pipeline.path}#${name}`, text: 'this stage is declared and never arranged' }));
}

/** `stages.cors`, and the names taken out of `{ record, operations }: Stages`. */
function usedField(node: SyntaxNode): readonly string[] {
  const [object, field] = (dottedName(node) ?? '').split('.');
  if (node.type === 'MemberExpression' && object === 'stages' && field !== undefined) return [field];
  const type = nodeAt(nodeAt(nodeAt(node, 'typeAnnotation'), 'typeAnnotation'), 'typeName');
  const isTakenApart = node.type === 'ObjectPattern' && nameOf(type) === 'Stages';
  return isTakenApart ? nodesAt(node, 'properties').flatMap((property) => nameOf(nodeAt(property, 'key')) ?? []) : [];
}
