/**
 * What a call to an upstream is made from, and how it tells that it is over.
 *
 * @module
 */

import type { AuthorizedRequest } from '../http/inbound.ts';
import type { DpopNonces } from '../keys/dpop-nonces.ts';
import type { ReaderLimits } from './answer-stream.ts';
import type { IsSignedInAs } from './instead.ts';
import type { Patience } from './patience.ts';
import type { Route } from './routes.ts';
import type { Way } from './upstreams.ts';

/**
 * Asked when an upstream says `invalid_token`: the same request with another
 * token, or `undefined` when there is none and the upstream's 401 shall stand.
 */
export type Renew = (authorized: AuthorizedRequest, route: Route) => Promise<AuthorizedRequest | undefined>;

/** What an exchange is made from. */
export interface ExchangeParts {
  readonly authorized: AuthorizedRequest;
  readonly route: Route;
  readonly upstream: Way;
  /** Those that upstreams want in proofs. */
  readonly nonces: DpopNonces;
  readonly limits: ReaderLimits;
  /** Without it, where undici asks for a WebSocket, its own timers look after the silence of the upstream. */
  readonly patience?: Patience | undefined;
  readonly renew: Renew | undefined;
  readonly isSignedInAs?: IsSignedInAs | undefined;
}

/** How it is told that an exchange is over. */
export interface Settle {
  /** The answer is finished or broken off; nothing is left to do. */
  resolve(): void;
  /** Nothing was sent: an answer can still be made. */
  reject(error: unknown): void;
}
