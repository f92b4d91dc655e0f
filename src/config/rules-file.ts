/**
 * The rules file: which public path leads to which upstream, and for whom.
 *
 * Unknown keys, paths that could be read in two ways and contradictions are
 * faults; nothing is guessed.
 *
 * @module
 */

import { parseDocument, type YAMLError } from 'yaml';
import type { z } from 'zod';
import { type AuthorizationFlow, plainFlow } from './authorization-flow.ts';
import type { RouteConfig, UpstreamConfig } from './config.ts';
import type { Files } from './files.ts';
import { type RouteRule, routeDefaults, routeSchema, rulesSchema } from './rules-schema.ts';
import { nearestOf } from './spelling.ts';
import { contradictionsAmong, type UpstreamFault, upstreamSchema, upstreamsFrom } from './upstream-rules.ts';
import { isSafeTransport, type Read, readDuration, readResource, readSize } from './values.ts';

/** A fault and its place in the file. */
export interface RulesFault {
  /** E.g. `routes[0].path`; `undefined` for the whole file. */
  readonly place?: string | undefined;
  readonly sentence: string;
}

/** What a rules file says, or its faults. */
export type Rules =
  | { readonly routes: readonly RouteConfig[]; readonly upstreams: readonly UpstreamConfig[] }
  | { readonly faults: readonly RulesFault[] };

/** What rules are read with and held against. */
export interface RulesSurroundings {
  /** Plain http to other machines needs to be allowed by name. */
  readonly production: boolean;
  /** An audience need be no URI (`API_AUDIENCE_PARAMETER=audience`). */
  readonly audienceIsName?: boolean;
  readonly flow?: AuthorizationFlow | undefined;
  /** For the certificates that the file names. */
  readonly files: Files;
}

/** Reads the text of a rules file, and the certificates it names. */
export function readRules(content: string, around: RulesSurroundings): Rules {
  const tree = treeOf(content);
  if ('faults' in tree) return tree;
  const parsed = rulesSchema.safeParse(tree.value);
  const faults = [
    ...(parsed.success ? [] : parsed.error.issues.flatMap(faultsOf)),
    ...contradictionsIn(wellFormedIn(tree.value), around),
  ];
  if (!parsed.success || faults.length > 0) return { faults };
  const routes = parsed.data.routes.map(routeFrom);
  const rules = parsed.data.upstreams ?? [];
  const contradictions = contradictionsAmong(rules, routes);
  if (contradictions.length > 0) return { faults: contradictions.map(placed) };
  const { upstreams, faults: ofFiles } = upstreamsFrom(rules, around.files);
  return ofFiles.length > 0 ? { faults: ofFiles.map(placed) } : { routes, upstreams };
}

function placed({ at, key, sentence }: UpstreamFault): RulesFault {
  return { place: `upstreams[${at}].${key}`, sentence };
}

interface Placed {
  readonly rule: RouteRule;
  /** Its place in the file. */
  readonly at: number;
}

