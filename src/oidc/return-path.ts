/**
 * Where a sign-in returns to: is it ours? Pure.
 *
 * A path of our own, or an absolute URL on an origin that is named in the
 * configuration; parsed as a browser will parse it, and compared after that
 * (flaws: every check that looked at the text alone has been passed). Only what
 * can be read in one way is taken: a path that our own listener would refuse as
 * ambiguous leads nowhere (LS-21).
 *
 * @module
 */

/** Which origins are ours or trusted. */
export interface ReturnPolicy {
  readonly selfOrigin: string;
  readonly trustedOrigins: ReadonlySet<string>;
  /** Our auth routes: to return there would begin or end another sign-in. */
  readonly authPaths: ReadonlySet<string>;
}

const maxBytes = 512;

/** Control characters, the backslash that browsers read as a slash, and the marks of a replaced byte or of reversed text. */
const forbiddenAnywhere = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\\uFFFD]/u;
/** An encoded slash, backslash, dot, control character or percent sign: read once they are one path, read twice another. */
const encodedTwin = /%(?:2[ef5]|5c|[01][0-9a-f]|7f)/i;
/** Scheme, two slashes and an authority without userinfo. */
const absoluteForm = /^https?:\/\/[^/?#@]+(?:[/?#]|$)/i;

/**
 * The target of the redirect after a sign-in: a path with query and fragment on
 * our own origin, or an absolute URL on a trusted one. `undefined` when it is
 * neither. What was not given, and our auth routes, lead to `/`.
 */
export function returnPathFrom(text: string, policy: ReturnPolicy): string | undefined {
  if (text === '') return '/';
  if (Buffer.byteLength(text) > maxBytes || text !== text.trim() || forbiddenAnywhere.test(text)) return undefined;
  const isPath = text.startsWith('/');
  if (isPath ? text.startsWith('//') : !absoluteForm.test(text)) return undefined;
  const url = URL.parse(text, policy.selfOrigin);
  if (url === null || url.username !== '' || url.password !== '') return undefined;
  if (!isPlainPath(rawPathOf(text), url.pathname)) return undefined;
  if (url.origin === policy.selfOrigin) return ownTarget(url, policy);
  return !isPath && policy.trustedOrigins.has(url.origin) ? url.href : undefined;
}

/** Where a failure of what nobody asked for is told: at the return path itself, beside its own query. */
export function quietErrorTarget(returnPath: string, query: URLSearchParams): string {
  const [before = '', ...fragment] = returnPath.split('#');
  const [path = '', ...search] = before.split('?');
  // What an earlier check left there would be read instead of ours.
  const kept = search
    .join('?')
    .split('&')
    .filter((pair) => pair !== '' && !query.has(pair.replace(/=.*/s, '')));
  return `${path}?${[...kept, query].join('&')}${fragment.length === 0 ? '' : `#${fragment.join('#')}`}`;
}

/** Where a failure is told: the root of the origin that the return path is on. */
export function errorTarget(returnPath: string, query: URLSearchParams): string {
  const origin = returnPath.startsWith('/') ? '' : new URL(returnPath).origin;
  return `${origin}/?${query}`;
}

function ownTarget({ pathname, search, hash }: URL, { authPaths }: ReturnPolicy): string {
  return authPaths.has(pathname) ? '/' : pathname + search + hash;
}

/** The path as it was written, for what parsing has removed from it. */
function rawPathOf(text: string): string {
  return text.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
}

// `/@name` is a path, but joined to an origin by a careless hand it is another host.
function isPlainPath(raw: string, parsed: string): boolean {
  if (raw.split('/').some((segment) => segment === '.' || segment === '..')) return false;
  return !encodedTwin.test(raw) && !raw.includes('//') && !raw.startsWith('/@') && !parsed.startsWith('//');
}
