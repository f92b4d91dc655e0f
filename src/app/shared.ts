/**
 * Makes the parts that all frontends of a process share: the store, the connections
 * to upstreams, the metrics, the guard against overload.
 *
 * @module
 */

import { Pseudonyms, pseudonymKey } from '../audit/redact.ts';
import type { Trail } from '../audit/trail.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import type { RotatingSecret } from '../base/secret.ts';
import type { Config } from '../config/config.ts';
import { onlyFrontendId } from '../config/frontend-settings.ts';
import { Overload } from '../guards/overload.ts';
import { Metrics } from '../metrics/catalogue.ts';
import { upstreamReportsTo } from '../proxy/upstream-reports.ts';
import { Upstreams } from '../proxy/upstreams.ts';
import type { Redis } from '../redis/client.ts';
import { createStore } from '../session/configured-store.ts';
import type { SessionStore } from '../session/store.ts';

/** What everything is made with. */
export interface Tools {
  readonly trail: Trail;
  readonly clock: Clock;
  /** Whether this is one of several processes that serve the same port. */
  readonly isWorker?: boolean;
}

/** The parts of the process. */
export interface Shared extends Required<Tools> {
  readonly config: Config;
  readonly metrics: Metrics;
  /** The same person at the same issuer has one tag, whichever frontend it is. */
  readonly pseudonyms: Pseudonyms;
  readonly redis: Redis | undefined;
  /** `undefined` where sessions lie in memory. */
  readonly redisUrl: RotatingSecret | undefined;
  readonly store: SessionStore;
  /** Looks at the event loop once it is started. */
  readonly overload: Overload;
  readonly upstreams: Upstreams;
}

/** Makes them. Nothing is waited for: the store is reached in the background. */
export function createShared(config: Config, { trail, clock, isWorker = false }: Tools): Shared {
  const metrics = new Metrics();
  return {
    ...{ config, trail, clock, isWorker, metrics },
    pseudonyms: new Pseudonyms(pseudonymKey(config.sessionSecrets, onlyFrontendId)),
    ...createStore(config, { trail, clock }),
    // How late the loop is, is a matter of this machine, whatever time the product is told.
    overload: new Overload({ clock: systemClock }),
    upstreams: new Upstreams(clock, {
      settings: config.upstreams,
      report: upstreamReportsTo({ trail, metrics }),
    }),
  };
}
