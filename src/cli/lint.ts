/**
 * What is allowed in a configuration, and yet probably not meant: what `claimcheck
 * check` says beside the faults that end a start.
 *
 * Whether a route can be reached is asked of the matcher that decides on requests.
 *
 * @module
 */

import { isLoopbackName } from '../base/loopback.ts';
import type { FrontendConfig, RouteConfig } from '../config/config.ts';
import { isUnder, Routes } from '../proxy/routes.ts';

/** One thing worth a look. */
export interface Finding {
  /** An error can only be a mistake; a warning may be meant. */
  readonly level: 'error' | 'warning';
  /** Place of the route in the file; `undefined` where it is about no route. */
  readonly at: number | undefined;
  readonly sentence: string;
}

/** One route among the others. */
interface Looked {
  readonly route: RouteConfig;
  readonly config: FrontendConfig;
}

const mutating = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** Everything worth a look in the routes of one frontend, in the order of the file. */
export function findingsIn(config: FrontendConfig): readonly Finding[] {
  const unreachable = unreachableIn(config.routes);
  if (typeof unreachable === 'string') return [{ level: 'error', at: undefined, sentence: unreachable }];
  return config.routes.flatMap((route, at): readonly Finding[] => {
    if (unreachable.has(route))
      return [{ level: 'error', at, sentence: `is unreachable: no request comes to it. ${spelledAlike}` }];
    return lints.flatMap((lint) =>
      (lint({ route, config }) ?? []).map((sentence) => ({ level: 'warning', at, sentence })),
    );
  });
}

const spelledAlike = 'Another route differs from it, or from a part of it, by case or final dots alone.';

// By the matcher itself: a route that it does not give for the route's own path is never given.
function unreachableIn(configs: readonly RouteConfig[]): ReadonlySet<RouteConfig> | string {
  let routes: Routes;
  try {
    routes = new Routes(configs);
  } catch {
    return `two routes are one to an upstream. ${spelledAlike}`;
  }
  return new Set(configs.filter(({ path }) => routes.find(path)?.path !== path));
}

type Lint = (looked: Looked) => readonly string[] | undefined;

const lints: readonly Lint[] = [
  function shadowing({ route, config }) {
    const outer = outerOf(route, config.routes);
    const hidden = outer?.methods.filter((method) => !offers(route, method)) ?? [];
    return hidden.length === 0
      ? undefined
      : [`shadows ${outer?.path}, which offers ${hidden.join(', ')}: below ${route.path} the answer to them is 405.`];
  },

  function publicAndMutating({ route: { access, methods } }) {
    const found = access === 'public' ? methods.filter((method) => mutating.has(method)) : [];
    return found.length === 0
      ? undefined
      : [`is public and mutating: anybody may ${found.join(', ')} without signing in.`];
  },

  function openingInside({ route, config }) {
    const outer = outerOf(route, config.routes);
    return route.access === 'public' && outer?.access === 'session'
      ? [`opens a part of ${outer.path} to everybody, where a session is needed.`]
      : undefined;
  },

  function plainHttp({ route: { upstream, token } }) {
    const { protocol, hostname } = new URL(upstream.origin);
    if (protocol !== 'http:' || isLoopbackName(hostname)) return undefined;
    return [
      `has an http upstream on another machine: ${token === 'user' ? 'tokens and ' : ''}answers can be read on the way.`,
    ];
  },

  function missingScope({ route: { token, scopes, methods } }) {
    return token === 'user' && scopes.length === 0 && methods.some((method) => mutating.has(method))
      ? ['names no scope: whoever is signed in may change things there, if the service does not look itself.']
      : undefined;
  },

  function scopeNotAsked({ route: { scopes }, config }) {
    const missing = scopes.filter((scope) => !config.scopes.includes(scope));
    return missing.length === 0
      ? undefined
      : [`needs ${missing.join(' ')}, which SCOPES does not ask for: without it every call is answered 403.`];
  },

  function sharedToken({ route, config }) {
    const audienceOf = ({ audience = config.apiAudience }: RouteConfig) => audience;
    const other = config.routes.find(
      (one) =>
        one.token === 'user' && one.upstream.origin !== route.upstream.origin && audienceOf(one) === audienceOf(route),
    );
    return route.token === 'user' && other !== undefined
      ? [
          `sends ${route.upstream.origin} the token that ${other.upstream.origin} gets too: each could use it at the other. Give each an audience.`,
        ]
      : undefined;
  },

  function endlessBody({ route: { access, maxBody } }) {
    return access === 'public' && maxBody === 0 ? ['is public and takes bodies without a limit.'] : undefined;
  },

  function ownUpstream({ route: { upstream }, config }) {
    return upstream.origin === config.publicUrl
      ? ['leads back to PUBLIC_URL: a call would go round and round.']
      : undefined;
  },
];

function offers({ methods }: RouteConfig, method: string): boolean {
  return methods.includes(method) || (method === 'HEAD' && methods.includes('GET'));
}

/** The route that would have matched without this one. */
function outerOf(route: RouteConfig, all: readonly RouteConfig[]): RouteConfig | undefined {
  return all
    .filter(({ path }) => path !== route.path && isUnder(route.path, path))
    .sort((left, right) => right.path.length - left.path.length)[0];
}
