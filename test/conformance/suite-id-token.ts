/**
 * The modules of the suite's basic and comprehensive plans that are about the ID
 * token and the key it is signed with.
 *
 * @module
 */

import { claims, jose } from '../unit/oidc/token-faults.ts';
import type { Case } from './module.ts';

const idTokens: readonly Case[] = [
  {
    module: 'oidcc-client-test-idtoken-sig-rs256',
    plans: 'B P T',
    does: 'signs with RS256',
    shows: 'IT-12, IT-13',
    accepted: jose({ alg: 'RS256' }),
  },
  {
    module: 'oidcc-client-test-idtoken-sig-none',
    plans: 'B P C D T',
    does: 'does not sign the ID token',
    shows: 'IT-11',
    refused: jose({ none: 'none' }),
    reason: 'oauth-invalid-response',
  },
  {
    module: 'oidcc-client-test-invalid-sig-rs256',
    plans: 'B P T',
    does: 'breaks the RS256 signature',
    shows: 'IT-12',
    refused: jose({ alg: 'RS256', signature: 'flip-last' }),
    reason: 'signature',
  },
  {
    module: 'oidcc-client-test-invalid-sig-es256',
    plans: 'T',
    does: 'breaks the ES256 signature',
    shows: 'IT-12',
    refused: jose({ alg: 'ES256', signature: 'flip-last' }),
    reason: 'signature',
  },
  {
    module: 'oidcc-client-test-invalid-sig-hs256',
    plans: 'T',
    does: 'breaks the signature of HS256 under the client secret',
    shows: 'IT-12, IT-14',
    refused: jose({ hmac: 'client-secret', signature: 'flip-last' }),
    reason: 'oauth-invalid-response',
  },
  {
    module: 'oidcc-client-test-invalid-iss',
    plans: 'B P T',
    does: 'names another issuer in the ID token',
    shows: 'IT-01',
    refused: claims({ iss: 'https://evil.test' }),
    reason: 'id-token-claim-iss',
  },
  {
    module: 'oidcc-client-test-missing-sub',
    plans: 'B P T',
    does: 'leaves `sub` out',
    shows: 'IT-06',
    refused: claims({ sub: undefined }),
    reason: 'oauth-invalid-response',
  },
  {
    module: 'oidcc-client-test-invalid-aud',
    plans: 'B P T',
    does: 'names another client as audience',
    shows: 'IT-02',
    refused: claims({ aud: 'another-client' }),
    reason: 'id-token-claim-aud',
  },
  {
    module: 'oidcc-client-test-missing-aud',
    plans: 'T',
    does: 'leaves `aud` out',
    shows: 'IT-02',
    refused: claims({ aud: undefined }),
    reason: 'oauth-invalid-response',
  },
  {
    module: 'oidcc-client-test-missing-iat',
    plans: 'B P T',
    does: 'leaves `iat` out',
    shows: 'IT-06',
    refused: claims({ iat: undefined }),
    reason: 'oauth-invalid-response',
  },
  {
    module: 'oidcc-client-test-nonce-invalid',
    plans: 'B P T',
    does: 'sends another nonce back',
    shows: 'IT-09',
    refused: claims({ nonce: 'another' }),
    reason: 'id-token-claim-nonce',
  },
  {
    module: 'oidcc-client-test-invalid-athash',
    plans: 'T',
    does: 'gives the `at_hash` of another access token',
    shows: 'IT-25',
    refused: claims({ at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }),
    reason: 'id-token-access-token-hash',
  },
  {
    module: 'oidcc-client-test-missing-athash',
    plans: 'T',
    does: 'leaves `at_hash` out of an ID token of the front channel',
    shows: 'IT-25',
    notOurs: 'no ID token comes by the front channel; one that does is refused',
  },
  {
    module: 'oidcc-client-test-invalid-chash, -missing-chash',
    plans: 'T',
    does: 'gives another `c_hash`, or none, in the hybrid flow',
    shows: 'CB-11',
    notOurs: 'there is no hybrid flow; a `c_hash` that comes with the code flow must still be right',
  },
];

const keys: readonly Case[] = [
  {
    module: 'oidcc-client-test-kid-absent-single-jwks',
    plans: 'B P T',
    does: 'has one key and names none in the ID token',
    shows: 'IT-17',
    accepted: jose({ header: { kid: undefined } }),
  },
  {
    module: 'oidcc-client-test-kid-absent-multiple-jwks',
    plans: 'B P T',
    does: 'has several keys and names none in the ID token',
    shows: 'IT-18',
    scene: 'several keys and no name',
    verdict: 'accepted, each key that fits is tried, four at most; signed with none of them it is refused',
  },
  {
    module: 'oidcc-client-test-signing-key-rotation',
    plans: 'C D T',
    does: 'has other keys at the second sign-in',
    shows: 'IT-21',
    scene: 'keys rotate between two sign-ins',
    verdict: 'accepted, both times',
  },
  {
    module: 'oidcc-client-test-signing-key-rotation-just-before-signing',
    plans: 'C D T',
    does: 'changes its keys between the request and the signature',
    shows: 'IT-21',
    scene: 'keys rotate just before signing',
    verdict: 'accepted',
  },
];

/** Both. */
export const idTokenModules: readonly Case[] = [...idTokens, ...keys];
