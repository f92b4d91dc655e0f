/**
 * Reads the whole configuration once and tells all of its faults at once.
 *
 * A fault names the variable and what is expected, never the value of a secret.
 * What is dangerous outside of this machine ends the start there.
 *
 * @module
 */

import { configFrom } from './assemble.ts';
import { flowFrom } from './authorization-flow.ts';
import type { Config } from './config.ts';
import { contradictionsIn } from './cross-checks.ts';
import { type Environment, type Given, readEnvironment } from './environment.ts';
import { ConfigError, type Fault, missing } from './faults.ts';
import { causeOf, type Files, readingOnce } from './files.ts';
import { isProduction, warningsOf } from './production-checks.ts';
import { type RulesFault, readRules, routeOfApiUpstream } from './rules-file.ts';
import { lineOfPlace } from './rules-lines.ts';
import { type SettingName, settingNames, settingOf, type Values } from './schema.ts';

/** What became of a configuration: it, or its faults; and what was read of each setting. */
export interface Examined {
  /** `undefined` when there are faults. */
  readonly config: Config | undefined;
  readonly error: ConfigError | undefined;
  readonly settings: readonly SettingState[];
}

/** One setting as it was found. */
export interface SettingState {
  readonly name: SettingName;
  /** `file …` with its path for a secret that lies in one. */
  readonly source: 'set' | 'default' | 'none' | `file ${string}`;
  /** The text that counts; `undefined` for a secret, for none, and for one that is not valid. */
  readonly text: string | undefined;
  readonly isValid: boolean;
}

/** The configuration in `env`. Throws {@link ConfigError}. */
export function loadConfig(env: Environment, files: Files): Config {
  const { config, error } = examine(env, files);
  if (config === undefined) throw error;
  return config;
}

/** Reads a configuration and says all that can be said of it. Throws nothing. */
export function examine(env: Environment, disk: Files): Examined {
  const files = readingOnce(disk);
  const given = readEnvironment(env, files);
  const { values, faults: ofValues } = valuesOf(given);
  const { routes, upstreams, faults: ofRules } = routesOf(values, files);
  const faults = [...given.faults, ...ofValues, ...ofRules];
  faults.push(...contradictionsIn(values, { faulty: namesOf(faults), env, files }));
  const settings = settingNames.map((name) => stateOf(name, { given, faulty: namesOf(faults) }));
  if (faults.length > 0)
    return { config: undefined, error: new ConfigError(faults, { isEmpty: isEmpty(given, faults) }), settings };
  const config = configFrom(values, { routes, upstreams, files, warnings: warningsOf(values, { env, routes }) });
  return { config, error: undefined, settings };
}

function valuesOf({ texts, faults: before }: Given): { readonly values: Values; readonly faults: readonly Fault[] } {
  const values: Record<string, unknown> = {};
  const faults: Fault[] = [];
  const unread = namesOf(before);
  for (const name of settingNames) {
    const setting = settingOf(name);
    const text = texts[name] ?? setting.default;
    if (text === undefined) {
      if (setting.needed === 'always' && !unread.has(name)) faults.push(missing(name, setting));
      continue;
    }
    const result = setting.type.safeParse(text);
    if (result.success) values[name] = result.data;
    else faults.push({ name, sentence: result.error.issues[0]?.message ?? 'is not valid.' });
  }
  return { values: values as Values, faults }; // each value was made by the type of its own setting
}

function namesOf(faults: readonly Fault[]): ReadonlySet<string> {
  return new Set(faults.map(({ name, setting }) => setting ?? name));
}

interface Routes {
  readonly routes: Config['routes'];
  readonly upstreams: Config['upstreams'];
  readonly faults: readonly Fault[];
}

function routesOf(values: Values, files: Files): Routes {
  const { RULES_FILE, API_UPSTREAM } = values;
  if (RULES_FILE === undefined)
    return { routes: API_UPSTREAM === undefined ? [] : [routeOfApiUpstream(API_UPSTREAM)], upstreams: [], faults: [] };
  let content: string;
  try {
    content = files.readFile(RULES_FILE);
  } catch (error) {
    const sentence = `names the file ${RULES_FILE}, which cannot be read${causeOf(error)}.`;
    return { routes: [], upstreams: [], faults: [{ name: 'RULES_FILE', sentence }] };
  }
  const rules = readRules(content, {
    production: isProduction(values),
    audienceIsName: values.API_AUDIENCE_PARAMETER === 'audience',
    flow: flowFrom(values),
    files,
  });
  return 'routes' in rules
    ? { ...rules, faults: [] }
    : {
        routes: [],
        upstreams: [],
        faults: rules.faults.map((fault) => ({ name: 'RULES_FILE', ...fault, line: lineOf(fault, content) })),
      };
}

function lineOf({ place }: RulesFault, content: string): number | undefined {
  return place === undefined ? undefined : lineOfPlace(content, place);
}

// Whoever gave nothing that is needed has not begun; an image may have set HOST. What somebody did write is told as a fault.
function isEmpty({ texts }: Given, faults: readonly Fault[]): boolean {
  const isNothingGiven = settingNames.every((name) => settingOf(name).needed === undefined || !texts[name]);
  return isNothingGiven && faults.every(({ name }) => settingNames.some((own) => own === name && !texts[own]));
}

function stateOf(
  name: SettingName,
  { given, faulty }: { readonly given: Given; readonly faulty: ReadonlySet<string> },
): SettingState {
  const { secret, default: value } = settingOf(name);
  const text = given.texts[name] ?? value;
  const isValid = !faulty.has(name);
  return { name, source: sourceOf(name, given), text: secret || !isValid ? undefined : text, isValid };
}

function sourceOf(name: SettingName, { texts, fileOf }: Given): SettingState['source'] {
  const file = fileOf.get(name);
  if (file !== undefined) return `file ${file}`;
  if (texts[name] !== undefined) return 'set';
  return settingOf(name).default === undefined ? 'none' : 'default';
}
