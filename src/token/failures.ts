/**
 * Every way in which a refresh can fail, and what follows: the one table that the
 * code reads and docs/refresh-failures.md is made from.
 *
 * The rule behind it: only the provider's own word ends a session. Whatever may
 * be an outage keeps it, goes on with the access token while that lives, and is
 * told as 503 with Retry-After afterwards (RF-06, RF-07).
 *
 * @module
 */

interface FailureEntry {
  /** What happened, seen from us. */
  readonly when: string;
  /** Whether the session ends with it (`refresh-failed`, or what it had ended with). */
  readonly endsSession: boolean;
  /** What becomes of the claim to spend the refresh token: given back, or gone with the session. */
  readonly claim: 'given back' | 'ended' | 'not held';
  /** Whether it counts against the provider: several in a row, and attempts pause. */
  readonly pauses: boolean;
  /** What the operator is told. */
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** Why this and not something else. */
  readonly why: string;
}

/** The closed set of failures of a refresh. */
export const refreshFailures = {
  refused: {
    when: 'The provider refused the refresh token: invalid_grant in any of its dialects.',
    endsSession: true,
    claim: 'ended',
    pauses: false,
    level: 'info',
    why: 'The grant is dead and no later attempt can succeed. Before the session ends it is read again: when its tokens have moved meanwhile, the newer ones are used and nothing ends.',
  },
  'client-refused': {
    when: 'The provider does not accept us: invalid_client, unauthorized_client and their kin.',
    endsSession: false,
    claim: 'given back',
    pauses: true,
    level: 'error',
    why: 'Our credentials or our registration are wrong, for everybody at once. The operator can mend it; signing everybody out cannot. A token endpoint checks the client before it looks at the grant (RFC 6749, 3.2.1), so the token was not spent.',
  },
  'target-refused': {
    when: 'The provider does not give tokens for this audience: invalid_target.',
    endsSession: false,
    claim: 'given back',
    pauses: false,
    level: 'error',
    why: 'The audience of the route is wrong, or not allowed for this client (RFC 8707, 2). The grant is alive, so other routes go on. Nobody asks for this audience again for half a minute.',
  },
  unreachable: {
    when: 'No answer, 429, 5xx, or something that is no answer of a token endpoint.',
    endsSession: false,
    claim: 'given back',
    pauses: true,
    level: 'warn',
    why: 'An outage. Where the request was sent and no answer came, the refresh token may have been spent. It is presented again all the same: nobody holds the answer that was lost, so the worst that can come of it, a refusal, is what giving up now would make certain; and a provider that tolerates a repeat for some seconds (FAPI 2.0, 5.3.2.1, note 2) gives the tokens again.',
  },
  invalid: {
    when: 'An answer came and failed a check: another issuer, subject or audience, a bad signature, a malformed member.',
    endsSession: true,
    claim: 'ended',
    pauses: false,
    level: 'error',
    why: 'Tokens that may belong to somebody else are not used (OIDC Core, 12.2), and the old refresh token may be gone with them. What came is revoked.',
  },
  'owner-gone': {
    when: 'Another instance claimed the refresh token and stopped before it wrote the new one.',
    endsSession: true,
    claim: 'ended',
    pauses: false,
    level: 'warn',
    why: 'The token may be spent, and unlike a lost answer the new one may lie with an instance that is only slow: to present the old one again would make the provider revoke both (RFC 9700, 4.14.2). A provider that was seen not to rotate is simply asked again.',
  },
  'signed-out': {
    when: 'The session ended while the provider was answering.',
    endsSession: true,
    claim: 'ended',
    pauses: false,
    level: 'info',
    why: 'A sign-out always wins. What came late is never written, and it is revoked, unless somebody signed in anew in that browser (some providers have one grant for both) or the provider ended a session with offline access (Back-Channel Logout, 2.7).',
  },
  'save-failed': {
    when: 'The new tokens came and the store could not take them, again and again.',
    endsSession: false,
    claim: 'not held',
    pauses: false,
    level: 'error',
    why: 'They are held and written again for as long as the claim can be expected to stand. After that they are revoked; who reads the session next finds a claim whose owner is gone.',
  },
  paused: {
    when: 'Attempts are paused after failures in a row, or too many wait already.',
    endsSession: false,
    claim: 'not held',
    pauses: false,
    level: 'debug',
    why: 'A provider in trouble is not helped by more requests (RF-15).',
  },
  late: {
    when: 'The refresh goes on, here or on another instance, but not within the time a call may wait.',
    endsSession: false,
    claim: 'not held',
    pauses: false,
    level: 'debug',
    why: 'The call is answered; the refresh is not given up.',
  },
} as const satisfies Readonly<Record<string, FailureEntry>>;

/** The stable word of a failed refresh. */
export type RefreshFailure = keyof typeof refreshFailures;

/** The table as Markdown, for docs/refresh-failures.md. */
export function refreshFailuresAsMarkdown(): string {
  const rows = Object.entries(refreshFailures).map(
    ([name, { when, endsSession, claim, pauses, level, why }]) =>
      `| \`${name}\` | ${when} | ${endsSession ? 'ends' : 'stays'} | ${answerOf(endsSession)} | ${claim} | ${pauses ? 'yes' : 'no'} | ${level} | ${why} |`,
  );
  return [
    '# When a refresh fails',
    '',
    'Only the provider’s own word ends a session; whatever may be an outage keeps it.',
    '',
    '| failure | when | session | answer to a call | claim | pauses attempts | log | why |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function answerOf(endsSession: boolean): string {
  return endsSession ? '401' : 'the old token while it lives, then 503 + Retry-After';
}
