/**
 * Puts the security headers on every answer.
 *
 * helmet decides them; since they are the same for each request of a kind, it is
 * asked once and its answer kept as a list. Only the page's policy changes with
 * what becomes known later: the origin of the provider's sign-out page.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';
import type { Guard } from '../guards/step.ts';
import { isDocumentHeader } from '../http/document-headers.ts';
import type { Frontend } from '../http/frontend.ts';
import type { Kind } from '../http/inbound.ts';

/** What the headers depend on. */
export interface SecurityHeadersOptions {
  readonly frontend: Frontend;
  /** Where a sign-out may lead; `undefined` until the provider's metadata is known, or when it offers none. */
  readonly endSessionOrigin: () => string | undefined;
  /** Whether the page comes from another server, whose own policy then says what scripts it needs. */
  readonly pageFromUpstream: boolean;
  /** The one origin whose pages may frame the front-channel logout; `undefined` while that is off. */
  readonly framedBy?: string | undefined;
}

/** Makes the stage. */
export function securityHeadersStage(options: SecurityHeadersOptions): Guard {
  const { frontend, endSessionOrigin, pageFromUpstream, framedBy } = options;
  const auth = headersOf({ frontend, policy: closedPolicy, referrer: 'no-referrer' });
  const api = withoutDocumentHeaders(headersOf({ frontend, policy: framePolicy, referrer: 'no-referrer' }));
  const pageOf = perOrigin((origin) =>
    headersOf({ frontend, policy: pagePolicy(origin, { pageFromUpstream }), referrer: 'same-origin' }),
  );
  const vary = ['Vary', 'Origin, Sec-Fetch-Site, Cookie'];
  const lists: Readonly<Record<Exclude<Kind, 'P'>, readonly string[]>> = {
    A: [...auth, ...vary],
    I: [...api, ...vary],
    U: api,
    O: api,
  };
  const framed = framedBy === undefined ? undefined : [...framedHeadersOf(frontend, framedBy), ...vary];
  return (request) => {
    const isFramed = framed !== undefined && request.path === frontend.paths.frontChannelLogout;
    const list = isFramed ? framed : request.kind === 'P' ? pageOf(endSessionOrigin()) : lists[request.kind];
    request.replyHeaders.addAll(list);
    return 'next';
  };
}

/** Flat: what an answer carries that is for nobody in particular, such as the refusal of what could not be read. */
export function refusalHeadersOf(frontend: Pick<Frontend, 'secure'>): readonly string[] {
  return headersOf({ frontend, policy: closedPolicy, referrer: 'no-referrer' });
}

// X-Frame-Options knows no origins: beside a policy that does, it would only confuse (CSP Level 3, 6.4.2).
function framedHeadersOf(frontend: Frontend, origin: string): readonly string[] {
  const policy = { ...closedPolicy, 'frame-ancestors': [origin] };
  return headersOf({ frontend, policy, referrer: 'no-referrer', frameguard: false });
}

// An answer that may be shown as a page gets them back: see proxy/response.ts.
function withoutDocumentHeaders(flat: readonly string[]): readonly string[] {
  return flat.filter((_item, at) => !isDocumentHeader(flat[at - (at % 2)] ?? ''));
}

type Policy = Readonly<Record<string, readonly string[]>>;

const closedPolicy: Policy = { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"], 'base-uri': ["'none'"] };

// What an upstream answers is its own affair, except where it may be shown.
const framePolicy: Policy = { 'frame-ancestors': ["'none'"] };

function pagePolicy(
  endSessionOrigin: string | undefined,
  { pageFromUpstream }: Pick<SecurityHeadersOptions, 'pageFromUpstream'>,
): Policy {
  const always: Policy = {
    'object-src': ["'none'"],
    'base-uri': ["'none'"],
    'frame-ancestors': ["'none'"],
    // With 'self' alone Chromium blocks the 303 that answers the sign-out form.
    'form-action': ["'self'", ...(endSessionOrigin ? [endSessionOrigin] : [])],
  };
  if (pageFromUpstream) return always;
  return {
    'default-src': ["'none'"],
    'script-src': ["'self'"],
    'style-src': ["'self'"],
    'img-src': ["'self'", 'data:'],
    'font-src': ["'self'"],
    'connect-src': ["'self'"],
    'manifest-src': ["'self'"],
    'media-src': ["'self'"],
    'worker-src': ["'self'"],
    ...always,
  };
}

// helmet asks for it by this name where a policy says nothing of sources: what an upstream answers loads what it needs.
const noDefault: Record<string, typeof helmet.contentSecurityPolicy.dangerouslyDisableDefaultSrc> = {
  'default-src': helmet.contentSecurityPolicy.dangerouslyDisableDefaultSrc,
};

interface HelmetChoice {
  readonly frontend: Pick<Frontend, 'secure'>;
  readonly policy: Policy;
  readonly referrer: 'no-referrer' | 'same-origin';
  /** Whether `X-Frame-Options: DENY` is there; it is unless told otherwise. */
  readonly frameguard?: false;
}

// helmet is Connect-style and synchronous: what it sets on any response is what it sets on all.
function headersOf({ frontend, policy, referrer, frameguard }: HelmetChoice): readonly string[] {
  const flat: string[] = [];
  const recorder = {
    setHeader: (name: string, value: string) => flat.push(name, value),
    removeHeader: () => undefined,
  };
  const middleware = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: { ...noDefault, ...policy } },
    strictTransportSecurity: frontend.secure ? { maxAge: 63_072_000, includeSubDomains: true } : false,
    referrerPolicy: { policy: referrer },
    frameguard: frameguard ?? { action: 'deny' },
  });
  middleware({} as IncomingMessage, recorder as unknown as ServerResponse, (error?: unknown) => {
    if (error) throw error; // a fault in the policy above ends the start
  });
  return flat;
}

function perOrigin(make: (origin: string | undefined) => readonly string[]) {
  const made = new Map<string | undefined, readonly string[]>();
  return (origin: string | undefined): readonly string[] => {
    const known = made.get(origin);
    if (known) return known;
    const list = make(origin);
    made.set(origin, list);
    return list;
  };
}
