/**
 * What a page may ask of another origin, and what it may read of the answer
 * (Fetch standard, "CORS protocol").
 *
 * @module
 */

import type { Fields } from './http-bytes.ts';
import { firstOf } from './http-bytes.ts';

const simpleMethods = ['GET', 'HEAD', 'POST'];
const simpleTypes = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'];
const simpleHeaders = ['accept', 'accept-language', 'content-language', 'content-type', 'range'];

/** A request of a page to another origin. */
export interface CorsRequest {
  readonly method: string;
  /** Those that the page set. */
  readonly headers: Fields;
  readonly origin: string;
  /** Does the page want its cookies to be sent? */
  readonly credentials: boolean;
}

/** The names of headers that need a preflight, in the form of `Access-Control-Request-Headers`. */
export function unsafeHeadersOf(headers: Fields): readonly string[] {
  const unsafe = headers.filter(([name, value]) => {
    const lower = name.toLowerCase();
    if (lower === 'content-type') return !simpleTypes.includes((value.split(';')[0] ?? '').trim().toLowerCase());
    return !simpleHeaders.includes(lower);
  });
  return [...new Set(unsafe.map(([name]) => name.toLowerCase()))].sort();
}

/** Must the browser ask first? */
export function needsPreflight({ method, headers }: CorsRequest): boolean {
  return !simpleMethods.includes(method) || unsafeHeadersOf(headers).length > 0;
}

/** May the page read the answer? */
export function mayRead(answer: Fields, { origin, credentials }: Pick<CorsRequest, 'origin' | 'credentials'>): boolean {
  const allowed = firstOf(answer, 'access-control-allow-origin');
  if (allowed === '*' && !credentials) return true;
  return allowed === origin && (!credentials || firstOf(answer, 'access-control-allow-credentials') === 'true');
}

/** Does the answer to a preflight let the request through? */
export function preflightAllows(
  { status, headers }: { status: number; headers: Fields },
  request: CorsRequest,
): boolean {
  if (status < 200 || status > 299 || !mayRead(headers, request)) return false;
  const methods = listOf(headers, 'access-control-allow-methods');
  const names = listOf(headers, 'access-control-allow-headers').map((name) => name.toLowerCase());
  const anything = (list: readonly string[]): boolean => !request.credentials && list.includes('*');
  const methodIsFine = simpleMethods.includes(request.method) || methods.includes(request.method) || anything(methods);
  const isFine = (name: string): boolean => names.includes(name) || (name !== 'authorization' && anything(names));
  return methodIsFine && unsafeHeadersOf(request.headers).every(isFine);
}

function listOf(headers: Fields, name: string): readonly string[] {
  return (firstOf(headers, name) ?? '').split(',').map((entry) => entry.trim());
}
