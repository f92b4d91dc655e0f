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

// A word of the specifications goes to the log as it is, anything else as what it is.
function wordOf(error: string): string {
  return /^[a-z_]{1,64}$/.test(error) ? error : 'unknown-error';
}
