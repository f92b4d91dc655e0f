/**
 * `GET /session`, which tells the page who is signed in and until when, and
 * `POST /session/refresh`, which renews the tokens first.
 *
 * Reading extends nothing, asks no provider and changes nothing (RF-12, CF-12).
 * It shows what `USER_CLAIMS` lists, and no token. Being signed out is an answer,
 * not an error.
 *
 * @module
 */

import { type Clock, rfc3339 } from '../base/clock.ts';
import type { Frontend } from '../http/frontend.ts';
import type { AuthenticatedRequest, ClearedRequest } from '../http/inbound.ts';
import { jsonReply, type Reply } from '../http/reply.ts';
import { endOf, idleEndOf, type Lifetimes, type OpenedSession } from '../session/session.ts';

/** What a session is described with. */
export interface DescribingParts {
  readonly csrf: { tokenFor(session: OpenedSession): string | null };
  readonly clock: Pick<Clock, 'now'>;
  readonly lifetimes: Lifetimes;
  /** `USER_CLAIMS`. */
  readonly userClaims: readonly string[];
}

/** What both routes need. */
export interface SessionInfoParts extends DescribingParts {
  readonly sessions: {
    /** The session of a request, without counting as activity. */
    look(request: ClearedRequest): Promise<OpenedSession | undefined>;
    /** As above, and counts; throws `session-ended`. */
    open(request: ClearedRequest): Promise<AuthenticatedRequest<OpenedSession>>;
    /** The `Set-Cookie` that signs the session cookie of the request anew; `undefined` when the newest key signed it. */
    renewedCookie(request: ClearedRequest): string | undefined;
  };
  readonly csrf: {
    check(request: AuthenticatedRequest<OpenedSession>): void;
    tokenFor(session: OpenedSession): string | null;
  };
  readonly tokens: { renewNow(request: AuthenticatedRequest<OpenedSession>): Promise<OpenedSession> };
}

/** Answers `GET /session`. Throws `store-unavailable`. */
export async function answerSession(request: ClearedRequest, parts: SessionInfoParts): Promise<Reply> {
  const session = await parts.sessions.look(request);
  if (session === undefined || parts.clock.now() >= endOf(session)) {
    return jsonReply(200, { authenticated: false, login_url: request.frontend.paths.login });
  }
  return signedIn(request, session, parts);
}

/**
 * Answers `POST /session/refresh`. Throws `session-ended`, `csrf-token-invalid`,
 * `no-refresh-token`, `provider-unreachable` or `store-unavailable`.
 */
export async function answerRefresh(request: ClearedRequest, parts: SessionInfoParts): Promise<Reply> {
  const authenticated = await parts.sessions.open(request);
  parts.csrf.check(authenticated);
  return signedIn(request, await parts.tokens.renewNow(authenticated), parts);
}

function signedIn(request: ClearedRequest, session: OpenedSession, parts: SessionInfoParts): Reply {
  const cookie = parts.sessions.renewedCookie(request);
  return jsonReply(
    200,
    describeSession(session, request.frontend, parts),
    cookie === undefined ? {} : { 'Set-Cookie': cookie },
  );
}

/** The body of `GET /session` for a signed-in person, with seconds as they are now. */
export function describeSession(session: OpenedSession, { paths }: Frontend, parts: DescribingParts): object {
  const { clock, lifetimes, csrf, userClaims } = parts;
  const now = clock.now();
  const end = endOf(session);
  const token = session.tokens.sets[''];
  return {
    authenticated: true,
    user: { sub: session.identity.subject, ...listedClaims(session, userClaims) },
    session: {
      id: session.card.handle,
      created_at: rfc3339(session.createdAt),
      ...instant('expires', { at: end, now }),
      // Nobody's idle time lasts longer than the session.
      ...instant('idle_expires', { at: Math.min(end, idleEndOf(session, lifetimes)), now }),
    },
    token: { ...instant('expires', { at: token?.expiresAt, now }), scope: token?.scope.join(' ') ?? '' },
    csrf_token: csrf.tokenFor(session),
    logout_url: paths.logout,
  };
}

// What was listed at the sign-in may be listed no longer; and no claim says who somebody is but the checked subject.
function listedClaims({ identity }: OpenedSession, userClaims: readonly string[]): object {
  return Object.fromEntries(
    Object.entries(identity.claims).filter(([name]) => name !== 'sub' && userClaims.includes(name)),
  );
}

// Whole seconds, rounded down: a page that waits for them is never too late.
function instant(name: string, { at, now }: { readonly at: number | undefined; readonly now: number }): object {
  if (at === undefined) return { [`${name}_at`]: null, [`${name}_in`]: null };
  return { [`${name}_at`]: rfc3339(at), [`${name}_in`]: Math.max(0, Math.floor((at - now) / 1000)) };
}
