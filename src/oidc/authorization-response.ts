/**
 * What the browser brings back from the authorization server, before anything is
 * spent on it. Pure.
 *
 * An error is held to the same checks as a success: it may come from anybody who
 * can make a browser follow a link (RFC 9207, 2.4; CB-07).
 *
 * @module
 */

import { authErrorFor, SignInError } from './auth-error.ts';

/** What the response is held against. */
export interface ExpectedResponse {
  /** The issuer the browser was sent to. */
  readonly issuer: string;
  /** Whether that issuer says that it names itself in every response. */
  readonly namesIssuer: boolean;
}

/** Longer than any code we know of; what is longer is not sent on. */
const maxCodeLength = 4 * 1024;

const tokenParameters = ['access_token', 'id_token', 'refresh_token', 'token'];

/** The `state` of a response; `undefined` when there is none, or several. */
export function stateIn(parameters: URLSearchParams): string | undefined {
  const [state, second] = parameters.getAll('state');
  return second === undefined ? state : undefined;
}

/** Why a response with a `state` of ours is not redeemed, or `undefined`. */
export function checkResponse(parameters: URLSearchParams, expected: ExpectedResponse): SignInError | undefined {
  const names = [...parameters.keys()];
  if (new Set(names).size !== names.length) return new SignInError('provider_error', 'parameter-repeated');
  const iss = parameters.get('iss');
  if (iss === null ? expected.namesIssuer : iss !== expected.issuer) {
    return new SignInError('provider_error', iss === null ? 'issuer-missing' : 'issuer-differs');
  }
  const error = parameters.get('error');
  if (error !== null) return new SignInError(authErrorFor(error), wordOf(error));
  // Nobody asked for them; the value may be in logs and histories by now (RFC 9700, 2.1.2).
  if (tokenParameters.some((name) => parameters.has(name)))
    return new SignInError('provider_error', 'token-in-front-channel');
  const code = parameters.get('code') ?? '';
  if (code === '') return new SignInError('provider_error', 'code-missing');
  return code.length > maxCodeLength ? new SignInError('provider_error', 'code-too-long') : undefined;
}

/** RFC 6749, 4.1.2.1; OIDC Core, 3.1.2.6; OIDC unmet authentication requirements; RFC 8707, 2. */
const knownErrors: ReadonlySet<string> = new Set([
  ...['invalid_request', 'unauthorized_client', 'access_denied', 'unsupported_response_type', 'invalid_scope'],
  ...['server_error', 'temporarily_unavailable', 'interaction_required', 'login_required', 'consent_required'],
  ...['account_selection_required', 'unmet_authentication_requirements', 'invalid_target', 'invalid_request_uri'],
]);

// A word of the specifications goes to the log and the metrics as it is; any other could be anybody's text.
function wordOf(error: string): string {
  return knownErrors.has(error) ? error : 'unknown-error';
}

/** A response as the library reads it. The address is that of the configuration: a request chooses its Host. */
export function responseAt(redirectUri: string, parameters: URLSearchParams): URL {
  const response = new URL(redirectUri);
  for (const name of ['code', 'state', 'iss']) {
    const value = parameters.get(name);
    if (value !== null) response.searchParams.set(name, value);
  }
  return response;
}
