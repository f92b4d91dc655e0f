/**
 * The sources of the project as the architecture tests see them: text, syntax
 * tree, and where they stand.
 *
 * The tree comes from the parser inside vitest, so a rule about code looks at
 * code and not at text that resembles it.
 *
 * @module
 */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAst } from 'vitest/node';

/** A node of the syntax tree (ESTree with TypeScript). Its fields are looked at by name and checked where they are used. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** One source file. */
export interface SourceFile {
  /** From the root of the project, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** Something a rule does not allow. */
export interface Violation {
  /** What it is about, without anything that changes by itself: `src/a.ts#nameOfFunction`. */
  readonly subject: string;
  readonly text: string;
}

const root = join(import.meta.dirname, '../..');

/** The folder that holds package.json. */
export const projectRoot = root;

/** The files that match, in order. */
export function filesAt(...patterns: readonly string[]): readonly SourceFile[] {
  const paths = patterns.flatMap((pattern) =>
    globSync(pattern, { cwd: root, exclude: (name) => name === 'node_modules' || name === 'dist' }),
  );
  return [...new Set(paths)]
    .sort()
    .map((path) => ({ path: path.replaceAll('\\', '/'), text: readFileSync(join(root, path), 'utf8') }));
}

/** All TypeScript of the project. */
export const allSources: readonly SourceFile[] = filesAt('{src,demo,test,tools,bench}/**/*.ts', '*.ts');

/** What is shipped. */
export const productSources: readonly SourceFile[] = allSources.filter(({ path }) => path.startsWith('src/'));

const trees = new Map<string, SyntaxNode>();

/** The tree of the file. Throws where the text is no TypeScript. */
export function treeOf({ path, text }: SourceFile): SyntaxNode {
  const known = trees.get(text);
  if (known) return known;
  const tree: unknown = parseAst(text, { lang: 'ts' }, path);
  if (!isNode(tree)) throw new Error(`the parser gave no tree for ${path}`);
  trees.set(text, tree);
  return tree;
}

/** Tells a part of the tree from its plain fields. */
export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** A node with the nodes around it, from the inside out. */
export interface Found {
  readonly node: SyntaxNode;
  readonly parents: readonly SyntaxNode[];
}

/** Every node below, the given one first. */
export function* walk(node: SyntaxNode, parents: readonly SyntaxNode[] = []): Generator<Found> {
  yield { node, parents };
  const inner = [node, ...parents];
  for (const child of childrenOf(node)) yield* walk(child, inner);
}

/** The nodes directly below. */
export function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  return Object.values(node)
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .filter(isNode);
}

/** The node in a field, or `undefined`. */
export function nodeAt(node: SyntaxNode | undefined, field: string): SyntaxNode | undefined {
  const value = node?.[field];
  return isNode(value) ? value : undefined;
}

/** The nodes in a list field. */
export function nodesAt(node: SyntaxNode | undefined, field: string): readonly SyntaxNode[] {
  const value = node?.[field];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** The name of an identifier, or the text of a string literal; `undefined` for anything else. */
export function nameOf(node: SyntaxNode | undefined): string | undefined {
  const name = node?.name ?? (node?.type === 'Literal' ? node.value : undefined);
  return typeof name === 'string' ? name : undefined;
}

/** `a.b.c` for a chain of plain names, `undefined` for anything else. */
export function dottedName(node: SyntaxNode | undefined): string | undefined {
  if (node?.type === 'ThisExpression') return 'this';
  if (node?.type !== 'MemberExpression') return nameOf(node);
  const object = dottedName(nodeAt(node, 'object'));
  const property = node.computed === true ? undefined : nameOf(nodeAt(node, 'property'));
  return object === undefined || property === undefined ? undefined : `${object}.${property}`;
}

/** The line of a place, from 1. */
export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** The `/** … *\/` comment directly before the offset, without its marks; `undefined` when there is none. */
export function docBefore(text: string, offset: number): string | undefined {
  const before = text.slice(0, offset).replace(/\s*(\/\/ biome-ignore[^\n]*\s*)*$/, '');
  if (!before.endsWith('*/')) return undefined;
  const comment = before.slice(before.lastIndexOf('/*'));
  return comment.startsWith('/**')
    ? comment
        .slice(3, -2)
        .replace(/^[ \t]*\*[ \t]?/gm, '')
        .trim()
    : undefined;
}
