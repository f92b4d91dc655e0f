/**
 * Makes stages of the pure guards: the facts they look at go in, their decision
 * comes out as a step of the pipeline.
 *
 * @module
 */

import { type CrossOriginPolicy, checkCrossOrigin, checkUpgradeOrigin } from '../guards/cross-origin.ts';
import type { Overload } from '../guards/overload.ts';
import { checkTransport } from '../guards/plain-http.ts';
import type { Guard } from '../guards/step.ts';
import type { ForwardedProto } from '../http/client-address.ts';
import { callbackMethod, type Frontend } from '../http/frontend.ts';
import type { InboundRequest } from '../http/inbound.ts';
import { redirectReply, sendReply } from '../http/reply.ts';
import { whenClosed } from '../http/when-closed.ts';

/**
 * Refuses what another site caused.
 *
 * Left to their own checks are the routes that another site must be able to lead
 * a browser to: the two ends of a sign-in, and the page that asks before signing
 * out; the frame in which the authorization server signs a browser out; and the one that no browser calls: the authorization server sends none of
 * the headers this guard looks at, and proves by its token who it is.
 */
export function crossOriginStage(frontend: Frontend): Guard {
  const policy: CrossOriginPolicy = {
    selfOrigin: frontend.origin,
    anyPort: frontend.loopback,
    trustedOrigins: frontend.trustedOrigins,
  };
  const { login, callback, logout, backChannelLogout, frontChannelLogout } = frontend.paths;
  const open = new Set([
    `GET ${login}`,
    `HEAD ${login}`,
    `${callbackMethod(frontend)} ${callback}`,
    `HEAD ${callback}`,
    `GET ${logout}`,
    `HEAD ${logout}`,
    `GET ${frontChannelLogout}`,
    `POST ${backChannelLogout}`,
  ]);
  return (request) => {
    if (request.kind === 'A' && open.has(`${request.method} ${request.path}`)) return 'next';
    const decision = request.kind === 'U' ? checkUpgradeOrigin(request, policy) : checkCrossOrigin(request, policy);
    return decision.allowed ? 'next' : decision.reason;
  };
}

// An API is not navigated to. An old browser says nothing of it, but that it wants a page.
function isNavigation({ kind, method, fetchMode, headers }: InboundRequest): boolean {
  if (kind !== 'P' && kind !== 'A') return false;
  if (method !== 'GET' && method !== 'HEAD') return false;
  return fetchMode === undefined ? (headers.accept ?? '').includes('text/html') : fetchMode === 'navigate';
}

/** The stage `overload`. Streams of session events and WebSockets are taken or refused, but not counted: see their own limits. */
export function overloadStage(overload: Overload, { paths }: Frontend): Guard {
  return ({ kind, path, response }) => {
    const isLong = kind === 'U' || path === paths.events;
    const decision = overload.take((task) => {
      if (isLong) task();
      else whenClosed(response, task);
    });
    return decision.allowed ? 'next' : decision.reason;
  };
}

/** Where it is counted what our own proxies say of the browser's transport. */
export interface TransportMetrics {
  readonly forwardedProto: { inc(labels: { readonly proto: ForwardedProto }): void };
}

/**
 * Sends a navigation on to https and refuses everything else that came in clear.
 * A proxy of ours that says nothing is counted: behind it nobody could tell.
 */
export function plainHttpStage(frontend: Frontend, { forwardedProto }: TransportMetrics): Guard {
  return (request) => {
    if (request.forwardedProto !== undefined) forwardedProto.inc({ proto: request.forwardedProto });
    const decision = checkTransport(request);
    if (decision.allowed) return 'next';
    if (!isNavigation(request)) return decision.reason;
    sendReply(request, { ...redirectReply(frontend.origin + request.path + request.search), status: 308 });
    return 'answered';
  };
}
