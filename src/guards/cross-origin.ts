/**
 * Cross-origin guard: keeps another site from using the session cookie of our
 * user (cross-site request forgery, CSRF), and from pulling our answers into its
 * own pages.
 *
 * A browser states where a request comes from in `Sec-Fetch-Site`. The few that
 * do not still send `Origin` with every unsafe method. A page can set neither
 * header, so these two are the evidence. The CSRF token is a second, independent
 * check, after the session is open.
 *
 * It does not stop script injected into our own pages, nor a GET that changes
 * state: see docs/threat-model.md#cross-site-request-forgery.
 *
 * @module
 */

import { allow, type Decision, deny } from './decision.ts';

/** The facts of a request that this guard looks at. */
export interface CrossOriginFacts {
  readonly method: string;
  /** `Sec-Fetch-Site` and `Sec-Fetch-Dest`, as sent. */
  readonly fetchSite: string | undefined;
  readonly fetchDest: string | undefined;
  /** `Origin`, as sent. */
  readonly origin: string | undefined;
}

/** What of an upgrade it looks at. */
export interface UpgradeFacts {
  readonly origin: string | undefined;
  /** `Sec-Fetch-Mode`, as sent. */
  readonly fetchMode: string | undefined;
}

/** Which origins may call us with the cookie. Validated when the configuration is loaded. */
export interface CrossOriginPolicy {
  /** Our public origin. From configuration: the client chooses the `Host` header. */
  readonly selfOrigin: string;
  /** On a loopback name our own page may be reached under any port, as `Host` may. */
  readonly anyPort: boolean;
  /** Further origins, compared whole; there are no wildcards. */
  readonly trustedOrigins: ReadonlySet<string>;
}

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
// What a request says is compared with short lists: a set would first look for its text among all that V8 keeps once (0026).
const otherModes: readonly string[] = ['cors', 'navigate', 'no-cors', 'same-origin'];
const knownSites: readonly string[] = ['same-origin', 'same-site', 'cross-site', 'none'];

/** Where a same-origin answer of an API may be shown; everything else would run or frame it (CF-14). */
const mediaDestinations: readonly string[] = ['image', 'audio', 'video'];
const scriptDestinations: readonly string[] = ['empty', 'document', ''];

/**
 * Decides whether the request may be answered.
 *
 * A foreign origin is refused whatever the method: hiding an answer from the
 * script that asked is left to browsers, refusing to compute it is not (CF-09).
 *
 * When no header tells the origin of an unsafe request the answer is no: what
 * calls these routes with a session cookie is a browser, and a browser sends at
 * least one of the two. So is `none`, which says that no page sent it: our routes
 * are called by our page. A value that no browser knows counts as not sent
 * (Fetch Metadata, 2).
 */
export function checkCrossOrigin(request: CrossOriginFacts, policy: CrossOriginPolicy): Decision {
  const site =
    request.fetchSite !== undefined && knownSites.includes(request.fetchSite) ? request.fetchSite : undefined;
  if (!isDestinationAllowed(request.fetchDest, site)) return deny('cross-origin');
  if (request.origin !== undefined) return checkOrigin(request.origin, site, policy);
  if (site === 'same-origin') return allow;
  if (!safeMethods.has(request.method)) return deny(site === undefined ? 'origin-unknown' : 'cross-origin');
  return site === 'cross-site' || site === 'same-site' ? deny('cross-origin') : allow;
}

/**
 * Decides whether a connection may become a WebSocket: a browser sends `Origin`
 * with every handshake (RFC 6455, 4.1), and no CORS check protects what follows,
 * so it must be there and be ours or trusted.
 *
 * `Sec-Fetch-Site` is not asked: engines have called a socket of our own page
 * cross-site, since `wss` is not `https`. The mode is: no browser sends a handshake
 * in another than `websocket` (Fetch, "WebSocket protocol alterations").
 */
export function checkUpgradeOrigin({ origin, fetchMode }: UpgradeFacts, policy: CrossOriginPolicy): Decision {
  if (fetchMode !== undefined && otherModes.includes(fetchMode)) return deny('cross-origin');
  if (origin === undefined) return deny('origin-unknown');
  return policy.trustedOrigins.has(origin) || isSelf(origin, policy) ? allow : deny('cross-origin');
}

// An old browser says nothing of the site, and its own origin is then enough. A
// current one that says "cross-site" while naming our origin is lying, and so is
// one that says "same-origin" while naming another; `null` beside "same-origin"
// is what a form of a page without referrer sends.
function checkOrigin(origin: string, site: string | undefined, policy: CrossOriginPolicy): Decision {
  if (policy.trustedOrigins.has(origin)) return allow;
  if (site === 'same-origin') return origin === 'null' || isSelf(origin, policy) ? allow : deny('cross-origin');
  return site === undefined && isSelf(origin, policy) ? allow : deny('cross-origin');
}

function isSelf(origin: string, { selfOrigin, anyPort }: CrossOriginPolicy): boolean {
  return origin === selfOrigin || (anyPort && withoutPort(origin) === withoutPort(selfOrigin));
}

function withoutPort(origin: string): string {
  return origin.replace(/:\d{1,5}$/, '');
}

function isDestinationAllowed(destination: string | undefined, site: string | undefined): boolean {
  if (destination === undefined || scriptDestinations.includes(destination)) return true;
  return site === 'same-origin' && mediaDestinations.includes(destination);
}
