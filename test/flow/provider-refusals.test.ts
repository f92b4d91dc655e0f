/**
 * Signing in at an authorization server that breaks one rule at a time: everything
 * openid-client lets through, and the rest. Each case is refused, and the same
 * sign-in with that one thing put right works.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Provider } from '../../src/oidc/provider.ts';
import { hmacKeyings } from '../support/hostile/hmac-keys.ts';
import { noneSpellings } from '../support/hostile/jose.ts';
import { repeatMember, repeatMemberFirst } from '../support/hostile/json.ts';
import { keyHeaderAttacks } from '../support/hostile/key-headers.ts';
import { createSigningKey, unseemlyKeys } from '../support/hostile/keys.ts';
import { otherKinds } from '../support/hostile/other-kinds.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { authorize, providerFor, refusalOf, signIn } from '../unit/oidc/provider-flow.ts';
import { type Arrange, claims, fields, jose, type Row, shifted, token } from '../unit/oidc/token-faults.ts';

let hostile: HostileProvider;
let provider: Provider;

beforeAll(async () => {
  hostile = await startHostileProvider();
  ({ provider } = providerFor(hostile));
  await provider.start();
});

beforeEach(() => hostile.reset());

afterAll(async () => {
  await provider.close();
  await hostile.close();
});

/** Refused, with nothing used of the answer; put right, the very same works. */
async function expectRefusal(arrange: Arrange, reason: string | RegExp): Promise<void> {
  arrange(hostile.script, hostile);
  const refusal = await refusalOf(signIn(provider));
  expect(`${refusal.kind} ${refusal.reason}`).toMatch(
    typeof reason === 'string' ? new RegExp(`^invalid ${reason}$`) : reason,
  );
  expect(hostile.hits('userinfo') + hostile.hits('introspect')).toBe(0);
  expect(hostile.trap.connections).toBe(0);

  hostile.reset();
  expect((await signIn(provider)).idToken).toMatchObject({ sub: 'alice' });
}

