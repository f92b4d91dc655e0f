/**
 * How a person signs out at the demo's authorization server: at once when the
 * request says who they are (OpenID Connect RP-Initiated Logout, 2), else after one question.
 *
 * @module
 */

import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC, Session } from 'oidc-provider';
import { isHintFor, personBySubject } from './people.ts';
import { pageHeaders, signedOutPage, signOutPage } from './provider-pages.ts';

/**
 * Answers an end-session request of somebody who is signed in. `form` is
 * oidc-provider's confirmation form.
 *
 * A stranger's link could sign a person out if a bare GET were enough, so without
 * a hint that fits (`logout_hint`, or a valid `id_token_hint`) the person is asked.
 */
export async function answerSignOut(context: KoaContextWithOIDC, form: string): Promise<void> {
  const { provider, session } = context.oidc;
  if (!session || !isHinted(context, session)) {
    context.set(pageHeaders);
    context.body = signOutPage({ issuer: provider.issuer, form });
    return;
  }
  await notifyClients(provider, session);
  await session.destroy();
  // oidc-provider's own confirmation clears the cookie the same way.
  context.cookies.set(provider.cookieName('session'), null, { httpOnly: true, sameSite: 'lax' });
  context.status = 303;
  context.redirect(afterSignOut(context));
  provider.emit('end_session.success', context);
}

/** Says good-bye to somebody whom nobody wants back. */
export function answerSignedOut(context: KoaContextWithOIDC): void {
  context.set(pageHeaders);
  context.body = signedOutPage(context.oidc.issuer);
}

function isHinted({ oidc }: KoaContextWithOIDC, session: Session): boolean {
  const { accountId } = session;
  if (accountId === undefined) return false;
  // oidc-provider has verified signature, issuer and audience of the hint by now.
  if (oidc.entities.IdTokenHint) return oidc.entities.IdTokenHint.payload.sub === accountId;

  const hint = oidc.params?.logout_hint;
  const person = personBySubject(accountId);
  const sid = oidc.client && session.sidFor(oidc.client.clientId);
  return typeof hint === 'string' && (hint === sid || (person !== undefined && isHintFor(person, hint)));
}

function afterSignOut({ oidc }: KoaContextWithOIDC): string {
  const { post_logout_redirect_uri: target, state } = oidc.params ?? {};
  if (typeof target !== 'string') return oidc.urlFor('end_session_success');
  const url = new URL(target);
  if (typeof state === 'string') url.searchParams.set('state', state);
  return url.href;
}

/**
 * Tells every client of a session that it is over (OpenID Connect Back-Channel
 * Logout, 2.5). A client that does not answer keeps nobody from signing out.
 */
export async function notifyClients(provider: Provider, session: Session): Promise<void> {
  const authorizations = Object.entries(session.authorizations ?? {});
  await Promise.all(
    authorizations.map(([clientId, { sid }]) => notifyClient(provider, { clientId, sid, sub: session.accountId })),
  );
}

async function notifyClient(
  provider: Provider,
  { clientId, sid, sub }: { clientId: string; sid?: string | undefined; sub: string | undefined },
): Promise<void> {
  const client = await provider.Client.find(clientId);
  if (client?.backchannelLogoutUri === undefined || sid === undefined || sub === undefined) return;
  // The method is oidc-provider's own, but missing in its published types.
  const { backchannelLogout } = client as unknown as { backchannelLogout(sub: string, sid: string): Promise<void> };
  await backchannelLogout.call(client, sub, sid).then(
    () => provider.emit('backchannel.success', undefined, client, sub, sid),
    (error: Error) => provider.emit('backchannel.error', undefined, error, client, sub, sid),
  );
}
