/**
 * Addresses of an upstream, as the browser must see them: mapped back to the
 * public path, or not shown at all.
 *
 * @module
 */

import { isUnder, type Route } from './routes.ts';

/** Where an answer came from, and where it goes to. */
export interface Place {
  readonly route: Route;
  /** Host and port of the frontend, without a default port. */
  readonly publicHost: string;
  /** Whether the browser reaches us by https. */
  readonly isSecure: boolean;
  /** The path that was asked for at the upstream, which relative references start from. */
  readonly upstreamPath: string;
}

/**
 * The public path of a URI reference from an upstream; `undefined` when it points
 * anywhere else than below this route, however it is written (PX-10, GW-08).
 *
 * The result is always a path of our own origin, written anew from what a WHATWG
 * parser understood, so no tab, backslash or `//` of the upstream survives in it.
 */
export function publicLocation(reference: string, { route, publicHost, upstreamPath }: Place): string | undefined {
  const { origin, path: base } = route.upstream;
  if (!URL.canParse(reference, origin + upstreamPath)) return undefined;
  const url = new URL(reference, origin + upstreamPath);
  const rest = url.search + url.hash;
  const isPublic = url.host === publicHost && (url.protocol === 'https:' || url.protocol === 'http:');
  if (url.origin !== origin && !isPublic) return undefined;
  if (isUnder(url.pathname, base)) return route.path + url.pathname.slice(base.length) + rest;
  // A service that knows its public path, e.g. from X-Forwarded-Host, may name it itself.
  return isUnder(url.pathname, route.path) ? url.pathname + rest : undefined;
}

/** One `<reference>; parameter="value"` of `Link` (RFC 8288, 3). */
const link = /^<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+(?:\s*=\s*(?:"[^"\\<>]*"|[^\s",;<>]+))?)*)$/;

/**
 * A `Link` value with every target mapped. Links that point elsewhere are left
 * out; `undefined` when none is left, or when the value is not read with certainty.
 */
export function publicLinks(value: string, place: Place): string | undefined {
  const kept: string[] = [];
  // A comma that begins a new link stands before "<"; inside targets and quoted values "<" was excluded above.
  for (const part of value.split(/,\s*(?=<)/)) {
    const [, target, parameters] = link.exec(part.trim()) ?? [];
    if (target === undefined || parameters === undefined) return undefined;
    const mapped = publicLocation(target, place);
    const isInternal = parameters.includes('anchor') || parameters.includes(place.route.upstreamName);
    if (mapped !== undefined && !isInternal) kept.push(`<${mapped}>${parameters}`);
  }
  return kept.length === 0 ? undefined : kept.join(', ');
}