// What contradicts itself in one route is told beside what is malformed in another.
function wellFormedIn(tree: unknown): readonly Placed[] {
  const routes = typeof tree === 'object' && tree !== null && 'routes' in tree ? tree.routes : undefined;
  if (!Array.isArray(routes)) return [];
  return routes.flatMap((route: unknown, at) => {
    const parsed = routeSchema.safeParse(route);
    return parsed.success ? [{ rule: parsed.data, at }] : [];
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

/** The route that `API_UPSTREAM` stands for. */
export function routeOfApiUpstream(upstream: string): RouteConfig {
  return routeFrom({ path: '/api', upstream });
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
  const inUpstreams = issue.path[0] === 'upstreams';
  const known =
    issue.path.length === 0 ? Object.keys(rulesSchema.shape) : keysIn(inUpstreams ? upstreamSchema : routeSchema);
  return issue.keys.map((key) => {
    const nearest = nearestOf(key, known, { most: 2 });
    const meant = nearest === undefined ? '' : ` Did you mean ${nearest}?`;
    return { place, sentence: `has the key ${JSON.stringify(key.slice(0, 60))}, which is not known.${meant}` };
  });
}

function keysIn({ shape }: { readonly shape: object }): readonly string[] {
  return Object.keys(shape);
}

function placeOf(path: readonly PropertyKey[]): string | undefined {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text === '' ? undefined : text.replace(/^\./, '');
}

interface Among extends RulesSurroundings {
  readonly all: readonly Placed[];
}

function contradictionsIn(all: readonly Placed[], around: RulesSurroundings): readonly RulesFault[] {
  return all.flatMap((placed) => [
    ...contradictionsOf(placed, { ...around, all }),
    ...flowContradictionsOf(placed, around.flow ?? plainFlow),
  ]);
}

function flowContradictionsOf({ rule, at }: Placed, { dpop, isFapi2 }: AuthorizationFlow): readonly RulesFault[] {
  const faults: RulesFault[] = [];
  const say = (key: string, sentence: string) => faults.push({ place: `routes[${at}].${key}`, sentence });
  if (rule.dpop && !dpop) say('dpop', 'needs DPOP=on.');
  if (rule.dpop === false && dpop && isFapi2) say('dpop', 'must be true or left out with PROFILE=fapi2.');
  if (isFapi2 && rule.insecureAllowHttpUpstream && !isSafeTransport(rule.upstream))
    say('insecureAllowHttpUpstream', 'must be left out with PROFILE=fapi2.');
  return faults;
}

function contradictionsOf({ rule, at }: Placed, { all, production, audienceIsName }: Among): readonly RulesFault[] {
  const faults: RulesFault[] = [];
  const say = (key: string, sentence: string) => faults.push({ place: `routes[${at}].${key}`, sentence });
  if (all.some((other) => other.at < at && other.rule.path === rule.path)) say('path', 'is there twice.');
  if (rule.access === 'public' && (rule.token === 'user' || rule.token === 'exchange'))
    say('token', 'must be none or client where access is public: nobody is signed in.');
  if (rule.access === 'public' && rule.token !== 'client' && rule.scopes?.length)
    say('scopes', 'need access: session.');
  const resource = rule.audience === undefined || audienceIsName ? undefined : readResource(rule.audience);
  if (resource !== undefined && 'expected' in resource) say('audience', `must be ${resource.expected}.`);
  if (rule.websocket && !(rule.methods ?? routeDefaults.methods).includes('GET'))
    say('websocket', 'needs GET among methods: a WebSocket begins with one.');
  if (production && !rule.insecureAllowHttpUpstream && !isSafeTransport(rule.upstream)) {
    say(
      'upstream',
      'must be https unless it is on this machine. insecureAllowHttpUpstream: true allows plain http for this route.',
    );
  }
  return faults;
}

function routeFrom(rule: RouteRule): RouteConfig {
  const url = new URL(rule.upstream);
  const access = rule.access ?? routeDefaults.access;
  return {
    path: rule.path,
    upstream: { origin: url.origin, path: url.pathname.replace(/\/$/, '') },
    methods: rule.methods ?? routeDefaults.methods,
    access,
    token: rule.token ?? (access === 'public' ? 'none' : 'user'),
    audience: rule.audience,
    scopes: rule.scopes ?? [],
    timeoutMs: checked(readDuration(rule.timeout ?? routeDefaults.timeout)),
    maxBody: checked(readSize(String(rule.max_body ?? routeDefaults.max_body))),
    minUploadRate: checked(readSize(String(rule.min_upload_rate ?? routeDefaults.min_upload_rate))),
    setCookies: rule.set_cookies ?? [],
    cache: rule.cache ?? false,
    maskErrors: rule.mask_errors ?? false,
    websocket: rule.websocket ?? false,
    dpop: rule.dpop ?? true,
  };
}

function checked<Value>(result: Read<Value>): Value {
  if ('value' in result) return result.value;
  throw new Error('a rule was used before it was checked');
}
