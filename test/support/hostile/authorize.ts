/**
 * The authorization endpoint (RFC 6749, section 4.1.1; RFC 9207).
 *
 * There is no sign-in page: the answer for `provider.user` comes at once.
 *
 * @module
 */

import { randomUUID } from 'node:crypto';
import { type Answer, escapeHtml, pageAnswer, redirectAnswer } from './answer.ts';
import { isRegistered, type RegisteredClient } from './clients.ts';
import { freshSecret, type Grant, type User } from './grants.ts';
import { buildJwt } from './jose.ts';
import { changedObject, changedValue } from './json.ts';
import { type LoggedRequest, repeatedOf } from './log.ts';
import { changedParameters, parameterPairs, type ResponseParameters, withParameters } from './parameters.ts';
import { joseContextOf, type ProviderState } from './state.ts';

type Parameters = Readonly<Record<string, string>>;

/** An authorization request that may be answered at the client's redirect URI. */
interface Asked {
  readonly request: LoggedRequest;
  readonly parameters: Parameters;
  readonly client: RegisteredClient;
  readonly redirectUri: string;
  readonly isPushed: boolean;
}

const codeLife = 60;

/** The parameters of the request; those of a pushed one where `request_uri` names it. Text is a fault the browser is shown. */
function parametersOf(request: LoggedRequest, { grants, now }: ProviderState): Parameters | string {
  const sent = request.method === 'POST' ? request.body : request.query;
  const uri = sent.request_uri;
  if (uri === undefined) return sent;
  const pushed = grants.pushed.get(uri);
  if (!pushed || pushed.clientId !== sent.client_id) return 'unknown request_uri';
  pushed.uses += 1;
  if (pushed.uses > 1) return 'request_uri used before';
  return pushed.expiresAt > now() ? pushed.parameters : 'request_uri has expired';
}

/** Who asks and where the answer goes, or a page: without both nothing may be sent anywhere (RFC 6749, section 4.1.2.1). */
function readRequest(request: LoggedRequest, state: ProviderState): Asked | Answer {
  const parameters = parametersOf(request, state);
  if (typeof parameters === 'string') return pageAnswer(`<p>${escapeHtml(parameters)}`, 400);
  const client = state.clients.get(parameters.client_id ?? '');
  const redirectUri = parameters.redirect_uri;
  if (!client || redirectUri === undefined) return pageAnswer('<p>unknown client, or no redirect_uri', 400);
  if (!isRegistered(redirectUri, client.redirectUris)) return pageAnswer('<p>redirect_uri is not registered', 400);
  const isPushed = request.query.request_uri !== undefined || request.body.request_uri !== undefined;
  return { request, parameters, client, redirectUri, isPushed };
}

/** What an honest provider finds wrong with the request. */
function faultOf({ request, parameters, isPushed }: Asked, { script }: ProviderState): string | undefined {
  if (repeatedOf(request).length > 0) return 'invalid_request';
  if (script.par.required && !isPushed) return 'invalid_request';
  if (parameters.request !== undefined) return 'request_not_supported';
  const refused = script.authorize.refuses?.(parameters);
  if (refused !== undefined) return refused;
  if (parameters.response_type !== 'code') return 'unsupported_response_type';
  if (parameters.code_challenge_method !== 'S256') return 'invalid_request';
  return /^[\w-]{43}$/.test(parameters.code_challenge ?? '') ? undefined : 'invalid_request';
}

function grantFor({ parameters, client, redirectUri }: Asked, { user, now }: { user: User; now: number }): Grant {
  return {
    id: randomUUID(),
    clientId: client.clientId,
    user,
    sid: user.sid ?? freshSecret('sid'),
    nonce: parameters.nonce,
    redirectUri,
    codeChallenge: parameters.code_challenge,
    scope: parameters.scope ?? '',
    acr: user.acr ?? parameters.acr_values?.split(' ')[0],
    authTime: user.authTime ?? now,
    resource: parameters.resource,
    parameters,
    dpopThumbprint: parameters.dpop_jkt,
    revoked: false,
  };
}

function issueCode(asked: Asked, { user, state }: { user: User; state: ProviderState }): string {
  const { grants, issued } = state;
  const grant = grantFor(asked, { user, now: state.now() });
  const code = freshSecret('code');
  grants.grants.push(grant);
  grants.codes.set(code, { grant, expiresAt: state.now() + codeLife, used: false });
  issued.codes.add(code);
  return code;
}

function outcomeOf(asked: Asked, state: ProviderState): Parameters {
  const { error } = state.script.authorize;
  if (error) return error;
  const fault = faultOf(asked, state);
  if (fault !== undefined) return { error: fault };
  const user = typeof state.user === 'function' ? state.user(asked.request) : state.user;
  return user ? { code: issueCode(asked, { user, state }) } : { error: 'login_required' };
}

function formPost(target: string, parameters: ResponseParameters): Answer {
  const fields = parameterPairs(parameters).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  );
  const form = `<form method="post" action="${escapeHtml(target)}">${fields.join('')}</form>`;
  return pageAnswer(`<!doctype html><title>One moment</title>${form}<script>document.forms[0].submit()</script>`);
}

/** The parameters as a signed JWT (JARM, section 2.1). */
function responseJwt(parameters: ResponseParameters, { asked, state }: { asked: Asked; state: ProviderState }): string {
  const { request, client } = asked;
  const { jarmClaims, jarmJose } = state.script.authorize;
  const honest = { ...parameters, iss: state.issuer, aud: client.clientId, exp: state.now() + 300 };
  const claims = changedObject(honest, { by: jarmClaims, request });
  return String(buildJwt({ header: { typ: 'JWT' }, claims, by: jarmJose, request }, joseContextOf(state, client)));
}

function respond(
  asked: Asked,
  { parameters, state }: { parameters: ResponseParameters; state: ProviderState },
): Answer {
  const { mode = asked.parameters.response_mode, target } = state.script.authorize;
  const uri = changedValue(asked.redirectUri, { by: target, request: asked.request });
  switch (mode) {
    case 'fragment':
      return redirectAnswer(withParameters(uri, { parameters, part: 'fragment' }));
    case 'form_post':
      return formPost(uri, parameters);
    case 'jwt':
    case 'query.jwt':
      return redirectAnswer(
        withParameters(uri, { parameters: { response: responseJwt(parameters, { asked, state }) } }),
      );
    default:
      return redirectAnswer(withParameters(uri, { parameters }));
  }
}

/** Answers an authorization request at the client's redirect URI. */
export function answerAuthorize(request: LoggedRequest, state: ProviderState): Answer {
  const asked = readRequest(request, state);
  if ('status' in asked) return asked;
  const honest = { ...outcomeOf(asked, state), state: asked.parameters.state, iss: state.issuer };
  const parameters = changedParameters(honest, { by: state.script.authorize.parameters, request });
  return respond(asked, { parameters, state });
}