describe('refused, because openid-client lets it through:', () => {
  it.each<Row>([
    ['IT-25: an at_hash of another token', claims({ at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }), 'id-token-access-token-hash'],
    [
      'IT-25: a truncated at_hash',
      token({ claims: (honest) => ({ ...honest, at_hash: String(honest.at_hash).slice(0, 10) }) }),
      'id-token-access-token-hash',
    ],
    ['IT-25: an at_hash that is a number', claims({ at_hash: 1 }), 'id-token-access-token-hash'],
    ['IT-25: a c_hash of another code', claims({ c_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }), 'id-token-code-hash'],
    [
      'IT-04: a further audience with our azp',
      token((at) => ({ claims: { aud: [at.client.clientId, 'other'], azp: at.client.clientId } })),
      'id-token-audience',
    ],
    [
      'IT-04: ourselves twice',
      token((at) => ({ claims: { aud: [at.client.clientId, at.client.clientId], azp: at.client.clientId } })),
      'id-token-audience',
    ],
    ['IT-05: a foreign azp with one audience', claims({ azp: 'other' }), 'id-token-authorized-party'],
    ['IT-06: an empty sub', claims({ sub: '' }), 'id-token-subject'],
    ['IT-06: a sub of 300 characters', claims({ sub: 's'.repeat(300) }), 'id-token-subject'],
    ['IT-06: a sub outside ASCII', claims({ sub: 'ålice' }), 'id-token-subject'],
    ['IT-06: a sub with a line break', claims({ sub: 'alice\nbob' }), 'id-token-subject'],
    ['IT-34: two sub members', jose({ payloadText: repeatMember('sub', 'bob') }), 'token-duplicate-member'],
    [
      'IT-34: two sub members, ours last',
      jose({ payloadText: repeatMemberFirst('sub', 'bob') }),
      'token-duplicate-member',
    ],
    [
      'IT-34: two aud members',
      token((at) => ({ jose: { payloadText: repeatMember('aud', at.client.clientId) } })),
      'token-duplicate-member',
    ],
    [
      'IT-34: two exp members',
      token((at) => ({ jose: { payloadText: repeatMember('exp', at.now() + 600) } })),
      'token-duplicate-member',
    ],
    [
      'IT-34: two alg members in the header',
      jose({ headerText: repeatMemberFirst('alg', 'none') }),
      'token-duplicate-member',
    ],
    ['IT-34: two access tokens', token({ raw: repeatMember('access_token', 'other') }), 'duplicate-member'],
    ['IT-34: two ID tokens', token({ raw: repeatMemberFirst('id_token', 'a.b.c') }), 'duplicate-member'],
    ['IT-08: an issue time a week ago', shifted('iat', -7 * 86_400), 'id-token-issued-at'],
    ['IT-08: an issue time an hour ahead', shifted('iat', 3_600), 'id-token-issued-at'],
    ['IT-08: an issue time two minutes ahead', shifted('iat', 120), 'id-token-issued-at'],
    ['IT-08: an issue time 14 seconds ahead', shifted('iat', 14), 'id-token-issued-at'],
    ...otherKinds.map(
      (kind): Row => [
        `IT-28: a token of the kind ${kind}`,
        token({ idTokenKind: kind }),
        kind === 'userinfo' || kind === 'client-assertion'
          ? /^invalid /
          : kind.includes('without')
            ? 'id-token-other-kind'
            : 'token-type',
      ],
    ),
    ['CB-27: an access token with a line break', token({ accessToken: 'a\r\nX: 1' }), 'access-token-grammar'],
    ['CB-27: an access token with a space', token({ accessToken: 'a b' }), 'access-token-grammar'],
    ['CB-27: an access token with a NUL', token({ accessToken: 'a\0b' }), 'access-token-grammar'],
    ['CB-27: an access token beyond ASCII', token({ accessToken: 'tøken' }), 'access-token-grammar'],
    ['CB-27: an access token of 17 KB', token({ accessToken: 'a'.repeat(17 * 1024) }), 'access-token-grammar'],
    ['CB-27: a refresh token with a line break', fields({ refresh_token: 'a\r\nb' }), 'refresh-token-grammar'],
    ['CB-27: a scope with a quote', fields({ scope: 'openid "x"' }), 'scope-grammar'],
    ['CB-15: a token that is bound to a key we do not have', fields({ token_type: 'DPoP' }), 'token-type'],
    ['CB-25: an answer as text/html', token({ contentType: 'text/html' }), /^unreachable wrong-type$/],
    ['CB-25: an answer without a type', token({ headers: { 'content-type': undefined } }), /^unreachable wrong-type$/],
    ['CB-25: an answer of 20 MB', token({ fault: { kind: 'huge', bytes: 20e6 } }), /^unreachable too-large$/],
  ])('%s', async (_case, arrange, reason) => {
    await expectRefusal(arrange, reason);
  });
});

