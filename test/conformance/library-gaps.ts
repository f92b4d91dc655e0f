/**
 * What openid-client takes when it is used as it comes, and what our checks after
 * it make of the same answers. The last rows are legal and must stay so.
 *
 * @module
 */

import { repeatMember } from '../support/hostile/json.ts';
import { type Arrange, claims, fields, jose, shifted, token } from '../unit/oidc/token-faults.ts';
import type { Case } from './module.ts';
import { metadata, response } from './switches.ts';

interface Legal {
  readonly shows: string;
  readonly by: Arrange;
}

interface Gap extends Legal {
  readonly reason: string;
  readonly error?: 'provider_unreachable';
}

/** Of every row but the controls. */
const taken = 'sends this, which openid-client alone takes';

const gap = (module: string, { by, ...told }: Gap): Case => ({ module, does: taken, refused: by, ...told });

const signed: readonly Case[] = [
  gap('signature invalid', { shows: 'IT-12', reason: 'signature', by: jose({ signature: 'flip-last' }) }),
  gap('signed by a key outside the key set', { shows: 'IT-15', reason: 'signature', by: jose({ key: 'attacker' }) }),
  gap('attacker’s `jwk` in the header', { shows: 'IT-15', reason: 'signature', by: jose({ keyHeader: 'jwk' }) }),
  gap('`kid` unknown', {
    shows: 'IT-15',
    reason: 'key-unknown',
    by: jose({ header: { kid: 'nobody-knows-this-one' } }),
  }),
  gap('two keys, no `kid`, signed by neither', {
    shows: 'IT-18',
    reason: 'signature',
    by: (script, at) => {
      at.keys.rotate();
      script.token.jose = { header: { kid: undefined }, key: 'attacker' };
    },
  }),
  gap('a key for encryption signs', {
    shows: 'IT-20',
    reason: 'key-unknown',
    by: (script, at) => {
      script.token.jose = { key: at.keys.add({ published: { use: 'enc' } }) };
    },
  }),
  gap('a key of 1024 bits signs', {
    shows: 'IT-24',
    reason: 'key-unknown',
    by: (script, at) => {
      script.token.jose = { key: at.keys.add({ modulusLength: 1024 }) };
    },
  }),
];

const claimed: readonly Case[] = [
  gap('`at_hash` wrong', {
    shows: 'IT-25',
    reason: 'id-token-access-token-hash',
    by: claims({ at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }),
  }),
  gap('`c_hash` wrong', {
    shows: 'IT-25',
    reason: 'id-token-code-hash',
    by: claims({ c_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }),
  }),
  gap('a further audience, `azp` is us', {
    shows: 'IT-04',
    reason: 'id-token-audience',
    by: token((at) => ({ claims: { aud: [at.client.clientId, 'another-client'], azp: at.client.clientId } })),
  }),
  gap('foreign `azp`, one audience', {
    shows: 'IT-05',
    reason: 'id-token-authorized-party',
    by: claims({ azp: 'another-client' }),
  }),
  gap('`sub` empty', { shows: 'IT-06', reason: 'id-token-subject', by: claims({ sub: '' }) }),
  gap('`sub` of 300 characters', { shows: 'IT-06', reason: 'id-token-subject', by: claims({ sub: 's'.repeat(300) }) }),
  gap('two `sub` in one token', {
    shows: 'IT-34',
    reason: 'token-duplicate-member',
    by: jose({ payloadText: repeatMember('sub', 'bob') }),
  }),
  gap('`iat` a week old', { shows: 'IT-08', reason: 'id-token-issued-at', by: shifted('iat', -7 * 86_400) }),
  gap('`iat` an hour ahead', { shows: 'IT-08', reason: 'id-token-issued-at', by: shifted('iat', 3_600) }),
  gap('`typ` is `at+jwt`', { shows: 'IT-28', reason: 'token-type', by: token({ idTokenKind: 'at+jwt' }) }),
  gap('`typ` is `logout+jwt`', { shows: 'IT-28', reason: 'token-type', by: token({ idTokenKind: 'logout+jwt' }) }),
  gap('a logout token by its `events`', {
    shows: 'IT-28',
    reason: 'id-token-other-kind',
    by: token({ idTokenKind: 'logout-token-without-type' }),
  }),
];

