/**
 * The cookies of one browser: what it keeps, and what it sends where.
 *
 * RFC 6265bis with the prefixes of the layered-cookies draft (`__Http-`,
 * `__Host-Http-`) and what Chromium adds: loopback hosts count as secure, and a
 * cookie without `SameSite` is Lax, but for two minutes also goes with a POST
 * from another site.
 *
 * @module
 */

import { isIP } from 'node:net';
import { parseSetCookie, type SameSite, type SetCookie } from './set-cookie.ts';
import { hostOf, isPublicSuffix, isTrustworthy, registrableDomain } from './sites.ts';

/** A kept cookie. */
export interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  /** Sent to exactly this host, not to those below it. */
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: SameSite;
  readonly expiresAt: number | undefined;
  readonly createdAt: number;
}

/**
 * How a request stands to the site of its cookies: made by the site itself;
 * brought there by a link or form of another site in the whole window; or made
 * by another site's page for itself (image, frame, fetch).
 */
export type CookieContext = 'same-site' | 'cross-site-navigation' | 'cross-site';

/** What decides which cookies are sent. */
export interface CookieQuery {
  readonly context: CookieContext;
  readonly method: string;
}

const youngMs = 120_000;

/** A browser's store of cookies. */
export class CookieJar {
  /** Lines that a browser ignores, and why: a test of a cookie that must stick expects none. */
  readonly refused: { readonly line: string; readonly reason: string }[] = [];
  #cookies: readonly Cookie[] = [];
  readonly #now: () => number;

