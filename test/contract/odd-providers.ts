/**
 * Settings for what providers differ in that are malformed, or would change what the
 * protocol decides.
 *
 * @module
 */

import type { Row } from './open-stores.ts';

/** Rows of the list in config-faults.test.ts. */
export const oddProviders: readonly Row[] = [
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
  [
    'a sign-in that somebody else begins, at times',
    { THIRD_PARTY_LOGIN: 'sometimes' },
    ['THIRD_PARTY_LOGIN: must be true or false.'],
  ],
  ['UserInfo, always', { USER_INFO: 'always' }, ['USER_INFO: must be auto or never.']],
];