describe('refused, signature and key:', () => {
  it.each<Row>([
    ...noneSpellings.map((none): Row => [`IT-11: alg ${none}`, jose({ none }), /^invalid /]),
    ['IT-11: no third part', jose({ signature: 'stripped' }), /^invalid /],
    ['IT-11: an empty third part', jose({ signature: 'empty' }), /^invalid /],
    ['IT-11: alg none with the third part gone', jose({ none: 'none', signature: 'stripped' }), /^invalid /],
    ['IT-12: a truncated signature', jose({ signature: 'truncated' }), 'signature'],
    ['IT-12: a signature by a key outside the set', jose({ key: 'attacker' }), 'signature'],
    ...hmacKeyings.map((hmac): Row => [`IT-14: HS256 keyed with ${hmac}`, jose({ hmac }), /^invalid /]),
    ...keyHeaderAttacks.map(
      (keyHeader): Row => [
        `IT-15: a key in the header: ${keyHeader}`,
        jose({ keyHeader }),
        /^invalid (signature|key-unknown|token-form)$/,
      ],
    ),
    ['IT-16: a kid that is a path', jose({ header: { kid: '../../dev/null' } }), 'key-unknown'],
    ['IT-16: a kid that is SQL', jose({ header: { kid: "' OR 1=1 --" } }), 'key-unknown'],
    ['IT-16: a kid of a prototype', jose({ header: { kid: '__proto__' } }), 'key-unknown'],
    ['IT-16: a kid of 10 KB', jose({ header: { kid: 'k'.repeat(10_240) } }), 'token-form'],
    ['IT-16: a kid of 1 MB', jose({ header: { kid: 'k'.repeat(1_000_000) } }), /^(invalid|unreachable) /],
    ['IT-16: a kid that is an object', jose({ header: { kid: { a: 1 } } }), 'token-form'],
    [
      'IT-18: no kid and only wrong keys',
      (script, at) => {
        script.token.jose = { header: { kid: undefined }, key: createSigningKey() };
        at.keys.add();
      },
      'signature',
    ],
    [
      'IT-20: a key for another algorithm',
      (script, at) => {
        const key = at.keys.add({ alg: 'RS256', published: { alg: 'PS256' } });
        script.token.jose = { key };
      },
      /^invalid key-unknown$/,
    ],
    [
      'IT-20: a key for encryption',
      token((at) => ({ jose: { key: at.keys.add({ published: { use: 'enc' } }) } })),
      'key-unknown',
    ],
    [
      'IT-20: a key for signing only',
      token((at) => ({ jose: { key: at.keys.add({ published: { key_ops: ['sign'] } }) } })),
      'key-unknown',
    ],
    [
      'IT-24: a key of 1024 bits',
      token((at) => ({ jose: { key: at.keys.add({ modulusLength: 1024 }) } })),
      'key-unknown',
    ],
    [
      'IT-24: a key whose private half is published',
      (script, at) => {
        const key = at.keys.add();
        script.jwks.keys = (honest) =>
          honest.map((jwk) => (jwk.kid === key.kid ? unseemlyKeys.withPrivateMembers(key) : jwk));
        script.token.jose = { key };
      },
      'key-unknown',
    ],
    ['IT-13: an algorithm that is not in the metadata', jose({ alg: 'ES384' }), /^invalid /],
    ['IT-29: an unknown critical header', jose({ header: { crit: ['x'], x: 1 } }), /^invalid /],
    ['IT-29: b64 false', jose({ header: { b64: false, crit: ['b64'] } }), /^invalid /],
    ['IT-29: b64 false, not marked as critical', jose({ header: { b64: false } }), 'token-critical'],
    ['IT-29: the flattened form', jose({ serialization: 'flattened' }), /^invalid /],
    ['IT-29: the general form', jose({ serialization: 'general' }), /^invalid /],
    ['IT-29: line breaks inside', jose({ serialization: 'spaced' }), /^invalid /],
    ['IT-29: padding', jose({ serialization: 'padded' }), /^invalid /],
    ['IT-29: quotes around it', jose({ serialization: 'quoted' }), /^invalid /],
  ])('%s', async (_case, arrange, reason) => {
    await expectRefusal(arrange, reason);
  });
});

