/**
 * What is written and counted of WebSockets: each request for one, and each end.
 *
 * @module
 */

import type { Pseudonyms } from '../audit/redact.ts';
import type { Trail } from '../audit/trail.ts';
import type { ErrorCode } from '../errors.ts';
import type { AuthorizedRequest } from '../http/inbound.ts';
import type { Metrics } from '../metrics/catalogue.ts';
import type { TunnelReport } from './tunnel.ts';

/** What became of a request for a WebSocket; a code where we refused or failed it. */
export type UpgradeOutcome = 'opened' | 'answered' | ErrorCode;

/** How it ended, and after how long. */
export interface SocketEnd extends TunnelReport {
  readonly ms: number;
}

/** Told of WebSockets. */
export interface SocketReports {
  /** `route` is the public prefix; `undefined` where no route was found. */
  asked(route: string | undefined, outcome: UpgradeOutcome): void;
  opened(): void;
  ended(authorized: AuthorizedRequest, end: SocketEnd): void;
}

/** What the reports are written to. */
export interface SocketReportsParts {
  readonly trail: Pick<Trail, 'info'>;
  readonly metrics: Pick<Metrics, 'webSocketsOpen' | 'webSocketUpgrades' | 'webSocketEnds'>;
  readonly pseudonyms: Pick<Pseudonyms, 'session'>;
}

/** Writes them: the request has its line as every request, the end has one of its own with the same id. */
export function socketReportsTo({ trail, metrics, pseudonyms }: SocketReportsParts): SocketReports {
  return {
    asked: (route, outcome) => metrics.webSocketUpgrades.inc({ route: route ?? '', outcome }),
    opened: () => metrics.webSocketsOpen.inc(),
    ended: ({ request, session }, { end, ms, bytesUp, bytesDown }) => {
      metrics.webSocketsOpen.dec();
      metrics.webSocketEnds.inc({ end });
      trail.info('websocket ended', {
        request_id: request.id,
        route: request.record.route,
        upstream: request.record.upstream,
        session: session === undefined ? undefined : pseudonyms.session(session.id),
        ended_by: end,
        ms: Math.round(ms),
        bytes_up: bytesUp,
        bytes_down: bytesDown,
      });
    },
  };
}
