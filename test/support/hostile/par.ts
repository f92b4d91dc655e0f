/**
 * The endpoint for pushed authorization requests (RFC 9126).
 *
 * @module
 */

import { type Answer, errorAnswer, jsonAnswer } from './answer.ts';
import { isRegistered } from './clients.ts';
import { freshSecret } from './grants.ts';
import type { Recording } from './log.ts';
import { identifyClient, type ProviderState, refusalByDpop, withNextNonce } from './state.ts';

/** Takes in a pushed authorization request. */
export async function answerPar(request: Recording, state: ProviderState): Promise<Answer> {
  const refused = refusalByDpop(request, { gate: { role: 'authorizationServer' }, state });
  const identified = await identifyClient(request, state);
  if ('refusal' in identified) return identified.refusal;
  if (refused) return refused;
  // RFC 9126, section 2.1: a pushed request must not name another one.
  if (request.body.request_uri !== undefined) return errorAnswer('invalid_request', { reason: 'request_uri' });
  if (!isRegistered(request.body.redirect_uri ?? '', identified.client.redirectUris)) {
    return errorAnswer('invalid_request', { reason: 'redirect_uri is not registered' });
  }
  const { client_secret: _secret, client_assertion: _assertion, client_assertion_type: _type, ...sent } = request.body;
  const uri = freshSecret('urn:ietf:params:oauth:request_uri:pushed');
  const { clientId } = identified.client;
  const bound = request.dpop?.thumbprint === undefined ? {} : { dpop_jkt: request.dpop.thumbprint };
  const { expiresIn } = state.script.par;
  const parameters = { ...sent, ...bound, client_id: clientId };
  state.grants.pushed.set(uri, { clientId, parameters, expiresAt: state.now() + expiresIn, uses: 0 });
  state.issued.requestUris.add(uri);
  const answer = jsonAnswer({ request_uri: uri, expires_in: expiresIn }, 201);
  return withNextNonce(answer, { role: 'authorizationServer', request, state });
}
