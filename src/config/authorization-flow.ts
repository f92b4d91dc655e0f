/**
 * How sign-ins are asked for and answered, beyond the plain code flow: pushed
 * requests, response modes, proof of possession, and the profile that turns the
 * strict ones on and refuses what contradicts them (FAPI 2.0).
 *
 * What the authorization server must offer for it is held against its metadata in
 * oidc/flow-demands.ts.
 *
 * @module
 */

import type { Environment } from './environment.ts';
import type { Fault } from './faults.ts';
import type { Values } from './schema.ts';

/** How the authorization server gives its answer to the browser. */
export type ResponseMode = 'query' | 'form_post' | 'jwt';

/** The choices. */
export interface AuthorizationFlow {
  /** `auto`: requests are pushed where that is offered; `required`: or there is no sign-in (RFC 9126). */
  readonly pushed: 'auto' | 'required';
  readonly responseMode: ResponseMode;
  /** Whether tokens are bound to a key of each session (RFC 9449). */
  readonly dpop: boolean;
  /** FAPI 2.0 Security Profile: fewer algorithms, `iss` in each response. */
  readonly isFapi2: boolean;
}

/** What holds where nothing is said. */
export const plainFlow: AuthorizationFlow = { pushed: 'auto', responseMode: 'query', dpop: false, isFapi2: false };

/** The choices in the settings, with what a profile brings along. */
export function flowFrom(values: Values): AuthorizationFlow {
  const isFapi2 = values.PROFILE === 'fapi2';
  return {
    pushed: isFapi2 ? 'required' : (values.PAR ?? plainFlow.pushed),
    responseMode: values.RESPONSE_MODE ?? plainFlow.responseMode,
    dpop: (values.DPOP ?? (isFapi2 ? 'on' : 'off')) === 'on',
    isFapi2,
  };
}

/** Whether the client shows a certificate, to which tokens can be bound instead of a key (RFC 8705, 3). */
function showsCertificate({ CLIENT_AUTH_METHOD }: Values): boolean {
  return CLIENT_AUTH_METHOD === 'tls_client_auth' || CLIENT_AUTH_METHOD === 'self_signed_tls_client_auth';
}

/** Whether a profile refuses the client's way to prove itself, so that nothing more need be said of it. */
export function refusesClient(values: Values): boolean {
  const { PROFILE, CLIENT_AUTH_METHOD: method } = values;
  return PROFILE === 'fapi2' && method !== undefined && method !== 'private_key_jwt' && !showsCertificate(values);
}

/** What contradicts the profile (FAPI 2.0 Security Profile, 5.2.1, 5.3.3 and 5.4.1). What was not given is set by it. */
export function profileFaults(values: Values, env: Environment): readonly Fault[] {
  if (values.PROFILE !== 'fapi2') return [];
  const faults: Fault[] = [];
  const say = (name: string, sentence: string) => faults.push({ name, sentence });
  if (env['PAR'] && values.PAR === 'auto') say('PAR', 'must be required with PROFILE=fapi2, or left out.');
  if (values.DPOP === 'off' && !showsCertificate(values)) {
    say('DPOP', 'must be on with PROFILE=fapi2, or left out. Only a client that shows a certificate can do without.');
  }
  if (values.RESPONSE_MODE === 'form_post') say('RESPONSE_MODE', 'must be query or jwt with PROFILE=fapi2.');
  if (refusesClient(values)) {
    const ways = 'private_key_jwt, tls_client_auth or self_signed_tls_client_auth';
    say('CLIENT_AUTH_METHOD', `must be ${ways} with PROFILE=fapi2: a secret that two know proves too little.`);
  }
  if (values.CLIENT_ASSERTION_AUDIENCE === 'token-endpoint') {
    say('CLIENT_ASSERTION_AUDIENCE', 'must be issuer with PROFILE=fapi2.');
  }
  if (values.ISSUER !== undefined && new URL(values.ISSUER).protocol !== 'https:') {
    say('ISSUER', 'must be https with PROFILE=fapi2, also on this machine.');
  }
  return faults;
}
