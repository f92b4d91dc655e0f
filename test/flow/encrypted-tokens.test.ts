/**
 * Tokens that the provider encrypts for us (RFC 7516): which are opened, what must be
 * inside, and what is refused before a key is put to it.
 */

import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EncryptionOptions } from '../support/hostile/encryption.ts';
import type { JoseSwitches } from '../support/hostile/jose.ts';
import type { Jwk } from '../support/hostile/keys.ts';
import { ellipticPem, pemOf, rsaPem } from '../unit/config/settings.ts';
import { type HostileWorld, sessionCookies, startHostileWorld } from './provider-world.ts';

const rsa = rsaPem(2048);
const [p256, p521] = [ellipticPem('prime256v1'), ellipticPem('secp521r1')];
const x25519 = pemOf(generateKeyPairSync('x25519').privateKey);
const publicOf = (pem: string | KeyObject) => createPublicKey(pem).export({ format: 'jwk' }) as Jwk; // members of a JWK
const all = { 'keys.pem': [rsa, p256, p521, x25519].join('\n'), 'next.pem': [p256, rsa].join('\n') };
const keyFile = { CLIENT_DECRYPTION_KEY_FILE: 'keys.pem' };

let at: HostileWorld;
let strict: HostileWorld;
let keyless: HostileWorld;

beforeAll(async () => {
  [at, strict, keyless] = await Promise.all([
    startHostileWorld({ env: keyFile, files: all }),
    startHostileWorld({ env: { ...keyFile, ENCRYPTED_ID_TOKENS: 'required' }, files: all }),
    startHostileWorld(),
  ]);
});

beforeEach(() => {
  for (const world of [at, strict, keyless]) world.refresh();
});

afterAll(() => Promise.all([at, strict, keyless].map((world) => world.close())));

/** Signs in with ID tokens made so; the word the page is told, and the one for the log. */
async function signIn(jose: JoseSwitches, world = at) {
  const { script } = world.hostile;
  Object.assign(script.token, { jose });
  Object.assign(script.refresh, { jose });
  const browser = world.world.browser();
  world.world.clock.advance(1_000);
  const answer = await world.signIn(browser);
  const told = new URL(answer.header('location') ?? '', world.world.origin).searchParams.get('auth_error');
  const { reason } = world.world.log.findLast(({ event }) => event === 'sign-in.failed') ?? {};
  expect(sessionCookies(answer)).toHaveLength(told === null ? 1 : 0);
  return { browser, told, reason: told === null ? undefined : reason };
}

const toRsa = (changes: EncryptionOptions = {}): JoseSwitches => ({ encrypt: { to: publicOf(rsa), ...changes } });
const accepted = { told: null, reason: undefined };

