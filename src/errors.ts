/**
 * Every failure a caller can see, in one table.
 *
 * A caller gets the code and the title from here and nothing of the cause. The
 * cause goes to the log under the same request id. Anything thrown that is not a
 * {@link ProblemError} is a bug or an outage, and leaves as `internal`.
 *
 * docs/errors.md is generated from this file, one heading for each code.
 *
 * @module
 */

/** Which side is at fault, as told in `X-Error-Source`. */
export type ErrorSource = 'claimcheck' | 'upstream' | 'provider' | 'store';

interface CatalogueEntry {
  readonly status: number;
  readonly source: ErrorSource;
  /** For the person: what is so, not what the code did. */
  readonly title: string;
  /** For the operator: what it means and what to do. */
  readonly help: string;
  /** Seconds for `Retry-After`, where a later attempt makes sense. */
  readonly retryAfter?: number;
}

/** The closed set of failures. */
export const catalogue = {
  'request-ambiguous': {
    status: 400,
    source: 'claimcheck',
    title: 'This request can be read in more than one way',
    help: 'The path, a header or a cookie was doubled, encoded twice or malformed. The log line names which; a proper client never sends it.',
  },
  'parameter-invalid': {
    status: 400,
    source: 'claimcheck',
    title: 'A parameter of this request is not valid',
    help: 'A query parameter is of the wrong type, out of range, or given twice.',
  },
  'body-invalid': {
    status: 400,
    source: 'claimcheck',
    title: 'The body of this request cannot be read',
    help: 'The back-channel logout takes a form in UTF-8 without a content coding; something else was sent, or it broke off.',
  },
  'logout-token-invalid': {
    status: 400,
    source: 'claimcheck',
    title: 'This logout token is not accepted',
    help: 'The detail of the log line names the check that failed. Compare ISSUER, CLIENT_ID, the clocks, and that the token has typ logout+jwt, exp and jti.',
  },
  'token-in-request': {
    status: 400,
    source: 'claimcheck',
    title: 'A token must not be sent in a URL',
    help: 'The page sent access_token in the query. Remove it: the token is attached on the server.',
  },
  'invalid-return-path': {
    status: 400,
    source: 'claimcheck',
    title: 'The page to return to is not one of ours',
    help: 'return_to must be a path on PUBLIC_URL, or a URL on an origin of CORS_ALLOWED_ORIGINS, of at most 512 bytes.',
  },
  'session-ended': {
    status: 401,
    source: 'claimcheck',
    title: 'You are signed out',
    help: 'Normal. The page should offer the login_url of the answer. If it is frequent, compare SESSION_IDLE_TIMEOUT with real use.',
  },
  'step-up-needed': {
    status: 401,
    source: 'upstream',
    title: 'This needs a stronger or more recent sign-in',
    help: 'The service asked for it (RFC 9470). The page should send the person to the login_url of the answer, with return_to, and repeat the call afterwards.',
  },
  'cross-origin': {
    status: 403,
    source: 'claimcheck',
    title: 'This request came from another site',
    help: 'If the site is yours, add its origin to CORS_ALLOWED_ORIGINS; origins are compared whole, with scheme and port.',
  },
  'origin-unknown': {
    status: 403,
    source: 'claimcheck',
    title: 'It cannot be told where this request came from',
    help: 'Neither Sec-Fetch-Site nor Origin was sent with a request that changes state. Browsers send at least one; a script must send Origin.',
  },
  'not-a-navigation': {
    status: 403,
    source: 'claimcheck',
    title: 'Signing in starts with a click, not from inside a page',
    help: 'A frame, an image or a foreign script called /login. Link to it, or ask for JSON from your own page.',
  },
  'csrf-token-invalid': {
    status: 403,
    source: 'claimcheck',
    title: 'The request does not carry the proof that it came from our page',
    help: 'The page should read csrf_token from /session again and send it as X-CSRF-Token (CSRF_MODE=header: X-CSRF: 1), then repeat once.',
  },
  'scope-missing': {
    status: 403,
    source: 'claimcheck',
    title: 'Your sign-in does not allow this',
    help: 'The route asks for a scope that the authorization server did not grant. Compare scopes of the route with SCOPES and the grant.',
  },
  'step-up-in-vain': {
    status: 403,
    source: 'upstream',
    title: 'Your sign-in is already what this asks for, and is refused',
    help: 'The upstream asked for an acr or max_age (RFC 9470) that the session has, so signing in again would change nothing. Compare what it reads from the access token with what the authorization server puts there.',
  },
  'plain-http': {
    status: 403,
    source: 'claimcheck',
    title: 'This service is reached over https only',
    help: 'The trusted proxy says that the browser spoke plain http. Call the https address.',
  },
  'not-found': {
    status: 404,
    source: 'claimcheck',
    title: 'There is nothing here',
    help: 'No route or file has this path. Unlisted paths are refused by design; see the routes of the rules file.',
  },
  'method-not-allowed': {
    status: 405,
    source: 'claimcheck',
    title: 'This method is not offered here',
    help: 'The Allow header lists what is. Add the method to the route where it is wanted.',
  },
  'request-timeout': {
    status: 408,
    source: 'claimcheck',
    title: 'The request took too long to arrive',
    help: 'The headers were not complete within 15 seconds, or a body came more slowly than timeout and min_upload_rate of its route allow. Slow networks, or somebody who holds connections open on purpose.',
  },
  'no-refresh-token': {
    status: 409,
    source: 'claimcheck',
    title: 'This sign-in cannot be renewed',
    help: 'The authorization server issued no refresh token. Ask for offline_access in SCOPES and allow refresh tokens for the client.',
  },
  'body-too-large': {
    status: 413,
    source: 'claimcheck',
    title: 'The request is too large',
    help: 'The body is longer than max_body of its route.',
  },
  'uri-too-long': {
    status: 414,
    source: 'claimcheck',
    title: 'The address is too long',
    help: 'Targets are limited to 8 KiB. Send long input in the body.',
  },
  'expectation-failed': {
    status: 417,
    source: 'claimcheck',
    title: 'This expectation is not supported',
    help: 'The client sent an Expect header other than 100-continue.',
  },
  'host-unknown': {
    status: 421,
    source: 'claimcheck',
    title: 'This host is not served here',
    help: 'The Host header differs from PUBLIC_URL. Behind a proxy, pass the original Host on.',
  },
  'upgrade-refused': {
    status: 404,
    source: 'claimcheck',
    title: 'No connection of this kind is offered here',
    help: 'No WebSocket is offered under this path. A route of the rules file offers them with websocket: true.',
  },
  'websocket-version': {
    status: 426,
    source: 'claimcheck',
    title: 'This version of WebSocket is not spoken here',
    help: 'The handshake asked for another version than 13 (RFC 6455, 4.4).',
  },
  'too-many-websockets': {
    status: 429,
    source: 'claimcheck',
    title: 'Too many connections are open for this session',
    help: 'A session has 50 open WebSockets, or an address has on public routes. The page should share one among its tabs, and close what it no longer needs.',
    retryAfter: 60,
  },
  'login-rate-exceeded': {
    status: 429,
    source: 'claimcheck',
    title: 'Too many sign-ins were started in a short time',
    help: 'More than 5 starts in 10 seconds from one browser, or 30 from one address without cookies. Often a redirect loop of the page.',
    retryAfter: 10,
  },
  'too-many-streams': {
    status: 429,
    source: 'claimcheck',
    title: 'Too many windows listen for changes of this session',
    help: 'A session has 20 open event streams. The page should open one for all its tabs; see public/events.js.',
    retryAfter: 60,
  },
  'headers-too-large': {
    status: 431,
    source: 'claimcheck',
    title: 'The headers of this request are too large',
    help: 'Usually too many cookies of other applications on the same host.',
  },
  internal: {
    status: 500,
    source: 'claimcheck',
    title: 'Something went wrong on our side',
    help: 'Search the log for the request id; the cause is there.',
  },
  'method-unknown': {
    status: 501,
    source: 'claimcheck',
    title: 'This method is not known here',
    help: 'TRACE, CONNECT and invented methods are never served.',
  },
  'upstream-unreachable': {
    status: 502,
    source: 'upstream',
    title: 'The service did not answer',
    help: 'The connection to the upstream was refused or broke. The log line names which upstream.',
  },
  'upstream-error': {
    status: 502,
    source: 'upstream',
    title: 'The service refused this request or failed',
    help: 'mask_errors of the route keeps what the upstream said to itself; the status of the answer is its own. Its log has the same request id.',
  },
  'provider-answer-invalid': {
    status: 502,
    source: 'provider',
    title: 'The sign-in service gave an answer that cannot be used',
    help: 'The log line names the endpoint and what was wrong with its answer.',
  },
  'store-unavailable': {
    status: 503,
    source: 'store',
    title: 'Sessions cannot be reached at the moment',
    help: 'Redis does not answer. Nobody is signed out by it; see the store in /readyz.',
    retryAfter: 2,
  },
  'provider-unreachable': {
    status: 503,
    source: 'provider',
    title: 'The sign-in service cannot be reached at the moment',
    help: 'The metadata or token endpoint of ISSUER does not answer. Sessions whose access token is still valid go on.',
    retryAfter: 5,
  },
  'upstream-failing': {
    status: 503,
    source: 'upstream',
    title: 'The service is out of order at the moment',
    help: 'At least half of the recent calls to this upstream failed, so it is not called for a while; see docs/upstreams.md and claimcheck_upstream_open.',
    retryAfter: 5,
  },
  'upstream-proof-refused': {
    status: 503,
    source: 'upstream',
    title: 'The service wants this request once more',
    help: 'The upstream asked for its DPoP nonce, and the call has a body of more than 16 KiB, which is not kept to be sent twice; or it asked again for what it had been given. It was not carried out. The nonce is known now: sent again it works.',
    retryAfter: 1,
  },
  overloaded: {
    status: 503,
    source: 'claimcheck',
    title: 'There is too much to do at the moment',
    help: 'A queue or pool is full. See upstream and process metrics.',
    retryAfter: 1,
  },
  'upstream-timeout': {
    status: 504,
    source: 'upstream',
    title: 'The service took too long to answer',
    help: 'No headers, or no further bytes, within the timeout of the route.',
  },
} as const satisfies Readonly<Record<string, CatalogueEntry>>;

