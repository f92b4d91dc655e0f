/**
 * Settings for what providers differ in that are malformed, or would change what the
 * protocol decides.
 *
 * @module
 */

import type { Row } from './open-stores.ts';

/** Rows of the list in config-faults.test.ts. */
export const oddProviders: readonly Row[] = [
  ...['common/v2.0', 'organizations/v2.0', 'consumers', '{tenantid}/v2.0', '%7Btenantid%7D/v2.0'].map(
    (path): Row => [
      `the issuer of many tenants, ${path}`,
      { ISSUER: `https://login.microsoftonline.com/${path}` },
      [
        'ISSUER: must be the issuer of one tenant, such as https://login.microsoftonline.com/6f1c0a5e-0000-4000-8000-3f0f5c3a9d11/v2.0 with the identifier of yours: common, organizations, consumers and {tenantid} stand for many, and sign nothing by that name.',
      ],
    ],
  ),
  [
    'an ID token that may be old',
    { ID_TOKEN_MAX_AGE: '16m' },
    ['ID_TOKEN_MAX_AGE: must be a duration such as 500ms, 30s, 15m or 8h, and at least 30s and at most 15m.'],
  ],
  [
    'a provider that is asked for neither',
    { API_AUDIENCE_PARAMETER: 'aud' },
    ['API_AUDIENCE_PARAMETER: must be resource or audience.'],
  ],
  [
    'a parameter of the protocol among those of the provider',
    { AUTHORIZATION_PARAMS: 'access_type=offline redirect_uri=https://evil.example' },
    [
      "AUTHORIZATION_PARAMS: must be at most 10 parameters such as access_type=offline, separated by spaces, each once, none of the protocol's own (scope, resource, login_hint and so on have other ways), and prompt without none.",
    ],
  ],
  [
    'an audience of ID tokens that is no word',
    { ID_TOKEN_AUDIENCES: '"' },
    ['ID_TOKEN_AUDIENCES: must be words separated by spaces or commas.'],
  ],
  [
    'a sign-out over plain http',
    { END_SESSION_ENDPOINT: 'http://login.example/logout' },
    [
      'END_SESSION_ENDPOINT: must be a URL such as https://login.example/v2/logout, https unless it is on this machine, or none.',
    ],
  ],
  [
    'a sign-out whose address would stand in place of another parameter',
    { END_SESSION_RETURN_PARAMETER: 'id_token_hint' },
    ['END_SESSION_RETURN_PARAMETER: must be the name of a parameter such as logout_uri, or none.'],
  ],
  ['a sign-out in another way', { END_SESSION_METHOD: 'post' }, ['END_SESSION_METHOD: must be redirect or form.']],
  [
    'a sign-in that somebody else begins, at times',
    { THIRD_PARTY_LOGIN: 'sometimes' },
    ['THIRD_PARTY_LOGIN: must be true or false.'],
  ],
  [
    'encrypted tokens without a key',
    { ENCRYPTED_ID_TOKENS: 'required' },
    ['CLIENT_DECRYPTION_KEY_FILE: is missing. ENCRYPTED_ID_TOKENS=required needs it.'],
  ],
  [
    'encrypted tokens, at times',
    { ENCRYPTED_ID_TOKENS: 'yes' },
    ['ENCRYPTED_ID_TOKENS: must be accepted or required.'],
  ],
  [
    'a key for encryption that is not there',
    { CLIENT_DECRYPTION_KEY_FILE: 'gone.pem' },
    ['CLIENT_DECRYPTION_KEY_FILE: must name a PEM file with a private key (PKCS#8) (ENOENT).'],
  ],
  [
    'a weak key for encryption',
    { CLIENT_DECRYPTION_KEY_FILE: 'rsa1024.pem' },
    [
      'CLIENT_DECRYPTION_KEY_FILE: must hold RSA keys of 2048 bits or more, P-256, P-384 or P-521 keys, or X25519 keys.',
    ],
  ],
  [
    'one key for two purposes',
    {
      ...{ CLIENT_AUTH_METHOD: 'private_key_jwt', CLIENT_SECRET: undefined },
      ...{ CLIENT_KEY_FILE: 'ec.pem', CLIENT_DECRYPTION_KEY_FILE: 'ec.pem' },
    },
    ['CLIENT_DECRYPTION_KEY_FILE: must not hold a key of CLIENT_KEY_FILE: each key has one purpose.'],
  ],
  ['UserInfo, always', { USER_INFO: 'always' }, ['USER_INFO: must be auto or never.']],
];
