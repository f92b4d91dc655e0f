/**
 * The modules of the suite's FAPI 2.0 client plans, as far as they can be played
 * without DPoP, certificates and signed responses.
 *
 * @module
 */

import { claims, fields, jose, shifted, token } from '../unit/oidc/token-faults.ts';
import type { Case } from './module.ts';
import { metadata, response } from './switches.ts';

const prefix = 'fapi2-security-profile-final-client';
const dpop = 'proofs of possession (DPoP) are not offered yet';
const jarm = 'signed authorization responses (JARM) are not offered yet';

const notYet = (module: string, does: string, by: { shows: string; notYet: string }): Case => ({ module, does, ...by });

const idTokens: readonly Case[] = [
  {
    module: `${prefix}-test-invalid-iss`,
    does: 'names another issuer in the ID token',
    shows: 'IT-01',
    refused: token((at) => ({ claims: { iss: `${at.issuer}/` } })),
    reason: 'id-token-claim-iss',
  },
  {
    module: `${prefix}-test-invalid-missing-iss`,
    does: 'leaves `iss` out of the ID token',
    shows: 'IT-01',
    refused: claims({ iss: undefined }),
    reason: 'oauth-invalid-response',
  },
  {
    module: `${prefix}-test-invalid-aud`,
    does: 'names another audience',
    shows: 'IT-02',
    refused: claims({ aud: 'another-client' }),
    reason: 'id-token-claim-aud',
  },
  {
    module: `${prefix}-test-invalid-missing-aud`,
    does: 'leaves `aud` out',
    shows: 'IT-02',
    refused: claims({ aud: undefined }),
    reason: 'oauth-invalid-response',
  },
  {
    module: `${prefix}-test-invalid-secondary-aud`,
    does: 'names us and a client we do not know',
    shows: 'IT-04',
    refused: token((at) => ({ claims: { aud: [at.client.clientId, 'another-client'] } })),
    reason: 'id-token-claim-aud',
  },
  {
    module: `${prefix}-test-valid-aud-as-array`,
    does: 'names us alone, in a list',
    shows: 'IT-03',
    accepted: token((at) => ({ claims: { aud: [at.client.clientId] } })),
  },
  {
    module: `${prefix}-test-invalid-null-alg`,
    does: 'does not sign the ID token',
    shows: 'IT-11',
    refused: jose({ none: 'none' }),
    reason: 'oauth-invalid-response',
  },
  {
    module: `${prefix}-test-invalid-alternate-alg`,
    does: 'signs with an algorithm that is not in its metadata',
    shows: 'IT-13',
    refused: jose({ header: { alg: 'RS384' } }),
    reason: 'oauth-invalid-response',
  },
  {
    module: `${prefix}-test-invalid-expired-exp`,
    does: 'sends an ID token that expired more than five minutes ago',
    shows: 'IT-07',
    refused: shifted('exp', -301),
    reason: 'id-token-expiry',
  },
  {
    module: `${prefix}-test-invalid-missing-exp`,
    does: 'leaves `exp` out',
    shows: 'IT-06',
    refused: claims({ exp: undefined }),
    reason: 'oauth-invalid-response',
  },
  {
    module: `${prefix}-test-invalid-nonce`,
    does: 'sends another nonce back',
    shows: 'IT-09',
    refused: claims({ nonce: 'another' }),
    reason: 'id-token-claim-nonce',
  },
  {
    module: `${prefix}-test-invalid-missing-nonce`,
    does: 'sends no nonce back',
    shows: 'IT-09',
    refused: claims({ nonce: undefined }),
    reason: 'oauth-invalid-response',
  },
];

const responses: readonly Case[] = [
  {
    module: `${prefix}-test-invalid-authorization-response-iss`,
    does: 'names another issuer in the authorization response',
    shows: 'CB-04',
    refused: response({ iss: 'https://evil.test' }),
    reason: 'issuer-differs',
    beforeToken: true,
  },
  {
    module: `${prefix}-test-remove-authorization-response-iss`,
    does: 'leaves `iss` out of the authorization response, although it says it would be there',
    shows: 'CB-05',
    refused: response({ iss: undefined }),
    reason: 'issuer-missing',
    beforeToken: true,
  },
  {
    module: `${prefix}-test-ensure-authorization-response-with-invalid-state-fails`,
    does: 'sends another `state` back',
    shows: 'CB-01',
    refused: response({ state: 'another' }),
    error: 'state_mismatch',
    reason: 'state-not-ours',
    beforeToken: true,
  },
  {
    module: `${prefix}-test-ensure-authorization-response-with-invalid-missing-state-fails`,
    does: 'sends no `state` back',
    shows: 'CB-01',
    refused: response({ state: undefined }),
    error: 'state_mismatch',
    reason: 'state-not-ours',
    beforeToken: true,
  },
  {
    module: `${prefix}-test-token-endpoint-response-without-expires_in`,
    does: 'leaves `expires_in` out of the token answer',
    shows: 'CB-17',
    accepted: fields({ expires_in: undefined }),
  },
  {
    module: `${prefix}-test-token-type-case-insensitivity`,
    does: 'writes `token_type` in inverted case',
    shows: 'CB-15',
    accepted: fields({ token_type: 'bEARER' }),
  },
  {
    module: `${prefix}-refresh-token-test`,
    does: 'rotates refresh tokens, while the service behind answers 401 each time',
    shows: 'RF-04, PX-13',
    scene: 'two refreshes with rotation',
    verdict: 'refreshed twice, each time with the token given last',
  },
  {
    module: `${prefix}-test-discovery-issuer-mismatch`,
    does: 'names another issuer in its metadata',
    shows: 'LS-16',
    refusedProvider: metadata((issuer) => ({ issuer: `${issuer}/` })),
  },
];

