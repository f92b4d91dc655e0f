/**
 * The keys of the hostile provider, the forms of its tokens, and its logout tokens.
 *
 * @module
 */

import { createDecipheriv, createPrivateKey, createPublicKey, type KeyObject, randomBytes, verify } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import * as jose from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSigningKey, unseemlyKeys } from '../../support/hostile/keys.ts';
import { discover, freshIdToken, redeem, signIn } from '../../support/hostile/relying-party.ts';
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

describe('forms', () => {
  it('flattened, general, spaced, padded and quoted are the same token in other clothes', async () => {
    const form = async (serialization: 'flattened' | 'general' | 'spaced' | 'padded' | 'quoted') => {
      provider.script.token.jose = { serialization };
      return String((await redeem(provider)).id_token);
    };
    const key = await honestKey();

    expect(
      new TextDecoder().decode((await jose.flattenedVerify(JSON.parse(await form('flattened')), key)).payload),
    ).toContain('alice');
    expect(
      new TextDecoder().decode((await jose.generalVerify(JSON.parse(await form('general')), key)).payload),
    ).toContain('alice');
    expect((await form('spaced')).split('\n.')).toHaveLength(3);
    expect(await form('padded')).toMatch(/=/);
    expect(parseUnverifiedJws(JSON.parse(await form('quoted')))?.claims).toMatchObject({ sub: 'alice' });
  });

  it('encrypted: a client with the key reads it', async () => {
    const { jwk: to, privateKey } = createSigningKey();
    provider.script.token.jose = { encrypt: { to } };
    const { plaintext } = await jose.compactDecrypt(
      String((await redeem(provider)).id_token),
      createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    );

    expect(parseUnverifiedJws(new TextDecoder().decode(plaintext))?.claims).toMatchObject({ sub: 'alice' });
    provider.script.token.jose = { encrypt: { alg: 'PBES2-HS256+A128KW' } };
    const header = jose.decodeProtectedHeader(String((await redeem(provider)).id_token));
    expect(header).toMatchObject({ p2c: 2_000_000_000 });
  });

  it('encrypted and compressed: small on the wire, and inflating to what the test says', async () => {
    const secret = randomBytes(32);
    provider.script.token.jose = { encrypt: { alg: 'dir', secret, zip: true, paddedTo: 5_000_000 } };
    const token = String((await redeem(provider)).id_token);
    const [header = '', , ...rest] = token.split('.');
    const [iv, ciphertext, tag] = rest.map((part) => Buffer.from(part, 'base64url'));
    const decipher = createDecipheriv('aes-256-gcm', secret, iv ?? '').setAAD(Buffer.from(header));
    decipher.setAuthTag(tag ?? Buffer.alloc(0));
    const inflated = inflateRawSync(Buffer.concat([decipher.update(ciphertext ?? ''), decipher.final()]));

    expect(token.length).toBeLessThan(20_000);
    expect(inflated).toHaveLength(5_000_000);
    expect(parseUnverifiedJws(inflated.toString().trim())?.claims).toMatchObject({ sub: 'alice' });
  });
});

describe('keys', () => {
  it('rotate with overlap, without, and right before a signature', async () => {
    const [first] = await publishedKeys();
    provider.keys.rotate();
    expect((await publishedKeys()).map(({ kid }) => kid)).toEqual([first?.kid, provider.keys.active.kid]);
    provider.keys.rotate({ overlap: false });
    expect((await publishedKeys()).map(({ kid }) => kid)).toEqual([provider.keys.active.kid]);
    const before = provider.keys.active.kid;
    provider.keys.rotateBeforeNextSignature({ alg: 'ES256', overlap: false });
    expect((await publishedKeys())[0]).toMatchObject({ kid: before, alg: 'RS256' });

    expect((await freshIdToken(provider)).header).toMatchObject({ alg: 'ES256', kid: provider.keys.active.kid });
    expect(provider.keys.active.kid).not.toBe(before);
  });

  it('a client that keeps the old key set refuses the next token, a new client does not', async () => {
    const config = await discover(provider);
    await signIn(config);
    provider.keys.rotate({ overlap: false });

    await expect(signIn(config)).rejects.toThrow();
    expect((await signIn(await discover(provider))).tokens.claims()?.sub).toBe('alice');
  });

  it('have decoys of the same name around them, which a careful client tells apart', async () => {
    provider.keys.addDecoys();
    const keys = await publishedKeys();

    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(1);
    expect(keys.map(({ alg }) => alg)).toEqual(['EdDSA', 'RS256', 'ES256', 'PS256']);
    expect((await signIn(await discover(provider))).tokens.claims()?.sub).toBe('alice');
  });

  it('are weak, for encryption, symmetric, private, unknown or none at all', async () => {
    const weak = provider.keys.add({ modulusLength: 1024 });
    const encrypting = provider.keys.add({ published: { use: 'enc' } });
    provider.script.token.jose = { key: weak };
    expect(isSignedBy(await freshIdToken(provider), weak.publicKey)).toBe(true);
    expect(weak.publicKey.asymmetricKeyDetails?.modulusLength).toBe(1024);
    provider.script.token.jose = { key: encrypting };
    expect((await freshIdToken(provider)).header.kid).toBe(encrypting.kid);
    const { symmetric, withPrivateMembers, ofUnknownType } = unseemlyKeys;
    provider.script.jwks.keys = (honest) => [
      symmetric('s'),
      withPrivateMembers(encrypting),
      ofUnknownType('u'),
      ...honest,
    ];

    expect(await publishedKeys()).toMatchObject([
      { kty: 'oct' },
      { d: expect.any(String) },
      { kty: 'XMSS-NEXT' },
      {},
      {},
      { use: 'enc' },
    ]);
    provider.script.jwks.keys = [];
    expect(await publishedKeys()).toEqual([]);
  });
});

describe('logout tokens', () => {
  it('are what the specification asks for, unless told otherwise', async () => {
    const keys = jose.createRemoteJWKSet(new URL(`${provider.issuer}/jwks`));
    const read = async (token: string) =>
      (await jose.jwtVerify(token, keys, { typ: 'logout+jwt', issuer: provider.issuer, audience: 'claimcheck' }))
        .payload;
    const payload = await read(provider.logoutToken({ sid: 's', sub: 'alice' }));

    expect(payload).toMatchObject({
      sid: 's',
      sub: 'alice',
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    });
    expect(Object.keys(payload)).toEqual(expect.arrayContaining(['iat', 'exp', 'jti']));
    expect(await read(provider.logoutToken({ sub: 'alice' }))).not.toHaveProperty('sid');
    expect(await read(provider.logoutToken({ sid: 's', claims: { nonce: 'n', jti: undefined } }))).toMatchObject({
      nonce: 'n',
    });
    await expect(read(provider.logoutToken({ sid: 's', claims: { aud: 'other' } }))).rejects.toThrow();
    await expect(read(provider.logoutToken({ sid: 's', jose: { none: 'none' } }))).rejects.toThrow();
    await expect(read(provider.logoutToken({ sid: 's', jose: { header: { typ: 'JWT' } } }))).rejects.toThrow();
    provider.script.logoutToken.claims = { iss: 'https://other.example' };
    await expect(read(provider.logoutToken({ sid: 's' }))).rejects.toThrow();
  });
});
