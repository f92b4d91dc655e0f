/**
 * From a response that may be redeemed to a session: the code, the checks, the
 * claims, the session, and the end of the one it replaces.
 *
 * Whatever fails after the tokens came, they are revoked and no session is left
 * (CB-14, CB-26).
 *
 * @module
 */

import { causeText } from '../audit/redact.ts';
import { SignInError } from './auth-error.ts';
import type { CallbackParts, Landing, SessionStarter } from './callback-parts.ts';
import { type Grant, GrantError, type IdTokenClaims } from './grant.ts';
import { oldestAllowed } from './login-parameters.ts';
import { signInInstant } from './logout-order.ts';
import { hasEveryClaim, identityFrom, revocableOf, sessionTokensFrom } from './signed-in.ts';
import type { JsonObject } from './strict-json.ts';
import { dpopKeyFrom, type LoginTransaction, nonceOf, personOf, verifierOf } from './transaction.ts';

/** Redeems the code, begins the session and gives its name in the store. Throws what stands in the way; the tokens are revoked then. */
export async function beginSession(landing: Landing, parts: CallbackParts, carrier: SessionStarter): Promise<string> {
  const grant = await redeem(landing, parts);
  try {
    return await begin(landing, { parts, carrier, grant });
  } catch (error) {
    revokeAll(revocableOf(grant), parts);
    throw error;
  }
}

async function redeem({ parameters, state, transaction }: Landing, parts: CallbackParts): Promise<Grant> {
  try {
    return await parts.provider.redeem({
      callbackParameters: parameters,
      state,
      nonce: nonceOf(transaction),
      verifier: verifierOf(transaction),
      dpopKey: dpopKeyFrom(transaction),
      startedAt: transaction.startedAt,
      maxAge: oldestAllowed(transaction.maxAge, parts.maxAuthenticationAgeMs),
      acrValues: transaction.acrValues?.split(' ') ?? [],
    });
  } catch (error) {
    if (error instanceof GrantError) revokeAll(error.tokensToRevoke, parts);
    throw error;
  }
}

interface Means {
  readonly parts: CallbackParts;
  readonly carrier: SessionStarter;
  readonly grant: Grant;
}

// What the browser had ends first: should the store fail between the two, nobody is signed in twice. Where the browser sent its
// cookie the carrier ends that one, too.
async function begin({ request, transaction }: Landing, { parts, carrier, grant }: Means): Promise<string> {
  const { idToken } = grant;
  if (idToken === undefined) throw new SignInError('provider_error', 'id-token-missing');
  const { userClaims } = parts;
  const identity = identityFrom(idToken, { userClaims, userInfo: await userInfo(grant, { parts, idToken }) });
  refuseOtherPerson(transaction, personOf(identity));
  await endEarlier({ request, transaction }, parts);
  const session = await carrier.start({
    identity,
    tokens: sessionTokensFrom(grant),
    agent: request.headers['user-agent'],
    address: request.clientAddress,
    issuedAt: signInInstant(idToken.iat, transaction.startedAt),
  });
  request.record.session = session.id;
  parts.report({
    outcome: 'success',
    requestId: request.id,
    ...{ reason: 'signed-in', code: undefined, sessionId: session.id },
    ...{ issuer: identity.issuer, subject: identity.subject, acr: identity.acr },
    address: request.clientAddress,
  });
  return session.id;
}

// The one that was there when the sign-in was started, and whatever this browser began before or meanwhile.
async function endEarlier(
  { request, transaction }: Pick<Landing, 'request' | 'transaction'>,
  { sessions, pointers }: CallbackParts,
): Promise<void> {
  const ids = new Set(pointers.idsIn(request.headers.cookie));
  if (transaction.previous !== undefined) ids.add(transaction.previous.sessionId);
  await Promise.all([...ids].map((id) => sessions.end(id, 'replaced')));
}

/**
 * Who proves again who they are must be who they were: the page goes on as that
 * person (LS-07). Who asks for another account may come back as another.
 */
function refuseOtherPerson({ previous, prompt, maxAge, acrValues }: LoginTransaction, person: string): void {
  if (previous === undefined || previous.person === person) return;
  const isSwitch =
    prompt?.split(' ').includes('select_account') === true && maxAge === undefined && acrValues === undefined;
  if (!isSwitch) throw new SignInError('account_mismatch', 'other-person');
}

async function userInfo(
  { tokens }: Grant,
  { parts, idToken }: { readonly parts: CallbackParts; readonly idToken: IdTokenClaims },
): Promise<JsonObject | undefined> {
  if (!parts.asksUserInfo || hasEveryClaim(idToken, parts.userClaims)) return undefined;
  try {
    return await parts.provider.userInfo(tokens, idToken.sub);
  } catch (error) {
    if (!(error instanceof GrantError)) throw error;
    throw new SignInError('provider_error', `user-info-${error.reason}`, { cause: error });
  }
}

// Goes on in the background: the person need not wait for it. Once: what is not revoked runs out by itself.
function revokeAll(tokens: readonly string[], { provider, log }: CallbackParts): void {
  for (const [index, token] of tokens.entries()) {
    const hint = tokens.length > 1 && index === 0 ? 'refresh_token' : 'access_token';
    provider.revoke(token, hint).catch((error: unknown) => {
      log.warn('a token of a failed sign-in could not be revoked', { hint, cause: causeText(error) });
    });
  }
}