/** The stable word of a failure. */
export type ErrorCode = keyof typeof catalogue;

/** What else an answer may carry beside its code. */
export interface ProblemExtras {
  /** In the place of the code's own status, where the code stands for any. */
  readonly status?: number;
  /** Further members of the body (RFC 9457, 3.2), e.g. `login_url`. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** Further headers, e.g. `Allow`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A failure that a caller may know of. */
export class ProblemError extends Error {
  readonly code: ErrorCode;
  readonly extras: ProblemExtras;

  /**
   * @param code What the caller is told.
   * @param details `cause`: what really happened, logged and never sent; the rest is sent.
   */
  constructor(code: ErrorCode, details: ProblemExtras & { readonly cause?: unknown } = {}) {
    super(code, { cause: details.cause });
    this.name = 'ProblemError';
    this.code = code;
    this.extras = details;
  }
}

/** The body of an error answer: `application/problem+json` (RFC 9457). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly request_id: string;
}

/** The code of whatever was thrown; what is not ours is `internal`. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof ProblemError ? error.code : 'internal';
}

/** Turns a code into what may be sent. */
export function problemOf(code: ErrorCode, request_id: string): Problem {
  const { title, status } = catalogue[code];
  return { type: `urn:claimcheck:error:${code}`, title, status, code, request_id };
}

/** Seconds for `Retry-After`, or `undefined` where trying again is of no use. */
export function retryAfterOf(code: ErrorCode): number | undefined {
  const entry: CatalogueEntry = catalogue[code];
  return entry.retryAfter;
}
