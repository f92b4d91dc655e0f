/**
 * Where a call may go: the one matcher for the route and for everything that the
 * route decides.
 *
 * @module
 */

import type { RouteConfig } from '../config/config.ts';
import { ProblemError } from '../errors.ts';
import type { ClearedRequest } from '../http/inbound.ts';

/** A public path and the upstream behind it. */
export interface Route extends RouteConfig {
  /** `HEAD` included where `GET` is. */
  readonly allowedMethods: ReadonlySet<string>;
  /** The value of `Allow` for other methods, `OPTIONS` included since that is ours. */
  readonly allow: string;
}

/** The routes, found by longest prefix on segment borders, case-sensitive. */
export class Routes {
  readonly #longestFirst: readonly Route[];

  constructor(configs: readonly RouteConfig[]) {
    this.#longestFirst = configs.map(routeFrom).sort((left, right) => right.path.length - left.path.length);
  }

  /**
   * The route of a path, whatever the method.
   *
   * `path` is canonical: it has no empty, dot or encoded segments, so comparing
   * text compares resources (flaws: two parsers, one decision).
   */
  find(path: string): Route | undefined {
    return this.#longestFirst.find(
      (route) => path.startsWith(route.path) && (path.length === route.path.length || path[route.path.length] === '/'),
    );
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
export function upstreamTarget(route: Route, path: string, search: string): string {
  return (route.upstream.path + path.slice(route.path.length) || '/') + search;
}

function routeFrom(config: RouteConfig): Route {
  const allowedMethods = new Set(config.methods);
  if (allowedMethods.has('GET')) allowedMethods.add('HEAD');
  return { ...config, allowedMethods, allow: [...allowedMethods, 'OPTIONS'].join(', ') };
}