describe('an encrypted ID token', () => {
  it.each([
    ['RSA-OAEP-256', 'A256GCM', rsa],
    ['RSA-OAEP', 'A128GCM', rsa],
    ['RSA-OAEP-256', 'A128CBC-HS256', rsa],
    ['ECDH-ES', 'A128CBC-HS256', p256],
    ['ECDH-ES', 'A256CBC-HS512', p256],
    ['ECDH-ES+A128KW', 'A192GCM', p256],
    ['ECDH-ES+A192KW', 'A192CBC-HS384', p521],
    ['ECDH-ES+A256KW', 'A256GCM', p521],
    ['ECDH-ES', 'A256GCM', x25519],
    ['ECDH-ES+A256KW', 'A256GCM', x25519],
  ] as const)('IT-33: by %s and %s signs somebody in, and renews', async (alg, enc, pem) => {
    const { browser, ...outcome } = await signIn({ encrypt: { alg, enc, to: publicOf(pem) } });
    expect(outcome).toEqual(accepted);
    at.world.clock.advance(290_000);
    const { csrf_token } = await at.world.session(browser);
    const headers = { 'X-CSRF-Token': csrf_token };
    const renewed = await browser.fetch(`${at.world.origin}/session/refresh`, { method: 'POST', headers });
    expect(renewed.status).toBe(200);
    expect(at.hostile.log.filter(({ body }) => body.grant_type === 'refresh_token')).toHaveLength(1);
    expect(await at.world.session(browser)).toMatchObject({ authenticated: true, user: { sub: 'alice' } });
  });

  it('IT-33: is opened by the key it names, or by any that fits where it names none of ours', async () => {
    const [published = {}] = await publishedAt(at);
    expect(await signIn(toRsa({ to: published }))).toMatchObject(accepted);
    expect(await signIn(toRsa({ header: { kid: 'of-the-provider' } }))).toMatchObject(accepted);
    expect(await signIn(toRsa({ header: { cty: undefined } }))).toMatchObject(accepted);
  });

  it.each<[string, string, JoseSwitches]>([
    ['RSA1_5, whose padding can be asked about', 'encryption-algorithm', toRsa({ alg: 'RSA1_5' })],
    ['a key that both have', 'encryption-algorithm', { encrypt: { alg: 'dir' } }],
    ['a password and two thousand million rounds', 'encryption-algorithm', { encrypt: { alg: 'PBES2-HS256+A128KW' } }],
    ['a content encryption nobody knows', 'encryption-algorithm', toRsa({ header: { enc: 'A128CTR' } })],
    ['a payload that inflates', 'encryption-compressed', toRsa({ zip: true, paddedTo: 5_000_000 })],
    ['an extension that must be understood', 'token-critical', toRsa({ header: { crit: ['x'], x: 1 } })],
    ['something else inside, as it says', 'encryption-content', toRsa({ header: { cty: 'text/plain' } })],
    ['a name of a key that is no text', 'token-form', toRsa({ header: { kid: 7 } })],
    ['claims without a signature inside', 'encryption-content', toRsa({ content: claimsOf })],
    ['an unsigned token inside', 'encryption-content', { none: 'none', ...toRsa() }],
    ['an encrypted token inside', 'encryption-content', toRsa({ content: () => 'a.b.c.d.e' })],
    ['a foreign signature inside', 'signature', { key: 'attacker', ...toRsa() }],
    ['a symmetric signature inside', 'oauth-invalid-response', { hmac: 'client-secret', ...toRsa() }],
    ['a key of somebody else', 'encryption-key', { encrypt: { to: publicOf(rsaPem(2048)) } }],
    ['another wrapping than it says', 'encryption-key', toRsa({ alg: 'RSA-OAEP', header: { alg: 'RSA-OAEP-256' } })],
    ['a changed byte', 'encryption-key', { ...toRsa(), whole: (honest: string) => flipped(honest, 3) }],
    ['a changed header', 'encryption-key', { ...toRsa(), whole: (honest: string) => reheaded(honest) }],
    ['a part in two spellings', 'token-form', { ...toRsa(), whole: (honest: string) => `${honest}=` }],
    ['six parts', 'oauth-invalid-response', { ...toRsa(), whole: (honest: string) => `${honest}.AAAA` }],
    ['more text than is read', 'token-too-large', { whole: `eyJ9.${'A'.repeat(99_996)}.AAAA.AAAA.AAAA` }],
  ])('IT-33: with %s is refused', async (_name, reason, jose) => {
    expect(await signIn(jose)).toMatchObject({ told: 'provider_error', reason });
    expect(at.hostile.hits('userinfo')).toBe(0);
    expect(at.hostile.issued.accessTokens.size).toBe(1);
    await expect.poll(() => at.hostile.hits('revoke')).toBeGreaterThan(0);
    expect(await signIn(toRsa())).toMatchObject(accepted);
  });

  it('IT-33: is refused by name where there is no key, and everything in clear is taken', async () => {
    expect(await signIn(toRsa(), keyless)).toMatchObject({ told: 'provider_error', reason: 'encryption-unexpected' });
    expect(await signIn({}, keyless)).toMatchObject(accepted);
  });

  it('IT-33: may come in clear, unless the configuration demands otherwise', async () => {
    expect(await signIn({})).toMatchObject(accepted);
    expect(await signIn({}, strict)).toMatchObject({ told: 'provider_error', reason: 'encryption-missing' });
    expect(await signIn(toRsa(), strict)).toMatchObject(accepted);
  });
});

describe('an encrypted answer of UserInfo', () => {
  const ask = async (jose: JoseSwitches) => {
    at.hostile.script.token.claims = { name: undefined };
    Object.assign(at.hostile.script.userinfo, { signed: true, jose });
    return signIn({});
  };

  beforeAll(async () => {
    await at.close();
    at = await startHostileWorld({ env: { ...keyFile, API_AUDIENCE: undefined }, files: all });
  });

  it('IT-33, CB-23: completes the claims', async () => {
    const { browser, told } = await ask(toRsa());
    expect(told).toBeNull();
    expect(await at.world.session(browser)).toMatchObject({ user: { name: 'Alice Example' } });
  });

  it.each<[string, string, JoseSwitches]>([
    ['without a signature', 'user-info-encryption-content', toRsa({ content: claimsOf })],
    ['with a foreign signature', 'user-info-signature', { key: 'attacker', ...toRsa() }],
    ['compressed', 'user-info-encryption-compressed', toRsa({ zip: true })],
  ])('IT-33, CB-23: %s is refused', async (_name, reason, jose) => {
    expect(await ask(jose)).toMatchObject({ told: 'provider_error', reason });
    at.refresh();
    expect(await ask(toRsa())).toMatchObject(accepted);
  });
});

