/**
 * The faulty tokens of the hostile provider: each has the fault it is said to
 * have, and no other. A fault that is not there would make every test that relies
 * on it worthless.
 *
 * @module
 */

import { createHmac, createPublicKey, type KeyObject, timingSafeEqual, verify, X509Certificate } from 'node:crypto';
import * as jose from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type HmacKeying, hmacKeyings } from '../../support/hostile/hmac-keys.ts';
import { noneSpellings } from '../../support/hostile/jose.ts';
import { repeatMember, repeatMemberFirst } from '../../support/hostile/json.ts';
import { type OtherKind, otherKinds } from '../../support/hostile/other-kinds.ts';
import { discover, freshIdToken, redeem, refresh, signIn } from '../../support/hostile/relying-party.ts';
import { parseUnverifiedJws, type UnverifiedJws } from '../../support/hostile/signature.ts';
import { type HostileProvider, startHostileProvider } from '../../support/hostile-provider.ts';

let provider: HostileProvider;

beforeAll(async () => {
  provider = await startHostileProvider();
});
beforeEach(() => provider.reset());
afterAll(() => provider.close());

async function publishedKeys(): Promise<readonly Record<string, string>[]> {
  const response = await fetch(`${provider.issuer}/jwks`);
  const { keys } = (await response.json()) as { keys: Record<string, string>[] }; // the test fails on anything else
  return keys;
}

/** True when RS256 verifies with a key, by node:crypto alone. */
function isSignedBy({ signingInput, signature }: UnverifiedJws, key: KeyObject): boolean {
  return verify('sha256', Buffer.from(signingInput), key, signature);
}

async function honestKey(): Promise<KeyObject> {
  const [key = {}] = await publishedKeys();
  return createPublicKey({ key, format: 'jwk' });
}

describe('claims', () => {
  it.each([
    ['a wrong nonce', { nonce: 'another' }],
    ['a missing nonce', { nonce: undefined }],
    ['another issuer', { iss: 'https://other.example' }],
    ['another audience', { aud: 'other' }],
    ['no subject', { sub: undefined }],
    ['a subject that is a number', { sub: 42 }],
    ['an end in the past', (honest: Record<string, unknown>) => ({ ...honest, exp: Number(honest.exp) - 700 })],
  ])('carry %s, validly signed, and openid-client refuses them', async (_what, claims) => {
    const config = await discover(provider);
    expect((await signIn(config)).tokens.claims()?.sub).toBe('alice');
    provider.script.token.claims = claims;

    await expect(signIn(config)).rejects.toThrow();
    expect(isSignedBy(await freshIdToken(provider), await honestKey())).toBe(true);
  });

  it('are changed for a refresh on their own', async () => {
    const { refresh_token: token } = await redeem(provider);
    provider.script.refresh.claims = { sub: 'bob' };
    const second = await refresh(provider, token);

    expect(parseUnverifiedJws(String(second.id_token))?.claims).toMatchObject({ sub: 'bob' });
    provider.script.refresh.claims = undefined;
    const third = await refresh(provider, second.refresh_token);
    expect(parseUnverifiedJws(String(third.id_token))?.claims).toMatchObject({ sub: 'alice' });
  });

  it.each([
    ['last', repeatMember('sub', 'bob'), 'bob'],
    ['first', repeatMemberFirst('sub', 'bob'), 'alice'],
  ] as const)(
    'stand twice in the text, the added one %s, under one valid signature',
    async (_place, payloadText, read) => {
      provider.script.token.jose = { payloadText };
      const token = await freshIdToken(provider);
      const text = Buffer.from(token.compact.split('.')[1] ?? '', 'base64url').toString();

      expect(text.match(/"sub":/g)).toHaveLength(2);
      expect(token.claims.sub).toBe(read);
      expect(isSignedBy(token, await honestKey())).toBe(true);
    },
  );

  it.each(otherKinds)('are those of a %s, under one valid signature', async (idTokenKind) => {
    expect(marksOf(await freshIdToken(provider))).toEqual(['issued']);
    provider.script.token.idTokenKind = idTokenKind;
    const token = await freshIdToken(provider);

    expect(marksOf(token)).toEqual(marksOfKind[idTokenKind]);
    expect(isSignedBy(token, await honestKey())).toBe(true);
    expect(JSON.stringify(token.claims)).toContain(provider.issuer);
  });
});

