/**
 * What is wrong with a configuration, as it is told: each fault names the setting
 * and what is expected, and never repeats a value.
 *
 * @module
 */

import { type Setting, type SettingName, settingNames } from './schema.ts';

/** One fault. */
export interface Fault {
  /** The variable. */
  readonly name: string;
  /** The setting it is about, where the variable is another, such as `CLIENT_SECRET_FILE`. */
  readonly setting?: SettingName;
  /** Where in the rules file, e.g. `routes[0].path`. */
  readonly place?: string | undefined;
  /** The line of that place, where it can be told. */
  readonly line?: number | undefined;
  /** Goes on after the name: `is missing.`, `must be …` */
  readonly sentence: string;
  /** Of a setting that is missing: what it is, for somebody who sees it for the first time. */
  readonly introduction?: string;
}

/** Thrown when the configuration has faults. */
export class ConfigError extends Error {
  /** One line each, in the order of the documentation. */
  readonly faults: readonly string[];
  /** Whether nothing was configured of what is needed. */
  readonly isEmpty: boolean;
  readonly #faults: readonly Fault[];

  constructor(faults: readonly Fault[], { isEmpty }: { readonly isEmpty: boolean }) {
    super(`the configuration has ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`);
    this.name = 'ConfigError';
    this.#faults = inOrder(faults);
    this.faults = [...new Set(this.#faults.map(lineOf))];
    this.isEmpty = isEmpty;
  }

  /** The faults as a list for the terminal, with what to do next. */
  report(): string {
    return (this.isEmpty ? introduction(this.#faults) : listOf(this.faults)).join('\n');
  }
}

const next = [
  'docs/configuration.md describes every setting; .env.example is a file to start from.',
  'To try Claimcheck without any of them: npm run demo',
];

function listOf(lines: readonly string[]): readonly string[] {
  return ['Claimcheck cannot start:', '', ...lines.map((line) => `  - ${line}`), '', ...next];
}

function introduction(faults: readonly Fault[]): readonly string[] {
  const width = Math.max(...faults.map(({ name }) => name.length));
  const lines = faults.map(({ name, sentence, introduction: text = sentence }) => `  ${name.padEnd(width)}  ${text}`);
  return [
    'Claimcheck is not configured yet. It needs these in the environment, or in a file .env here:',
    '',
    ...lines,
    '',
    ...next,
  ];
}

/** What is said of a setting that is needed and not there: one line, with an example or how to make one. */
export function missing(name: SettingName, setting: Setting): Fault {
  const { needed = 'always', help, example, command } = setting;
  const what = `${firstSentence(help)}${hintOf({ example, command })}`;
  if (needed === 'always') return { name, sentence: `is missing. ${what}`, introduction: what };
  return {
    name,
    sentence: `is missing, and needed ${needed}. ${what}`,
    introduction: `${what} (Not needed ${needed.replace(/^unless/, 'where')}.)`,
  };
}

function hintOf({ example, command }: Partial<Record<'example' | 'command', string | undefined>>): string {
  if (command !== undefined) return ` Made by: ${command}`;
  return example === undefined ? '' : ` For example ${example}`;
}

function firstSentence(help: string): string {
  return /^.*?[.](?= |$)/.exec(help)?.[0] ?? help;
}

function lineOf({ name, place, line, sentence }: Fault): string {
  const where = `${place === undefined ? '' : ` ${place}`}${line === undefined ? '' : ` (line ${line})`}`;
  return `${name}${where}: ${sentence}`;
}

// What is no setting of ours (a mistyped name, a variable of Node) comes last.
function inOrder(faults: readonly Fault[]): readonly Fault[] {
  const names: readonly string[] = settingNames;
  const rank = ({ name, setting, place }: Fault) => {
    const at = names.indexOf(place === undefined ? (setting ?? name) : name);
    return at < 0 ? names.length : at;
  };
  return [...faults].sort((left, right) => rank(left) - rank(right));
}
