/**
 * The cookies that a route lets its upstream set, written anew.
 *
 * An upstream names the cookie, its value and its life; where it is valid is ours
 * to say: this host alone, below the public path of the route. Names that promise
 * something to a browser (`__Host-` and the like) and our own cannot be in the
 * list (config/rules-schema.ts).
 *
 * @module
 */

import { isUnder, type Route } from './routes.ts';

/** RFC 6265, 4.1.1: cookie-name, "=", cookie-value; then the attributes. */
const form = /^([\w!#$%&'*+.^`|~-]+)=("?[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*"?)(?:;(.*))?$/;

const date = /^[A-Za-z]{3}, \d{2}[ -][A-Za-z]{3}[ -]\d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** What an answer may bring at most: browsers keep 50 for a host, and some of them are ours. */
const mostCookies = 20;
const longestCookie = 4_096;

/** For whom cookies are written. */
export interface CookiePlace {
  readonly route: Route;
  /** Whether the browser reaches us by https. */
  readonly isSecure: boolean;
}

/** The values of `Set-Cookie` that are passed on, each a field of its own (CK-15). One alone comes as a text. */
export function publicCookies(values: string | readonly string[] | undefined, place: CookiePlace): readonly string[] {
  if (values === undefined || place.route.setCookies.length === 0) return [];
  const passed: string[] = [];
  for (const value of [values].flat().slice(0, mostCookies)) {
    const cookie = value.length <= longestCookie ? publicCookie(value, place) : undefined;
    if (cookie !== undefined) passed.push(cookie);
  }
  return passed;
}

function publicCookie(text: string, { route, isSecure }: CookiePlace): string | undefined {
  const [, name = '', value = '', rest = ''] = form.exec(text) ?? [];
  if (!route.setCookies.includes(name)) return undefined;
  const attributes = attributesOf(rest);
  const parts = [`${name}=${value}`, `Path=${publicPath(attributes.get('path'), route)}`];
  const maxAge = attributes.get('max-age') ?? '';
  const expires = attributes.get('expires') ?? '';
  if (/^-?\d{1,10}$/.test(maxAge)) parts.push(`Max-Age=${maxAge}`);
  if (date.test(expires)) parts.push(`Expires=${expires}`);
  if (isSecure) parts.push('Secure');
  if (attributes.has('httponly')) parts.push('HttpOnly');
  parts.push(`SameSite=${attributes.get('samesite')?.toLowerCase() === 'strict' ? 'Strict' : 'Lax'}`); // None is for other sites
  return parts.join('; ');
}

function attributesOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(';').map((part): [string, string] => {
      const at = part.indexOf('=');
      const name = at < 0 ? part : part.slice(0, at);
      return [name.trim().toLowerCase(), at < 0 ? '' : part.slice(at + 1).trim()];
    }),
  );
}

// What is not plainly below the upstream's own path is given the whole route, not more.
function publicPath(path: string | undefined, { path: prefix, upstream }: Route): string {
  const isPlain = path !== undefined && /^\/[A-Za-z0-9._~/-]*$/.test(path) && !path.includes('..');
  return isPlain && isUnder(path, upstream.path)
    ? (prefix + path.slice(upstream.path.length)).replace(/\/$/, '')
    : prefix;
}
