/**
 * What of an upstream's answer goes to the browser, and what is put beside it.
 *
 * An upstream is trusted with its own data, not with our origin: it cannot set a
 * cookie, open us to another site, be stored by a cache, send the browser
 * elsewhere or run a script as our page.
 *
 * @module
 */

import type { IncomingHttpHeaders } from 'node:http';
import { documentHeaders } from '../http/document-headers.ts';
import type { InboundRequest } from '../http/inbound.ts';
import { cacheControl } from './caching.ts';
import { type Place, publicLinks, publicLocation } from './public-location.ts';
import { isPassed } from './response-names.ts';
import type { Route } from './routes.ts';
import { publicCookies } from './upstream-cookies.ts';

/** The head of an upstream's answer and what must be known to judge it. */
export interface Answer {
  readonly method: string;
  readonly status: number;
  /** Names in lower case; a list where a name was there more than once. */
  readonly headers: IncomingHttpHeaders;
  readonly place: Place;
}

/** The head of an upstream's answer, and where it was asked for. */
export interface UpstreamHead {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly route: Route;
  /** The path that was asked for there. */
  readonly upstreamPath: string;
}

/** The whole head for the browser, names and values by turns. What the stages want on any answer stays as it was. */
export function answerHead(
  { method, frontend, replyHeaders }: InboundRequest,
  { status, headers, route, upstreamPath }: UpstreamHead,
): string[] {
  const flat = replyHeaders.flat.slice(); // an error answer, if it comes to that, starts from the list as it was
  const place = { route, publicHost: frontend.host, isSecure: frontend.secure, upstreamPath };
  addResponseHeaders(flat, { method, status, headers, place });
  return flat;
}

/**
 * Adds the header of the answer to `flat`, the list of what our stages want on
 * it. What they said stands; the upstream's word on the same is not among what
 * is passed.
 */
export function addResponseHeaders(flat: string[], answer: Answer): void {
  const { status, place } = answer;
  const headers = withoutNamed(answer.headers);
  for (const name in headers) {
    if (!isPassed(name)) continue;
    const value = headers[name];
    if (typeof value === 'string') flat.push(name, value);
    else for (const item of value ?? []) flat.push(name, item);
  }
  addContentType(flat, headers, answer);
  const length = headers['content-length'];
  if (status !== 204 && typeof length === 'string') flat.push('content-length', length);
  addMapped(flat, 'location', { reference: headers.location, place });
  addMapped(flat, 'content-location', { reference: headers['content-location'], place });
  const link = headers['link'];
  const links = link === undefined ? undefined : publicLinks([link].flat().join(', '), place);
  if (links !== undefined) flat.push('link', links);
  const { route } = place;
  const cookies = route.setCookies.length > 0 ? publicCookies(headers['set-cookie'], place) : [];
  for (const cookie of cookies) flat.push('set-cookie', cookie);
  if (route.cache && cookies.length === 0) addCaching(flat, answer);
  else flat.push('cache-control', 'no-store');
  for (const field of always) addUnlessThere(flat, field);
}

function addCaching(flat: string[], { method, headers, place }: Answer): void {
  const isPersonal = place.route.access !== 'public';
  const value = cacheControl({ method, value: headers['cache-control'], isPersonal });
  flat.push('cache-control', value);
  // The next person at this browser has another cookie, and no use of this answer (RFC 9111, 4.1).
  if (isPersonal && value !== 'no-store') flat.push('vary', 'Cookie');
}

interface Reference {
  readonly reference: string | readonly string[] | undefined;
  readonly place: Place;
}

// Twice there is no telling which was meant: then neither.
function addMapped(flat: string[], name: string, { reference, place }: Reference): void {
  if (typeof reference !== 'string') return;
  const mapped = publicLocation(reference, place);
  if (mapped !== undefined) flat.push(name, mapped);
}

interface Field {
  readonly name: string;
  readonly value: string;
}

/** On every answer, also where no stage before has put it there. */
const always: readonly Field[] = [
  { name: 'X-Content-Type-Options', value: 'nosniff' },
  { name: 'Cross-Origin-Resource-Policy', value: 'same-origin' },
];

function addUnlessThere(flat: string[], { name, value }: Field): void {
  for (let at = 0; at < flat.length; at += 2) {
    if (flat[at]?.length === name.length && flat[at]?.toLowerCase() === name.toLowerCase()) return;
  }
  flat.push(name, value);
}

/** RFC 9110, 7.6.1: the sender names in `Connection` what was meant for us alone. The length of the body is not his to take back. */
function withoutNamed(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { connection } = headers;
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return headers;
  const tokens = [connection].flat().join(',').split(',');
  const named = new Set(tokens.map((token) => token.trim().toLowerCase()));
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !named.has(name) || name === 'content-length'));
}

const mediaType = /^[A-Za-z0-9!#$&^_.+-]+\/[A-Za-z0-9!#$&^_.+-]+(?:\s*;|\s*$)/;

/**
 * What a browser shows or keeps without running anything. All else, known or not,
 * is put into a sandbox: opened as a page it has no origin, no script and no form
 * (CSP 3, 6.3.2; PX-21). PDF is among them, since viewers refuse to open it in one.
 */
const inert =
  /^(?:application\/(?:json|[\w.-]+\+json|pdf|octet-stream|zip|gzip|x-ndjson)|image\/(?!svg)[\w.+-]+|audio\/[\w.+-]+|video\/[\w.+-]+|font\/[\w.+-]+|text\/(?:plain|csv|event-stream))\s*(?:;|$)/i;

function addContentType(flat: string[], headers: IncomingHttpHeaders, { status, method }: Answer): void {
  const type = headers['content-type'];
  if (typeof type !== 'string' || !mediaType.test(type)) {
    const isEmpty = status === 204 || status === 304 || (headers['content-length'] === '0' && method !== 'HEAD');
    if (!isEmpty) flat.push('content-type', 'application/octet-stream');
    return;
  }
  flat.push('content-type', type);
  // At a comma browsers begin anew and take the last type they know (Fetch, "extract a MIME type").
  const isInert = type === 'application/json' || (inert.test(type) && !type.includes(','));
  if (!isInert) flat.push('content-security-policy', 'sandbox', ...documentHeaders);
}
