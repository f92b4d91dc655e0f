/**
 * `POST /logout` ends a session, here first and then at the provider; `GET
 * /logout` asks whether to.
 *
 * Order matters: the session ends on every instance before anything else, so that
 * whatever fails afterwards nobody is signed in any more. A store that cannot be
 * reached is said so (503); nothing is pretended, and what was wished for is carried
 * out once it can be (sign-outs.ts).
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
import type { SignOuts } from './sign-outs.ts';

/** What signing out needs. */
export interface LogoutParts {
  readonly sessions: {
    look(request: ClearedRequest): Promise<OpenedSession | undefined>;
    end(session: OpenedSession | string, reason: EndReason): Promise<unknown>;
  };
  readonly csrf: { check(asked: { readonly request: ClearedRequest; readonly session: OpenedSession }): void };
  readonly signOuts: Pick<SignOuts, 'end'>;
  readonly provider: EndSession;
  readonly pointers: Pick<SessionPointers, 'idsIn' | 'remove'>;
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

/** Answers `POST /logout`. Throws `csrf-token-invalid`, and the session lives; or `store-unavailable`, and it may be asked again. */
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
  const latest = await parts.signOuts.end(session);
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
