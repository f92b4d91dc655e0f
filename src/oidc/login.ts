/**
 * `GET /login`: sends the browser to the authorization server.
 *
 * All that is remembered goes with the browser, sealed in a cookie; nothing is
 * written to the store, however often it is called (LS-28).
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import { codeOf, ProblemError } from '../errors.ts';
import type { Frontend } from '../http/frontend.ts';
import type { ClearedRequest } from '../http/inbound.ts';
import { jsonReply, type Reply, redirectReply } from '../http/reply.ts';
import type { Identity } from '../session/session.ts';
import type { LoginCookies } from './login-cookies.ts';
import type { LoginKeys } from './login-keys.ts';
import type { LoginLimit } from './login-limit.ts';
import { isReauthentication, type LoginParameters, loginParametersFrom, oldestAllowed } from './login-parameters.ts';
import { checkStart, purposeOf, type StartForm } from './login-start.ts';
import type { AuthorizationParameters } from './provider-options.ts';
import { quietErrorTarget, returnPathFrom } from './return-path.ts';
import { isSilent, unstartedCheck } from './silent-check.ts';
import { isBegunElsewhere, thirdPartyReply } from './third-party-login.ts';
import {
  challengeOf,
  createState,
  dpopKeyFrom,
  hashOf,
  type LoginTransaction,
  nonceOf,
  personOf,
  randomSeed,
} from './transaction.ts';

/** What is asked of a session that a request has. */
export interface LiveSession {
  readonly id: string;
  readonly identity: Pick<Identity, 'issuer' | 'subject'>;
}

/** The parts that `/login` needs. */
export interface LoginParts {
  readonly frontend: Frontend;
  readonly provider: {
    readonly issuer: string;
    authorizationUrl(parameters: AuthorizationParameters): Promise<URL>;
  };
  /** The live session of the request's cookie, or `undefined`; throws `store-unavailable`. */
  readonly sessions: { look(request: ClearedRequest): Promise<LiveSession | undefined> };
  readonly keys: LoginKeys;
  readonly cookies: LoginCookies;
  readonly limit: LoginLimit;
  readonly clock: Pick<Clock, 'now'>;
  /** Whether somebody else may begin a sign-in (OIDC Core, 4). */
  readonly thirdParty: boolean;
  readonly maxAuthenticationAgeMs: number | undefined;
}

/** Answers `GET /login`. Throws `ProblemError` for everything that is refused or fails. */
export async function answerLogin(request: ClearedRequest, parts: LoginParts): Promise<Reply> {
  if (request.method !== 'GET') throw new ProblemError('method-not-allowed', { headers: { Allow: 'GET' } });
  const form = formOf(request, parts);
  if (parts.thirdParty && isBegunElsewhere(request.search)) return answerThirdParty({ request, form }, parts);
  const parameters = loginParametersFrom(request.search);
  const returnPath = returnPathOf(parameters, parts.frontend);
  const session = await parts.sessions.look(request);
  if (session !== undefined && !isReauthentication(parameters)) return replyTo(form, returnPath, parts.frontend);
  const startsLine = countStart(request, parts);
  const beginning = { request, parameters, returnPath, session };
  const begun = begin(beginning, parts);
  const { target, cookieLines } = await (isSilent(parameters)
    ? begun.catch((error) => unstarted(error, beginning))
    : begun);
  const reply = replyTo(form, target, parts.frontend);
  return { ...reply, headers: { ...reply.headers, 'Set-Cookie': [...cookieLines, startsLine] } };
}

// A script of our own has no need of it; it would be led to a page in place of the address it asked for.
function answerThirdParty(
  { request, form }: { readonly request: ClearedRequest; readonly form: StartForm },
  { frontend, provider }: LoginParts,
): Reply {
  if (form === 'json') throw new ProblemError('not-a-navigation');
  return thirdPartyReply(request.search, { issuer: provider.issuer, frontend });
}

function formOf(
  { fetchSite, fetchMode, fetchDest, origin, headers }: ClearedRequest,
  { frontend }: LoginParts,
): StartForm {
  const { accept } = headers;
  const decision = checkStart(
    { fetchSite, fetchMode, fetchDest, origin, accept, purpose: purposeOf(headers) },
    { selfOrigin: frontend.origin, trustedOrigins: frontend.trustedOrigins },
  );
  if (!decision.allowed) throw new ProblemError(decision.reason);
  return decision.form ?? 'redirect';
}

function returnPathOf({ returnTo }: LoginParameters, { origin, trustedOrigins, paths }: Frontend): string {
  const authPaths = new Set(Object.values(paths));
  const returnPath = returnPathFrom(returnTo, { selfOrigin: origin, trustedOrigins, authPaths });
  if (returnPath === undefined) throw new ProblemError('invalid-return-path');
  return returnPath;
}

function countStart({ headers, clientAddress }: ClearedRequest, { limit, cookies }: LoginParts): string {
  const decision = limit.check({ startsCookie: cookies.starts(headers.cookie), address: clientAddress });
  if (!decision.allowed) throw new ProblemError(decision.reason);
  return cookies.startsLine(decision.startsCookie ?? '');
}

interface Beginning {
  readonly request: ClearedRequest;
  readonly parameters: LoginParameters;
  readonly returnPath: string;
  readonly session: LiveSession | undefined;
}

interface Begun {
  /** Where the browser goes. */
  readonly target: string;
  readonly cookieLines: readonly string[];
}

// A check that nobody asked for shows nobody a page: it goes back with the word for it.
function unstarted(error: unknown, { request, returnPath }: Beginning): Begun {
  const code = unstartedCheck(error);
  if (code === undefined) throw error;
  request.record.refuse(codeOf(error), error);
  const query = new URLSearchParams({ auth_error: code, auth_error_id: request.id });
  return { target: quietErrorTarget(returnPath, query), cookieLines: [] };
}

async function begin(
  { request, parameters, returnPath, session }: Beginning,
  { frontend, provider, keys, cookies, clock, maxAuthenticationAgeMs }: LoginParts,
): Promise<Begun> {
  const { attempt, prompt, loginHint, uiLocales, acrValues, maxAge } = parameters;
  const now = clock.now();
  const state = createState(attempt, { keys, frontendId: frontend.id });
  const transaction: LoginTransaction = {
    stateHash: hashOf(state),
    seed: randomSeed(),
    startedAt: now,
    issuer: provider.issuer,
    returnPath,
    attempt,
    previous: session && { sessionId: session.id, person: personOf(session.identity) },
    prompt,
    maxAge,
    acrValues,
  };
  const url = await provider.authorizationUrl({
    state,
    nonce: nonceOf(transaction),
    codeChallenge: challengeOf(transaction),
    dpopKey: dpopKeyFrom(transaction),
    ...{ prompt, loginHint, uiLocales, acrValues },
    maxAge: oldestAllowed(maxAge, maxAuthenticationAgeMs),
  });
  return { target: url.href, cookieLines: cookies.add(transaction, { header: request.headers.cookie, now }) };
}

// A script is given the address to go to, whichever it is: of the authorization server, or home when nothing is to be done.
function replyTo(form: StartForm, target: string, { origin }: Frontend): Reply {
  if (form === 'redirect') return redirectReply(target);
  return jsonReply(200, { authorization_url: new URL(target, origin).href });
}
