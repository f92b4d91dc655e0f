/**
 * The routes of the rules file beyond their form: what they contradict, and what
 * they are with all defaults filled in.
 *
 * @module
 */

import { type AuthorizationFlow, plainFlow } from './authorization-flow.ts';
import type { RouteConfig } from './config.ts';
import type { RulesFault } from './rule-types.ts';
import { type RouteRule, routeDefaults } from './rules-schema.ts';
import { isSafeTransport, type Read, readDuration, readResource, readSize } from './values.ts';

/** A route and its place in the file. */
export interface PlacedRoute {
  readonly rule: RouteRule;
  /** The list that it stands in: `routes`, or `frontends[0].routes`. */
  readonly list: string;
  readonly at: number;
}

/** The settings that routes are held against. */
export interface RouteSurroundings {
  /** Plain http to other machines needs to be allowed by name. */
  readonly production: boolean;
  /** An audience need be no URI (`API_AUDIENCE_PARAMETER=audience`). */
  readonly audienceIsName?: boolean;
  readonly flow?: AuthorizationFlow | undefined;
}

/** The route that `API_UPSTREAM` stands for. */
export function routeOfApiUpstream(upstream: string): RouteConfig {
  return routeFrom({ path: '/api', upstream });
}

/** A route with all defaults. Only for one that was checked. */
export function routeFrom(rule: RouteRule): RouteConfig {
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

interface Among extends RouteSurroundings {
  readonly all: readonly PlacedRoute[];
}

/** What routes of one list contradict: each other, themselves, or the settings. */
export function contradictionsAmongRoutes(
  all: readonly PlacedRoute[],
  around: RouteSurroundings,
): readonly RulesFault[] {
  return all.flatMap((placed) => [
    ...contradictionsOf(placed, { ...around, all }),
    ...flowContradictionsOf(placed, around.flow ?? plainFlow),
  ]);
}

function flowContradictionsOf(
  { rule, list, at }: PlacedRoute,
  { dpop, isFapi2 }: AuthorizationFlow,
): readonly RulesFault[] {
  const faults: RulesFault[] = [];
  const say = (key: string, sentence: string) => faults.push({ place: `${list}[${at}].${key}`, sentence });
  if (rule.dpop && !dpop) say('dpop', 'needs DPOP=on.');
  if (rule.dpop === false && dpop && isFapi2) say('dpop', 'must be true or left out with PROFILE=fapi2.');
  if (isFapi2 && rule.insecureAllowHttpUpstream && !isSafeTransport(rule.upstream))
    say('insecureAllowHttpUpstream', 'must be left out with PROFILE=fapi2.');
  return faults;
}

function contradictionsOf(
  { rule, list, at }: PlacedRoute,
  { all, production, audienceIsName }: Among,
): readonly RulesFault[] {
  const faults: RulesFault[] = [];
  const say = (key: string, sentence: string) => faults.push({ place: `${list}[${at}].${key}`, sentence });
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

function checked<Value>(result: Read<Value>): Value {
  if ('value' in result) return result.value;
  throw new Error('a rule was used before it was checked');
}
