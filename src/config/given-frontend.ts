/**
 * The texts of the settings of one frontend: what its entry in the rules file says,
 * what lies in the files and variables that it names, and what it inherits.
 *
 * @module
 */

import { canChange } from './changing.ts';
import type { FrontendConfig } from './config.ts';
import { type Environment, type Given, secretIn } from './environment.ts';
import type { Fault } from './faults.ts';
import type { Files } from './files.ts';
import { textOfValue } from './frontend-schema.ts';
import { frontendSettings, keysOfSetting, notBeside, reachOfSettings } from './frontend-settings.ts';
import type { PlacedFrontend } from './rules-file.ts';
import type { FrontendRule } from './rules-schema.ts';
import { type SettingName, settingNames, settingOf } from './schema.ts';
import type { SettingSource } from './setting-state.ts';

/** What an entry is read beside. */
export interface EntryAround {
  /** What the environment gives. */
  readonly given: Given;
  readonly env: Environment;
  readonly files: Files;
}

/** What is given for one frontend. */
export interface GivenFrontend {
  readonly id: string;
  /** Its place in the list. */
  readonly at: number;
  /** What its entry says, the routes left out. */
  readonly written: FrontendConfig['written'];
  readonly texts: Given['texts'];
  readonly sources: ReadonlyMap<SettingName, SettingSource>;
  readonly faults: readonly Fault[];
  /** The environment as this frontend has it. */
  readonly env: Environment;
}

/** Reads an entry. */
export function givenOf({ rule, at }: PlacedFrontend, { given, env, files }: EntryAround): GivenFrontend {
  const { id, routes: _routes, ...written } = rule;
  const own = ownTexts({ rule, at }, { env, files });
  const issuer = own.texts.ISSUER ?? given.texts.ISSUER;
  const says = (name: SettingName) => keysOfSetting(name).some((key) => rule[key] !== undefined);
  const inherits = (name: SettingName): boolean => {
    const reach = reachOfSettings[name];
    if (says(name) || reach === 'own' || notBeside[name]?.some(says)) return false;
    return reach !== 'issuer' || issuer === given.texts.ISSUER;
  };
  const inherited = settingNames.filter((name) => inherits(name) && given.texts[name] !== undefined);
  const texts = { ...Object.fromEntries(inherited.map((name) => [name, given.texts[name]])), ...own.texts };
  return {
    ...{ id, at, written, texts, faults: own.faults },
    sources: new Map([...inherited.map((name) => [name, 'inherited'] as const), ...own.sources]),
    env: { ...env, ...Object.fromEntries(frontendSettings.map((name) => [name, texts[name]])) },
  };
}

/** The environment variables in which entries say that secrets lie. */
export function variablesIn(rules: readonly FrontendRule[]): ReadonlySet<string> {
  const keys = frontendSettings.filter((name) => settingOf(name).secret).map((name) => keysOfSetting(name)[1] ?? '');
  return new Set(rules.flatMap((rule) => keys.flatMap((key) => (typeof rule[key] === 'string' ? [rule[key]] : []))));
}

/**
 * An entry as it counts while the server runs: what cannot change then is as it was
 * at the start, and what differs of that is named.
 */
export function inEffect(
  rule: FrontendRule,
  { written }: Pick<FrontendConfig, 'written'>,
): { readonly rule: FrontendRule; readonly differing: readonly string[] } {
  const fixed = frontendSettings.filter((name) => !canChange(name)).flatMap(keysOfSetting);
  const textOf = (value: unknown) => JSON.stringify(value) ?? '';
  return {
    rule: { ...rule, ...Object.fromEntries(fixed.map((key) => [key, written[key]])) },
    differing: fixed.filter((key) => textOf(rule[key]) !== textOf(written[key])),
  };
}

interface Own {
  readonly texts: Partial<Record<SettingName, string>>;
  readonly sources: Map<SettingName, SettingSource>;
  readonly faults: Fault[];
}

function ownTexts(
  { rule, at }: Pick<PlacedFrontend, 'rule' | 'at'>,
  { env, files }: Pick<EntryAround, 'env' | 'files'>,
): Own {
  const own: Own = { texts: {}, sources: new Map(), faults: [] };
  for (const name of frontendSettings) {
    const [key, second] = keysOfSetting(name);
    const value = rule[key];
    if (second !== undefined) {
      const found = secretOf({ path: value, variable: rule[second] }, { env, files, key });
      if (found === undefined) continue;
      if ('sentence' in found) {
        const place = `frontends[${at}].${found.isVariable ? second : key}`;
        own.faults.push({ name: 'RULES_FILE', setting: name, place, sentence: found.sentence });
      } else {
        own.texts[name] = found.text;
        own.sources.set(name, found.source);
      }
    } else if (value !== undefined) {
      own.texts[name] = textOfValue(value as string | boolean | readonly string[]); // the form was looked at
      own.sources.set(name, 'rules file');
    }
  }
  return own;
}

interface SecretPlace {
  readonly path: unknown;
  readonly variable: unknown;
}

type FoundSecret =
  | { readonly text: string; readonly source: SettingSource }
  | { readonly sentence: string; readonly isVariable: boolean };

function secretOf(
  { path, variable }: SecretPlace,
  { env, files, key }: Pick<EntryAround, 'env' | 'files'> & { readonly key: string },
): FoundSecret | undefined {
  if (typeof variable === 'string') {
    if (path !== undefined) return { sentence: `is given, and ${key} too. Choose one.`, isVariable: true };
    const text = env[variable];
    return text
      ? { text, source: `variable ${variable}` }
      : // Who writes the secret itself where its name belongs shall not find it in a log.
        { sentence: 'names a variable that is not there, or empty.', isVariable: true };
  }
  if (typeof path !== 'string') return undefined;
  const read = secretIn(path, files);
  return 'text' in read ? { text: read.text, source: `file ${path}` } : { sentence: read.sentence, isVariable: false };
}