const advanced: readonly Case[] = [
  {
    module: 'fapi1-advanced-final-client-test-iat-is-week-in-past',
    does: 'sends an ID token that was issued a week ago',
    shows: 'IT-08',
    refused: shifted('iat', -7 * 86_400),
    reason: 'id-token-issued-at',
  },
  {
    module: 'fapi1-advanced-final-client-test-invalid-signature',
    does: 'breaks the signature',
    shows: 'IT-12',
    refused: jose({ signature: 'flip-first' }),
    reason: 'signature',
  },
  {
    module: 'fapi1-advanced-final-client-test-no-scope-in-token-endpoint-response',
    does: 'leaves `scope` out of the token answer',
    shows: 'CB-18',
    accepted: fields({ scope: undefined }),
  },
  {
    module: 'fapi1-advanced-final-client-test-encrypted-idtoken',
    does: 'encrypts the ID token',
    shows: 'IT-33',
    shownBy: 'test/flow/encrypted-tokens.test.ts',
    test: 'IT-33: by %s and %s signs somebody in, and renews',
    verdict: 'accepted where `CLIENT_DECRYPTION_KEY_FILE` is set; refused without it',
  },
  {
    module: 'fapi1-advanced-final-client-test-encrypted-idtoken-usingrsa15',
    does: 'encrypts the ID token with RSA1_5',
    shows: 'IT-33',
    shownBy: 'test/flow/encrypted-tokens.test.ts',
    test: 'IT-33: with %s is refused',
    verdict: 'refused: `provider_error` (encryption-algorithm)',
  },
  {
    module: 'decoys of the key set',
    does: 'surrounds its key with keys of other types that have the same name',
    shows: 'IT-19',
    accepted: (_script, at) => void at.keys.addDecoys(),
  },
];

const pending: readonly Case[] = [
  {
    module: 'pushed requests (looked at in every module)',
    does: 'takes the request at its own endpoint, and the browser brings the name of it',
    shows: 'LS-12, LS-15',
    shownBy: 'test/flow/provider-login.test.ts',
    test: 'LS-12, LS-15: gets them pushed; when that fails the browser is sent nowhere',
    verdict: 'accepted; the browser carries `client_id` and `request_uri` alone',
  },
  notYet(`${prefix}-test-happy-path`, 'does everything right and demands DPoP nonces', {
    shows: 'LS-12, CA-14, CA-15',
    notYet: dpop,
  }),
  notYet(`${prefix}-test-happy-path-no-dpop-nonce`, 'does everything right, without nonces', {
    shows: 'CA-14',
    notYet: dpop,
  }),
  notYet(`${prefix}-test-rs-dpop-auth-scheme-case-insensitivity`, 'asks for a nonce by `dPoP`', {
    shows: 'PX-15',
    notYet: dpop,
  }),
  ...[
    'signature-is-not-none',
    'with-expired-exp-fails',
    'with-invalid-aud-fails',
    'with-invalid-iss-fails',
    'with-invalid-sig-fails',
    'without-aud-fails',
    'without-exp-fails',
    'without-iss-fails',
  ].map((fault) =>
    notYet(`fapi2-message-signing-final-client-test-ensure-jarm-${fault}`, 'breaks its signed authorization response', {
      shows: 'CB-12',
      notYet: jarm,
    }),
  ),
  {
    module: `${prefix}-test-invalid-openbanking-intent-id`,
    does: 'names another intent of a payment',
    shows: 'IT-32',
    notOurs: 'a claim of British open banking alone',
  },
  {
    module: 'brazildcr-*',
    does: 'registers clients as Brazilian open banking does',
    shows: 'CA-07',
    notOurs: 'the client is registered by the operator',
  },
];

/** The FAPI plans. */
export const fapiModules: readonly Case[] = [...idTokens, ...responses, ...advanced, ...pending];
