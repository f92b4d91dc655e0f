/**
 * What a browser says of a request on its own account: Fetch Metadata, `Origin`,
 * `Referer`, and whether it counts as same-site for cookies.
 *
 * Pure. Fetch standard, W3C Fetch Metadata and RFC 6265bis 5.2, with Chromium's
 * default referrer policy (strict-origin-when-cross-origin).
 *
 * @module
 */

import type { CookieContext } from './cookie-jar.ts';
import { isSameOrigin, isSameSite, isTrustworthy } from './sites.ts';

/** `Sec-Fetch-Mode`. */
export type Mode = 'navigate' | 'cors' | 'no-cors' | 'same-origin' | 'websocket';

/** `Sec-Fetch-Dest`. */
export type Dest = 'document' | 'iframe' | 'empty' | 'image' | 'script' | 'style' | 'object' | 'embed' | 'websocket';

/** One request of a chain: what it is, who began it, and every URL it went to so far, this one last. */
export interface Situation {
  readonly method: string;
  readonly mode: Mode;
  readonly dest: Dest;
  /** The page that began it; `undefined` when a person typed the address. */
  readonly initiator: URL | undefined;
  readonly urls: readonly [URL, ...URL[]];
  /** Did a person click or submit? */
  readonly byPerson: boolean;
}

/** Which differences from a current browser that follows the standards there are. */
export interface Habits {
  /** `false`: an old browser, that sends no `Sec-Fetch-*`. */
  readonly fetchMetadata: boolean;
  /** `true`: a redirect through another site does not make a request cross-site for cookies, as Chromium 156 still has it. */
  readonly lenientRedirects: boolean;
}

/** The URL of the request that is sent now. */
export function currentUrl({ urls }: Situation): URL {
  return urls.at(-1) ?? urls[0];
}

/** RFC 6265bis, 5.2: is the request same-site, with its redirects counted? */
export function cookieContextOf(
  situation: Situation,
  { lenientRedirects }: Pick<Habits, 'lenientRedirects'>,
): CookieContext {
  const { initiator, urls, mode, dest } = situation;
  const counted = lenientRedirects ? [currentUrl(situation)] : urls;
  if (!initiator || counted.every((url) => isSameSite(initiator, url))) return 'same-site';
  return mode === 'navigate' && dest === 'document' ? 'cross-site-navigation' : 'cross-site';
}

/** The value of `Sec-Fetch-Site`: the worst of all hops. */
export function fetchSiteOf({ initiator, urls }: Situation): 'none' | 'same-origin' | 'same-site' | 'cross-site' {
  if (!initiator) return 'none';
  if (urls.every((url) => isSameOrigin(initiator, url))) return 'same-origin';
  return urls.every((url) => isSameSite(initiator, url)) ? 'same-site' : 'cross-site';
}

/** The `Sec-Fetch-*` headers, in Chromium's order. An insecure destination is told nothing. */
export function fetchMetadataOf(situation: Situation): readonly (readonly [string, string])[] {
  if (!isTrustworthy(currentUrl(situation))) return [];
  const user = situation.byPerson && situation.mode === 'navigate' ? ([['Sec-Fetch-User', '?1']] as const) : [];
  return [
    ['Sec-Fetch-Site', fetchSiteOf(situation)],
    ['Sec-Fetch-Mode', situation.mode],
    ...user,
    ['Sec-Fetch-Dest', situation.dest],
  ];
}

/** The value of `Origin`, or `undefined` when none is sent. */
export function originHeaderOf(situation: Situation): string | undefined {
  const { initiator, urls, mode, method } = situation;
  if (!initiator) return undefined;
  const isCrossOrigin = urls.some((url) => !isSameOrigin(initiator, url));
  const isNamed = mode === 'websocket' || (mode === 'cors' && isCrossOrigin);
  if (!isNamed && ['GET', 'HEAD'].includes(method)) return undefined;
  const leaksDowngrade = !isNamed && initiator.protocol === 'https:' && !isTrustworthy(currentUrl(situation));
  return isTainted(initiator, urls) || leaksDowngrade ? 'null' : initiator.origin;
}

/** The value of `Referer`, or `undefined` when none is sent. */
export function refererOf(situation: Situation): string | undefined {
  const { initiator, urls } = situation;
  const current = currentUrl(situation);
  if (!initiator || (initiator.protocol === 'https:' && !isTrustworthy(current))) return undefined;
  const isWhole = urls.every((url) => isSameOrigin(initiator, url));
  return isWhole ? `${initiator.origin}${initiator.pathname}${initiator.search}` : `${initiator.origin}/`;
}

/** What a redirect makes of the request. */
export function afterRedirect(status: number, method: string): { method: string; keepsBody: boolean } {
  const becomesGet = (status === 303 && method !== 'HEAD') || ((status === 301 || status === 302) && method === 'POST');
  return becomesGet ? { method: 'GET', keepsBody: false } : { method, keepsBody: true };
}

/** Fetch, "redirect-tainted origin": a hop from a foreign origin to yet another one. */
function isTainted(initiator: URL, urls: readonly URL[]): boolean {
  return urls.some((url, index) => {
    const before = urls[index - 1];
    return before !== undefined && !isSameOrigin(before, url) && !isSameOrigin(before, initiator);
  });
}
