/**
 * How long files and functions may be, and how many arguments they may take.
 *
 * @module
 */

import {
  lineOf,
  nameOf,
  nodeAt,
  nodesAt,
  type SourceFile,
  type SyntaxNode,
  treeOf,
  type Violation,
  walk,
} from './source-files.ts';

/** Lines of a file. */
export const longestFile = 300;
/** Lines of a file of tests: one story, attack or contract, which is read by its sentences. */
export const longestTest = 600;
/** Lines of a function. */
export const longestFunction = 60;
/** Arguments before the object. */
export const mostParameters = 2;

/** Tables grow with the product and are read by row. */
const tables = ['errors.ts', 'schema.ts', 'events.ts', 'mutations.ts'];

/** Files that are too long to read in one sitting. */
export function longFiles(files: readonly SourceFile[]): readonly Violation[] {
  return files
    .filter(({ path }) => !tables.includes(path.split('/').at(-1) ?? ''))
    .map(({ path, text }) => ({ path, lines: text.replace(/\n$/, '').split('\n').length }))
    .filter(({ path, lines }) => lines > limitOf(path))
    .map(({ path, lines }) => ({ subject: path, text: `has ${lines} lines; ${limitOf(path)} at most` }));
}

function limitOf(path: string): number {
  return path.endsWith('.test.ts') || path.startsWith('test/contract/') ? longestTest : longestFile;
}

/** Functions that do not fit a screen. What is handed to `describe` is a chapter of tests, not a function. */
export function longFunctions(files: readonly SourceFile[]): readonly Violation[] {
  return files.flatMap((file) =>
    functionsOf(file)
      .filter(({ parents }) => !isChapter(parents[0]))
      .map((found) => ({
        name: found.name,
        lines: lineOf(file.text, found.node.end) - lineOf(file.text, found.node.start) + 1,
      }))
      .filter(({ lines }) => lines > longestFunction)
      .map(({ name, lines }) => ({
        subject: `${file.path}#${name}`,
        text: `has ${lines} lines; ${longestFunction} at most`,
      })),
  );
}

/** Functions of ours with more than two arguments before the object, or a boolean among several: declared, or only described in a type. */
export function wideFunctions(files: readonly SourceFile[]): readonly Violation[] {
  return files.flatMap((file) =>
    [...functionsOf(file), ...signaturesOf(file)]
      .filter(({ node, parents }) => isOurs(node, parents) && !keepsForeignContract(parents, foreignNamesIn(file)))
      .flatMap(({ node, name }) => {
        const text = faultOf(parametersOf(node));
        return text === undefined ? [] : [{ subject: `${file.path}#${name}`, text }];
      }),
  );
}

function faultOf(parameters: readonly SyntaxNode[]): string | undefined {
  const positional = parameters.slice(mostParameters);
  if (positional.length > 1 || positional.some((parameter) => !isObject(parameter))) {
    return `takes ${parameters.length} arguments; ${mostParameters} at most, then one object`;
  }
  const hasBoolean =
    parameters.length > 1 && parameters.some((parameter) => typeOf(parameter)?.type === 'TSBooleanKeyword');
  return hasBoolean ? 'takes a boolean by its place, which says nothing where it is called' : undefined;
}

const plainTypes = [
  'TSStringKeyword',
  'TSNumberKeyword',
  'TSBooleanKeyword',
  'TSLiteralType',
  'TSArrayType',
  'TSFunctionType',
  'TSUnionType',
  'TSTypeOperator',
];

/** Is the parameter an object, by its pattern or its type? A named type is taken for one. */
function isObject(parameter: SyntaxNode): boolean {
  const target = nodeAt(parameter, 'left') ?? parameter;
  if (target.type === 'ObjectPattern') return true;
  const type = typeOf(parameter);
  return type !== undefined && !plainTypes.includes(type.type);
}

function typeOf(parameter: SyntaxNode): SyntaxNode | undefined {
  return nodeAt(nodeAt(nodeAt(parameter, 'left') ?? parameter, 'typeAnnotation'), 'typeAnnotation');
}

