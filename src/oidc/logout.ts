/**
 * `POST /logout` ends a session, here first and then at the provider; `GET
 * /logout` asks whether to.
 *
 * Order matters: the session ends on every instance before anything else, so that
 * whatever fails afterwards nobody is signed in any more. A store that cannot be
 * reached is said so (503); nothing is pretended.
 *
 * Where the browser goes afterwards is fixed by the configuration and the
 * provider's metadata; no part of a request has a say in it (LO-10).
 *
 * @module
 */

import { randomToken } from '../base/random.ts';
import { ProblemError } from '../errors.ts';
import { checkCrossOrigin } from '../guards/cross-origin.ts';
import { htmlReply } from '../http/html-page.ts';
import type { ClearedRequest } from '../http/inbound.ts';
import { jsonReply, type Reply, redirectReply } from '../http/reply.ts';
import type { SessionCarrier } from '../session/carrier.ts';
import type { EndReason, OpenedSession } from '../session/session.ts';
import type { EndSessionForm, EndSessionParameters } from './end-session.ts';
import { endSessionPage } from './end-session-page.ts';
import type { SessionPointers } from './session-pointers.ts';

/** What signing out needs. */
export interface LogoutParts {
  readonly sessions: {
    look(request: ClearedRequest): Promise<OpenedSession | undefined>;
    /** The session as it is in the store now. */
    reread(session: OpenedSession): Promise<OpenedSession | undefined>;
    beginSpending(
      session: OpenedSession,
      claim: { readonly owner: string; readonly until: number },
    ): Promise<'begun' | 'busy' | 'changed' | 'gone'>;
    end(session: OpenedSession | string, reason: EndReason): Promise<unknown>;
  };
  readonly csrf: { check(asked: { readonly request: ClearedRequest; readonly session: OpenedSession }): void };
  /** Does not throw, and takes no longer than its budget. */
  readonly revoker: { revokeSession(session: OpenedSession): Promise<void> };
  readonly provider: EndSession;
  readonly pointers: Pick<SessionPointers, 'idsIn' | 'remove'>;
  readonly clock: { now(): number };
}

/** Where a browser ends its session at the provider (OpenID Connect RP-Initiated Logout 1.0). */
export interface EndSession {
  readonly endSessionOrigin: string | undefined;
  /** `undefined` where the provider offers none. `client_id` is added. */
  endSessionUrl(parameters: EndSessionParameters): URL | undefined;
  /** `undefined` where the configuration does not ask for it. `client_id` is added. */
  endSessionForm(parameters: EndSessionParameters & { readonly idToken: string }): EndSessionForm | undefined;
}

/** What the browser keeps of a signed-in person goes with the session (ASVS 14.3.1). */
export const cleaned = { 'Clear-Site-Data': '"cache","storage"' };

/** Answers `POST /logout`. Throws `csrf-token-invalid` or `store-unavailable`; then the session lives. */
export async function answerLogout(
  request: ClearedRequest,
  carrier: () => Pick<SessionCarrier, 'drop'>,
  parts: LogoutParts,
): Promise<Reply> {
  const session = await parts.sessions.look(request);
  const isForm = isFormPost(request);
  if (session === undefined) return isForm ? redirectReply('/') : { status: 204 };
  checkProof({ request, session, isForm }, parts);
  await endOthersOfBrowser({ request, session }, parts);
  const latest = await endOwnSession(session, parts);
  await carrier().drop();
  const lines = parts.pointers.remove(request.headers.cookie);
  const headers = lines.length === 0 ? cleaned : { ...cleaned, 'Set-Cookie': lines };
  if (new URLSearchParams(request.search).get('local') === 'true') return { status: 204, headers };
  const asked = endSessionParameters(latest, request);
  const url = parts.provider.endSessionUrl(asked)?.href;
  if (!isForm) return jsonReply(200, { end_session_url: url ?? null }, headers);
  const form = formFor(latest, { provider: parts.provider, asked });
  return form === undefined ? redirectReply(url ?? '/', headers) : endSessionPage(form, headers);
}

// Sign-ins at once leave sessions whose cookie the browser no longer has. They end first: if the store fails in between, the
// person is still signed in, and can ask again.
async function endOthersOfBrowser(
  { request, session }: Pick<Asked, 'request' | 'session'>,
  { sessions, pointers }: LogoutParts,
): Promise<void> {
  const others = pointers.idsIn(request.headers.cookie).filter((id) => id !== session.id);
  await Promise.all(others.map((id) => sessions.end(id, 'signed-out')));
}

