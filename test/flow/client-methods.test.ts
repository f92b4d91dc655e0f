/**
 * The whole life of a session with each way in which a client can prove itself,
 * against oidc-provider over TLS, which takes no other for this client.
 */

import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { ClientMetadata } from 'oidc-provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { createTlsIdentity } from '../support/hostile/certificate.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { type StrictProvider, startStrictProvider } from '../support/strict-provider.ts';
import { echo, startUpstream, type Upstream } from '../support/upstream.ts';
import { client, reserveAddress, startWorld, type World } from '../support/world.ts';
import { pemOf } from '../unit/config/settings.ts';

const known = getCACertificates('default');
const [identity, shown] = [createTlsIdentity(), createTlsIdentity('orders-app')];
const clientKey = pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
const publicOf = (pem: string) => ({
  ...createPublicKey(createPrivateKey(pem)).export({ format: 'jwk' }),
  kty: 'EC' as const,
});
const files = { 'client.pem': clientKey, 'shown.pem': shown.key, 'shown-cert.pem': shown.cert };
const byTls = { CLIENT_SECRET: undefined, CLIENT_KEY_FILE: 'shown.pem', CLIENT_CERT_FILE: 'shown-cert.pem' };

interface Method {
  readonly name: NonNullable<ClientMetadata['token_endpoint_auth_method']>;
  readonly registered: Partial<ClientMetadata>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const methods: readonly Method[] = [
  { name: 'client_secret_basic', registered: { client_secret: client.secret }, env: {} },
  { name: 'client_secret_post', registered: { client_secret: client.secret }, env: {} },
  {
    name: 'private_key_jwt',
    registered: { token_endpoint_auth_signing_alg: 'ES256', jwks: { keys: [publicOf(clientKey)] } },
    env: { CLIENT_SECRET: undefined, CLIENT_KEY_FILE: 'client.pem' },
  },
  {
    name: 'self_signed_tls_client_auth',
    registered: {
      jwks: { keys: [{ ...publicOf(shown.key), x5c: [new X509Certificate(shown.cert).raw.toString('base64')] }] },
    },
    env: byTls,
  },
  {
    name: 'tls_client_auth',
    registered: { tls_client_auth_subject_dn: new X509Certificate(shown.cert).subject },
    env: byTls,
  },
];

describe.each(methods)('a client with $name, at oidc-provider over TLS', ({ name, registered, env }) => {
  let provider: StrictProvider;
  let upstream: Upstream;
  let world: World;

  beforeAll(async () => {
    setDefaultCACertificates([...known, identity.cert]);
    const address = await reserveAddress();
    provider = await startStrictProvider({
      tls: { key: identity.key, cert: identity.cert },
      isStrict: false,
      clientAuthority: shown.cert,
      client: {
        client_id: client.id,
        redirect_uris: [address.redirectUri],
        post_logout_redirect_uris: [`${address.origin}/`],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: name,
        ...registered,
      },
    });
    upstream = await startUpstream(echo);
    const settings = { CLIENT_AUTH_METHOD: name, ...env };
    const clock = new ShiftedClock();
    const options = { issuer: provider.issuer, upstream: upstream.origin, env: settings, files, clock };
    world = await startWorld(options, address);
  });

  afterAll(async () => {
    await world.close();
    await Promise.all([provider.close(), upstream.stop()]);
    setDefaultCACertificates(known);
  });

  const call = async (browser: Browser) =>
    (await browser.fetch(`${world.origin}/api/orders`, { from: `${world.origin}/` })).status;
  const tokenCalls = () => provider.requests.filter(({ path }) => path === '/token').map(({ status }) => status());

  it('CA-02, CA-07, RF-01, LO-04: signs in, calls, refreshes and signs out', async () => {
    const browser = await world.signIn('alice', world.browser({ ca: identity.cert }));
    expect((await world.session(browser))['authenticated']).toBe(true);
    expect(await call(browser)).toBe(200);

    world.clock.advance(119_000);
    expect(await call(browser)).toBe(200);
    expect(tokenCalls()).toEqual([200, 200]);
    const sent = upstream.requests.map(
      ({ headers }) => new Map(headers.map(([key, value]) => [key.toLowerCase(), value])),
    );
    expect(new Set(sent.map((headers) => headers.get('authorization'))).size).toBe(2);

    const { csrf_token } = await world.session(browser);
    const headers = { 'X-CSRF-Token': csrf_token };
    const from = `${world.origin}/`;
    const answer = await browser.fetch(`${world.origin}/logout`, { from, method: 'POST', headers });
    expect(answer.status).toBe(200);
    expect(String(answer.json()['end_session_url'])).toContain(`${provider.issuer}/session/end?`);
    expect(provider.requests.filter(({ path }) => path === '/token/revocation').map(({ status }) => status())).toEqual([
      200,
    ]);
    expect(await call(browser)).toBe(401);
  });
});
