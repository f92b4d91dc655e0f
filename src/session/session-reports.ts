/**
 * What is told of sessions: audit events, a metric, and a line where the operator
 * must act. Never a secret, a token or a name.
 *
 * @module
 */

import { causeText, type Pseudonyms } from '../audit/redact.ts';
import type { Trail } from '../audit/trail.ts';
import type { FrontendLabel, Metrics } from '../metrics/catalogue.ts';
import type { EndReason, Identity, OpenedSession } from './session.ts';
import type { CacheReports } from './session-cache.ts';
import type { Unreadable } from './snapshot.ts';

type Person = Pick<Identity, 'issuer' | 'subject'>;

/** Where the entry stands that signed or sealed something: the first, or behind it. */
export type KeyPosition = 'active' | 'older';

/** Told what happens to sessions. `id` is the session's name in the store. */
export interface SessionReports {
  /** A session was ended by this process. Whose it was is not known where it was ended without its cookie. */
  ended(session: Pick<OpenedSession, 'id'> & { readonly identity: Person | undefined }, reason: EndReason): void;
  /** A stored session was exchanged or damaged, or its key is gone. It counts as none. */
  unreadable(id: string, fault: Unreadable): void;
  /** A request's session was opened. Each is `active` when the first entry of `SESSION_SECRETS` did it, `older` for any other. */
  opened(by: { readonly cookie: KeyPosition; readonly record: KeyPosition }): void;
  /** Something that nobody waits for went wrong. */
  trouble(id: string, trouble: { readonly what: string; readonly cause: unknown }): void;
}

/** What the reports are written to. */
export interface SessionReportTargets {
  readonly trail: Trail;
  readonly metrics: Metrics;
  readonly pseudonyms: Pseudonyms;
  readonly label?: FrontendLabel | undefined;
}

/** Writes to the metrics how the opened sessions that are held do. */
export function cacheReportsTo(metrics: Metrics, label: FrontendLabel = {}): CacheReports {
  const looks = { hit: { result: 'hit' }, compared: { result: 'compared' }, miss: { result: 'miss' } } as const;
  const held = { entries: metrics.sessionsHeld.labels(label), bytes: metrics.sessionBytesHeld.labels(label) };
  return {
    looked: (result) => metrics.sessionLookups.inc(looks[result]),
    dropped: (reason, count) => metrics.sessionsDropped.inc({ reason }, count),
    holds(entries, bytes) {
      held.entries.set(entries);
      held.bytes.set(bytes);
    },
  };
}

/** Writes the reports to the trail and the metrics. */
export function sessionReportsTo({ trail, metrics, pseudonyms, label }: SessionReportTargets): SessionReports {
  const uses = (part: 'cookie' | 'record') => ({
    active: metrics.sessionKeyUses.labels({ part, position: 'active' }),
    older: metrics.sessionKeyUses.labels({ part, position: 'older' }),
  });
  const [cookieUses, recordUses] = [uses('cookie'), uses('record')];
  const tagOf = (id: string) => pseudonyms.session(id);
  return {
    ended({ id, identity }, reason) {
      metrics.sessionsEnded.inc({ reason, ...label });
      const subject = identity === undefined ? undefined : pseudonyms.person(identity);
      trail.event('session.ended', 'success', { session: tagOf(id), subject, reason });
    },
    unreadable(id, { part, reason }) {
      trail.event('session.unreadable', 'failure', { session: tagOf(id), part, reason });
    },
    opened({ cookie, record }) {
      cookieUses[cookie].inc();
      recordUses[record].inc();
    },
    trouble(id, { what, cause }) {
      trail.warn(what, { session: tagOf(id), cause: causeText(cause) });
    },
  };
}
