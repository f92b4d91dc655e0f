/**
 * The table of verdicts on misbehaving providers as Markdown.
 *
 * @module
 */

import { type Case, type Group, testNameOf, verdictOf } from '../../test/conformance/module.ts';
import { groups } from '../../test/conformance/modules.ts';

const played = 'test/conformance/verdicts.test.ts';

/** The text of docs/conformance.md. */
export function verdictsAsMarkdown(): string {
  return [
    '# Verdicts on providers that misbehave',
    '',
    'What Claimcheck does when the authorization server does what these cases say. They are our own: made again from what the',
    'modules of the OpenID Foundation’s conformance suite, the attacks of PrOfESSOS and a measurement of openid-client do, and',
    'played by a provider of ours. **This is not a certification**, and nobody but us has judged it.',
    '',
    `Each case runs through the whole server, as a browser would, in \`${played}\` unless another file is named. “Refused” is`,
    'stricter than the suite asks: the callback ends with 303 and the `auth_error` named here, there is no session cookie, no',
    'further endpoint was asked (UserInfo only where the fault is in its own answer), the log names the check in brackets, and',
    'the same sign-in without the fault works. A refused logout token is answered with 400 and the session lives; without the',
    'fault it ends. The name of a test is in the last column.',
    '',
    '| group | accepted or in order | refused | not yet | does not apply | all |',
    '|---|---|---|---|---|---|',
    ...[...groups.map(countsOf), totals()].map((cells) => `| ${cells.join(' | ')} |`),
    ...groups.flatMap(sectionOf),
    '',
  ].join('\n');
}

function sectionOf(group: Group): readonly string[] {
  return [
    '',
    `## ${group.title}`,
    '',
    '| case | plans | the provider … | verdict | test |',
    '|---|---|---|---|---|',
    ...group.cases.map((row) => `| ${cellsOf(group, row).map(escaped).join(' | ')} |`),
  ];
}

function cellsOf(group: Group, row: Case): readonly string[] {
  const file = 'shownBy' in row ? ` (${row.shownBy})` : '';
  const test = testNameOf(group, row);
  return [row.module, row.plans ?? '', row.does, verdictOf(row), test === undefined ? '' : `${test}${file}`];
}

type Kind = 'good' | 'refused' | 'notYet' | 'notOurs';

function kindOf(row: Case): Kind {
  if ('notYet' in row) return 'notYet';
  if ('notOurs' in row) return 'notOurs';
  return verdictOf(row).startsWith('refused') ? 'refused' : 'good';
}

function numbersOf(cases: readonly Case[]): readonly number[] {
  const kinds: readonly Kind[] = ['good', 'refused', 'notYet', 'notOurs'];
  return [...kinds.map((kind) => cases.filter((row) => kindOf(row) === kind).length), cases.length];
}

const countsOf = ({ title, cases }: Group): readonly string[] => [title, ...numbersOf(cases).map(String)];

function totals(): readonly string[] {
  return ['**all**', ...numbersOf(groups.flatMap(({ cases }) => cases)).map((number) => `**${number}**`)];
}

const escaped = (cell: string): string => cell.replaceAll('|', '\\|').replaceAll('<', '&lt;');
