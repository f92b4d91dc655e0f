/**
 * Finds what a file imports and uses, and holds it against the line and the doors
 * (doors.ts).
 *
 * @module
 */

import { posix } from 'node:path';
import { entryPoints, islands, line, packageDoors, useDoors } from './doors.ts';
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

/** One thing a file imports. */
export interface Import {
  readonly specifier: string;
  /** How it is written: `import`, `export … from`, `import()`, or the type `import('…')`. */
  readonly form: 'import' | 'export' | 'dynamic' | 'type';
}

/** Everything a file imports. An `import()` of something that is no text gives an empty specifier. */
export function importsOf(file: SourceFile): readonly Import[] {
  return [...walk(treeOf(file))].flatMap(({ node }) => importIn(node) ?? []);
}

function importIn(node: SyntaxNode): Import | undefined {
  const specifier = nameOf(nodeAt(node, 'source'));
  switch (node.type) {
    case 'ImportDeclaration':
      return { specifier: specifier ?? '', form: 'import' };
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return specifier === undefined ? undefined : { specifier, form: 'export' };
    case 'ImportExpression':
      return { specifier: specifier ?? '', form: 'dynamic' };
    case 'TSImportType':
      return { specifier: specifier ?? nameOf(nodeAt(nodeAt(node, 'argument'), 'literal')) ?? '', form: 'type' };
    default:
      return undefined;
  }
}

/** `http` for src/http/reply.ts, `errors` for src/errors.ts. */
export function placeOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.ts$/, '');
}

/** May a file of the first place import one of the second? */
export function mayImport(from: string, to: string): boolean {
  if (from === to) return true;
  const before: readonly string[] = line.slice(0, Math.max(0, (line as readonly string[]).indexOf(from))); // a widening, so that any text can be looked for
  return (islands[from] ?? before).includes(to);
}

/** Imports against the line, to an island, or out of src. */
export function orderViolations(files: readonly SourceFile[]): readonly Violation[] {
  return files.flatMap((file) =>
    importsOf(file).flatMap(({ specifier, form }): readonly Violation[] => {
      if (form === 'dynamic')
        return [{ subject: file.path, text: `uses import(), which no rule can follow: ${specifier}` }];
      if (!specifier.startsWith('.')) return [];
      const target = posix.join(posix.dirname(file.path), specifier);
      const isFine = target.startsWith('src/') && mayImport(placeOf(file.path), placeOf(target));
      return isFine ? [] : [{ subject: `${file.path} -> ${target}`, text: 'stands further right in the line' }];
    }),
  );
}

/** Files of src that stand neither in the line nor on an island. */
export function placeViolations(files: readonly SourceFile[]): readonly Violation[] {
  const places = [...line, ...Object.keys(islands)];
  return files
    .filter(({ path }) => !places.includes(placeOf(path)))
    .map(({ path }) => ({ subject: path, text: 'has no place in the line' }));
}

/** Packages imported outside their door, without one, or that production does not have. */
export function packageViolations(files: readonly SourceFile[], production: readonly string[]): readonly Violation[] {
  return files.flatMap((file) =>
    importsOf(file).flatMap(({ specifier }) => {
      if (specifier === '' || specifier.startsWith('.') || specifier.startsWith('node:')) return [];
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');
      const subject = `${file.path} -> ${name}`;
      const door = packageDoors.find(({ what }) => what === name);
      if (!production.includes(name)) return [{ subject, text: 'is not a dependency of production' }];
      if (!door) return [{ subject, text: 'has no door: add a row to packageDoors, by decision' }];
      return door.only.test(file.path) ? [] : [{ subject, text: `only in ${door.only.source}: ${door.why}` }];
    }),
  );
}

/** Time, randomness, environment and console outside the file that owns them. */
export function useViolations(files: readonly SourceFile[]): readonly Violation[] {
  return files.flatMap((file) =>
    [...new Set(usesOf(file))].flatMap((use) => {
      const door = useDoors.find(({ what }) => what === use);
      return !door || door.only.test(file.path) ? [] : [{ subject: `${file.path} -> ${use}`, text: door.why }];
    }),
  );
}

