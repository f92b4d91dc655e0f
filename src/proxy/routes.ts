/**
 * Where a call may go: the one matcher for the route and for everything that the
 * route decides.
 *
 * @module
 */

import type { RouteConfig } from '../config/config.ts';
import { ProblemError } from '../errors.ts';
import type { ClearedRequest } from '../http/inbound.ts';
import type { Target } from '../http/path.ts';

/** A public path and the upstream behind it. */
export interface Route extends RouteConfig {
  /** `HEAD` included where `GET` is. */
  readonly allowedMethods: ReadonlySet<string>;
  /** The value of `Allow` for other methods, `OPTIONS` included since that is ours. */
  readonly allow: string;
  /** Host and port of the upstream: how logs and metrics call it. */
  readonly upstreamName: string;
}

/** All routes as they are at one time. */
interface Table {
  readonly longestFirst: readonly Route[];
  /** Those that lie inside another. */
  readonly nested: readonly Route[];
}

/** The routes, found by longest prefix on segment borders, case-sensitive. A call keeps the route that it was given. */
export class Routes {
  #table: Table;

  /** Throws when a path is not plain, or is there twice: the one would then hide the other. */
  constructor(configs: readonly RouteConfig[]) {
    this.#table = tableOf(configs);
  }

  /** Makes other routes, and gives what puts them in place of all and cannot fail. Throws as the constructor does. */
  prepare(configs: readonly RouteConfig[]): () => void {
    const table = tableOf(configs);
    return () => {
      this.#table = table;
    };
  }

  /**
   * The route of a path, whatever the method.
   *
   * `path` is canonical: it has no empty, dot or encoded segments, so comparing
   * text compares resources.
   *
   * Where one route lies inside another (`/api` and `/api/orders`), a path that
   * misses the inner one by its case or by a final dot (`/api/Orders/7`) has no
   * route: to an upstream that overlooks the difference it would be the inner
   * route's resource under the outer one's rules (GW-05).
   */
  find(path: string): Route | undefined {
    const { longestFirst, nested } = this.#table;
    const route = longestFirst.find((candidate) => isUnder(path, candidate.path));
    if (route === undefined || nested.length === 0) return route;
    const folded = folding(path);
    const isMissed = nested.some(
      (inner) => inner.path.length > route.path.length && isUnder(folded, folding(inner.path)),
    );
    return isMissed ? undefined : route;
  }

  /** The route of a request. Throws `not-found`, or `method-not-allowed` with `Allow` (RFC 9110, 15.5.6). */
  match(request: ClearedRequest): Route {
    const route = this.find(request.path);
    if (!route) throw new ProblemError('not-found');
    request.record.route = route.path;
    if (!route.allowedMethods.has(request.method)) {
      throw new ProblemError('method-not-allowed', { headers: { Allow: route.allow } });
    }
    return route;
  }
}

/** The target at the upstream: the matched prefix replaced by the upstream's path, the rest byte for byte. */
export function upstreamTarget(route: Route, { path, search }: Target): string {
  return (route.upstream.path + path.slice(route.path.length) || '/') + search;
}

/** Whether `path` is `prefix` or lies below it, on a segment border. */
export function isUnder(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/');
}

// Unreserved characters only: any other could be written in two ways, and the second would miss the route.
const plainPath = /^(?:\/[A-Za-z0-9._~-]+)+$/;
const plainBase = /^(?:\/[A-Za-z0-9._~!$&'()*+,=:@-]+)*$/;

function routeFrom(config: RouteConfig): Route {
  const { path, upstream, methods } = config;
  const isPlain = plainPath.test(path) && plainBase.test(upstream.path) && !hasDots(path) && !hasDots(upstream.path);
  if (!isPlain) throw new Error(`not a plain path in route ${path}`);
  const { origin, host } = new URL(upstream.origin);
  const allowedMethods = new Set(methods);
  if (allowedMethods.has('GET')) allowedMethods.add('HEAD');
  return {
    ...config,
    upstream: { ...upstream, origin },
    allowedMethods,
    allow: [...allowedMethods, 'OPTIONS'].join(', '),
    upstreamName: host,
  };
}

function tableOf(configs: readonly RouteConfig[]): Table {
  const longestFirst = configs.map(routeFrom).sort((left, right) => right.path.length - left.path.length);
  const folded = new Set(configs.map(({ path }) => folding(path)));
  if (folded.size < configs.length) throw new Error('two routes have the same path');
  return { longestFirst, nested: longestFirst.filter((inner) => configs.some((outer) => isInside(inner, outer))) };
}

function hasDots(path: string): boolean {
  return path.split('/').some((segment) => segment === '.' || segment === '..');
}

function isInside(inner: RouteConfig, outer: RouteConfig): boolean {
  return inner.path.length > outer.path.length && isUnder(inner.path, outer.path);
}

// What some servers overlook: case, and dots or blanks at the end of a segment.
function folding(path: string): string {
  return path.toLowerCase().replace(/(?:\.|%20)+(?=\/|$)/g, '');
}
