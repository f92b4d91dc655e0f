/**
 * What no file of the project may say.
 *
 * The words are put together from parts, so that this file does not say them.
 *
 * @module
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  dottedName,
  filesAt,
  nameOf,
  nodeAt,
  nodesAt,
  projectRoot,
  type SourceFile,
  treeOf,
  type Violation,
  walk,
} from './source-files.ts';

interface Forbidden {
  readonly pattern: RegExp;
  readonly why: string;
}

const joined = (...parts: readonly string[]): string => parts.join('');
const words = (...list: readonly string[]): string => list.map((word) => word.replaceAll(' ', '[- ]?')).join('|');

/** Not in any text file. */
export const forbiddenTexts: readonly Forbidden[] = [
  {
    pattern: new RegExp(joined('(^|[^\\w.])/', 'work', '/|/', 'root', '/|/tmp/', 'cc', '\\b'), 'm'),
    why: 'a path of one machine',
  },
  {
    pattern: new RegExp(
      `\\b(${words(joined('sub', ' agent'), joined('helper', ' agent'), joined('language', ' model'), joined('AI', ' assistant'), joined('AI', ' agent'), joined('coding', ' session'), joined('co-auth', 'ored-by'))})s?\\b`,
      'i',
    ),
    why: 'the project speaks only of itself',
  },
  {
    pattern: new RegExp(
      `\\b(${words(joined('Chat', 'GPT'), joined('Cla', 'ude'), joined('Co', 'pilot'), joined('Anth', 'ropic'), joined('Open', 'AI'))})\\b`,
    ),
    why: 'the project speaks only of itself',
  },
  {
    pattern: new RegExp(
      [
        ['registry', 'npmjs', 'org'],
        ['registry', 'yarnpkg', 'com'],
        ['pypi', 'org'],
        ['crates', 'io'],
        ['deb', 'debian', 'org'],
        ['proxy', 'golang', 'org'],
        ['repo1', 'maven', 'org'],
      ]
        .map((host) => host.join('\\.'))
        .join('|'),
      'i',
    ),
    why: 'the host of a registry: other mirrors must do as well',
  },
  {
    pattern: new RegExp(`\\b(${joined('TO', 'DO')}|${joined('FIX', 'ME')}|${joined('XX', 'X')})\\b(?!\\(#\\d+\\))`),
    why: 'a remark to do something, without the number of its issue',
  },
  {
    pattern: new RegExp(`^(${'<'.repeat(7)}|${'>'.repeat(7)}) `, 'm'),
    why: 'the mark of a merge that was not finished',
  },
];

/** Text that stands where it may not. */
export function textViolations(files: readonly SourceFile[]): readonly Violation[] {
  return files.flatMap(({ path, text }) =>
    forbiddenTexts.flatMap(({ pattern, why }) => {
      const found = pattern.exec(text);
      return found ? [{ subject: path, text: `says "${found[0].trim()}": ${why}` }] : [];
    }),
  );
}

/** Calls that make a test say less than it seems to, or wait without a reason. */
export function testViolations(files: readonly SourceFile[]): readonly Violation[] {
  return files.flatMap((file) =>
    [...walk(treeOf(file))].flatMap(({ node }) => {
      if (node.type !== 'CallExpression') return [];
      const name = calledName(nodeAt(node, 'callee'));
      const isSwitchedOff = /^(describe|it|test)\.(.+\.)?(only|skip|todo|fails)(\.|$)/.test(name);
      if (isSwitchedOff) return [{ subject: `${file.path}#${name}`, text: 'every test runs, and all of them do' }];
      const waits =
        ['setTimeout', 'setInterval', 'pause', 'globalThis.setTimeout'].includes(name) && isOwnPause(file, name);
      return waits
        ? [
            {
              subject: `${file.path}#${name}`,
              text: 'waits for time to pass: use eventually(), or a clock that is moved',
            },
          ]
        : [];
    }),
  );
}

/** `it.only.each` for `it.only.each(rows)('…')`: the calls in between are taken out. */
function calledName(callee: ReturnType<typeof nodeAt>): string {
  if (callee?.type === 'CallExpression') return calledName(nodeAt(callee, 'callee'));
  const object = nodeAt(callee, 'object');
  if (callee?.type === 'MemberExpression' && object?.type === 'CallExpression')
    return `${calledName(object)}.${dottedName(nodeAt(callee, 'property')) ?? ''}`;
  return dottedName(callee) ?? '';
}

/** `pause` counts when it comes from eventually.ts: the one of a clock lets no real time pass. */
function isOwnPause(file: SourceFile, name: string): boolean {
  return name !== 'pause' || /import \{[^}]*\bpause\b[^}]*\} from '[^']*eventually\.ts'/.test(file.text);
}

/** Empty catches, and decisions by the text of an error. */
export function failureViolations(files: readonly SourceFile[]): readonly Violation[] {
  return files.flatMap((file) =>
    [...walk(treeOf(file))].flatMap(({ node }): readonly Violation[] => {
      if (node.type === 'CatchClause' && nodesAt(nodeAt(node, 'body'), 'body').length === 0)
        return [{ subject: file.path, text: 'has an empty catch' }];
      if (node.type !== 'CallExpression') return [];
      const name = dottedName(nodeAt(node, 'callee')) ?? '';
      const inMessage =
        /\b(error|cause|failure|reason|err|e)\.(message|stack)\.(includes|startsWith|endsWith|match|search|indexOf)$/.test(
          name,
        );
      const method = nameOf(nodeAt(nodeAt(node, 'callee'), 'property')) ?? '';
      const onMessage =
        ['test', 'exec'].includes(method) &&
        /\b(error|cause|failure|err|e)\.(message|stack)$/.test(dottedName(nodesAt(node, 'arguments')[0]) ?? '');
      if (inMessage || onMessage) return [{ subject: file.path, text: 'decides by the text of an error' }];
      return isSwallowing(node) ? [{ subject: file.path, text: 'swallows a failure: .catch(() => {})' }] : [];
    }),
  );
}

function isSwallowing(call: Parameters<typeof nodeAt>[0]): boolean {
  const [taker] = nodesAt(call, 'arguments');
  const isCatch = nodeAt(nodeAt(call, 'callee'), 'property')?.name === 'catch';
  const body = nodeAt(taker, 'body');
  return isCatch && body?.type === 'BlockStatement' && nodesAt(body, 'body').length === 0;
}

/** Every text file that is tracked or about to be: what git does not ignore; without git, all folders of sources. */
export function projectTexts(): readonly SourceFile[] {
  const listed = pathsOfGit();
  if (!listed)
    return filesAt(
      '*.{json,md,ts,yaml}',
      '{src,demo,test,tools,bench,docs,public,deploy}/**/*.{ts,js,md,json,html,css,yaml,yml}',
    );
  return listed
    .filter(isSmallFile)
    .map((path) => ({ path, text: readFileSync(join(projectRoot, path), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'));
}

function pathsOfGit(): readonly string[] | undefined {
  try {
    const output = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
      cwd: projectRoot,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return output.split('\0').filter((path) => path !== '');
  } catch {
    // No git, or no checkout: an unpacked archive.
    return undefined;
  }
}

function isSmallFile(path: string): boolean {
  const stats = statSync(join(projectRoot, path), { throwIfNoEntry: false });
  return stats?.isFile() === true && stats.size < 2_000_000;
}