/** What {@link endOwnSession} needs. */
export type EndingParts = Pick<LogoutParts, 'revoker' | 'clock'> & {
  readonly sessions: Omit<LogoutParts['sessions'], 'look'>;
};

/** Ends a session as its person wishes, then revokes what was alive of it, and gives it as it was last. Throws `store-unavailable`; then it lives. */
export async function endOwnSession(session: OpenedSession, parts: EndingParts): Promise<OpenedSession> {
  const latest = await newest(session, parts);
  await parts.sessions.end(latest, 'signed-out');
  await parts.revoker.revokeSession(latest);
  return latest;
}

/** Answers `GET /logout`: a page with one button. It asks nobody and changes nothing. */
export function answerLogoutPage(
  { frontend }: Pick<ClearedRequest, 'frontend'>,
  { provider }: Pick<LogoutParts, 'provider'>,
): Promise<Reply> {
  return Promise.resolve(
    htmlReply(200, {
      title: 'Do you want to sign out?',
      body: `<form method="post" action="${frontend.paths.logout}">\n<button>Sign out</button>\n</form>`,
      formAction: provider.endSessionOrigin,
    }),
  );
}

interface Asked {
  readonly request: ClearedRequest;
  readonly session: OpenedSession;
  readonly isForm: boolean;
}

// A form cannot send a header. What stands in for it no page can send either: the browser's own word that the form is on our
// origin, beside a cookie that it sends to our own pages only.
function checkProof({ request, session, isForm }: Asked, { csrf }: LogoutParts): void {
  const { headers, frontend } = request;
  if (!isForm || headers['x-csrf-token'] !== undefined || headers['x-csrf'] !== undefined) {
    csrf.check({ request, session });
    return;
  }
  const { origin, loopback } = frontend;
  const decision = checkCrossOrigin(request, { selfOrigin: origin, anyPort: loopback, trustedOrigins: new Set() });
  if (!decision.allowed) throw new ProblemError('csrf-token-invalid', { cause: new Error(decision.reason) });
}

// A script cannot say `navigate`. Where a browser does not say what it does, the type of its body or what it accepts tells.
function isFormPost({ fetchMode, headers }: ClearedRequest): boolean {
  if (fetchMode !== undefined) return fetchMode === 'navigate';
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  return type === 'application/x-www-form-urlencoded' || (headers.accept ?? '').includes('text/html');
}

/**
 * The session with its newest tokens, claimed, so that no refresh can bring newer
 * ones between looking and ending: what is revoked is then what is alive. A
 * refresh under way finds the session gone and revokes what it gets.
 */
async function newest(session: OpenedSession, { sessions, clock }: EndingParts): Promise<OpenedSession> {
  let latest = session;
  for (let rounds = 0; rounds < mostRounds; rounds++) {
    const claim = { owner: `sign-out.${randomToken(128)}`, until: clock.now() + claimMs };
    if ((await sessions.beginSpending(latest, claim)) !== 'changed') return latest;
    latest = (await sessions.reread(latest)) ?? latest;
  }
  return latest;
}

const mostRounds = 4;
/** The sign-out ends the session, and its claim with it, at once; if it cannot, nobody shall wait for long. */
const claimMs = 2_000;

/**
 * RP-Initiated Logout 1.0, 2. No `id_token_hint` in an address: it is a token with
 * claims about the person, and a URL ends up in logs and histories (LO-07). `logout_hint` is
 * the provider's own session id, the example the specification gives, which means
 * nothing elsewhere and dies with the sign-out; the subject where it gave none.
 */
function endSessionParameters({ identity }: OpenedSession, { frontend }: ClearedRequest): EndSessionParameters {
  return {
    logoutHint: identity.sid ?? identity.subject,
    postLogoutRedirectUri: `${frontend.origin}/`,
    state: randomToken(128),
  };
}

// A session that began before the setting has no token to show, and the provider would refuse it without.
function formFor(
  { tokens: { idToken } }: OpenedSession,
  { provider, asked }: { readonly provider: EndSession; readonly asked: EndSessionParameters },
): EndSessionForm | undefined {
  return idToken === undefined ? undefined : provider.endSessionForm({ ...asked, idToken });
}
