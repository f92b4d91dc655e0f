/**
 * How this page talks to Claimcheck: one function for all calls, and the session
 * as it was last read. The page holds no token and stores nothing; the cookie
 * goes with each call by itself, and no script can read it.
 *
 * Every call has one of five outcomes, and only `signed-out` means signed out:
 *
 * - `ok`          with `status` and `data`
 * - `signed-out`  401: the session has ended; sign in again
 * - `away`        502, 503, 504, 429 or no answer: try again in `seconds`; the session may well live on
 * - `refused`     any other 4xx or 5xx, with `title` and `requestId`
 *
 * @module
 */

const base = document.querySelector('meta[name="auth-base-path"]')?.content ?? '';

/** The session as it was last read: the body of `GET /session`. */
let session = { authenticated: false, login_url: `${base}/login` };

/** Seconds to wait when an answer does not say. */
const patience = 5;

/** The session as it was last read. Its instants are those of that moment. */
export function lastSession() {
  return session;
}

/** Reads the session. That neither prolongs it nor asks the authorization server. */
export async function readSession() {
  const outcome = await send(`${base}/session`, {});
  if (outcome.kind === 'ok') session = outcome.data;
  return outcome;
}

/** Asks for fresh tokens. Inside the server's cool-down the answer is simply the session. */
export async function renewSession() {
  const outcome = await call(`${base}/session/refresh`, { method: 'POST' });
  if (outcome.kind === 'ok') session = outcome.data;
  return outcome;
}

/** Ends the session here, without telling the authorization server in the browser. */
export function signOutLocally() {
  return call(`${session.logout_url ?? `${base}/logout`}?local=true`, { method: 'POST' });
}

/** The stream of what happens to the session. */
export const eventsUrl = `${base}/session/events`;

/** Where to sign in so that the person comes back to where they are. */
export function signInUrl() {
  const url = new URL(session.login_url ?? `${base}/login`, location.origin);
  url.searchParams.set('return_to', location.pathname + location.search);
  return url.pathname + url.search;
}

/**
 * Calls the API or an auth route with the proof that this page sent it.
 *
 * A CSRF token can be overtaken, for example by a sign-in in another tab. Then the
 * session is read once more and the call is made once more.
 */
export async function call(path, { method = 'GET', body } = {}) {
  const outcome = await send(path, { method, body });
  if (outcome.kind !== 'refused' || outcome.code !== 'csrf-token-invalid') return outcome;
  const again = await readSession();
  if (again.kind === 'ok' && !again.data.authenticated) return { kind: 'signed-out' };
  return again.kind === 'ok' ? send(path, { method, body }) : again;
}

async function send(path, { method = 'GET', body }) {
  // X-CSRF is the proof in CSRF_MODE=header, where the session has no token; a form cannot send either.
  const headers = { Accept: 'application/json', 'X-CSRF': '1' };
  if (session.csrf_token) headers['X-CSRF-Token'] = session.csrf_token;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  try {
    const response = await fetch(path, {
      method,
      headers,
      cache: 'no-store',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return await outcomeOf(response);
  } catch {
    // fetch rejects when nobody answers; the address bar would say the same.
    return { kind: 'away', who: 'Claimcheck', seconds: patience };
  }
}

async function outcomeOf(response) {
  const { status } = response;
  const data = await readJson(response);
  if (response.ok) return { kind: 'ok', status, data };
  if (status === 401) {
    session = { authenticated: false, login_url: data?.login_url ?? `${base}/login` };
    return { kind: 'signed-out' };
  }
  if ([429, 502, 503, 504].includes(status))
    return { kind: 'away', who: whoIsAway(response), seconds: secondsOf(response) };
  return { kind: 'refused', status, code: data?.code, title: data?.title, requestId: data?.request_id };
}

async function readJson(response) {
  if (!/\bjson\b/.test(response.headers.get('Content-Type') ?? '')) return undefined;
  try {
    return await response.json();
  } catch {
    // An answer that broke off says as much as its status does.
    return undefined;
  }
}

/** Claimcheck names the part that failed; an answer without the header came from the service behind it. */
function whoIsAway(response) {
  if (response.status === 429) return 'too-many';
  const parts = {
    store: 'The session store',
    provider: 'The authorization server',
    upstream: 'The orders service',
    claimcheck: 'Claimcheck',
  };
  return parts[response.headers.get('X-Error-Source')] ?? parts.upstream;
}

/** RFC 9110, 10.2.3: seconds or a date; a date is not worth reading a clock for. */
function secondsOf(response) {
  const value = response.headers.get('Retry-After') ?? '';
  return /^\d{1,4}$/.test(value) ? Math.max(1, Number(value)) : patience;
}
