/**
 * Signing out at the provider: the end-session endpoint (RP-Initiated Logout),
 * logout tokens (Back-Channel Logout) and the framed page (Front-Channel Logout).
 *
 * @module
 */

import { randomUUID } from 'node:crypto';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type Answer, escapeHtml, pageAnswer, redirectAnswer } from './answer.ts';
import { isRegistered, type RegisteredClient } from './clients.ts';
import type { Grant } from './grants.ts';
import { buildJwt, type JoseSwitches } from './jose.ts';
import { type Changes, changedObject } from './json.ts';
import type { LoggedRequest } from './log.ts';
import { logoutEvent } from './other-kinds.ts';
import { changedParameters, withParameters } from './parameters.ts';
import { parseUnverifiedJws } from './signature.ts';
import { joseContextOf, type ProviderState } from './state.ts';

/** What a logout token is to say. */
export interface LogoutTokenOptions {
  /** The session to end. */
  readonly sid?: string | undefined;
  /** The person whose sessions are to end. */
  readonly sub?: string | undefined;
  /** The client it is for; the first registered one by default. */
  readonly clientId?: string | undefined;
  /**
   * Changes to the claims, after those of `script.logoutToken`: `{ nonce: 'x' }`, `{ events: undefined }`,
   * `{ events: {} }`, `{ iat: undefined }`, `{ jti: undefined }`, `{ aud: 'other' }`, `(honest) => …`.
   */
  readonly claims?: Changes | undefined;
  /** Header, key and signature, over those of `script.logoutToken`: `{ none: 'none' }`, `{ header: { typ: 'JWT' } }`. */
  readonly jose?: JoseSwitches | undefined;
}

/** A logout token (OIDC Back-Channel Logout, section 2.4), valid for two minutes unless changed. */
export function buildLogoutToken(
  { sid, sub, clientId, claims: by, jose }: LogoutTokenOptions,
  state: ProviderState,
): string {
  const { script, clients, issued, issuer } = state;
  const client = clients.get(clientId ?? '') ?? clients.values().next().value;
  const now = state.now();
  const honest = {
    iss: issuer,
    aud: clientId ?? client?.clientId,
    iat: now,
    exp: now + 120,
    jti: randomUUID(),
    events: logoutEvent,
    sid,
    sub,
  };
  const scripted = changedObject(honest, { by: script.logoutToken.claims });
  const claims = changedObject(scripted, { by });
  const signed = { alg: client?.idTokenSignedResponseAlg, ...script.logoutToken.jose, ...jose };
  const token = String(buildJwt({ header: { typ: 'logout+jwt' }, claims, by: signed }, joseContextOf(state, client)));
  issued.logoutTokens.add(token);
  return token;
}

