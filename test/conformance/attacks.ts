/**
 * The attack families of PrOfESSOS, a tool that attacks relying parties with an
 * honest and a malicious provider, made again from what they try.
 *
 * The malicious provider of an ID token is played by its key, which is not in the
 * key set of the honest one.
 *
 * @module
 */

import { hmacKeyings } from '../support/hostile/hmac-keys.ts';
import { noneSpellings } from '../support/hostile/jose.ts';
import { repeatMember, repeatMemberFirst } from '../support/hostile/json.ts';
import { keyHeaderAttacks } from '../support/hostile/key-headers.ts';
import { type Arrange, claims, fields, jose, shifted, token } from '../unit/oidc/token-faults.ts';
import { type Case, refusal } from './module.ts';
import { metadata, response, userinfo } from './switches.ts';

/** An ID token of the malicious provider. */
const forged = (by: (issuer: string) => Readonly<Record<string, unknown>>): Arrange =>
  token((at) => ({ claims: by(at.issuer), jose: { key: 'attacker' } }));

const evil = 'https://evil.test';

const idSpoofing: readonly Case[] = [
  refusal('ID Spoofing 1', 'is another one and claims the victim’s `sub`', {
    shows: 'IT-01, IT-30',
    refused: forged(() => ({ iss: evil, sub: 'alice' })),
    reason: 'id-token-claim-iss',
  }),
  refusal('ID Spoofing 2', 'is another one and claims the victim’s `sub` and `iss`', {
    shows: 'IT-01, IT-12',
    refused: forged((iss) => ({ iss, sub: 'alice' })),
    reason: 'signature',
  }),
  refusal('ID Spoofing 3', 'is another one and claims the victim’s name and address', {
    shows: 'IT-01, IT-30',
    refused: forged(() => ({ iss: evil, sub: 'mallory', name: 'Alice Example', email: 'alice@example.test' })),
    reason: 'id-token-claim-iss',
  }),
  refusal('ID Spoofing 4', 'is another one and claims the victim’s `sub` without an `iss`', {
    shows: 'IT-01',
    refused: forged(() => ({ iss: undefined, sub: 'alice' })),
    reason: 'oauth-invalid-response',
  }),
  refusal('ID Spoofing 5', 'is another one and claims the victim’s `sub` with an empty `iss`', {
    shows: 'IT-01',
    refused: forged(() => ({ iss: '', sub: 'alice' })),
    reason: 'id-token-claim-iss',
  }),
  refusal('ID Spoofing 6', 'gives the victim’s `sub` and `iss` at UserInfo', {
    shows: 'CB-22',
    reaches: 'userinfo',
    refused: userinfo({ fields: { sub: 'victim', iss: evil } }),
    reason: 'user-info-oauth-json-attribute-comparison-failed',
  }),
  {
    module: 'ID Spoofing 7',
    does: 'gives the victim’s name and address at UserInfo',
    shows: 'IT-30',
    scene: 'names of somebody else',
    verdict: 'accepted as who `sub` says; names decide nothing',
  },
  refusal('ID Spoofing 8', 'gives two `sub` at UserInfo, the victim’s last', {
    shows: 'CB-22, IT-34',
    reaches: 'userinfo',
    refused: userinfo({ raw: repeatMember('sub', 'victim') }),
    reason: 'user-info-duplicate-member',
  }),
  refusal('ID Spoofing 9', 'gives two `sub` at UserInfo, the victim’s first', {
    shows: 'CB-22, IT-34',
    reaches: 'userinfo',
    refused: userinfo({ raw: repeatMemberFirst('sub', 'victim') }),
    reason: 'user-info-duplicate-member',
  }),
  refusal('ID Spoofing 10', 'gives a list of `sub` at UserInfo, the victim’s last', {
    shows: 'CB-22',
    reaches: 'userinfo',
    refused: userinfo({ fields: { sub: ['alice', 'victim'] } }),
    reason: 'user-info-oauth-invalid-response',
  }),
  refusal('ID Spoofing 11', 'gives a list of `sub` at UserInfo, the victim’s first', {
    shows: 'CB-22',
    reaches: 'userinfo',
    refused: userinfo({ fields: { sub: ['victim', 'alice'] } }),
    reason: 'user-info-oauth-invalid-response',
  }),
  {
    module: 'ID Spoofing 12',
    does: 'repeats `iss`, `sub` and `aud` in the JOSE header, with other values',
    shows: 'IT-30',
    scene: 'claims in the JOSE header',
    verdict: 'accepted as who the payload says',
  },
];

const confusion: readonly Case[] = [
  {
    module: 'Issuer Confusion',
    does: 'is another one, and its metadata name the honest issuer',
    shows: 'LS-16',
    refusedProvider: metadata(() => ({ issuer: 'https://honest.test' })),
  },
  ...keyHeaderAttacks.map((keyHeader) =>
    refusal(`Key Confusion 1–6 (${keyHeader})`, 'offers a key of its own in the JOSE header', {
      shows: 'IT-15, IT-16',
      refused: jose({ keyHeader }),
      reason: keyHeader.startsWith('kid') ? 'key-unknown' : 'signature',
    }),
  ),
  ...hmacKeyings.map((hmac) =>
    refusal(`Key Confusion 7–13 (${hmac})`, 'signs with HS256 under a text that everybody knows', {
      shows: 'IT-14',
      refused: jose({ hmac }),
      reason: 'oauth-invalid-response',
    }),
  ),
  refusal('IdP Confusion', 'answers in place of another (mix-up)', {
    shows: 'LS-19, CB-04',
    beforeToken: true,
    refused: response({ iss: evil }),
    reason: 'issuer-differs',
  }),
  {
    module: 'Malicious Endpoints',
    does: 'names token endpoint and keys of a host that is not secured',
    shows: 'LS-17, LS-20',
    refusedProvider: metadata(() => ({ token_endpoint: 'http://evil.test/token', jwks_uri: 'http://evil.test/jwks' })),
  },
  {
    module: 'Session Overwriting 1–2',
    does: 'has a second sign-in begun before the first has ended',
    shows: 'LS-19, LS-20',
    scene: 'two sign-ins at once',
    verdict: 'accepted, each with its own state; the code of one is never redeemed for the other',
  },
];

