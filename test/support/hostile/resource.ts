/**
 * What takes tokens rather than giving them: UserInfo (OIDC Core, section 5.3),
 * revocation (RFC 7009) and introspection (RFC 7662, RFC 9701).
 *
 * @module
 */

import { type Answer, errorAnswer, jsonAnswer } from './answer.ts';
import type { RegisteredClient } from './clients.ts';
import type { AccessRecord } from './grants.ts';
import { buildJwt } from './jose.ts';
import { changedObject, type JsonObject } from './json.ts';
import type { LoggedRequest, Recording } from './log.ts';
import type { IntrospectSwitches, UserinfoSwitches } from './script.ts';
import { identifyClient, joseContextOf, type ProviderState, refusalByDpop, withNextNonce } from './state.ts';
import { confirmationOf } from './tokens.ts';

function tokenOf({ headers }: LoggedRequest): { readonly scheme: string; readonly token: string } {
  const [, scheme = '', token = ''] = /^(bearer|dpop) +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
  return { scheme: scheme.toLowerCase(), token };
}

function unauthorized(error: string, scheme = 'Bearer'): Answer {
  return errorAnswer(error, { status: 401, headers: { 'www-authenticate': `${scheme} error="${error}"` } });
}

/** True when the request proves what the token is bound to. */
function isBoundTo(record: AccessRecord, { request, scheme }: { request: LoggedRequest; scheme: string }): boolean {
  if (record.certificate !== undefined && request.certificate !== record.certificate) return false;
  if (record.dpopThumbprint === undefined) return scheme === 'bearer';
  return scheme === 'dpop' && request.dpop?.thumbprint === record.dpopThumbprint;
}

interface SignedAnswer {
  readonly by: UserinfoSwitches | IntrospectSwitches;
  readonly type: string;
  readonly claims: JsonObject;
  readonly client: RegisteredClient | undefined;
  readonly request: LoggedRequest;
}

function signedAnswer({ by, type, claims: honest, client, request }: SignedAnswer, state: ProviderState): Answer {
  const claims = changedObject(honest, { by: by.claims, request });
  const typ = type === 'jwt' ? 'JWT' : type;
  const jwt = buildJwt({ header: { typ }, claims, by: by.jose, request }, joseContextOf(state, client));
  return { ...jsonAnswer({}), headers: { 'content-type': `application/${type}` }, json: undefined, text: String(jwt) };
}

/** The claims of the person behind an access token. The token is taken from the `Authorization` header only. */
export function answerUserinfo(request: Recording, state: ProviderState): Answer {
  const { scheme, token } = tokenOf(request);
  const refused = refusalByDpop(request, { gate: { role: 'resourceServer', accessToken: token }, state });
  const record = state.grants.liveAccess(token, state.now());
  if (!record) return unauthorized('invalid_token');
  if (refused) return refused;
  if (!isBoundTo(record, { request, scheme }))
    return unauthorized('invalid_token', record.dpopThumbprint ? 'DPoP' : 'Bearer');
  const { user, clientId } = record.grant;
  const by = state.script.userinfo;
  const claims = { ...user.claims, sub: user.sub };
  const signed = { by, type: 'jwt', claims: { ...claims, iss: state.issuer, aud: clientId }, request };
  const answer = by.signed
    ? signedAnswer({ ...signed, client: state.clients.get(clientId) }, state)
    : jsonAnswer(claims);
  return withNextNonce(answer, { role: 'resourceServer', request, state });
}

/** Revokes a token: a refresh token with its whole grant, an access token alone. An unknown one is no fault (RFC 7009, section 2.2). */
export async function answerRevoke(request: Recording, state: ProviderState): Promise<Answer> {
  const identified = await identifyClient(request, state);
  if ('refusal' in identified) return identified.refusal;
  const { token } = request.body;
  if (token === undefined) return errorAnswer('invalid_request', { reason: 'no token' });
  const { refreshTokens, accessTokens } = state.grants;
  const refresh = refreshTokens.get(token);
  const owner = (refresh ?? accessTokens.get(token))?.grant.clientId;
  if (owner !== undefined && owner !== identified.client.clientId) return errorAnswer('unauthorized_client');
  if (refresh) refresh.grant.revoked = true;
  accessTokens.delete(token);
  return { status: 200, headers: { 'cache-control': 'no-store' }, text: '' };
}

function describeAccess(record: AccessRecord, { issuer }: ProviderState): JsonObject {
  const { grant, scope, audience, issuedAt, expiresAt } = record;
  const confirmation = confirmationOf(record);
  return {
    active: true,
    iss: issuer,
    sub: grant.user.sub,
    aud: audience,
    client_id: grant.clientId,
    scope,
    token_type: record.dpopThumbprint === undefined ? 'Bearer' : 'DPoP',
    iat: issuedAt,
    exp: expiresAt,
    sid: grant.sid,
    ...(confirmation ? { cnf: confirmation } : {}),
  };
}

function describeToken(token: string, state: ProviderState): JsonObject {
  const { grants, issuer } = state;
  const access = grants.liveAccess(token, state.now());
  if (access) return describeAccess(access, state);
  const refresh = grants.liveRefresh(token, state.now());
  if (!refresh) return { active: false };
  const { grant, expiresAt } = refresh;
  return {
    active: true,
    iss: issuer,
    sub: grant.user.sub,
    client_id: grant.clientId,
    scope: grant.scope,
    exp: expiresAt,
  };
}

/** Says what a token is worth now. */
export async function answerIntrospect(request: Recording, state: ProviderState): Promise<Answer> {
  const identified = await identifyClient(request, state);
  if ('refusal' in identified) return identified.refusal;
  const { client } = identified;
  const by = state.script.introspect;
  const description = describeToken(request.body.token ?? '', state);
  const type = 'token-introspection+jwt';
  const wantsJwt = by.signed || (request.headers.accept ?? '').includes(type);
  if (!wantsJwt) return jsonAnswer(description);
  const claims = { iss: state.issuer, aud: client.clientId, iat: state.now(), token_introspection: description };
  return signedAnswer({ by, type, claims, client, request }, state);
}
