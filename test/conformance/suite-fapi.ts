/**
 * The modules of the suite's FAPI 2.0 client plans.
 *
 * @module
 */

import { type Arrange, claims, fields, jose, shifted, token } from '../unit/oidc/token-faults.ts';
import type { Case } from './module.ts';
import { metadata, response, responseClaims, responseJose } from './switches.ts';

const prefix = 'fapi2-security-profile-final-client';

const jarmFaults: readonly (readonly [fault: string, refused: Arrange, reason: string])[] = [
  ['signature-is-not-none', responseJose({ none: 'none' }), 'token-form'],
  ['with-expired-exp-fails', responseClaims((at) => ({ exp: at.now() - 301 })), 'response-expiry'],
  ['with-invalid-aud-fails', responseClaims(() => ({ aud: 'another-client' })), 'response-audience'],
  ['with-invalid-iss-fails', responseClaims((at) => ({ iss: `${at.issuer}/` })), 'response-issuer'],
  ['with-invalid-sig-fails', responseJose({ signature: 'flip-first' }), 'signature'],
  ['without-aud-fails', responseClaims(() => ({ aud: undefined })), 'response-audience'],
  ['without-exp-fails', responseClaims(() => ({ exp: undefined })), 'response-expiry'],
  ['without-iss-fails', responseClaims(() => ({ iss: undefined })), 'response-issuer'],
];

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
  {
    module: `${prefix}-test-happy-path`,
    does: 'does everything right and demands DPoP nonces',
    shows: 'LS-12, CA-14, CA-15',
    shownBy: 'test/flow/dpop.test.ts',
    test: 'CA-15: brings the nonce that the server wants, once it knows it',
    verdict: 'accepted; each proof has the nonce that was given last',
  },
  {
    module: `${prefix}-test-happy-path-no-dpop-nonce`,
    does: 'does everything right, without nonces',
    shows: 'CA-14',
    shownBy: 'test/flow/dpop.test.ts',
    test: 'CA-14, CA-16: proves one key when it pushes the request, redeems the code and asks UserInfo',
    verdict: 'accepted',
  },
  {
    module: `${prefix}-test-happy-path over TLS, with PROFILE=fapi2`,
    does: 'is a server of the whole profile',
    shows: 'CA-02, CA-14, LS-12, PX-15',
    shownBy: 'test/flow/fapi2.test.ts',
    test: 'CA-02, CA-14, LS-12, PX-15: signs in, calls, refreshes and signs out',
    verdict: 'accepted, by client assertion and by certificate',
  },
  {
    module: `${prefix}-test-rs-dpop-auth-scheme-case-insensitivity`,
    does: 'asks for a nonce by `dPoP`',
    shows: 'PX-15',
    shownBy: 'test/flow/dpop.test.ts',
    test: 'PX-15, CA-15: answers a challenge once, whatever the case of its scheme, and uses the newest nonce of each upstream',
    verdict: 'the proof is repeated once, with the nonce',
  },
  ...jarmFaults.map(
    ([fault, refused, reason]): Case => ({
      module: `fapi2-message-signing-final-client-test-ensure-jarm-${fault}`,
      does: 'breaks its signed authorization response',
      shows: 'CB-12',
      at: 'signed responses',
      refused,
      reason,
      beforeToken: true,
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
