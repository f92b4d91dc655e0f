/**
 * The callback: what the browser brings back from the authorization server
 * becomes a session, or a word to the page why not.
 *
 * In this order: is the state ours, is its transaction in this browser, does the
 * response come from where we sent the browser, is it the first time. Only then is
 * the code spent, and only after every check of the answer does a session begin
 * (CB-01 to CB-14).
 *
 * @module
 */

import { ProblemError } from '../errors.ts';
import { readForm } from '../http/form-body.ts';
import { callbackMethod } from '../http/frontend.ts';
import type { ClearedRequest } from '../http/inbound.ts';
import { type Reply, redirectReply } from '../http/reply.ts';
import { faultOf, SignInError, signInErrorFrom } from './auth-error.ts';
import { checkResponse, stateIn } from './authorization-response.ts';
import type { CallbackParts, Landing, SessionStarter } from './callback-parts.ts';
import { GrantError } from './grant.ts';
import { JwsError } from './jws.ts';
import { KeySetError } from './key-set.ts';
import { attemptParameter } from './login-parameters.ts';
import { isSpeculative, purposeOf } from './login-start.ts';
import { checkSignedResponse, type ReceivedResponse, receivedResponse } from './received-response.ts';
import { errorTarget, quietErrorTarget } from './return-path.ts';
import { beginSession } from './session-beginning.ts';
import { endedByCheck, isSilent } from './silent-check.ts';
import { type Attempt, attemptOf, type LoginTransaction } from './transaction.ts';

/** A form of the authorization server: longer than any code and state, and short of what is worth sending to fill memory. */
const formLimits = { maxBytes: 16 * 1024, limitMs: 10_000 } as const;

/**
 * Answers the callback, by the one method that the response mode has. Throws `store-unavailable`, with the code unspent
 * unless the session could not be saved; for a form also what `readForm` throws.
 */
export async function answerCallback(
  request: ClearedRequest,
  parts: CallbackParts,
  carrier: SessionStarter,
): Promise<Reply> {
  const { frontend, keys, cookies, clock } = parts;
  const method = callbackMethod(frontend);
  if (request.method !== method) throw new ProblemError('method-not-allowed', { headers: { Allow: method } });
  if (isSpeculative(purposeOf(request.headers)) || isEmbedded(request)) throw new ProblemError('not-a-navigation');
  const response = receivedResponse(await sentParameters(request, parts), frontend.responseMode);
  const state = stateIn(response.parameters) ?? '';
  const attempt = attemptOf(state, { keys, frontendId: frontend.id });
  if (attempt === undefined) return failed(request, { parts, error: strangerError(response) });
  const transaction = cookies.find(request.headers.cookie, { state, now: clock.now() });
  if (transaction === undefined) return answerStray(request, { parts, state, attempt });
  return withoutCookie(await answerLanding({ request, ...response, state, transaction }, parts, carrier), {
    parts,
    state,
  });
}

// Cookies with SameSite=None come along with what a frame or a script of another site sends, too; a form is posted by a page that
// the person sees.
function isEmbedded({ fetchDest, fetchMode, frontend }: ClearedRequest): boolean {
  if (callbackMethod(frontend) === 'GET') return false;
  return (fetchDest ?? 'document') !== 'document' || (fetchMode ?? 'navigate') !== 'navigate';
}

// What stands in the address beside a form was put there by somebody else.
async function sentParameters(request: ClearedRequest, { frontend, clock }: CallbackParts): Promise<URLSearchParams> {
  if (callbackMethod(frontend) === 'GET') return new URLSearchParams(request.search);
  if (request.search !== '') throw new ProblemError('parameter-invalid');
  return readForm(request, { ...formLimits, clock });
}

function strangerError({ fault }: ReceivedResponse): SignInError {
  return fault === undefined
    ? new SignInError('state_mismatch', 'state-not-ours')
    : new SignInError('provider_error', fault);
}

async function answerLanding(landing: Landing, parts: CallbackParts, carrier: SessionStarter): Promise<Reply> {
  const { request, state, transaction } = landing;
  const { returnPath } = transaction;
  const refusal = await refusalOf(landing, parts);
  if (refusal !== undefined) return refused(landing, { parts, error: refusal });
  if (!(await parts.claims.claim(state))) return redirectReply('/');
  try {
    const id = await beginSession(landing, parts, carrier);
    return redirectReply(returnPath, { 'Set-Cookie': parts.pointers.point(id, request.headers.cookie) });
  } catch (error) {
    if (isStoreAway(error)) throw spent(error, parts.cookies.remove(state));
    return refused(landing, { parts, error: signInErrorFrom(error) });
  }
}