/** What gives a token of another kind away; `issued` says that it has the nonce and the issuer of an ID token. */
function marksOf({ header, claims }: UnverifiedJws): readonly string[] {
  const members = ['events', 'token_introspection', 'htu', 'client_id'].filter((name) => name in claims);
  const isIssued = claims.nonce === 'n1' && claims.iss === provider.issuer;
  return [header.typ === 'JWT' ? '' : String(header.typ), ...members, isIssued ? 'issued' : ''].filter(Boolean);
}

const marksOfKind: Readonly<Record<OtherKind, readonly string[]>> = {
  'at+jwt': ['at+jwt', 'client_id', 'issued'],
  'logout+jwt': ['logout+jwt', 'events', 'issued'],
  'logout-token-without-type': ['events', 'issued'],
  'token-introspection+jwt': ['token-introspection+jwt', 'token_introspection', 'issued'],
  'dpop+jwt': ['dpop+jwt', 'htu', 'issued'],
  userinfo: [],
  'client-assertion': [],
};

describe('signatures', () => {
  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'] as const)(
    'of %s are broken by one byte, by half, and by other content',
    async (alg) => {
      const own = await startHostileProvider({ alg });
      const config = await discover(own);
      expect((await signIn(config)).tokens.claims()?.sub).toBe('alice');
      for (const signature of ['flip-first', 'flip-last', 'truncated', 'other', 'empty', 'stripped'] as const) {
        own.script.token.jose = { signature };
        await expect(signIn(config)).rejects.toThrow();
      }
      own.script.token.jose = { key: 'attacker' };
      await expect(signIn(config)).rejects.toThrow();
      await own.close();
    },
  );

  it('can be of another algorithm than agreed, and good', async () => {
    provider.script.token.jose = { alg: 'ES256' };
    const { compact } = await freshIdToken(provider);
    const keys = jose.createRemoteJWKSet(new URL(`${provider.issuer}/jwks`));

    expect((await jose.jwtVerify(compact, keys)).protectedHeader.alg).toBe('ES256');
  });

  it.each(noneSpellings)('are left out under alg %s', async (none) => {
    provider.script.token.jose = { none };
    const { compact, header } = await freshIdToken(provider);

    expect(header.alg).toBe(none);
    expect(compact).toMatch(/^[\w-]+\.[\w-]+\.$/);
    provider.script.token.jose = { none, signature: 'stripped' };
    expect(String((await redeem(provider)).id_token)).toMatch(/^[\w-]+\.[\w-]+$/);
  });

  it.each(hmacKeyings)('are HS256 keyed by %s, made from what everybody can read', async (hmac) => {
    provider.script.token.jose = { hmac };
    const { header, signingInput, signature } = await freshIdToken(provider);
    const expected = createHmac('sha256', await keyingFromOutside(hmac))
      .update(signingInput)
      .digest();

    expect(header.alg).toBe('HS256');
    expect(timingSafeEqual(signature, expected)).toBe(true);
  });
});

/** The HMAC key made again from the published key set, not from the provider's own objects. */
async function keyingFromOutside(hmac: HmacKeying): Promise<string | Buffer> {
  const text = await (await fetch(`${provider.issuer}/jwks`)).text();
  const [jwk = {}] = await publishedKeys();
  const [type = '', ...spelling] = hmac.split('-');
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  if (type === 'spki' || type === 'pkcs1') {
    const pem = String(key.export({ type, format: 'pem' }));
    const lines = pem.trim().split('\n');
    const spellings: Record<string, string | Buffer> = {
      pem,
      'pem-no-newline': pem.trim(),
      'pem-crlf': `${lines.join('\r\n')}\r\n`,
      'pem-one-line': lines.join(''),
      base64: lines.slice(1, -1).join(''),
      der: key.export({ type, format: 'der' }),
    };
    return spellings[spelling.join('-')] ?? '';
  }
  const others: Record<string, string | Buffer | undefined> = {
    modulus: jwk.n,
    'modulus-bytes': Buffer.from(jwk.n ?? '', 'base64url'),
    exponent: 'AQAB',
    'exponent-bytes': Buffer.from([1, 0, 1]),
    kty: 'RSA',
    alg: 'RS256',
    kid: jwk.kid,
    jwk: text.slice('{"keys":['.length, -']}'.length),
    'key-set': text,
    'client-secret': provider.client.clientSecret,
    empty: '',
  };
  return others[hmac] ?? '';
}

