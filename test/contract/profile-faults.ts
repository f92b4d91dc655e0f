/**
 * Settings that contradict `PROFILE=fapi2`, and what is told of each, word for word.
 *
 * @module
 */

import type { Row } from './open-stores.ts';

/** What starts with `PROFILE=fapi2`. */
const profile = { PROFILE: 'fapi2', CLIENT_AUTH_METHOD: 'private_key_jwt', CLIENT_KEY_FILE: 'ec.pem' };

/** What contradicts the profile. */
export const profileFaultRows: readonly Row[] = [
  [
    'CA-02: the strict profile with a client secret',
    { PROFILE: 'fapi2' },
    [
      'CLIENT_AUTH_METHOD: must be private_key_jwt, tls_client_auth or self_signed_tls_client_auth with PROFILE=fapi2: a secret that two know proves too little.',
    ],
  ],
  [
    'LS-15: the strict profile with requests that need not be pushed',
    { ...profile, PAR: 'auto' },
    ['PAR: must be required with PROFILE=fapi2, or left out.'],
  ],
  [
    'RS-24: the strict profile with tokens that are bound to nothing',
    { ...profile, DPOP: 'off' },
    ['DPOP: must be on with PROFILE=fapi2, or left out. Only a client that shows a certificate can do without.'],
  ],
  [
    'CB-12: the strict profile with answers by form_post',
    { ...profile, RESPONSE_MODE: 'form_post' },
    ['RESPONSE_MODE: must be query or jwt with PROFILE=fapi2.'],
  ],
  [
    'CA-03: the strict profile with assertions for an endpoint',
    { ...profile, CLIENT_ASSERTION_AUDIENCE: 'token-endpoint' },
    ['CLIENT_ASSERTION_AUDIENCE: must be issuer with PROFILE=fapi2.'],
  ],
  [
    'TL-02: the strict profile with an issuer in clear',
    { ...profile, ISSUER: 'http://127.0.0.1:4000' },
    ['ISSUER: must be https with PROFILE=fapi2, also on this machine.'],
  ],
  ['a proof of possession that is neither on nor off', { DPOP: 'yes' }, ['DPOP: must be off or on.']],
  ['a profile that nobody knows', { PROFILE: 'fapi1' }, ['PROFILE: must be none or fapi2.']],
];