describe('refused, claims and envelope:', () => {
  it.each<Row>([
    ['IT-01: no iss', claims({ iss: undefined }), /^invalid /],
    ['IT-01: another iss', claims({ iss: 'https://evil.test' }), /^invalid id-token-claim-iss$/],
    ['IT-01: iss with a slash', token((at) => ({ claims: { iss: `${at.issuer}/` } })), /^invalid id-token-claim-iss$/],
    ['IT-02: no aud', claims({ aud: undefined }), /^invalid /],
    ['IT-02: another aud', claims({ aud: 'other' }), /^invalid id-token-claim-aud$/],
    ['IT-02: another aud in a list', claims({ aud: ['other'] }), /^invalid id-token-claim-aud$/],
    ['IT-02: an empty list', claims({ aud: [] }), /^invalid id-token-claim-aud$/],
    [
      'IT-04: a further audience',
      token((at) => ({ claims: { aud: [at.client.clientId, 'other'] } })),
      /^invalid id-token-claim-aud$/,
    ],
    ['IT-06: no sub', claims({ sub: undefined }), /^invalid /],
    ['IT-06: a sub that is a number', claims({ sub: 42 }), /^invalid /],
    ['IT-06: a sub that is a list', claims({ sub: ['a', 'b'] }), /^invalid /],
    ['IT-06: no exp', claims({ exp: undefined }), /^invalid /],
    ['IT-06: an exp that is a word', claims({ exp: 'soon' }), /^invalid /],
    ['IT-06: no iat', claims({ iat: undefined }), /^invalid /],
    ['IT-06: an iat that is a word', claims({ iat: 'now' }), /^invalid /],
    ['IT-07: an end five minutes ago', shifted('exp', -301), /^invalid id-token-claim-exp$/],
    ['IT-07: an end 31 seconds ago', shifted('exp', -31), /^invalid id-token-claim-exp$/],
    ['IT-08: a start in a minute', shifted('nbf', 60), /^invalid id-token-claim-nbf$/],
    ['IT-08: a start in 20 seconds', shifted('nbf', 20), 'id-token-not-before'],
    ['IT-09: another nonce', claims({ nonce: 'another' }), /^invalid id-token-claim-nonce$/],
    ['IT-09: no nonce', claims({ nonce: undefined }), /^invalid /],
    ['IT-09: a nonce in a list', token({ claims: (honest) => ({ ...honest, nonce: [honest.nonce] }) }), /^invalid /],
    ['IT-26: an auth_time in an hour', shifted('auth_time', 3_600), 'id-token-auth-time'],
    ['IT-06: a sid that is a number', claims({ sid: 7 }), 'id-token-session-id'],
    ['IT-31: no id_token', fields({ id_token: undefined }), /^invalid /],
    ['IT-31: an empty id_token', fields({ id_token: '' }), /^invalid /],
    ['IT-31: id_token null', fields({ id_token: null }), /^invalid /],
    ['IT-31: id_token a number', fields({ id_token: 1 }), /^invalid /],
    ['CB-15: token_type mac', fields({ token_type: 'mac' }), /^invalid /],
    ['CB-15: no token_type', fields({ token_type: undefined }), /^invalid /],
    ['CB-17: expires_in -1', fields({ expires_in: -1 }), /^invalid /],
    ['CB-17: expires_in a word', fields({ expires_in: 'soon' }), /^invalid /],
    ['CB-17: expires_in a number with a word', fields({ expires_in: '3600 s' }), 'expires-in'],
    ['CB-27: no access token', fields({ access_token: undefined }), /^invalid /],
    ['CB-27: an empty access token', fields({ access_token: '' }), /^invalid /],
    ['CB-27: an access token that is a number', fields({ access_token: 7 }), /^invalid /],
    ['CB-27: an empty refresh token', fields({ refresh_token: '' }), /^invalid /],
    ['CB-27: a refresh token that is null', fields({ refresh_token: null }), /^invalid /],
    ['CB-27: a scope that is a list', fields({ scope: ['openid'] }), /^invalid /],
    ['CB-25: a list instead of an object', token({ raw: () => '[]' }), /^unreachable malformed$/],
    ['CB-25: status 201', token({ status: 201 }), /^invalid /],
  ])('%s', async (_case, arrange, reason) => {
    await expectRefusal(arrange, reason);
  });

  it('IT-10: an ID token of an earlier sign-in', async () => {
    await signIn(provider);
    const [earlier] = hostile.issued.idTokens;
    await expectRefusal(jose({ whole: earlier }), /^invalid id-token-claim-nonce$/);
  });

  it('IT-09: the nonce of another pending sign-in', async () => {
    const first = await authorize(provider);
    const second = await authorize(provider);
    const mixed = { ...first, nonce: second.nonce, maxAge: undefined, acrValues: [] };

    expect((await refusalOf(provider.redeem(mixed))).reason).toBe('id-token-claim-nonce');
    expect((await provider.redeem({ ...second, maxAge: undefined, acrValues: [] })).idToken).toBeDefined();
  });

  it('CB-14: names the tokens of an answer that was refused, so that they can be revoked', async () => {
    hostile.script.token.claims = { nonce: 'another' };
    const { tokensToRevoke } = await refusalOf(signIn(provider));

    expect(tokensToRevoke).toEqual([...hostile.issued.refreshTokens, ...hostile.issued.accessTokens]);
    hostile.script.token.contentType = 'text/html';
    const unread = await refusalOf(signIn(provider));
    expect(unread.tokensToRevoke).toHaveLength(2);
    expect([...hostile.issued.refreshTokens]).toContain(unread.tokensToRevoke[0]);
  });
});
