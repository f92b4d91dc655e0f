/**
 * What files, folders and exports may not be called.
 *
 * @module
 */

import { nameOf, nodeAt, nodesAt, type SourceFile, type SyntaxNode, treeOf, type Violation } from './source-files.ts';

/** Names by kind of code: they say nothing of what is inside. */
const emptyWords = [
  ...['util', 'utils', 'utility', 'helper', 'helpers', 'common', 'misc', 'manager', 'managers'],
  ...['handler', 'handlers', 'handle', 'manage', 'stuff', 'lib', 'libs'],
];

/** A word that we do not say in code, and the one we say (style, vocabulary). */
const synonyms: Readonly<Record<string, string>> = {
  blacklist: 'deny list',
  whitelist: 'allow list',
  keystore: 'key ring',
  throttle: 'limit',
  jail: 'ban',
  timestamp: 'instant',
  ttl: 'duration, idle timeout or lifetime',
  idp: 'provider, issuer',
  sso: 'sign-in',
  ticket: 'session',
  middleware: 'stage',
  interceptor: 'guard',
  returnurl: 'return path',
  util: 'a name that says what it does',
  utils: 'a name that says what it does',
  helper: 'a name that says what it does',
  misc: 'a name that says what it does',
  manager: 'a name that says what it does',
  handler: 'a name that says what it does',
};

/** The words of a name: `readHTTPLine` and `read-http-line` are read, http, line. */
export function wordsOf(name: string): readonly string[] {
  const parted = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2');
  return parted
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());
}

/** Files and folders with an empty name, or not in kebab-case. */
export function fileNameViolations(paths: readonly string[]): readonly Violation[] {
  return paths.flatMap((path) =>
    path.split('/').flatMap((part) => {
      const name = part.replace(/(\.test|\.d)?\.(ts|js)$/, '');
      const word = wordsOf(name).find((candidate) => emptyWords.includes(candidate));
      if (word !== undefined) return [{ subject: path, text: `"${word}" does not say what is inside` }];
      return /^\.?[a-z0-9]+([-.][a-z0-9]+)*$/.test(name)
        ? []
        : [{ subject: path, text: `"${part}" is not in kebab-case` }];
    }),
  );
}

/** Exports whose name holds a word that we do not use. */
export function exportNameViolations(files: readonly SourceFile[]): readonly Violation[] {
  return files.flatMap((file) =>
    exportsOf(file).flatMap(({ name }) => {
      const words = wordsOf(name);
      const bad = [...words, words.join('')].find((word) => Object.hasOwn(synonyms, word));
      return bad === undefined ? [] : [{ subject: `${file.path}#${name}`, text: `"${bad}": we say ${synonyms[bad]}` }];
    }),
  );
}

/** Something a file exports by declaring it. */
export interface ExportedName {
  readonly name: string;
  /** The whole export statement. */
  readonly statement: SyntaxNode;
  readonly declaration: SyntaxNode;
}

/** The declarations that a file exports. */
export function exportsOf(file: SourceFile): readonly ExportedName[] {
  return nodesAt(treeOf(file), 'body')
    .filter(({ type }) => type === 'ExportNamedDeclaration' || type === 'ExportDefaultDeclaration')
    .flatMap((statement) => {
      const declaration = nodeAt(statement, 'declaration');
      if (!declaration) return [];
      const names =
        declaration.type === 'VariableDeclaration'
          ? nodesAt(declaration, 'declarations').map(declaredName)
          : [declaredName(declaration)];
      return names.map((name) => ({ name, statement, declaration }));
    });
}

function declaredName(node: SyntaxNode): string {
  return nameOf(nodeAt(node, 'id')) ?? 'default';
}