async function refused(
  { request, transaction }: Landing,
  { parts, error }: Pick<Failed, 'parts' | 'error'>,
): Promise<Reply> {
  const ended = endedByCheck(error, transaction);
  if (ended !== undefined) await parts.sessions.end(ended, 'back-channel'); // the provider's word, whichever way it came
  return failed(request, { parts, error, transaction });
}

async function refusalOf(landing: Landing, parts: CallbackParts): Promise<SignInError | undefined> {
  const { parameters, transaction, jwt, fault } = landing;
  const { provider } = parts;
  const { issuer } = transaction; // that of the provider: what another frontend sealed does not open here
  if (fault !== undefined) return new SignInError('provider_error', fault);
  try {
    const refusal = jwt === undefined ? undefined : await signedRefusalOf(jwt, parts);
    return refusal ?? checkResponse(parameters, { issuer, namesIssuer: await provider.namesIssuer() });
  } catch (error) {
    return signInErrorFrom(error);
  }
}

// `KeySetError`: there are no keys to tell with, so it is out of reach rather than wrong.
async function signedRefusalOf(
  jwt: string,
  { provider, clientId, clock }: CallbackParts,
): Promise<SignInError | undefined> {
  try {
    const verified = await provider.verifyResponse(jwt);
    const fault = checkSignedResponse(verified, { issuer: provider.issuer, clientId, now: clock.now() });
    return fault === undefined ? undefined : new SignInError('provider_error', fault);
  } catch (cause) {
    if (cause instanceof JwsError) return new SignInError('provider_error', cause.reason, { cause });
    if (cause instanceof KeySetError) return new SignInError('provider_unreachable', 'key-set', { cause });
    throw cause;
  }
}

function isStoreAway(error: unknown): error is ProblemError {
  return error instanceof ProblemError && error.code === 'store-unavailable';
}

// Unlike before the claim there is nothing left that the same callback could be repeated with.
function spent(cause: ProblemError, cookieLine: string): ProblemError {
  return new ProblemError('store-unavailable', { cause, headers: { 'Set-Cookie': cookieLine } });
}

/** A state of ours, without its transaction: already used, too late, or in another browser. Nothing is spent. */
async function answerStray(
  request: ClearedRequest,
  { parts, state, attempt }: { readonly parts: CallbackParts; readonly state: string; readonly attempt: Attempt },
): Promise<Reply> {
  const { claims, sessions, frontend } = parts;
  if (await claims.wasClaimed(state)) return redirectReply('/'); // the page asks /session
  if ((await sessions.look(request)) !== undefined) return redirectReply('/');
  if (attempt === 0) return redirectReply(`${frontend.paths.login}?return_to=/&${attemptParameter}=1`);
  return failed(request, { parts, error: new SignInError('login_expired', 'transaction-missing') });
}

interface Failed {
  readonly parts: CallbackParts;
  readonly error: SignInError;
  readonly transaction?: Pick<LoginTransaction, 'returnPath' | 'prompt'>;
}

function failed(request: ClearedRequest, { parts, error, transaction = { returnPath: '/' } }: Failed): Reply {
  const { code, reason, cause } = error;
  const fault = faultOf[code];
  if (fault !== undefined) request.record.refuse(fault, cause);
  request.record.detail = reason;
  if (cause instanceof GrantError && cause.kind === 'client-refused') {
    parts.log.error('the authorization server does not accept this client', { reason });
  }
  parts.report({
    outcome: 'failure',
    requestId: request.id,
    ...{ reason, code },
    ...{ sessionId: undefined, issuer: parts.provider.issuer, subject: undefined, acr: undefined },
    address: request.clientAddress,
  });
  const query = new URLSearchParams({ auth_error: code, auth_error_id: request.id });
  const target = isSilent(transaction) ? quietErrorTarget : errorTarget;
  return redirectReply(target(transaction.returnPath, query));
}

function withoutCookie(
  reply: Reply,
  { parts, state }: { readonly parts: CallbackParts; readonly state: string },
): Reply {
  const lines = [reply.headers?.['Set-Cookie'] ?? [], parts.cookies.remove(state)].flat();
  return { ...reply, headers: { ...reply.headers, 'Set-Cookie': lines } };
}
