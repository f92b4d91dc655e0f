/**
 * The vocabulary of the audit trail: every event, its fields, how long it is
 * worth keeping and which question it answers. docs/audit-events.md is generated
 * from this table.
 *
 * @module
 */

interface EventEntry {
  /** What somebody who reads the trail learns from it. */
  readonly answers: string;
  /** Beside `time`, `event`, `outcome`, `request_id`, and `frontend` where the rules file lists several. */
  readonly fields: readonly string[];
  /** Months to keep it (CNIL, délib. 2021-122: six to twelve by default). */
  readonly retentionMonths: number;
}

/** Every event. Names are noun.verb-past. */
export const events = {
  'server.started': {
    answers: 'Since when does this process serve, and with which settings?',
    fields: ['version', 'public_url', 'store', 'routes'],
    retentionMonths: 12,
  },
  'server.stopped': { answers: 'When and why did this process end?', fields: ['reason'], retentionMonths: 12 },
  'worker.died': {
    answers: 'Which worker ended without being told to, how, and how many did in the last minute?',
    fields: ['pid', 'how', 'recent'],
    retentionMonths: 12,
  },
  'config.reloaded': {
    answers: 'Which settings were put in place of others while the process ran, and which wait for a restart?',
    fields: ['changed', 'restart_needed', 'routes', 'rules_hash'],
    retentionMonths: 12,
  },
  'config.reload-failed': {
    answers: 'When was a changed configuration refused, so that the one before stayed?',
    fields: ['faults'],
    retentionMonths: 12,
  },
  'sign-in.succeeded': {
    answers: 'Who signed in when, and how strongly?',
    fields: ['session', 'subject', 'acr', 'address'],
    retentionMonths: 12,
  },
  'sign-in.failed': {
    answers: 'Which sign-ins were refused, and for which reason?',
    fields: ['reason', 'code', 'address'],
    retentionMonths: 12,
  },
  'session.ended': {
    answers: 'When and why did a session end?',
    fields: ['session', 'subject', 'reason'],
    retentionMonths: 12,
  },
  'sessions.ended-all': {
    answers: "Who ended everybody's sessions, and how many? A failure broke off after that many.",
    fields: ['operator', 'reason', 'count'],
    retentionMonths: 12,
  },
  'session.unreadable': {
    answers: 'Was a stored session exchanged, damaged, or sealed with a key that is gone?',
    fields: ['session', 'part', 'reason'],
    retentionMonths: 12,
  },
  'token.refreshed': { answers: 'When were tokens renewed?', fields: ['session', 'audience'], retentionMonths: 6 },
  'token.refresh-failed': {
    answers: 'Why were tokens not renewed, and did it end the session?',
    fields: ['session', 'audience', 'reason', 'ends_session'],
    retentionMonths: 12,
  },
  'token.reuse-suspected': {
    answers:
      'Whose refresh token may somebody else have used, so that a rotating provider refused it? It may also have expired there.',
    fields: ['session', 'subject'],
    retentionMonths: 12,
  },
  'token.revocation-failed': {
    answers: 'Which refresh token could not be revoked at the provider?',
    fields: ['session', 'reason'],
    retentionMonths: 12,
  },
  'request.denied': {
    answers: 'Which requests did a guard refuse, and why?',
    fields: ['kind', 'method', 'route', 'reason', 'address'],
    retentionMonths: 6,
  },
  'client-key.changed': {
    answers: 'When was a key of the client made, first used, withdrawn, or forgotten?',
    fields: ['key', 'change'],
    retentionMonths: 12,
  },
  'dependency.failed': {
    answers: 'When was the store, the provider or an upstream out of reach, and which?',
    fields: ['dependency', 'reason'],
    retentionMonths: 6,
  },
  'dependency.recovered': {
    answers: 'When did it answer again?',
    fields: ['dependency'],
    retentionMonths: 6,
  },
} as const satisfies Readonly<Record<string, EventEntry>>;

/** What can be written to the trail: one of the table, and nothing else. */
export type EventName = keyof typeof events;

/** How what the event tells of went out (Elastic Common Schema, `event.outcome`, with `denied` told apart). */
export type Outcome = 'success' | 'denied' | 'failure';

/** The fields of an event of one name. Values are texts and numbers: nothing nested can smuggle more in. */
export type EventFields<Name extends EventName> = {
  readonly [Field in (typeof events)[Name]['fields'][number]]?: string | number | boolean | undefined;
} & {
  readonly request_id?: string | undefined;
  /** Which one it is about, where the rules file lists several. */
  readonly frontend?: string | undefined;
};
