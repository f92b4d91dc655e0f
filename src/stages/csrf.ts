/**
 * The proof that a request came from our own page: the door to csurf.
 *
 * `token`: csurf's synchronizer token, bound to the secret of the session, on
 * every unsafe request. It is read from one header only: what a form, a link or a
 * cookie can carry proves nothing (CF-03, CF-11). csurf makes the comparison, in
 * constant time.
 *
 * `header`: `X-CSRF: 1` on every request, reads included. A foreign page cannot
 * send it without a preflight, which is refused (RFC 10017, 6.1.3.3.2).
 *
 * The cross-origin guard is the other, independent half; it ran before.
 *
 * @module
 */

import csurf from 'csurf';
import { randomToken } from '../base/random.ts';
import type { CsrfMode } from '../config/config.ts';
import { ProblemError } from '../errors.ts';
import type { AuthenticatedRequest, ClearedRequest, SessionFacts } from '../http/inbound.ts';

/** What is needed of a session. */
export interface CsrfSession extends SessionFacts {
  readonly csrfSecret: string;
}

/** All that csurf is shown of a request. */
interface Bag {
  readonly method: string;
  readonly headers: { readonly 'x-csrf-token': string | undefined };
  readonly claimcheck: { readonly csrfSecret: string };
  /** Added by csurf. */
  csrfToken?: () => string;
}

const sessionKey = 'claimcheck' satisfies keyof Bag;

// csurf is typed for Express. It reads the members of the bag and, with a session, nothing of the response.
const verify = csurf({ sessionKey, value: (bag: Bag) => bag.headers['x-csrf-token'] ?? '' }) as unknown as (
  bag: Bag,
  response: object,
  next: (refusal?: Error) => void,
) => void;

/** Checks and makes the proof. */
export class Csrf {
  readonly #mode: CsrfMode;

  constructor({ mode }: { readonly mode: CsrfMode }) {
    this.#mode = mode;
  }

  /** Throws `csrf-token-invalid` when the request needs a proof and does not carry it. */
  check({ request, session }: Pick<AuthenticatedRequest<CsrfSession>, 'request' | 'session'>): void {
    const isProven =
      this.#mode === 'header'
        ? request.headers['x-csrf'] === '1' || cannotSendHeader(request)
        : isReading(request) || isVerified(bagOf(session, request));
    if (!isProven) throw new ProblemError('csrf-token-invalid');
  }

  /** A token for the page of `session`, different each time and good as long as the session; `null` in mode `header`. */
  tokenFor(session: Pick<CsrfSession, 'csrfSecret'>): string | null {
    if (this.#mode === 'header') return null;
    const bag = bagOf(session, readingRequest);
    verify(bag, nothing, ignore);
    if (!bag.csrfToken) throw new Error('csurf made no token');
    return bag.csrfToken();
  }

  /** The secret for a new session: 256 random bits. */
  newSecret(): string {
    return randomToken(256);
  }
}

const nothing = {};
const readingRequest = { method: 'GET', headers: {} };

function ignore(refusal?: Error): void {
  if (refusal) throw refusal; // a reading request is never refused: the bag itself is wrong
}

function bagOf(
  { csrfSecret }: Pick<CsrfSession, 'csrfSecret'>,
  { method, headers }: Pick<ClearedRequest, 'method' | 'headers'>,
): Bag {
  const token = headers['x-csrf-token'];
  return {
    method,
    headers: { 'x-csrf-token': typeof token === 'string' ? token : undefined },
    // Frozen: csurf writes a secret of its own into a session that has none, and nobody would ever save it.
    [sessionKey]: Object.freeze({ csrfSecret }),
  };
}

// Those that csurf itself lets pass. They are most requests, and it would make a bag and a few closures for each.
function isReading({ method }: Pick<ClearedRequest, 'method'>): boolean {
  return method === 'GET' || method === 'HEAD';
}

// csurf calls back before it returns. Not called means not proven.
function isVerified(bag: Bag): boolean {
  let isProven = false;
  verify(bag, nothing, (refusal) => {
    isProven = refusal === undefined;
  });
  return isProven;
}

// What browsers send without our script, and cannot be given a header: navigations and readings of auth routes, upgrades, and
// EventSource. The last is believed only with the browser's own word for where it comes from.
function cannotSendHeader({ kind, method, headers, fetchSite, origin, frontend }: ClearedRequest): boolean {
  if (kind === 'U') return true;
  if (!isReading({ method })) return false;
  if (kind === 'A') return true;
  const isOurs = fetchSite === 'same-origin' || (origin !== undefined && frontend.trustedOrigins.has(origin));
  return isOurs && headers.accept === 'text/event-stream';
}