const enveloped: readonly Case[] = [
  gap('a line break in the access token', {
    shows: 'CB-27',
    reason: 'access-token-grammar',
    by: fields({ access_token: 'a\r\nX: 1' }),
  }),
  gap('token answer as text/html', {
    shows: 'CB-25',
    reason: 'wrong-type',
    error: 'provider_unreachable',
    by: token({ contentType: 'text/html' }),
  }),
  gap('token answer of 20 MB', {
    shows: 'CB-25',
    reason: 'too-large',
    error: 'provider_unreachable',
    by: token({ fault: { kind: 'huge', bytes: 20_000_000 } }),
  }),
  {
    module: 'access token in the callback beside the code',
    does: taken,
    shows: 'CB-11',
    refused: response({ access_token: 'an-access-token' }),
    reason: 'token-in-front-channel',
    beforeToken: true,
  },
];

const scenes: readonly Case[] = [
  {
    module: '`acr` lower than asked',
    does: taken,
    shows: 'IT-27',
    scene: 'acr lower than asked',
    verdict: 'refused: `acr_not_met`',
  },
  {
    module: '`expires_in` of ten years',
    does: taken,
    shows: 'CB-17',
    scene: 'a token of ten years',
    verdict: 'accepted; the session ends when it would have ended anyway',
  },
  {
    module: 'metadata without S256',
    does: taken,
    shows: 'LS-18',
    scene: 'no S256 in the metadata',
    verdict: 'accepted with S256 sent all the same; `state` and `nonce` are each checked',
  },
  {
    module: '`jwks_uri` on another host, without TLS',
    does: taken,
    shows: 'LS-17',
    refusedProvider: metadata(() => ({ jwks_uri: 'http://evil.test/jwks' })),
  },
  ...(['sub', 'auth_time', 'nonce'] as const).map(
    (claim): Case => ({
      module: `refreshed ID token: another \`${claim}\``,
      does: taken,
      shows: 'RF-08',
      scene: `refreshed ID token with another ${claim}`,
      verdict: 'refused: the session ends, the new tokens are never used',
    }),
  ),
  {
    module: 'rotation in a long-lived process',
    does: taken,
    shows: 'IT-21',
    scene: 'keys rotate between two sign-ins',
    verdict: 'accepted at once',
  },
];

const legal = (module: string, { shows, by }: Legal): Case => ({
  module,
  does: 'sends this, which is legal',
  shows,
  accepted: by,
});

const controls: readonly Case[] = [
  legal('control: happy path', { shows: 'LS-01', by: () => undefined }),
  legal('control: one audience in a list', {
    shows: 'IT-03',
    by: token((at) => ({ claims: { aud: [at.client.clientId] } })),
  }),
  legal('control: one key, no `kid`', { shows: 'IT-17', by: jose({ header: { kid: undefined } }) }),
  legal('control: decoys with the same `kid`', { shows: 'IT-19', by: (_script, at) => void at.keys.addDecoys() }),
  legal('control: `BEARER`', { shows: 'CB-15', by: fields({ token_type: 'BEARER' }) }),
  legal('control: no `expires_in`', { shows: 'CB-17', by: fields({ expires_in: undefined }) }),
  legal('control: `exp` ten seconds ago', { shows: 'IT-07', by: shifted('exp', -10) }),
  {
    module: 'control: right `iss` that was not announced',
    does: 'sends this, which is legal',
    shows: 'CB-05',
    scene: 'issuer that was not announced',
    verdict: 'accepted; a wrong one is refused nevertheless',
  },
];

/** Every measured case that passed, and the legal ones. */
export const libraryGaps: readonly Case[] = [...signed, ...claimed, ...enveloped, ...scenes, ...controls];