interface NamedFunction {
  readonly name: string;
  readonly node: SyntaxNode;
  readonly parents: readonly SyntaxNode[];
}

function functionsOf(file: SourceFile): readonly NamedFunction[] {
  return [...walk(treeOf(file))]
    .filter(({ node }) => ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'].includes(node.type))
    .map(({ node, parents }) => ({ node, parents, name: functionName(node, parents) }));
}

function signaturesOf(file: SourceFile): readonly NamedFunction[] {
  return [...walk(treeOf(file))]
    .filter(({ node }) => ['TSMethodSignature', 'TSDeclareFunction', 'TSAbstractMethodDefinition'].includes(node.type))
    .map(({ node, parents }) => ({
      node,
      parents,
      name: nameOf(nodeAt(node, 'key') ?? nodeAt(node, 'id')) ?? 'signature',
    }));
}

/** The function's own name, or that of the variable, field or call it stands in. */
function functionName(node: SyntaxNode, parents: readonly SyntaxNode[]): string {
  const own = nameOf(nodeAt(node, 'id'));
  if (own !== undefined) return own;
  for (const parent of parents) {
    const named = nameOf(nodeAt(parent, 'id') ?? nodeAt(parent, 'key'));
    if (named !== undefined) return named;
    if (parent.type === 'CallExpression')
      return nameOf(nodesAt(parent, 'arguments')[0]) ?? nameOf(nodeAt(parent, 'callee')) ?? 'callback';
  }
  return 'function';
}

function parametersOf(node: SyntaxNode): readonly SyntaxNode[] {
  return nodesAt(nodeAt(node, 'value') ?? node, 'params').filter((parameter) => nameOf(parameter) !== 'this');
}

/**
 * Is the list of arguments ours to choose? Not where somebody else calls: a
 * callback, a value whose type is declared, an overridden method, or the fixed
 * shapes of Node and Express (`…, next` and `request, socket, head`).
 */
function isOurs(node: SyntaxNode, parents: readonly SyntaxNode[]): boolean {
  const [parent] = parents;
  if (['next', '_next', 'head', '_head'].includes(nameOf(parametersOf(node).at(-1)) ?? '')) return false;
  if (node.type === 'FunctionDeclaration' || node.type.startsWith('TS')) return true;
  if (parent?.type === 'VariableDeclarator') return nodeAt(nodeAt(parent, 'id'), 'typeAnnotation') === undefined;
  return parent?.type === 'MethodDefinition' && parent.override !== true;
}

/** The names that a file imports from packages. */
function foreignNamesIn(file: SourceFile): readonly string[] {
  return nodesAt(treeOf(file), 'body')
    .filter(
      (statement) => statement.type === 'ImportDeclaration' && !nameOf(nodeAt(statement, 'source'))?.startsWith('.'),
    )
    .flatMap((statement) => nodesAt(statement, 'specifiers').flatMap((part) => nameOf(nodeAt(part, 'local')) ?? []));
}

/** Does the method stand in a class that implements or extends what a package defines? */
function keepsForeignContract(parents: readonly SyntaxNode[], foreign: readonly string[]): boolean {
  const around = parents.find(({ type }) => type === 'ClassDeclaration' || type === 'ClassExpression');
  const kept = [
    nodeAt(around, 'superClass'),
    ...nodesAt(around, 'implements').map((part) => nodeAt(part, 'expression')),
  ];
  return parents[0]?.type === 'MethodDefinition' && kept.some((node) => foreign.includes(nameOf(node) ?? ''));
}

function isChapter(parent: SyntaxNode | undefined): boolean {
  if (parent?.type !== 'CallExpression') return false;
  let callee = nodeAt(parent, 'callee');
  while (callee && callee.type !== 'Identifier')
    callee = nodeAt(callee, 'object') ?? nodeAt(callee, 'callee') ?? nodeAt(callee, 'tag');
  return nameOf(callee) === 'describe';
}