/** What a client answered to a logout token. */
export interface Delivered {
  readonly uri: string;
  readonly token: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Posts a logout token as a form, as section 2.5 says. Any certificate is accepted; there is no time limit but the client's. */
export function deliverLogoutToken(uri: string, token: string): Promise<Delivered> {
  const body = new URLSearchParams({ logout_token: token }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) };
  const send = uri.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(uri, { method: 'POST', headers, rejectUnauthorized: false, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode: status = 0, headers: answered } = response;
        resolve({ uri, token, status, headers: answered, body: Buffer.concat(chunks).toString() });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** What a logout request is about. */
interface Ending {
  readonly client: RegisteredClient | undefined;
  readonly grants: readonly Grant[];
  readonly parameters: Readonly<Record<string, string>>;
}

function readEnding(request: LoggedRequest, { clients, grants, issued }: ProviderState): Ending {
  const parameters = request.method === 'POST' ? request.body : request.query;
  const hint = parameters.id_token_hint;
  const claims = hint !== undefined && issued.idTokens.has(hint) ? parseUnverifiedJws(hint)?.claims : undefined;
  const client = clients.get(String(claims?.aud ?? parameters.client_id ?? ''));
  const wanted = claims ? [claims.sid] : [parameters.logout_hint];
  const ended = grants.grants.filter(
    ({ clientId, sid, user }) =>
      clientId === client?.clientId && (wanted.includes(sid) || (!claims && wanted.includes(user.sub))),
  );
  return { client, grants: ended, parameters };
}

function lacksIdToken({ parameters }: Ending, { script }: ProviderState): boolean {
  const { demandsIdToken, returnParameter } = script.endSession;
  if (parameters.id_token_hint !== undefined || demandsIdToken === 'never') return false;
  return demandsIdToken === 'always' || parameters[returnParameter] !== undefined;
}

/** Whether it asks for an address that nobody registered: refused, as by most servers. */
function leadsElsewhere({ client, parameters }: Ending, { script }: ProviderState): boolean {
  const uri = parameters[script.endSession.returnParameter];
  return client !== undefined && uri !== undefined && !isRegistered(uri, client.postLogoutRedirectUris);
}

/** Where the browser goes next: only to a registered address (RP-Initiated Logout, section 3). */
function returnAddress(
  { client, parameters }: Ending,
  { request, state }: { request: LoggedRequest; state: ProviderState },
): string | undefined {
  const { returnParameter } = state.script.endSession;
  const uri = parameters[returnParameter];
  if (!client || uri === undefined) return undefined;
  if (!isRegistered(uri, client.postLogoutRedirectUris)) return undefined;
  const isStandard = returnParameter === 'post_logout_redirect_uri';
  const honest = isStandard ? { state: parameters.state } : {};
  const changed = changedParameters(honest, { by: state.script.endSession.parameters, request });
  return withParameters(uri, { parameters: changed });
}

function framePage(frames: readonly string[], next: string | undefined): Answer {
  const body = frames.map((src) => `<iframe src="${escapeHtml(src)}"></iframe>`).join('');
  const onwards = next === undefined ? '' : `<script>onload = () => location.replace(${JSON.stringify(next)})</script>`;
  return pageAnswer(`<!doctype html><title>Signing out</title>${body}${onwards}`);
}

function framesFor(
  { client, grants }: Ending,
  { request, state }: { request: LoggedRequest; state: ProviderState },
): readonly string[] {
  const uri = client?.frontchannelLogoutUri;
  if (uri === undefined) return [];
  const by = state.script.endSession.frontchannelParameters;
  return [...new Set(grants.map((grant) => grant.sid))].map((sid) =>
    withParameters(uri, { parameters: changedParameters({ iss: state.issuer, sid }, { by, request }) }),
  );
}

/** Tells the client's back channel about each ended session, one after the other; a client that cannot be reached is passed over. */
async function tellBackchannel(
  { client, grants }: Ending,
  { state, delivered }: { state: ProviderState; delivered: Delivered[] },
): Promise<void> {
  const uri = client?.backchannelLogoutUri;
  if (uri === undefined || !state.script.endSession.backchannel) return;
  for (const sid of new Set(grants.map((grant) => grant.sid))) {
    const sub = grants.find((grant) => grant.sid === sid)?.user.sub;
    const token = buildLogoutToken({ sid, sub, clientId: client?.clientId }, state);
    const unreachable = { uri, token, status: 0, headers: {}, body: '' };
    delivered.push(await deliverLogoutToken(uri, token).catch(() => unreachable));
  }
}

/** The end-session endpoint. What clients answered to logout tokens is added to `delivered` (status 0 when unreachable). */
export function createEndSession(
  delivered: Delivered[],
): (request: LoggedRequest, state: ProviderState) => Promise<Answer> {
  return async (request, state) => {
    const ending = readEnding(request, state);
    if (lacksIdToken(ending, state)) return pageAnswer('<p>id_token_hint is missing', 400);
    if (leadsElsewhere(ending, state)) return pageAnswer('<p>post_logout_redirect_uri is not registered', 400);
    await tellBackchannel(ending, { state, delivered });
    // Back-Channel Logout, section 2.7: what was granted for when the person is away outlives the session.
    for (const grant of ending.grants) if (!grant.scope.split(' ').includes('offline_access')) grant.revoked = true;
    const next = returnAddress(ending, { request, state });
    const frames = framesFor(ending, { request, state });
    return next !== undefined && frames.length === 0 ? redirectAnswer(next) : framePage(frames, next);
  };
}
