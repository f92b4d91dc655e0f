/**
 * The way of one API call, after the guards.
 *
 * Read it top to bottom: each line knows more than the one above, and says how
 * the call can end there.
 *
 * @module
 */

import { ProblemError } from './errors.ts';
import type { AuthenticatedRequest, AuthorizedRequest, ClearedRequest } from './http/inbound.ts';
import type { Route } from './proxy/routes.ts';
import type { OpenedSession } from './session/session.ts';

type Signed = AuthenticatedRequest<OpenedSession>;

/** The parts that answer a call, each as narrow as its one use here. */
export interface ApiParts {
  readonly routes: { match(request: ClearedRequest): Route };
  readonly sessions: {
    open(request: ClearedRequest): Promise<Signed>;
    openHeld(request: ClearedRequest): Signed | undefined;
  };
  readonly csrf: { check(request: Signed): void };
  readonly tokens: {
    attach(request: Signed, route: Route): Promise<AuthorizedRequest>;
    attachFresh(request: Signed, route: Route): AuthorizedRequest | undefined;
    attachPublic(request: ClearedRequest, route: Route): Promise<AuthorizedRequest>;
  };
  readonly proxy: { forward(request: AuthorizedRequest, route: Route): Promise<void> };
}

/** The parts that open a WebSocket: those of a call, less the CSRF token, which no handshake can carry (its Origin was compared). */
export interface ApiUpgradeParts extends Omit<ApiParts, 'csrf' | 'proxy'> {
  readonly handshake: { check(request: ClearedRequest): void };
  readonly sockets: { forward(request: AuthorizedRequest, route: Route): Promise<void> };
}

/** Answers one request for a WebSocket to an API. */
export async function answerApiUpgrade(
  request: ClearedRequest,
  { routes, handshake, sessions, tokens, sockets }: ApiUpgradeParts,
): Promise<void> {
  const route = routes.match(request); //                                 404 no such route, 405 not this method
  if (!route.websocket) throw new ProblemError('upgrade-refused'); //     404 none offered there
  if (request.method !== 'GET') throw new ProblemError('method-not-allowed', { headers: { Allow: 'GET' } });
  handshake.check(request); //                                            400 malformed, 426 another version
  if (route.access === 'public') return sockets.forward(await tokens.attachPublic(request, route), route);
  const authenticated = await sessions.open(request); //                  401 signed out, 503 no store
  const authorized = await tokens.attach(authenticated, route); //        403 no such scope, 401 signed out, 503 no token now
  await sockets.forward(authorized, route); //                            101, 429, 502, 503, 504, or the upstream's answer
}

/**
 * Answers one API call. What is asked for twice is had at once for nearly every call, and a promise for each would be
 * what such a call costs most.
 */
export async function answerApiCall(
  request: ClearedRequest,
  { routes, sessions, csrf, tokens, proxy }: ApiParts,
): Promise<void> {
  const route = routes.match(request); //                                 404 no such route, 405 not this method
  if (route.access === 'public') return proxy.forward(await tokens.attachPublic(request, route), route);
  const authenticated = sessions.openHeld(request) ?? (await sessions.open(request)); // 401 signed out, 503 no store
  csrf.check(authenticated); //                                           403 no good token
  const authorized = tokens.attachFresh(authenticated, route) ?? (await tokens.attach(authenticated, route)); // 403 no such scope, 401 signed out, 503 no token now
  await proxy.forward(authorized, route); //                              413, 502, 504, or the upstream's answer
}
