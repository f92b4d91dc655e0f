/**
 * The same part against another implementation: oidc-provider, as the demo runs it.
 */

import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuthorizationServer, startAuthorizationServer } from '../../demo/authorization-server.ts';
import { alice } from '../../demo/people.ts';
import { Secret } from '../../src/base/secret.ts';
import type { Grant } from '../../src/oidc/grant.ts';
import type { Provider } from '../../src/oidc/provider.ts';
import { client, ScriptedClient } from '../unit/demo/scripted-client.ts';
import { authorizationOf, providerFor, redirectUri, refusalOf } from '../unit/oidc/provider-flow.ts';

let server: AuthorizationServer;
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

beforeAll(async () => {
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }] };
  server = await startAuthorizationServer({
    clients: [
      client,
      {
        clientId: 'keyed',
        clientSecret: 'never-used-by-this-client',
        redirectUris: [redirectUri],
        metadata: { token_endpoint_auth_method: 'private_key_jwt', jwks: jwks as never }, // its type wants `kty` as a literal
      },
    ],
  });
});

afterAll(() => server.close());

const secretClient = {
  id: client.clientId,
  authMethod: 'client_secret_basic',
  secret: new Secret(client.clientSecret),
  key: undefined,
} as const;

const keyedClient = {
  id: 'keyed',
  authMethod: 'private_key_jwt',
  secret: undefined,
  key: new Secret(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
} as const;

async function started(of: typeof secretClient | typeof keyedClient, apiAudience?: string): Promise<Provider> {
  const { provider } = providerFor(
    { issuer: server.issuer, client },
    { client: of, apiAudience, scopes: ['openid', 'profile', 'email', 'offline_access', 'orders.read'] },
  );
  await provider.start();
  return provider;
}

async function signInAt(provider: Provider): Promise<Grant> {
  const { url, ...secrets } = await authorizationOf(provider, { loginHint: 'alice' });
  const { url: landing } = await new ScriptedClient(server).follow(url);
  return provider.redeem({ ...secrets, callbackParameters: landing.searchParams, maxAge: undefined, acrValues: [] });
}

describe.each([
  ['a client with a secret', secretClient],
  ['a client with a key', keyedClient],
])('%s at oidc-provider', (_name, of) => {
  it('LS-12, CA-02, RF-04: signs in by a pushed request, refreshes, asks for claims and revokes', async () => {
    const provider = await started(of);
    const first = await signInAt(provider);
    expect(first.idToken).toMatchObject({ sub: alice.sub, name: 'Alice Anders', iss: server.issuer });
    expect(await provider.userInfo(first.tokens, alice.sub)).toMatchObject({ email: 'alice@example.test' });

    const previous = { issuer: server.issuer, subject: alice.sub, authTime: undefined };
    const second = await provider.refresh(first.refreshToken ?? '', { previous });
    expect(second.idToken).toMatchObject({ sub: alice.sub });
    expect(second.refreshToken).not.toBe(first.refreshToken);

    expect(await provider.revoke(second.refreshToken ?? '', 'refresh_token')).toBe(true);
    const refusal = await refusalOf(provider.refresh(second.refreshToken ?? '', { previous }));
    expect(refusal).toMatchObject({ kind: 'refused', reason: 'invalid_grant' });
    await provider.close();
  });
});

describe('an access token for another audience at oidc-provider', () => {
  it('CB-18, RF-17: carries the scopes of that audience', async () => {
    const provider = await started(secretClient, server.resource);
    const { tokens } = await signInAt(provider);

    expect(tokens.accessToken.split('.')).toHaveLength(3);
    expect(tokens.scope).toEqual(['orders.read']);
    await provider.close();
  });
});
