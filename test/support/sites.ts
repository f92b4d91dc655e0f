/**
 * Origins and sites, as a browser tells them apart.
 *
 * A site is a scheme and a registrable domain; the port does not count (HTML,
 * "same site"). There is no public suffix list here: `localhost` and every last
 * label are taken for suffixes, which is right for the names that tests use.
 *
 * @module
 */

import { isIP } from 'node:net';

/** The same scheme, host and port. */
export function isSameOrigin(one: URL, other: URL): boolean {
  return one.origin === other.origin;
}

/** The same scheme and registrable domain, whatever the port. */
export function isSameSite(one: URL, other: URL): boolean {
  return siteOf(one) === siteOf(other);
}

/** Scheme and registrable domain: `http://127.0.0.1`, `https://app.example`. */
export function siteOf(url: URL): string {
  return `${url.protocol}//${registrableDomain(hostOf(url))}`;
}

/** The host without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** The last two labels; an address or a single label is its own. */
export function registrableDomain(host: string): string {
  return isIP(host) ? host : host.split('.').slice(-2).join('.');
}

/** Is this a name under which nobody can own anything, so that no cookie may be set for it? */
export function isPublicSuffix(domain: string): boolean {
  return !isIP(domain) && !domain.includes('.');
}

/** `localhost`, `*.localhost`, 127.0.0.0/8, ::1. */
export function isLoopback(url: URL): boolean {
  const host = hostOf(url);
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127(\.\d+){3}$/.test(host);
}

/** Secure Contexts, "potentially trustworthy": https, or this machine. Secure cookies and Fetch Metadata go only there. */
export function isTrustworthy(url: URL): boolean {
  return url.protocol === 'https:' || isLoopback(url);
}