const replay: readonly Case[] = [
  refusal('Replay 1', 'sends an ID token that has expired', {
    shows: 'IT-07',
    refused: shifted('exp', -3_600),
    reason: 'id-token-claim-exp',
  }),
  refusal('Replay 2', 'sends an ID token that expired a minute ago', {
    shows: 'IT-07',
    refused: shifted('exp', -60),
    reason: 'id-token-expiry',
  }),
  refusal('Replay 3', 'sends an ID token that was issued a day ago', {
    shows: 'IT-08',
    refused: shifted('iat', -86_400),
    reason: 'id-token-issued-at',
  }),
  refusal('Replay 4', 'sends an ID token that will be issued in a day', {
    shows: 'IT-08',
    refused: shifted('iat', 86_400),
    reason: 'id-token-issued-at',
  }),
  refusal('Replay 5', 'sends the same nonce every time', {
    shows: 'IT-09',
    refused: claims({ nonce: 'A'.repeat(43) }),
    reason: 'id-token-claim-nonce',
  }),
  refusal('Replay 6', 'sends no nonce', {
    shows: 'IT-09',
    refused: claims({ nonce: undefined }),
    reason: 'oauth-invalid-response',
  }),
];

const signatures: readonly Case[] = [
  refusal('Signature Manipulation 1', 'signs other claims', {
    shows: 'IT-12',
    refused: jose({ signature: 'other' }),
    reason: 'signature',
  }),
  ...noneSpellings.map((none) =>
    refusal(`Signature Manipulation 2, 4 (${none})`, 'does not sign', {
      shows: 'IT-11',
      refused: jose({ none }),
      reason: 'oauth-invalid-response',
    }),
  ),
  refusal('Signature Manipulation 3', 'does not sign and adds a signature nevertheless', {
    shows: 'IT-11',
    refused: jose({ header: { alg: 'none' } }),
    reason: 'oauth-invalid-response',
  }),
  ...(
    [
      ['empty', 'token-form'],
      ['stripped', 'oauth-invalid-response'],
      ['truncated', 'signature'],
    ] as const
  ).map(([signature, reason]) =>
    refusal(`Signature Manipulation (${signature})`, 'sends half a signature, or none', {
      shows: 'IT-11, IT-12',
      refused: jose({ signature }),
      reason,
    }),
  ),
];

const crossSite: readonly Case[] = [
  refusal('CSRF 1', 'sends another `state`', {
    shows: 'CB-01',
    refused: response({ state: 'another' }),
    error: 'state_mismatch',
    reason: 'state-not-ours',
    beforeToken: true,
  }),
  {
    module: 'CSRF 2',
    does: 'sends the `state` of another browser',
    shows: 'CB-02',
    scene: 'state of another browser',
    verdict: 'refused: the code is not redeemed, a sign-in of one’s own begins anew, once',
  },
  refusal('CSRF 3', 'sends no `state`', {
    shows: 'CB-01',
    refused: response({ state: undefined }),
    error: 'state_mismatch',
    reason: 'state-not-ours',
    beforeToken: true,
  }),
];

const recipients: readonly Case[] = [
  refusal('Token Recipient Confusion 1', 'names another client as audience', {
    shows: 'IT-02',
    refused: claims({ aud: 'another-client' }),
    reason: 'id-token-claim-aud',
  }),
  refusal('Token Recipient Confusion 2', 'names no audience', {
    shows: 'IT-02',
    refused: claims({ aud: undefined }),
    reason: 'oauth-invalid-response',
  }),
  ...[['another-client'], [], [''], [null], [['nested']]].map((aud) =>
    refusal(`Token Recipient Confusion 3 (${JSON.stringify(aud)})`, 'names a list as audience', {
      shows: 'IT-02, IT-04',
      refused: claims({ aud }),
      reason: 'id-token-claim-aud',
    }),
  ),
  refusal('Token Recipient Confusion 3 (ours and another)', 'names us and another client', {
    shows: 'IT-04',
    refused: token((at) => ({ claims: { aud: [at.client.clientId, 'another-client'], azp: at.client.clientId } })),
    reason: 'id-token-audience',
  }),
  refusal('Token Substitution (access token)', 'has the access token of somebody else put in', {
    shows: 'CB-14, IT-25',
    refused: fields({ access_token: 'an-access-token-of-somebody-else' }),
    reason: 'id-token-access-token-hash',
  }),
  {
    module: 'Token Substitution (code)',
    does: 'has the code of somebody else put in',
    shows: 'CB-14',
    scene: 'code of somebody else',
    verdict: 'refused: `provider_error`; PKCE binds the code to the browser that asked for it',
  },
];

/** All families. */
export const attackFamilies: readonly Case[] = [
  ...idSpoofing,
  ...confusion,
  ...replay,
  ...signatures,
  ...crossSite,
  ...recipients,
];