describe('an encrypted logout token', () => {
  const deliver = (jose: JoseSwitches, world = at) =>
    world.hostile
      .deliverLogoutToken(`${world.world.origin}/backchannel-logout`, { sid: world.hostile.grants.at(-1)?.sid, jose })
      .then(({ status }) => status);

  it('LO-11, IT-33: ends the session', async () => {
    const { browser } = await signIn({});
    expect(await deliver(toRsa({ alg: 'RSA1_5' }))).toBe(400);
    expect(await deliver(toRsa({ content: claimsOf }))).toBe(400);
    expect(await deliver({ key: 'attacker', ...toRsa() })).toBe(400);
    expect(await deliver({ header: { typ: 'JWT' }, ...toRsa() })).toBe(400);
    expect((await at.world.session(browser))['authenticated']).toBe(true);
    expect(await deliver(toRsa())).toBe(200);
    expect((await at.world.session(browser))['authenticated']).toBe(false);
  });

  it('LO-14, IT-33: is refused in clear where encryption is demanded, and at all where there is no key', async () => {
    await signIn(toRsa(), strict);
    expect(await deliver({}, strict)).toBe(400);
    expect(await deliver(toRsa(), strict)).toBe(200);
    await signIn({}, keyless);
    expect(await deliver(toRsa(), keyless)).toBe(400);
    expect(await deliver({}, keyless)).toBe(200);
  });
});

describe('the key that tokens are encrypted to', () => {
  it('CA-09: is published for encryption alone: the first of the file, and nothing private', async () => {
    const [key, ...others] = await publishedAt(at);
    expect(others).toEqual([]);
    expect(key).toMatchObject({ kty: 'RSA', use: 'enc', alg: 'RSA-OAEP-256', n: publicOf(rsa)['n'] });
    expect(Object.keys(key ?? {}).toSorted()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
  });

  it('CA-10: is replaced on SIGHUP, and what was encrypted to the old one still opens', async () => {
    const files: Record<string, string> = { 'live.pem': rsa };
    const live = await startHostileWorld({ env: { CLIENT_DECRYPTION_KEY_FILE: 'live.pem' }, files });
    const toNew: JoseSwitches = { encrypt: { alg: 'ECDH-ES', to: publicOf(p256) } };
    expect(await signIn(toNew, live)).toMatchObject({ reason: 'encryption-key' });

    files['live.pem'] = all['next.pem'];
    expect(live.world.reload()).toBe(true);
    expect((await publishedAt(live)).map(({ kty, use }) => [kty, use])).toEqual([['EC', 'enc']]);
    expect(await signIn(toNew, live)).toMatchObject(accepted);
    expect(await signIn(toRsa(), live)).toMatchObject(accepted);

    files['live.pem'] = 'nothing';
    expect(live.world.reload()).toBe(false);
    expect(await signIn(toNew, live)).toMatchObject(accepted);
    await live.close();
  });
});

async function publishedAt({ world }: HostileWorld): Promise<readonly Jwk[]> {
  const answer = await fetch(`${world.origin}/.well-known/jwks.json`);
  return ((await answer.json()) as { keys: readonly Jwk[] }).keys; // a key set
}

function claimsOf(token: string): string {
  return Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
}

function flipped(token: string, part: number): string {
  const parts = token.split('.').map((text) => Buffer.from(text, 'base64url'));
  const [byte = 0] = parts[part] ?? [];
  parts[part]?.writeUInt8(byte ^ 1);
  return parts.map((bytes) => bytes.toString('base64url')).join('.');
}

function reheaded(token: string): string {
  const [header = '', ...others] = token.split('.');
  const members = { ...JSON.parse(Buffer.from(header, 'base64url').toString()), x: 1 };
  return [Buffer.from(JSON.stringify(members)).toString('base64url'), ...others].join('.');
}