  /** @param now The time in ms, by which cookies end. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Takes the `Set-Cookie` lines of an answer from `url`. */
  store(lines: readonly string[], { url, context }: { url: URL; context: CookieContext }): void {
    for (const line of lines) {
      const parsed = parseSetCookie(line, this.#now());
      const reason = typeof parsed === 'string' ? parsed : this.#keep(parsed, { url, context });
      if (reason !== undefined) this.refused.push({ line, reason });
    }
  }

  /** The cookies for a request to `url`, the longest path first, then the oldest. */
  cookiesFor(url: URL, { context, method }: CookieQuery): readonly Cookie[] {
    return this.all()
      .filter((cookie) => isFor(cookie, url) && this.#isAllowed(cookie, { context, method }))
      .sort((one, other) => other.path.length - one.path.length || one.createdAt - other.createdAt);
  }

  /** Every cookie that has not ended. */
  all(): readonly Cookie[] {
    return this.#cookies.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > this.#now());
  }

  /** The cookie of that name, whatever its host; throws when there are several. */
  get(name: string): Cookie | undefined {
    const found = this.all().filter((cookie) => cookie.name === name);
    if (found.length > 1) throw new Error(`there are ${found.length} cookies named ${name}`);
    return found[0];
  }

  /** Puts a cookie in, as malware or a sibling host would; nothing is checked. */
  plant(cookie: Partial<Cookie> & Pick<Cookie, 'name' | 'value' | 'domain'>): void {
    const rest = {
      hostOnly: true,
      path: '/',
      secure: false,
      httpOnly: false,
      sameSite: 'lax',
      expiresAt: undefined,
    } as const;
    this.#put({ ...rest, createdAt: this.#now(), ...cookie });
  }

  /** Removes the cookies of that name. */
  remove(name: string): void {
    this.#cookies = this.#cookies.filter((cookie) => cookie.name !== name);
  }

  /** Removes the cookies of a site (`Clear-Site-Data: "cookies"`). */
  clear(url: URL): void {
    const site = registrableDomain(hostOf(url));
    this.#cookies = this.#cookies.filter(({ domain }) => registrableDomain(domain) !== site);
  }

  /** A second jar with the same cookies: a stolen browser profile. */
  copy(): CookieJar {
    const jar = new CookieJar(this.#now);
    jar.#cookies = this.#cookies;
    return jar;
  }

  /** Keeps the cookie, or says why a browser does not. */
  #keep(set: SetCookie, { url, context }: { url: URL; context: CookieContext }): string | undefined {
    const host = hostOf(url);
    const refusal =
      refusalOf(set, url) ??
      prefixRefusalOf(set) ??
      (context === 'cross-site' && set.sameSite !== 'none'
        ? 'a cross-site request may set only SameSite=None'
        : undefined);
    if (refusal !== undefined) return refusal;
    const hostOnly = set.domain === '' || set.domain === host;
    const cookie: Cookie = {
      ...set,
      domain: set.domain === '' ? host : set.domain,
      hostOnly: set.domain === '' || (hostOnly && isPublicSuffix(host)),
      path: set.path ?? defaultPath(url),
      createdAt: this.#now(),
    };
    if (!isTrustworthy(url) && this.#isOverlaid(cookie))
      return 'a Secure cookie of that name may not be overlaid from an insecure origin';
    this.#put(cookie);
    return undefined;
  }

  #put(cookie: Cookie): void {
    const old = this.#cookies.find((known) => isSameCookie(known, cookie));
    const kept = { ...cookie, createdAt: old?.createdAt ?? cookie.createdAt };
    this.#cookies = [...this.#cookies.filter((known) => known !== old), kept];
  }

  #isOverlaid(cookie: Cookie): boolean {
    return this.all().some(
      (known) =>
        known.secure &&
        known.name === cookie.name &&
        (isInDomain(known.domain, cookie.domain) || isInDomain(cookie.domain, known.domain)),
    );
  }

  #isAllowed(cookie: Cookie, { context, method }: CookieQuery): boolean {
    if (context === 'same-site' || cookie.sameSite === 'none') return true;
    if (context === 'cross-site' || cookie.sameSite === 'strict') return false;
    if (['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(method)) return true;
    return cookie.sameSite === 'default' && this.#now() - cookie.createdAt < youngMs;
  }
}

/** RFC 6265bis, 5.7, the steps that concern domain and Secure. */
function refusalOf(set: SetCookie, url: URL): string | undefined {
  const host = hostOf(url);
  if (set.secure && !isTrustworthy(url)) return 'Secure from an insecure origin';
  if (set.sameSite === 'none' && !set.secure) return 'SameSite=None without Secure';
  if (set.domain === '') return undefined;
  if (!isInDomain(host, set.domain)) return 'the domain is not that of the host';
  return isPublicSuffix(set.domain) && set.domain !== host ? 'the domain is a public suffix' : undefined;
}

/** The promises of name prefixes; compared without case, as browsers do. */
function prefixRefusalOf({ name, secure, httpOnly, domain, path }: SetCookie): string | undefined {
  const [, prefix = ''] = /^__(host-http|host|http|secure)-/.exec(name.toLowerCase()) ?? [];
  if (prefix !== '' && !secure) return `__${prefix}- without Secure`;
  if (prefix.endsWith('http') && !httpOnly) return `__${prefix}- without HttpOnly`;
  if (prefix.startsWith('host') && domain !== '') return `__${prefix}- with Domain`;
  return prefix.startsWith('host') && path !== '/' ? `__${prefix}- without Path=/` : undefined;
}

function isFor(cookie: Cookie, url: URL): boolean {
  const host = hostOf(url);
  const isHost = cookie.hostOnly ? host === cookie.domain : isInDomain(host, cookie.domain);
  return isHost && isUnder(url.pathname, cookie.path) && (!cookie.secure || isTrustworthy(url));
}

function isInDomain(host: string, domain: string): boolean {
  return host === domain || (!isIP(host) && host.endsWith(`.${domain}`));
}

function isUnder(path: string, cookiePath: string): boolean {
  return (
    path === cookiePath ||
    (path.startsWith(cookiePath) && (cookiePath.endsWith('/') || path[cookiePath.length] === '/'))
  );
}

function defaultPath({ pathname }: URL): string {
  return pathname.slice(0, Math.max(1, pathname.lastIndexOf('/')));
}

function isSameCookie(one: Cookie, other: Cookie): boolean {
  return (
    one.name === other.name && one.domain === other.domain && one.hostOnly === other.hostOnly && one.path === other.path
  );
}
