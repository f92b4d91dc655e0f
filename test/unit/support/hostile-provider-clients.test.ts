/**
 * How the hostile provider knows its clients: client authentication and DPoP.
 *
 * @module
 */

import * as oidc from 'openid-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSigningKey } from '../../support/hostile/keys.ts';
import { discover, signIn } from '../../support/hostile/relying-party.ts';
import { type HostileProvider, startHostileProvider } from '../../support/hostile-provider.ts';

let provider: HostileProvider;

beforeAll(async () => {
  provider = await startHostileProvider({ alg: 'ES256', par: true });
});
beforeEach(() => provider.reset());
afterAll(() => provider.close());

/** A client with an awkward secret, which shows whether Basic values are form-decoded (RFC 6749, 2.3.1). */
const awkward = { clientId: 'a b:c', clientSecret: 'a:b+c%é/= ' } as const;

describe('client authentication', () => {
  it.each([
    ['client_secret_basic', oidc.ClientSecretBasic],
    ['client_secret_post', oidc.ClientSecretPost],
  ] as const)('takes %s with an awkward secret, and refuses a wrong one', async (method, auth) => {
    const own = await startHostileProvider({ clients: [awkward], alg: 'EdDSA' });
    await signIn(await discover(own, { auth: auth(awkward.clientSecret) }));

    expect(own.log.find(({ endpoint }) => endpoint === 'token')?.auth).toMatchObject({
      valid: true,
      method,
      clientId: 'a b:c',
    });
    await expect(signIn(await discover(own, { auth: auth('a:b') }))).rejects.toThrow();
    expect(own.log.at(-1)?.auth).toMatchObject({ valid: false, reason: 'wrong-secret' });
    await own.close();
  });

  it('takes a private_key_jwt for its issuer, once', async () => {
    const key = createSigningKey({ alg: 'ES256' });
    const own = await startHostileProvider({ clients: [{ clientId: 'k', jwks: () => [key.jwk] }], alg: 'EdDSA' });
    const privateKey = key.privateKey.toCryptoKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
    const config = await discover(own, { auth: oidc.PrivateKeyJwt({ key: privateKey, kid: key.kid }) });
    const { tokens } = await signIn(config);
    const sent = own.log.find(({ endpoint }) => endpoint === 'token');

    expect(sent?.auth).toMatchObject({
      valid: true,
      method: 'private_key_jwt',
      assertion: { claims: { aud: own.issuer } },
    });
    const body = new URLSearchParams({
      ...sent?.body,
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token ?? '',
    });
    expect((await fetch(`${own.issuer}/token`, { method: 'POST', body })).status).toBe(401);
    expect(own.log.at(-1)?.auth?.reason).toBe('jti-reused');
    await own.close();
  });

  it('refuses an assertion for its token endpoint', async () => {
    const key = createSigningKey({ alg: 'ES256' });
    const own = await startHostileProvider({ clients: [{ clientId: 'k', jwks: [key.jwk] }], alg: 'EdDSA' });
    const privateKey = key.privateKey.toCryptoKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
    const lie = (_header: object, payload: Record<string, unknown>) => {
      payload.aud = `${own.issuer}/token`;
    };
    const auth = oidc.PrivateKeyJwt(privateKey, { [oidc.modifyAssertion]: lie });

    await expect(signIn(await discover(own, { auth }))).rejects.toThrow();
    expect(own.log.at(-1)?.auth?.reason).toBe('audience');
    expect((await signIn(await discover(own, { auth: oidc.PrivateKeyJwt(privateKey) }))).tokens.claims()?.sub).toBe(
      'alice',
    );
    await own.close();
  });
});

describe('DPoP', () => {
  it('binds the tokens, and demands and rotates nonces', async () => {
    provider.script.dpop = {
      ...provider.script.dpop,
      authorizationServerNonce: 'demanded',
      resourceServerNonce: 'demanded',
      rotateNonce: true,
    };
    const config = await discover(provider);
    const dpop = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
    const { tokens } = await signIn(config, { dpop, par: true });
    expect(tokens.token_type).toBe('dpop');
    expect(await oidc.fetchUserInfo(config, tokens.access_token, 'alice', { DPoP: dpop })).toMatchObject({
      sub: 'alice',
    });
    expect(provider.log.filter(({ dpop: proof }) => proof?.reason === 'nonce').map(({ endpoint }) => endpoint)).toEqual(
      ['par', 'userinfo'],
    );

    const bearer = await fetch(`${provider.issuer}/userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    expect(bearer.status).toBe(401);
  });

  it('downgrades to Bearer, and demands nonces without end', async () => {
    const config = await discover(provider);
    const dpop = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
    expect((await signIn(config, { dpop })).tokens.token_type).toBe('dpop');
    provider.script.dpop.downgrade = true;
    expect((await signIn(config, { dpop })).tokens.token_type).toBe('bearer');
    provider.reset();
    provider.script.dpop.authorizationServerNonce = 'endless';

    await expect(signIn(config, { dpop })).rejects.toThrow();
    expect(provider.log.filter(({ dpop: proof }) => proof?.reason === 'nonce')).toHaveLength(2);
  });
});
