/**
 * The table of flaws that other systems had, as Markdown.
 *
 * @module
 */

import { type FlawFamily, knownFlaws, type Shown } from '../../test/attack/known-flaws.ts';

/** The text of docs/known-flaws.md. */
export function flawsAsMarkdown(): string {
  return [
    '# Flaws that others had',
    '',
    'Each row is a flaw that was found in a proxy, a gateway or a library of this field, and the tests that send the same at',
    'Claimcheck. The systems are named for what was repaired there once; it says nothing of how they are today. A test is found by',
    'its name in its file. Rows that say “as 5” name another row of their table.',
    ...knownFlaws.flatMap(sectionOf),
    '',
  ].join('\n');
}

function sectionOf({ title, flaws }: FlawFamily): readonly string[] {
  return [
    '',
    `## ${title}`,
    '',
    '| row | seen in | flaw | attack | here | shown by |',
    '|---|---|---|---|---|---|',
    ...flaws.map(({ id, seenIn, flaw, attack, here, shownBy }) => {
      const cells = [id, seenIn, flaw, attack, here, shownBy.map(testAsMarkdown).join('<br>')];
      return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
    }),
  ];
}

function testAsMarkdown({ file, title }: Shown): string {
  return `\`${file.replace(/^test\//, '')}\`: ${title.replaceAll(/[<>*_]/g, (sign) => `\\${sign}`)}`;
}
