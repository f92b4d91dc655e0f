/**
 * What happens to upstreams, as events and gauges.
 *
 * @module
 */

import type { Trail } from '../audit/trail.ts';
import type { Metrics } from '../metrics/catalogue.ts';
import type { UpstreamChange } from './upstream.ts';

/** Where it is told. */
export interface UpstreamReportsParts {
  readonly trail: Trail;
  readonly metrics: Metrics;
}

/** Tells of an upstream that is no longer called, of an address that takes no connection, and of their return. */
export function upstreamReportsTo({ trail, metrics }: UpstreamReportsParts): (change: UpstreamChange) => void {
  return ({ upstream, what, state, addressesDown }) => {
    if (what === 'breaker') metrics.upstreamOpen.set({ upstream }, state === 'failed' ? 1 : 0);
    else metrics.upstreamAddressesDown.set({ upstream }, addressesDown);
    const dependency = what === 'breaker' ? `upstream ${upstream}` : `an address of upstream ${upstream}`;
    if (state === 'recovered') trail.event('dependency.recovered', 'success', { dependency });
    else trail.event('dependency.failed', 'failure', { dependency, reason: reasons[what] });
  };
}

const reasons = { breaker: 'too many failures', address: 'no connection' } as const;
