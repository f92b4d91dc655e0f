/**
 * `GET /sessions` shows a person where they are signed in; `DELETE` ends one of
 * those sessions, or all but the one that asks.
 *
 * Reading counts as no activity. Ending needs the proof against forged requests.
 * An unknown handle and another person's have one answer, found in one way: 404.
 *
 * @module
 */

import { rfc3339 } from '../base/clock.ts';
import { ProblemError } from '../errors.ts';
import type { ClearedRequest } from '../http/inbound.ts';
import { jsonReply, type Reply } from '../http/reply.ts';
import type { OwnSessions } from '../session/own-sessions.ts';
import { endOf, type OpenedSession } from '../session/session.ts';
import { signedOut } from '../session/signed-out.ts';
import { cleaned, type LogoutParts } from './logout.ts';

/** What the three routes need. */
export interface MySessionsParts {
  readonly sessions: LogoutParts['sessions'] & {
    /** The `Set-Cookie` that deletes the session cookie. */
    removedCookie(): string;
  };
  readonly ownSessions: Pick<OwnSessions, 'list' | 'end' | 'endOthers'>;
  readonly signOuts: LogoutParts['signOuts'];
  readonly csrf: LogoutParts['csrf'];
  readonly clock: { now(): number };
}

const noStore = { 'Cache-Control': 'no-store' } as const;

/** Answers `GET /sessions`. Throws `session-ended` or `store-unavailable`. */
export async function answerMySessions(request: ClearedRequest, parts: MySessionsParts): Promise<Reply> {
  const session = await signedIn(request, parts);
  const found = await parts.ownSessions.list(session);
  return jsonReply(200, {
    sessions: found.map(({ id, card, seenAt }) => ({
      id: card.handle,
      created_at: rfc3339(card.createdAt),
      last_seen_at: rfc3339(seenAt),
      user_agent: card.agent,
      address: card.address,
      current: id === session.id,
    })),
  });
}

/**
 * Answers `DELETE /sessions/{id}`. One's own current session is signed out as
 * `POST /logout?local=true` does it. Throws `session-ended`, `csrf-token-invalid`,
 * `not-found` or `store-unavailable`.
 */
export async function answerEndSession(request: ClearedRequest, parts: MySessionsParts): Promise<Reply> {
  const session = await signedInWithProof(request, parts);
  const handle = request.path.slice(request.frontend.paths.sessions.length + 1);
  if (handle === session.card.handle) {
    await parts.signOuts.end(session);
    return { status: 204, headers: { ...noStore, ...cleaned, 'Set-Cookie': parts.sessions.removedCookie() } };
  }
  if (!(await parts.ownSessions.end(session, handle))) throw new ProblemError('not-found');
  return { status: 204, headers: noStore };
}

/**
 * Answers `DELETE /sessions?except=current`; without the parameter it is not clear
 * what is meant. Throws `session-ended`, `csrf-token-invalid`, `parameter-invalid`
 * or `store-unavailable`: then some may have ended, and it may be asked again.
 */
export async function answerEndOtherSessions(request: ClearedRequest, parts: MySessionsParts): Promise<Reply> {
  const session = await signedInWithProof(request, parts);
  const [except, another] = new URLSearchParams(request.search).getAll('except');
  if (except !== 'current' || another !== undefined) throw new ProblemError('parameter-invalid');
  await parts.ownSessions.endOthers(session);
  return { status: 204, headers: noStore };
}

async function signedInWithProof(request: ClearedRequest, parts: MySessionsParts): Promise<OpenedSession> {
  const session = await signedIn(request, parts);
  parts.csrf.check({ request, session });
  return session;
}

async function signedIn(request: ClearedRequest, { sessions, clock }: MySessionsParts): Promise<OpenedSession> {
  const session = await sessions.look(request);
  if (session === undefined || clock.now() >= endOf(session)) throw signedOut(request.frontend);
  return session;
}
