/**
 * What was read of each setting: for whoever wants to see what is in effect and
 * where it came from.
 *
 * @module
 */

import type { Given } from './environment.ts';
import { type SettingName, settingOf } from './schema.ts';

/** Where a setting came from. `file …` with its path, and `variable …` with its name, for a secret that lies there. */
export type SettingSource =
  | 'set'
  | 'default'
  | 'none'
  | `file ${string}`
  | `variable ${string}`
  | 'rules file'
  | 'inherited';

/** One setting as it was found. */
export interface SettingState {
  readonly name: SettingName;
  readonly source: SettingSource;
  /** The text that counts; `undefined` for a secret, for none, and for one that is not valid. */
  readonly text: string | undefined;
  readonly isValid: boolean;
}

/** What a state is made from. */
export interface StateParts {
  readonly texts: Given['texts'];
  /** Where those that were given came from. */
  readonly sourceOf: (name: SettingName) => SettingSource | undefined;
  /** Names of the settings that have a fault. */
  readonly faulty: ReadonlySet<string>;
}

/** The state of one setting. */
export function stateOf(name: SettingName, { texts, sourceOf, faulty }: StateParts): SettingState {
  const { secret, default: value } = settingOf(name);
  const text = texts[name] ?? value;
  const isValid = !faulty.has(name);
  const source = sourceOf(name) ?? (value === undefined ? 'none' : 'default');
  return { name, source, text: secret || !isValid ? undefined : text, isValid };
}

/** The source of what the environment gives. */
export function sourceIn({ texts, fileOf }: Given): (name: SettingName) => SettingSource | undefined {
  return (name) => {
    const file = fileOf.get(name);
    return file === undefined ? (texts[name] === undefined ? undefined : 'set') : `file ${file}`;
  };
}
