/**
 * The way out: the only function through which a request reaches an upstream.
 *
 * It takes an {@link AuthorizedRequest}, which exists only for a request that all
 * guards let through and whose session and token were seen to, or whose route is
 * public (design rule 6, flaws 2A).
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import { ProblemError } from '../errors.ts';
import { discardRest } from '../http/discard.ts';
import { hasBody } from '../http/framing.ts';
import type { AuthorizedRequest, InboundRequest } from '../http/inbound.ts';
import type { ReaderLimits } from './answer-stream.ts';
import { Exchange } from './exchange.ts';
import type { Renew } from './exchange-parts.ts';
import type { IsSignedInAs } from './instead.ts';
import { Patience } from './patience.ts';
import type { Route } from './routes.ts';
import type { Upstream } from './upstream.ts';
import type { Upstreams } from './upstreams.ts';

/** What the forwarder works with. */
export interface ForwarderParts {
  readonly upstreams: Upstreams;
  readonly clock: Clock;
  /** Where a new token comes from when an upstream refuses the one it got; without it its 401 stands. */
  readonly renew?: Renew | undefined;
  /** Without it every challenge for a stronger sign-in is passed on to the page. */
  readonly isSignedInAs?: IsSignedInAs | undefined;
  /**
   * How long a client may take no byte of an answer that waits for it, in ms;
   * 120 s unless told otherwise. It frees the connection of a reader that stalls,
   * and lets one of a kilobyte a second go on.
   */
  readonly readerTimeoutMs?: number;
}

/** Takes what shall be done when the session of a call has ended, which gets the answer for the browser. */
export type WhenEnded = (act: (problem: ProblemError) => void) => void;

/** Forwards calls. */
export class Forwarder {
  readonly #parts: ForwarderParts;
  readonly #limits: ReaderLimits;
  readonly #patience: Patience;

  constructor(parts: ForwarderParts) {
    const { clock, upstreams, readerTimeoutMs = 120_000 } = parts;
    this.#parts = parts;
    this.#limits = { clock, turn: upstreams.turn, readerTimeoutMs };
    this.#patience = new Patience(clock);
  }

  /**
   * Sends the request to the route's upstream and its answer to the browser.
   *
   * Resolves when the answer is finished or broken off. Rejects with a
   * `ProblemError` (`body-too-large`, `request-timeout`, `overloaded`,
   * `upstream-unreachable`, `upstream-timeout`, `upstream-failing`, `upstream-error`,
   * `step-up-needed`, `step-up-in-vain`) while nothing has been sent. A call of
   * which nothing was sent when its session ends is not sent any more.
   */
  forward(authorized: AuthorizedRequest, route: Route, whenEnded?: WhenEnded): Promise<void> {
    const { request } = authorized;
    const { upstreams, clock, renew, isSignedInAs } = this.#parts;
    if (request.response.destroyed) return Promise.resolve();
    const upstream = upstreams.at(route.upstream.origin);
    const refusal = hasBody(request.headers) ? refusalOf(request, { route, upstream }) : undefined;
    if (refusal !== undefined) {
      discardRest(request, clock);
      return Promise.reject(refusal);
    }
    const limits = this.#limits;
    const patience = this.#patience;
    return new Promise((resolve, reject) => {
      const { nonces } = upstreams;
      const parts = { authorized, route, upstream, nonces, limits, patience, renew, isSignedInAs };
      const exchange = new Exchange(parts, { resolve, reject });
      exchange.start();
      whenEnded?.((problem) => {
        if (!exchange.isSent) exchange.giveUp(problem);
      });
    });
  }
}

// Of what is known before the body has begun, so that nobody sends one in vain.
function refusalOf(
  { headers, record }: InboundRequest,
  { route, upstream }: { readonly route: Route; readonly upstream: Upstream },
): ProblemError | undefined {
  if (route.maxBody > 0 && Number(headers['content-length'] ?? 0) > route.maxBody)
    return new ProblemError('body-too-large');
  const { refusal } = upstream;
  if (refusal !== undefined) record.upstream = route.upstreamName;
  return refusal;
}