function usesOf(file: SourceFile): readonly string[] {
  const imported = importsOf(file).map(({ specifier }) => specifier);
  const used = [...walk(treeOf(file))].flatMap(({ node, parents }) => {
    if (
      node.type === 'NewExpression' &&
      nameOf(nodeAt(node, 'callee')) === 'Date' &&
      nodesAt(node, 'arguments').length === 0
    )
      return ['new Date()'];
    if (node.type === 'MemberExpression') return memberUse(node);
    return node.type === 'Identifier' && isReference(node, parents[0]) ? [nameOf(node) ?? ''] : [];
  });
  return [...imported, ...used];
}

/** `Date.now`, also through `globalThis`; `crypto.randomBytes` counts as `randomBytes`. */
function memberUse(node: SyntaxNode): readonly string[] {
  const name = (dottedName(node) ?? '').replace(/^globalThis\./, '');
  return [name, name.replace(/^(crypto|webcrypto)\.(random\w+)$/, '$2'), name.replace(/^console\.\w+$/, 'console')];
}

/** A name that means a value: not a field after a dot, not a key of an object. */
function isReference(node: SyntaxNode, parent: SyntaxNode | undefined): boolean {
  if (parent?.type === 'MemberExpression') return nodeAt(parent, 'object') === node;
  const isKey = [
    'Property',
    'PropertyDefinition',
    'MethodDefinition',
    'TSPropertySignature',
    'TSMethodSignature',
  ].includes(parent?.type ?? '');
  return !isKey || (nodeAt(parent, 'value') === node && parent?.shorthand !== true);
}

/** `index.ts` and passed-on exports, but in the published entry points; relative imports without their ending. */
export function fileViolations(files: readonly SourceFile[]): readonly Violation[] {
  return files.flatMap((file) => {
    const isEntry = entryPoints.includes(file.path);
    const index =
      file.path.endsWith('/index.ts') && !isEntry
        ? [{ subject: file.path, text: 'index.ts is for the published entry points' }]
        : [];
    const wrong = importsOf(file).flatMap(({ specifier, form }) => [
      ...(form === 'export' && !isEntry
        ? [{ subject: `${file.path} -> ${specifier}`, text: 'passes on what another file exports' }]
        : []),
      ...(specifier.startsWith('.') && !/\.(ts|js|json)$/.test(specifier)
        ? [{ subject: `${file.path} -> ${specifier}`, text: 'the ending is missing' }]
        : []),
    ]);
    return [...index, ...wrong];
  });
}

/** What the demo imports from src besides the program itself and the published entry points; and src importing what is not shipped. */
export function demoViolations(files: readonly SourceFile[]): readonly Violation[] {
  const demos = files.filter(({ path }) => path.startsWith('demo/'));
  return demos.flatMap((file) =>
    importsOf(file)
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ specifier }) => posix.join(posix.dirname(file.path), specifier))
      .filter((target) => !target.startsWith('demo/') && !entryPoints.includes(target))
      .map((target) => ({
        subject: `${file.path} -> ${target}`,
        text: 'the demo uses what the package exports, and main',
      })),
  );
}

/** Variables of a module that can change: `let`, `var`, and maps and sets that begin empty. */
export function stateViolations(files: readonly SourceFile[]): readonly Violation[] {
  return files.flatMap((file) =>
    nodesAt(treeOf(file), 'body')
      .map((statement) => nodeAt(statement, 'declaration') ?? statement)
      .filter(({ type }) => type === 'VariableDeclaration')
      .flatMap((declaration) =>
        nodesAt(declaration, 'declarations').filter((part) => declaration.kind !== 'const' || isEmptyCollection(part)),
      )
      .map((part) => ({
        subject: `${file.path}#${nameOf(nodeAt(part, 'id'))}`,
        text: 'a module has no state: parts are made in app.ts and handed in',
      })),
  );
}

/** `new Map()` or `new Set()`, unless its type says that nobody writes into it. */
function isEmptyCollection(part: SyntaxNode): boolean {
  const init = nodeAt(part, 'init');
  const type = nodeAt(nodeAt(nodeAt(part, 'id'), 'typeAnnotation'), 'typeAnnotation');
  const isReadonly = /^Readonly(Map|Set)$/.test(nameOf(nodeAt(type, 'typeName')) ?? '');
  const isCollection =
    ['Map', 'Set'].includes(nameOf(nodeAt(init, 'callee')) ?? '') && nodesAt(init, 'arguments').length === 0;
  return init?.type === 'NewExpression' && isCollection && !isReadonly;
}
