/**
 * What the endpoints of one provider share.
 *
 * @module
 */

import type { Answer } from './answer.ts';
import { errorAnswer } from './answer.ts';
import { authenticateClient, type RegisteredClient } from './clients.ts';
import { checkDpop, type DpopNonces, type DpopRole } from './dpop.ts';
import { type CurrentUser, freshSecret, type GrantStore } from './grants.ts';
import type { JoseContext } from './jose.ts';
import type { KeyRing } from './keys.ts';
import type { Issued, LoggedRequest, Recording } from './log.ts';
import type { Script } from './script.ts';
import type { Trap } from './trap.ts';

/** One provider. */
export interface ProviderState {
  readonly issuer: string;
  readonly script: Script;
  readonly keys: KeyRing;
  readonly log: Recording[];
  readonly issued: Issued;
  readonly clients: Map<string, RegisteredClient>;
  readonly grants: GrantStore;
  readonly nonces: DpopNonces;
  readonly trap: Trap;
  /** Every `jti` of an assertion or a proof. */
  readonly usedJtis: Set<string>;
  user: CurrentUser;
  /** The provider's time in whole seconds, offset included. */
  now(): number;
}

/** An endpoint: the honest answer to a request. */
export type AnswerRequest = (request: Recording, state: ProviderState) => Answer | Promise<Answer>;

/** What signing needs, for a client. */
export function joseContextOf({ keys, trap }: ProviderState, client: RegisteredClient | undefined): JoseContext {
  // A client without a secret has nothing to be confused with; any value nobody knows will do.
  return { keys, trap, clientSecret: client?.clientSecret ?? freshSecret('no-secret') };
}

/** Who sent a request: the client, or the refusal it gets. */
export type Identified = { readonly client: RegisteredClient } | { readonly refusal: Answer };

/** Authenticates the client of a request and notes the outcome in the log. */
export async function identifyClient(request: Recording, state: ProviderState): Promise<Identified> {
  const { clients, issuer, usedJtis } = state;
  request.auth = await authenticateClient(request, { clients, issuer, now: state.now(), usedJtis });
  const { valid, clientId, reason, method } = request.auth;
  const client = clients.get(clientId ?? '');
  const isTrusted = valid || (request.endpoint === 'token' && state.script.token.skip.includes('client'));
  if (client && isTrusted) return { client };
  // RFC 6749, section 5.2: 401 with a challenge when the client tried Authorization.
  const headers = method === 'client_secret_basic' ? { 'www-authenticate': 'Basic realm="hostile"' } : {};
  return { refusal: errorAnswer('invalid_client', { status: 401, reason: reason ?? 'unknown client', headers }) };
}

/** For which role a proof is checked, and the access token it must hash. */
export interface DpopGate {
  readonly role: DpopRole;
  readonly accessToken?: string | undefined;
}

function demandOf(role: DpopRole, { script }: ProviderState) {
  return role === 'authorizationServer' ? script.dpop.authorizationServerNonce : script.dpop.resourceServerNonce;
}

/** The nonce to hand out; with `crossedNonces` it is the other role's. */
function nonceFor(role: DpopRole, { script, nonces }: ProviderState): string {
  const other = role === 'authorizationServer' ? 'resourceServer' : 'authorizationServer';
  return nonces.current(script.dpop.crossedNonces ? other : role);
}

/** Checks the DPoP proof, if there is one, and notes the outcome. The answer is the refusal; `undefined` lets the request go on. */
export function refusalByDpop(
  request: Recording,
  { gate, state }: { gate: DpopGate; state: ProviderState },
): Answer | undefined {
  const { role, accessToken } = gate;
  const demand = demandOf(role, state);
  if (demand === 'endless') state.nonces.renew(role);
  const target = `${new URL(state.issuer).origin}${request.url.split('?')[0]}`;
  const check = { target, now: state.now(), demand, nonce: state.nonces.current(role), usedJtis: state.usedJtis };
  request.dpop = checkDpop(request, { ...check, accessToken });
  if (!request.dpop || request.dpop.valid) return undefined;
  const error = request.dpop.reason === 'nonce' ? 'use_dpop_nonce' : 'invalid_dpop_proof';
  const nonce = request.dpop.reason === 'nonce' ? { 'dpop-nonce': nonceFor(role, state) } : {};
  return role === 'authorizationServer'
    ? errorAnswer(error, { reason: request.dpop.reason ?? '', headers: nonce })
    : errorAnswer(error, { status: 401, headers: { ...nonce, 'www-authenticate': `DPoP error="${error}"` } });
}

/** Adds the next nonce to a good answer to a request with a proof, where the script rotates them. */
export function withNextNonce(
  answer: Answer,
  { role, request, state }: { role: DpopRole; request: LoggedRequest; state: ProviderState },
): Answer {
  if (!state.script.dpop.rotateNonce || !request.dpop?.valid) return answer;
  state.nonces.renew(role);
  return { ...answer, headers: { ...answer.headers, 'dpop-nonce': nonceFor(role, state) } };
}
