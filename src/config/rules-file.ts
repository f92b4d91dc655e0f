/**
 * The rules file: which public path leads to which upstream, and for whom; and the
 * frontends, where there are several.
 *
 * Unknown keys, paths that could be read in two ways and contradictions are
 * faults; nothing is guessed.
 *
 * @module
 */

import { parseDocument, type YAMLError } from 'yaml';
import type { z } from 'zod';
import type { RouteConfig, UpstreamConfig } from './config.ts';
import type { Files } from './files.ts';
import { isShared, keysOfSetting } from './frontend-settings.ts';
import { contradictionsAmongRoutes, type PlacedRoute, type RouteSurroundings, routeFrom } from './route-rules.ts';
import type { RulesFault } from './rule-types.ts';
import {
  type FrontendRule,
  frontendSchema,
  type RouteRule,
  type RulesData,
  routeSchema,
  rulesSchema,
} from './rules-schema.ts';
import { settingNames, settingOf } from './schema.ts';
import { nearestOf } from './spelling.ts';
import {
  contradictionsAmong,
  type UpstreamFault,
  type UpstreamRule,
  upstreamSchema,
  upstreamsFrom,
} from './upstream-rules.ts';

/** What a rules file says, or its faults. */
export type Rules =
  | { readonly routes: readonly RouteConfig[]; readonly upstreams: readonly UpstreamConfig[] }
  | { readonly faults: readonly RulesFault[] };

/** What rules are read with and held against. */
export interface RulesSurroundings extends RouteSurroundings {
  /** For the certificates that the file names. */
  readonly files: Files;
}

/** A rules file of which the form was looked at and nothing else. */
export interface ParsedRules {
  /** `undefined` when the form has faults. */
  readonly data: RulesData | undefined;
  /** Of the form. */
  readonly faults: readonly RulesFault[];
  /** Those at the top of the file that are well-formed; `undefined` where there is no list of them. */
  readonly routes: readonly PlacedRoute[] | undefined;
  /** Those that are well-formed; `undefined` where the file lists no frontends. */
  readonly frontends: readonly PlacedFrontend[] | undefined;
}

/** A frontend and its place in the file. */
export interface PlacedFrontend {
  readonly rule: FrontendRule;
  readonly at: number;
  /** Its own; `undefined` where it has none. */
  readonly routes: readonly PlacedRoute[] | undefined;
}

/** Reads the text of a rules file that lists no frontends, and the certificates it names. */
export function readRules(content: string, around: RulesSurroundings): Rules {
  return rulesIn(parseRules(content), around);
}

/** The rules of a file that lists no frontends. */
export function rulesIn({ data, faults: ofForm, routes: placed = [] }: ParsedRules, around: RulesSurroundings): Rules {
  const faults = [...ofForm, ...contradictionsAmongRoutes(placed, around)];
  if (data === undefined || faults.length > 0) return { faults };
  const routes = placed.map(({ rule }) => routeFrom(rule));
  const upstreams = readUpstreams(data.upstreams ?? [], { routes, files: around.files });
  return 'faults' in upstreams ? upstreams : { routes, ...upstreams };
}

/** The entries of `upstreams` with what their files hold, or what is wrong with them. `routes` are all that lead to one. */
export function readUpstreams(
  rules: readonly UpstreamRule[],
  { routes, files }: { readonly routes: readonly RouteConfig[]; readonly files: Files },
): { readonly upstreams: readonly UpstreamConfig[] } | { readonly faults: readonly RulesFault[] } {
  const contradictions = contradictionsAmong(rules, routes);
  if (contradictions.length > 0) return { faults: contradictions.map(placed) };
  const { upstreams, faults } = upstreamsFrom(rules, files);
  return faults.length > 0 ? { faults: faults.map(placed) } : { upstreams };
}

function placed({ at, key, sentence }: UpstreamFault): RulesFault {
  return { place: `upstreams[${at}].${key}`, sentence };
}

