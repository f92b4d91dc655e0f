/**
 * Reads the whole configuration once and tells all of its faults at once.
 *
 * A fault names the variable and what is expected, never the value of a secret.
 * What is dangerous outside of this machine ends the start there.
 *
 * @module
 */

import { configFrom, frontendFrom } from './assemble.ts';
import { flowFrom } from './authorization-flow.ts';
import type { Config, FrontendConfig, UpstreamConfig } from './config.ts';
import { contradictionsIn } from './cross-checks.ts';
import { type Environment, type Given, readEnvironment } from './environment.ts';
import { ConfigError, type Fault } from './faults.ts';
import { causeOf, type Files, readingOnce } from './files.ts';
import { isShared, onlyFrontendId, reachOfSettings } from './frontend-settings.ts';
import { examineFrontends, type FrontendState } from './frontends.ts';
import { variablesIn } from './given-frontend.ts';
import { isProduction, warningsOf } from './production-checks.ts';
import { namesOf, type ReadValues, valuesOf } from './read-values.ts';
import { routeOfApiUpstream } from './route-rules.ts';
import type { RulesFault } from './rule-types.ts';
import { type ParsedRules, parseRules, readUpstreams, rulesIn } from './rules-file.ts';
import { lineOfPlace } from './rules-lines.ts';
import { settingNames, settingOf, type Values } from './schema.ts';
import { type SettingState, sourceIn, stateOf } from './setting-state.ts';

/** What became of a configuration: it, or its faults; and what was read of each setting. */
export interface Examined {
  /** `undefined` when there are faults. */
  readonly config: Config | undefined;
  readonly error: ConfigError | undefined;
  /** Of the environment. */
  readonly settings: readonly SettingState[];
  /** Of each frontend that the rules file lists. */
  readonly frontends: readonly FrontendState[];
  /** What differs of the listed frontends that are served, and cannot change while they are. */
  readonly needRestart: readonly string[];
}

/** The configuration in `env`. Throws {@link ConfigError}. */
export function loadConfig(env: Environment, files: Files): Config {
  const { config, error } = examine(env, files);
  if (config === undefined) throw error;
  return config;
}

/** Reads a configuration and says all that can be said of it. Throws nothing. `serving`: what the server was started with, where it runs. */
export function examine(env: Environment, disk: Files, serving?: Config): Examined {
  const files = readingOnce(disk);
  const given = readEnvironment(env, files);
  const read = valuesOf(given);
  const rules = rulesAt(read.values.RULES_FILE, files);
  const scene = { env, files, given, read, rules, serving };
  const found = rules?.frontends === undefined ? examineOnly(scene) : examineListed(scene);
  // What is wrong with a setting of one frontend says nothing of the environment's.
  const faulty = namesOf(found.faults.filter(({ place, setting }) => place === undefined || setting === undefined));
  const settings = settingNames.map((name) => stateOf(name, { texts: given.texts, sourceOf: sourceIn(given), faulty }));
  const { config, faults, frontends = [], needRestart = [] } = found;
  const error = faults.length === 0 ? undefined : new ConfigError(faults, { isEmpty: isEmpty(given, faults) });
  return { config: error === undefined ? config : undefined, error, settings, frontends, needRestart };
}

interface Scene {
  readonly env: Environment;
  readonly files: Files;
  readonly given: Given;
  readonly read: ReadValues;
  readonly rules: RulesText | undefined;
  readonly serving: Config | undefined;
}

interface Found extends Partial<Pick<Examined, 'frontends' | 'needRestart'>> {
  readonly config: Config | undefined;
  readonly faults: readonly Fault[];
}

/** The one frontend that the environment describes. */
function examineOnly({ env, files, given, read: { values, faults: ofValues }, rules, serving }: Scene): Found {
  const { routes, upstreams, faults: ofRules } = routesOf(values, { rules, files });
  const faults = [...given.faults, ...ofValues, ...ofRules];
  if (serving?.listsFrontends) faults.push(lostList(serving));
  faults.push(...contradictionsIn(values, { faulty: namesOf(faults), env, files }));
  if (faults.length > 0) return { config: undefined, faults };
  const only = frontendFrom(values, { id: onlyFrontendId, written: {}, routes, routesAt: 'routes', files });
  const warnings = warningsOf(values, { env, routes });
  return {
    faults,
    config: configFrom(values, { frontends: [only], listsFrontends: false, upstreams, warnings, files }),
  };
}

function lostList({ frontends }: Config): Fault {
  const ids = frontends.map(({ id }) => id).join(', ');
  return {
    name: 'RULES_FILE',
    place: 'frontends',
    sentence: `cannot go while the server runs: it serves ${ids}. Restart it.`,
  };
}

