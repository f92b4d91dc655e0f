/**
 * What is told of tokens: audit events, a metric, and a line where the operator
 * must act. Never a token.
 *
 * @module
 */

import { causeText, type Pseudonyms } from '../audit/redact.ts';
import type { Trail } from '../audit/trail.ts';
import type { SessionFacts } from '../http/inbound.ts';
import type { FrontendLabel, Metrics } from '../metrics/catalogue.ts';
import type { OpenedSession } from '../session/session.ts';
import { type RefreshFailure, refreshFailures } from './failures.ts';

/** A refresh that brought no tokens. */
export interface FailedRefresh {
  readonly audience: string;
  readonly failure: RefreshFailure;
  /** A stable word of the other side: an OAuth error code, or the check that failed. */
  readonly reason: string;
  readonly cause?: unknown;
}

/** Told what happens to tokens. */
export interface TokenReports {
  refreshed(session: SessionFacts, audience: string): void;
  refreshFailed(session: SessionFacts, failed: FailedRefresh): void;
  /** A provider that rotates refused the newest refresh token of a living session (RFC 9700, 4.14.2). */
  reuseSuspected(session: OpenedSession): void;
  /** A token stays alive at the provider although its session is over. */
  revocationFailed(session: SessionFacts, reason: string): void;
  /** Something that is tried again, or that nobody waits for, went wrong. */
  trouble(session: SessionFacts, trouble: { readonly what: string; readonly cause: unknown }): void;
}

/** What the reports are written to. */
export interface ReportTargets {
  readonly trail: Trail;
  readonly metrics: Metrics;
  readonly pseudonyms: Pseudonyms;
  readonly label?: FrontendLabel | undefined;
}

/** Writes the reports to the trail and the metrics. */
export function tokenReportsTo({ trail, metrics, pseudonyms, label }: ReportTargets): TokenReports {
  const tagOf = (session: SessionFacts) => pseudonyms.session(session.id);
  return {
    refreshed(session, audience) {
      metrics.refreshes.inc({ result: 'success', ...label });
      trail.event('token.refreshed', 'success', { session: tagOf(session), audience });
    },
    refreshFailed(session, { audience, failure, reason, cause }) {
      const { endsSession, level } = refreshFailures[failure];
      metrics.refreshes.inc({ result: failure, ...label });
      if (level !== 'debug') {
        const fields = {
          session: tagOf(session),
          audience,
          reason: `${failure}: ${reason}`,
          ends_session: endsSession,
        };
        trail.event('token.refresh-failed', 'failure', fields);
      }
      trail[level]('refresh failed', { session: tagOf(session), audience, failure, reason, cause: causeText(cause) });
    },
    reuseSuspected(session) {
      metrics.reuseSuspected.inc({ ...label });
      const subject = pseudonyms.person(session.identity);
      trail.event('token.reuse-suspected', 'failure', { session: tagOf(session), subject });
    },
    revocationFailed(session, reason) {
      trail.event('token.revocation-failed', 'failure', { session: tagOf(session), reason });
    },
    trouble(session, { what, cause }) {
      trail.warn(what, { session: tagOf(session), cause: causeText(cause) });
    },
  };
}
