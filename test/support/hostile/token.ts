/**
 * The token endpoint: codes and refresh tokens for tokens (RFC 6749, sections
 * 4.1.3 and 6), a client's own tokens (4.4), and token exchange (RFC 8693).
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { type Answer, errorAnswer, jsonAnswer } from './answer.ts';
import type { RegisteredClient } from './clients.ts';
import { type CodeRecord, freshSecret, type Grant, type RefreshRecord } from './grants.ts';
import { type Recording, repeatedOf } from './log.ts';
import type { Check, CodeSwitches } from './script.ts';
import { identifyClient, type ProviderState, refusalByDpop, withNextNonce } from './state.ts';
import { issueRefreshToken, issueTokens } from './tokens.ts';

/** An authenticated request. */
interface Asked {
  readonly request: Recording;
  readonly client: RegisteredClient;
}

const grantFault = (reason: string) => errorAnswer('invalid_grant', { reason });

/** What is wrong with the code, named by the check that found it. A replayed code revokes what came of it (RFC 6749, section 4.1.2). */
function codeFault(
  { grant, used, expiresAt }: CodeRecord,
  { asked, state }: { asked: Asked; state: ProviderState },
): Check | undefined {
  const { request, client } = asked;
  const verifier = request.body.code_verifier ?? '';
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const isVerifier = /^[\w.~-]{43,128}$/.test(verifier) && challenge === grant.codeChallenge;
  const faults: readonly [Check, boolean][] = [
    ['code-reuse', used],
    ['code-expiry', expiresAt <= state.now()],
    ['client-binding', grant.clientId !== client.clientId],
    ['redirect-uri', grant.redirectUri !== request.body.redirect_uri],
    ['pkce', !isVerifier],
  ];
  return faults.find(([check, isFault]) => isFault && !state.script.token.skip.includes(check))?.[0];
}

function hasOtherDpopKey({ request }: Asked, { grant }: CodeRecord): boolean {
  return grant.dpopThumbprint !== undefined && request.dpop?.thumbprint !== grant.dpopThumbprint;
}

function isRefreshable({ scope, parameters }: Grant, rule: CodeSwitches['refreshToken']): boolean {
  if (rule === 'offline-access') return scope.split(' ').includes('offline_access');
  if (rule === 'access-type') return parameters.access_type === 'offline' && parameters.prompt === 'consent';
  return rule === 'always';
}

function answerCode(asked: Asked, state: ProviderState): Answer {
  const { request, client } = asked;
  const record = state.grants.codes.get(request.body.code ?? '');
  if (!record) return grantFault('unknown code');
  const fault = codeFault(record, { asked, state });
  if (fault === 'code-reuse') record.grant.revoked = true;
  if (fault !== undefined) return grantFault(fault);
  if (hasOtherDpopKey(asked, record))
    return errorAnswer('invalid_dpop_proof', { reason: 'another key than the code is bound to' });
  record.used = true;
  const { grant } = record;
  const by = state.script.token;
  const refreshToken = isRefreshable(grant, by.refreshToken) ? issueRefreshToken(grant, state) : undefined;
  return jsonAnswer(issueTokens({ request, client, grant, by, isRefresh: false, refreshToken }, state));
}

/** The refusal of a refresh token that was rotated away, if that is what the script does. */
function reuseRefusal({ grant, used }: RefreshRecord, { script }: ProviderState): Answer | undefined {
  if (!used || script.refresh.reuse === 'tolerated') return undefined;
  if (script.refresh.reuse === 'kills-family') grant.revoked = true;
  return grantFault('refresh token was used before');
}

function nextRefreshToken(
  token: string,
  { record, state }: { record: RefreshRecord; state: ProviderState },
): string | undefined {
  switch (state.script.refresh.rotation) {
    case 'keep':
      return token;
    case 'omit':
      return undefined;
    default:
      record.used = true;
      return issueRefreshToken(record.grant, state);
  }
}

function answerRefresh({ request, client }: Asked, state: ProviderState): Answer {
  const token = request.body.refresh_token ?? '';
  const record = state.grants.refreshTokens.get(token);
  if (!record || record.grant.revoked) return grantFault('unknown refresh token');
  if (record.grant.clientId !== client.clientId) return grantFault('refresh token of another client');
  if (record.expiresAt <= state.now()) return grantFault('refresh token has expired');
  const refused = reuseRefusal(record, state);
  if (refused) return refused;
  const granted = record.grant.scope.split(' ');
  const isWithin = (request.body.scope ?? '').split(' ').every((scope) => scope === '' || granted.includes(scope));
  if (!isWithin) return errorAnswer('invalid_scope', { reason: 'more than was granted' });
  const refreshToken = nextRefreshToken(token, { record, state });
  const by = state.script.refresh;
  return jsonAnswer(issueTokens({ request, client, grant: record.grant, by, isRefresh: true, refreshToken }, state));
}

const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

function tokenFor(kind: string, { request }: Asked, state: ProviderState) {
  const { resource = '', scope = '' } = request.body;
  const access_token = `${kind}.${Buffer.from(resource).toString('base64url')}.${freshSecret('at')}`;
  state.issued.accessTokens.add(access_token);
  const token_type = request.dpop?.valid && !state.script.dpop.downgrade ? 'DPoP' : 'Bearer';
  return { access_token, token_type, expires_in: state.script.token.expiresIn, scope };
}

function answerExchange(asked: Asked, state: ProviderState): Answer {
  const { subject_token: subject = '', subject_token_type: type } = asked.request.body;
  if (type !== accessTokenType) return errorAnswer('invalid_request', { reason: 'subject_token_type' });
  if (!state.issued.accessTokens.has(subject)) return errorAnswer('invalid_grant', { reason: 'unknown subject token' });
  return jsonAnswer({ ...tokenFor('exchanged', asked, state), issued_token_type: accessTokenType });
}

/** Answers a token request. */
export async function answerToken(request: Recording, state: ProviderState): Promise<Answer> {
  const refused = refusalByDpop(request, { gate: { role: 'authorizationServer' }, state });
  const identified = await identifyClient(request, state);
  if ('refusal' in identified) return identified.refusal;
  if (refused) return refused;
  const repeated = repeatedOf(request);
  if (repeated.length > 0) return errorAnswer('invalid_request', { reason: `repeated: ${repeated.join(' ')}` });
  const asked = { request, client: identified.client };
  const answer = answerGrant(asked, state);
  return answer.status === 200 ? withNextNonce(answer, { role: 'authorizationServer', request, state }) : answer;
}

function answerGrant(asked: Asked, state: ProviderState): Answer {
  switch (asked.request.body.grant_type) {
    case 'authorization_code':
      return answerCode(asked, state);
    case 'refresh_token':
      return answerRefresh(asked, state);
    case 'client_credentials':
      return jsonAnswer(tokenFor('client-token', asked, state));
    case 'urn:ietf:params:oauth:grant-type:token-exchange':
      return answerExchange(asked, state);
    default:
      return errorAnswer('unsupported_grant_type');
  }
}