describe('headers', () => {
  it.each([
    'jwk',
    'jwk-with-jku',
    'jku',
    'jku-attacker-first',
    'jku-attacker-last',
    'jwk-as-url',
    'kid-as-url',
    'kid-as-jwk',
  ] as const)(
    '%s: whoever takes the key from there verifies the token, whoever takes the published one does not',
    async (keyHeader) => {
      provider.script.token.jose = { keyHeader };
      const token = await freshIdToken(provider);
      const offered = await offeredKeys(token.header);

      expect(offered.some((key) => isSignedBy(token, createPublicKey({ key, format: 'jwk' })))).toBe(
        keyHeader !== 'jwk-with-jku',
      );
      expect(isSignedBy(token, await honestKey())).toBe(false);
      provider.script.token.jose = undefined;
      expect(isSignedBy(await freshIdToken(provider), await honestKey())).toBe(true);
    },
  );

  it('jwk-with-jku: the jku inside the jwk is what leads to the key', async () => {
    provider.script.token.jose = { keyHeader: 'jwk-with-jku' };
    const token = await freshIdToken(provider);
    const offered = await offeredKeys(token.header.jwk as Record<string, unknown>); // the attack puts an object there

    expect(offered.some((key) => isSignedBy(token, createPublicKey({ key, format: 'jwk' })))).toBe(true);
    expect(provider.trap.hits).toHaveLength(1);
  });

  it.each(['x5c', 'x5c-attacker-first', 'x5c-attacker-last', 'x5u'] as const)(
    '%s: the certificate is one, and holds the key',
    async (keyHeader) => {
      provider.script.token.jose = { keyHeader };
      const token = await freshIdToken(provider);
      const { x5c, x5u } = token.header as { x5c?: string[]; x5u?: string }; // as the attack says
      const texts = x5c?.map((each) => Buffer.from(each, 'base64')) ?? [await (await fetch(x5u ?? '')).text()];
      const certificates = texts.map((text) => new X509Certificate(text));

      expect(certificates.every((certificate) => certificate.verify(certificate.publicKey))).toBe(true);
      expect(certificates.some(({ publicKey }) => isSignedBy(token, publicKey))).toBe(true);
      expect(isSignedBy(token, await honestKey())).toBe(false);
    },
  );

  it.each([
    ['crit', { crit: ['x'], x: 1 }],
    ['b64', { b64: false, crit: ['b64'] }],
    ['kid', { kid: '../../dev/null' }],
  ])('%s: any member can be there, under a valid signature', async (name, header) => {
    provider.script.token.jose = { header };
    const token = await freshIdToken(provider);

    expect(token.header).toMatchObject(header);
    expect(token.header).toHaveProperty(name);
    expect(isSignedBy(token, await honestKey())).toBe(true);
  });
});

/** Every key a header offers: inside, or behind a URL. */
async function offeredKeys({ jwk, jku, kid }: Record<string, unknown>): Promise<readonly jose.JWK[]> {
  if (typeof jwk === 'object') return [jwk as jose.JWK]; // as the attack says
  const url = jku ?? jwk ?? kid;
  if (typeof url === 'string' && url.startsWith('{')) return [JSON.parse(url)];
  const body = (await (await fetch(String(url))).json()) as { keys?: jose.JWK[] } & jose.JWK; // as the trap serves it
  return body.keys ?? [body];
}