/** Looks at the form of a rules file. */
export function parseRules(content: string): ParsedRules {
  const tree = treeOf(content);
  if ('faults' in tree) return { data: undefined, routes: undefined, frontends: undefined, ...tree };
  const parsed = rulesSchema.safeParse(tree.value);
  const [routes, frontends] = [memberOf(tree.value, 'routes'), memberOf(tree.value, 'frontends')];
  const isLacking = isMap(tree.value) && routes === undefined && frontends === undefined;
  const lacking = isLacking ? [{ place: 'routes', sentence: 'must be a list of routes.' }] : [];
  const faults = [...lacking, ...(parsed.success ? [] : parsed.error.issues.flatMap(faultsOf))];
  return {
    data: faults.length === 0 ? parsed.data : undefined,
    faults,
    routes: routes === undefined ? undefined : wellFormedRoutes(routes, 'routes'),
    frontends: frontends === undefined ? undefined : wellFormedFrontends(frontends),
  };
}

function isMap(tree: unknown): tree is Readonly<Record<string, unknown>> {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree);
}

function memberOf(tree: unknown, name: string): unknown {
  return isMap(tree) ? tree[name] : undefined;
}

// What contradicts itself in one route is told beside what is malformed in another.
function wellFormedRoutes(routes: unknown, list: string): readonly PlacedRoute[] {
  if (!Array.isArray(routes)) return [];
  return routes.flatMap((route: unknown, at) => {
    const parsed = routeSchema.safeParse(route);
    return parsed.success ? [{ rule: parsed.data, list, at }] : [];
  });
}

function wellFormedFrontends(frontends: unknown): readonly PlacedFrontend[] {
  if (!Array.isArray(frontends)) return [];
  return frontends.flatMap((frontend: unknown, at) => {
    const parsed = frontendSchema.safeParse(frontend);
    if (!parsed.success) return [];
    const rule = parsed.data as FrontendRule; // its keys come from a table, which the type of zod forgets
    const list = `frontends[${at}].routes`;
    const routes = rule.routes?.map((route: RouteRule, place) => ({ rule: route, list, at: place }));
    return [{ rule, at, routes }];
  });
}

/** Aliases that are followed at most: with more, a few lines can stand for millions. */
const mostAliases = 50;

function treeOf(content: string): { readonly value: unknown } | { readonly faults: readonly RulesFault[] } {
  const document = parseDocument(content, { uniqueKeys: true, strict: true, merge: false });
  const problems = [...document.errors, ...document.warnings]; // a tag that is not known is only a warning to the parser
  if (problems.length > 0)
    return {
      faults: problems.map(({ code, linePos }) => ({
        sentence: `is no plain YAML${lineOf(linePos)}: ${wordsOf(code)}.`,
      })),
    };
  try {
    return { value: document.toJS({ maxAliasCount: mostAliases }) };
  } catch {
    const sentence = `has an alias that leads nowhere, or more than ${mostAliases} of them.`;
    return { faults: [{ sentence }] };
  }
}

// The parser's own sentence can quote the file, and the file may be the wrong one.
function wordsOf(code: string): string {
  return code.toLowerCase().replaceAll('_', ' ');
}

function lineOf(position: YAMLError['linePos']): string {
  return position === undefined ? '' : ` in line ${position[0].line}`;
}

function faultsOf(issue: z.core.$ZodIssue): readonly RulesFault[] {
  const place = placeOf(issue.path);
  if (issue.code !== 'unrecognized_keys') return [{ place, sentence: `${issue.message}.` }];
  const schema = schemaAt(issue.path);
  return issue.keys.map((key) => {
    const known = schema === frontendSchema ? elsewhere(key) : undefined;
    const nearest = nearestOf(key, Object.keys(schema.shape), { most: 2 });
    const meant = known ?? (nearest === undefined ? '' : ` Did you mean ${nearest}?`);
    return { place, sentence: `has the key ${JSON.stringify(key.slice(0, 60))}, which is not known.${meant}` };
  });
}

function schemaAt(path: readonly PropertyKey[]): { readonly shape: object } {
  if (path.length === 0) return rulesSchema;
  if (path[0] === 'upstreams') return upstreamSchema;
  return path[0] === 'frontends' && path.length === 2 ? frontendSchema : routeSchema;
}

// What is a setting all the same, and stands in the wrong place.
function elsewhere(key: string): string | undefined {
  const name = settingNames.find((known) => known === key.toUpperCase());
  if (name === undefined) return undefined;
  if (isShared(name)) return ` ${name} is of the whole process: it stands in the environment.`;
  return settingOf(name).secret
    ? ` A secret does not stand here: give ${keysOfSetting(name).join(' or ')}.`
    : undefined;
}

function placeOf(path: readonly PropertyKey[]): string | undefined {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text === '' ? undefined : text.replace(/^\./, '');
}