/** The frontends that the rules file lists. */
function examineListed({ env, files, given, read, rules, serving }: Scene): Found {
  if (rules?.parsed === undefined) throw new Error('there is no list of frontends');
  const { parsed } = rules;
  const list = examineFrontends(parsed, { env, files, given, serving: serving?.frontends });
  const variables = variablesIn((parsed.frontends ?? []).map(({ rule }) => rule));
  const ofEnvironment = [
    ...given.faults.filter(({ name }) => !variables.has(name)), // a variable that the file names is no mistaken setting
    ...ownFaults(given),
    ...read.faults.filter(({ name }) => isShared(name) || isGiven(name, given)),
  ];
  const contradictions = contradictionsIn(read.values, { faulty: namesOf(ofEnvironment), env, files });
  const ofProcess = contradictions.filter(({ name }) => isShared(name) || name.startsWith('TLS_'));
  const routes = list.frontends.flatMap((frontend) => frontend.routes);
  const upstreams =
    parsed.data === undefined || list.frontends.length === 0
      ? { upstreams: [] }
      : readUpstreams(parsed.data.upstreams ?? [], { routes, files });
  const ofUpstreams = 'faults' in upstreams ? upstreams.faults : [];
  const faults = eachOnce([
    ...ofEnvironment,
    ...ofProcess,
    ...[...parsed.faults, ...ofUpstreams].map((fault) => ({ name: 'RULES_FILE', ...fault })),
    ...list.faults,
  ]).map((fault) => ({ ...fault, line: lineOf(fault, rules.content) }));
  const [first, ...more] = list.frontends;
  const beside = { listsFrontends: true, warnings: list.warnings, files };
  const config =
    faults.length > 0 || first === undefined || 'faults' in upstreams
      ? undefined
      : configFrom(read.values, { ...beside, ...upstreams, frontends: [first, ...more] });
  return { config, faults, frontends: list.states, needRestart: list.needRestart };
}

function isGiven(name: string, { texts }: Given): boolean {
  return settingNames.some((known) => known === name && texts[known] !== undefined);
}

function ownFaults({ texts }: Given): readonly Fault[] {
  const sentence = 'is given, and frontends in RULES_FILE too. Each of them says it for itself.';
  return settingNames
    .filter((name) => reachOfSettings[name] === 'own' && texts[name] !== undefined)
    .map((name) => ({ name, sentence }));
}

// What is wrong with something that all inherit is found once for each.
function eachOnce(faults: readonly Fault[]): readonly Fault[] {
  return [...new Map(faults.map((fault) => [`${fault.name} ${fault.place} ${fault.sentence}`, fault])).values()];
}

interface RulesText {
  readonly content: string;
  readonly parsed: ParsedRules | undefined;
  readonly frontends: ParsedRules['frontends'];
  /** Why the file cannot be read. */
  readonly fault?: Fault;
}

function rulesAt(path: string | undefined, files: Files): RulesText | undefined {
  if (path === undefined) return undefined;
  try {
    const content = files.readFile(path);
    const parsed = parseRules(content);
    return { content, parsed, frontends: parsed.frontends };
  } catch (error) {
    const sentence = `names the file ${path}, which cannot be read${causeOf(error)}.`;
    return { content: '', parsed: undefined, frontends: undefined, fault: { name: 'RULES_FILE', sentence } };
  }
}

interface Routes {
  readonly routes: FrontendConfig['routes'];
  readonly upstreams: readonly UpstreamConfig[];
  readonly faults: readonly Fault[];
}

function routesOf(values: Values, { rules, files }: Pick<Scene, 'rules' | 'files'>): Routes {
  const none = { routes: [], upstreams: [] };
  const { API_UPSTREAM } = values;
  if (rules === undefined)
    return { ...none, routes: API_UPSTREAM === undefined ? [] : [routeOfApiUpstream(API_UPSTREAM)], faults: [] };
  if (rules.parsed === undefined) return { ...none, faults: rules.fault === undefined ? [] : [rules.fault] };
  const read = rulesIn(rules.parsed, {
    production: isProduction(values),
    audienceIsName: values.API_AUDIENCE_PARAMETER === 'audience',
    flow: flowFrom(values),
    files,
  });
  if ('routes' in read) return { ...read, faults: [] };
  const faults = read.faults.map((fault) => ({ name: 'RULES_FILE', ...fault, line: lineOf(fault, rules.content) }));
  return { ...none, faults };
}

function lineOf({ place }: Pick<RulesFault, 'place'>, content: string): number | undefined {
  return place === undefined ? undefined : lineOfPlace(content, place);
}

// Whoever gave nothing that is needed has not begun; an image may have set HOST. What somebody did write is told as a fault.
function isEmpty({ texts }: Given, faults: readonly Fault[]): boolean {
  const isNothingGiven = settingNames.every((name) => settingOf(name).needed === undefined || !texts[name]);
  return isNothingGiven && faults.every(({ name }) => settingNames.some((own) => own === name && !texts[own]));
}
