/**
 * Makes the stages of the pipeline from the parts: the entry of all frontends, and
 * the way of each.
 *
 * @module
 */

import { type ApiParts, answerApiCall } from '../api.ts';
import { truncatedAddress } from '../audit/redact.ts';
import { TrustedProxies } from '../http/client-address.ts';
import { callbackMethod, type Frontend } from '../http/frontend.ts';
import { Receiver } from '../http/receive-request.ts';
import { answerBackChannelLogout } from '../oidc/back-channel-logout.ts';
import { answerCallback } from '../oidc/callback.ts';
import type { SignInEvent } from '../oidc/callback-parts.ts';
import { answerFrontChannelLogout } from '../oidc/front-channel-logout.ts';
import { answerJwks } from '../oidc/jwks.ts';
import { answerLogin } from '../oidc/login.ts';
import { LoginCookies } from '../oidc/login-cookies.ts';
import { LoginLimit } from '../oidc/login-limit.ts';
import { answerLogout, answerLogoutPage } from '../oidc/logout.ts';
import { answerEndOtherSessions, answerEndSession, answerMySessions } from '../oidc/my-sessions.ts';
import { answerRefresh, answerSession } from '../oidc/session-info.ts';
import { SessionPointers } from '../oidc/session-pointers.ts';
import { StateClaims } from '../oidc/state-claims.ts';
import type { Entry, Stages } from '../pipeline.ts';
import { checkHandshake } from '../proxy/upgrade.ts';
import type { SessionCarrier } from '../session/carrier.ts';
import { withSession } from '../session/with-session.ts';
import { corsStage } from '../stages/cors.ts';
import { crossOriginStage, overloadStage, plainHttpStage } from '../stages/guards.ts';
import { operationsStage, type Readiness } from '../stages/operations.ts';
import { pageFromFiles } from '../stages/page.ts';
import { pageFromUpstream } from '../stages/page-upstream.ts';
import { receiveStage } from '../stages/receive.ts';
import type { Recorder } from '../stages/record.ts';
import { refusalHeadersOf, securityHeadersStage } from '../stages/security-headers.ts';
import { sessionMount } from '../stages/session.ts';
import { type SignInRoute, signInStage } from '../stages/sign-in.ts';
import { upgradeStage } from '../stages/upgrade.ts';
import type { Parts } from './parts.ts';
import type { Shared } from './shared.ts';

/** What the entry needs of the app itself. */
export interface AppState {
  readonly frontends: readonly Frontend[];
  readonly recorder: Recorder;
  readonly readiness: () => Promise<Readiness>;
}

/** Makes the stages in which it is found whom a request was sent to. */
export function createEntry({ config, metrics }: Shared, { frontends, recorder, readiness }: AppState): Entry {
  const receiver = new Receiver({ frontends, trustedProxies: new TrustedProxies(config.trustedProxies) });
  const headers = new Map(frontends.map((frontend) => [frontend.id, refusalHeadersOf(frontend)]));
  // To somebody unknown nothing is promised that does not hold for all.
  const leastSecure = refusalHeadersOf({ secure: frontends.every(({ secure }) => secure) });
  return {
    record: (message, response) => recorder.open(message, response),
    receive: receiveStage({
      receiver,
      refusalHeadersOf: (frontend) => headers.get(frontend?.id ?? '') ?? leastSecure,
    }),
    operations: operationsStage({ metrics, readiness, strict: config.readyStrict }),
  };
}

/** Makes those of one frontend. Throws, with what to do, when the folder of its page cannot be read. */
export function createStages(parts: Parts): Stages {
  const { config, frontend, provider, routes, sessions, csrf, tokens, forwarder, sockets, socketReports, metrics } =
    parts;
  const page = config.page.kind === 'upstream' ? pageFromUpstream(config.page.url) : undefined;
  const proxy: ApiParts['proxy'] = {
    forward: (authorized, route) =>
      withSession(authorized, (whenEnded) => forwarder.forward(authorized, route, whenEnded), parts),
  };
  const apiParts = { routes, sessions, csrf, tokens, proxy };
  return {
    securityHeaders: securityHeadersStage({
      frontend,
      endSessionOrigin: () => provider.endSessionOrigin,
      pageFromUpstream: page !== undefined,
      framedBy: config.frontChannelLogout ? new URL(config.issuer).origin : undefined,
    }),
    plainHttp: plainHttpStage(frontend, metrics),
    cors: corsStage(frontend),
    overload: overloadStage(parts.overload, frontend),
    crossOrigin: crossOriginStage(frontend),
    signIn: signInStage(signInRoutes(parts), sessionMount(parts)),
    api: (request) => answerApiCall(request, apiParts),
    page: page?.answer ?? pageFromFiles(config.page.kind === 'files' ? config.page.directory : ''),
    upgrade: upgradeStage({
      page,
      api: { routes, handshake: { check: checkHandshake }, sessions, tokens, sockets },
      reports: socketReports,
    }),
  };
}

/** The auth routes, as the contract lists them. */
function signInRoutes(parts: Parts): readonly SignInRoute<SessionCarrier>[] {
  const { paths } = parts.frontend;
  const { loginParts, callbackParts, pointers } = signInParts(parts);
  const infoParts = { ...parts, userClaims: parts.config.userClaims };
  return [
    { method: 'get', path: paths.login, writesSession: false, answer: (request) => answerLogin(request, loginParts) },
    {
      method: callbackMethod(parts.frontend) === 'POST' ? 'post' : 'get',
      path: paths.callback,
      writesSession: true,
      answer: (request, carrier) => answerCallback(request, callbackParts, carrier()),
    },
    {
      method: 'get',
      path: paths.session,
      writesSession: false,
      answer: (request) => answerSession(request, infoParts),
    },
    {
      method: 'post',
      path: paths.refresh,
      writesSession: false,
      answer: (request) => answerRefresh(request, infoParts),
    },
    { method: 'get', path: paths.logout, writesSession: false, answer: (request) => answerLogoutPage(request, parts) },
    {
      method: 'post',
      path: paths.logout,
      writesSession: true,
      answer: (request, carrier) => answerLogout(request, carrier, { ...parts, pointers }),
    },
    ...sessionRoutes(parts),
  ];
}

// None of them needs express-session: they begin no session, and end them in the store.
function sessionRoutes(parts: Parts): readonly SignInRoute<SessionCarrier>[] {
  const { config, events, frontend } = parts;
  const { paths } = frontend;
  const writesSession = false;
  const back = { ...parts, clientId: config.client.id, strict: config.strictLogoutTokens };
  const front: SignInRoute<SessionCarrier> = {
    ...{ method: 'get', path: paths.frontChannelLogout, writesSession },
    answer: (request) => answerFrontChannelLogout(request, parts),
  };
  return [
    { method: 'get', path: '/.well-known/jwks.json', writesSession, answer: () => answerJwks(parts) },
    { method: 'get', path: paths.events, writesSession, answer: (request) => events.answer(request) },
    { method: 'get', path: paths.sessions, writesSession, answer: (request) => answerMySessions(request, parts) },
    {
      method: 'delete',
      path: paths.sessions,
      writesSession,
      answer: (request) => answerEndOtherSessions(request, parts),
    },
    {
      method: 'delete',
      path: `${paths.sessions}/:id`,
      writesSession,
      answer: (request) => answerEndSession(request, parts),
    },
    {
      method: 'post',
      path: paths.backChannelLogout,
      writesSession,
      answer: (request) => answerBackChannelLogout(request, back),
    },
    ...(config.frontChannelLogout ? [front] : []),
  ];
}

function signInParts(parts: Parts) {
  const { config, frontend, clock, provider, sessions, trail, loginKeys: keys } = parts;
  const cookies = new LoginCookies(frontend, keys);
  const limit = new LoginLimit({ keys, frontendId: frontend.id, clock });
  const pointers = new SessionPointers(frontend, keys);
  const { maxAuthenticationAgeMs } = config;
  const shared = { frontend, provider, sessions, keys, cookies, clock, maxAuthenticationAgeMs };
  return {
    pointers,
    loginParts: { ...shared, limit, thirdParty: config.thirdPartyLogin },
    callbackParts: {
      ...{ ...shared, pointers },
      claims: new StateClaims(sessions),
      clientId: config.client.id,
      userClaims: config.userClaims,
      asksUserInfo: config.dialect.asksUserInfo && config.apiAudience === undefined,
      log: trail,
      report: (event: SignInEvent) => reportSignIn(event, parts),
    },
  };
}

function reportSignIn(event: SignInEvent, { trail, metrics, pseudonyms, label }: Parts): void {
  const { outcome, requestId: request_id, reason, code, sessionId, issuer, subject, acr, address } = event;
  metrics.signIns.inc({ result: outcome === 'success' ? 'success' : reason, ...label });
  const where = { request_id, address: truncatedAddress(address) };
  if (outcome === 'failure') {
    trail.event('sign-in.failed', 'failure', { ...where, reason, code });
    return;
  }
  trail.event('sign-in.succeeded', 'success', {
    ...where,
    session: sessionId === undefined ? undefined : pseudonyms.session(sessionId),
    subject: subject === undefined ? undefined : pseudonyms.person({ issuer, subject }),
    acr,
  });
}
