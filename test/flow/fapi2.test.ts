/**
 * `PROFILE=fapi2` against a server of that profile, over TLS: the whole life of a
 * session, and what a server may not do less.
 */

import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { ClientMetadata } from 'oidc-provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import { plainFlow } from '../../src/config/authorization-flow.ts';
import type { GrantError } from '../../src/oidc/grant.ts';
import type { Browser } from '../support/browser.ts';
import { createTlsIdentity } from '../support/hostile/certificate.ts';
import type { Jwk } from '../support/hostile/keys.ts';
import { startHostileProvider } from '../support/hostile-provider.ts';
import { freePort } from '../support/ports.ts';
import { ProofDesk } from '../support/proof-desk.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { type StrictProvider, startStrictProvider } from '../support/strict-provider.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { client, startWorld, type World } from '../support/world.ts';
import { pemOf } from '../unit/config/settings.ts';
import { providerFor, signIn } from '../unit/oidc/provider-flow.ts';

const identity = createTlsIdentity();
const known = getCACertificates('default');
const clientKey = pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);

/** A world of the strict profile, and what is behind and before it. */
interface StrictWorld {
  readonly world: World;
  readonly provider: StrictProvider;
  readonly orders: Upstream;
  readonly desk: ProofDesk;
}

beforeAll(() => setDefaultCACertificates([...known, identity.cert]));
afterAll(() => setDefaultCACertificates(known));

/** How the client proves itself: its registration, its settings, and its files. */
interface Proof {
  readonly registered: Partial<ClientMetadata>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly files: Readonly<Record<string, string>>;
}

const byAssertion: Proof = {
  registered: {
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [{ ...publicJwkOf(clientKey), kty: 'EC' }] },
  },
  env: { CLIENT_AUTH_METHOD: 'private_key_jwt', CLIENT_KEY_FILE: 'client.pem' },
  files: { 'client.pem': clientKey },
};

const shown = createTlsIdentity('orders-app');
const byCertificate: Proof = {
  registered: {
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    jwks: {
      keys: [{ ...publicJwkOf(shown.key), kty: 'EC', x5c: [new X509Certificate(shown.cert).raw.toString('base64')] }],
    },
  },
  env: {
    CLIENT_AUTH_METHOD: 'self_signed_tls_client_auth',
    CLIENT_KEY_FILE: 'client.pem',
    CLIENT_CERT_FILE: 'client-cert.pem',
  },
  files: { 'client.pem': shown.key, 'client-cert.pem': shown.cert },
};

function publicJwkOf(pem: string) {
  return createPublicKey(createPrivateKey(pem)).export({ format: 'jwk' });
}

async function startStrict(
  env: Readonly<Record<string, string | undefined>> = {},
  proof: Proof = byAssertion,
): Promise<StrictWorld> {
  const port = await freePort();
  const origin = `https://localhost:${port}`;
  const [clock, keys] = [new ShiftedClock(), { key: identity.key, cert: identity.cert }];
  const provider = await startStrictProvider({
    tls: keys,
    mutualTls: proof === byCertificate,
    client: {
      client_id: client.id,
      redirect_uris: [`${origin}/callback`],
      post_logout_redirect_uris: [`${origin}/`],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      id_token_signed_response_alg: 'ES256',
      authorization_signed_response_alg: 'ES256',
      dpop_bound_access_tokens: env['DPOP'] !== 'off',
      tls_client_certificate_bound_access_tokens: env['DPOP'] === 'off',
      ...proof.registered,
    },
  });
  const desk = new ProofDesk(() => Math.floor(clock.now() / 1000));
  const orders = await startUpstream(
    desk.answer(() => ({ body: 'ok' })),
    { tls: keys },
  );
  desk.origin = orders.origin;
  const files = { ...proof.files, 'cert.pem': identity.cert, 'key.pem': identity.key };
  const world = await startWorld(
    {
      issuer: provider.issuer,
      upstream: orders.origin,
      clock,
      files,
      env: {
        PROFILE: 'fapi2',
        CLIENT_SECRET: undefined,
        ...proof.env,
        TLS_CERT_FILE: 'cert.pem',
        TLS_KEY_FILE: 'key.pem',
        ...env,
      },
    },
    { port, origin, redirectUri: `${origin}/callback` },
  );
  return { world, provider, orders, desk };
}

async function stop({ world, provider, orders }: StrictWorld): Promise<void> {
  await world.close();
  await orders.stop();
  await provider.close();
}

const answersAt = ({ provider }: StrictWorld, path: string) =>
  provider.requests.filter((request) => request.path === path).map(({ status }) => status());

async function call({ world }: StrictWorld, browser: Browser): Promise<number> {
  return (await browser.fetch(`${world.origin}/api/orders?a=b`, { from: `${world.origin}/` })).status;
}

describe.each([
  ['responses in the query', {}, byAssertion],
  ['responses as signed JWTs', { RESPONSE_MODE: 'jwt' }, byAssertion],
  ['a client certificate', {}, byCertificate],
])('the strict profile, with %s', (_how, env, proof) => {
  let strict: StrictWorld;
  beforeAll(async () => {
    strict = await startStrict(env, proof);
  });
  afterAll(() => stop(strict));

  it('CA-02, CA-14, LS-12, PX-15: signs in, calls, refreshes and signs out', async () => {
    const { world, provider, orders, desk } = strict;
    const browser = await world.signIn('alice', world.browser({ ca: identity.cert }));
    expect((await world.session(browser))['authenticated']).toBe(true);

    const asked = provider.requests.find(({ path }) => path === '/auth');
    expect([...(asked?.query.keys() ?? [])].toSorted()).toEqual(['client_id', 'request_uri']);
    // The server wants its nonce in the first proof, and each one after it has it already.
    expect(answersAt(strict, '/request')).toEqual([400, 201]);
    expect(answersAt(strict, '/token')).toEqual([200]);

    expect(await call(strict, browser)).toBe(200);
    const authorization = orders.last.headers.find(([name]) => name.toLowerCase() === 'authorization')?.[1] ?? '';
    const [scheme, token = ''] = authorization.split(' ');
    expect(scheme).toBe('DPoP');
    expect(decodeProtectedHeader(token).alg).toBe('ES256');
    expect(decodeJwt(token)['cnf']).toMatchObject({ jkt: desk.verdicts[0]?.thumbprint });

    world.clock.advance(119_000);
    expect(await call(strict, browser)).toBe(200);
    expect(answersAt(strict, '/token')).toEqual([200, 200]);
    expect(new Set(desk.verdicts.map(({ thumbprint }) => thumbprint)).size).toBe(1);

    const { csrf_token } = await world.session(browser);
    const answer = await browser.fetch(`${world.origin}/logout`, {
      from: `${world.origin}/`,
      method: 'POST',
      headers: { 'X-CSRF-Token': csrf_token, Accept: 'application/json' },
    });
    expect(answer.status).toBeLessThan(300);
    expect((await world.session(browser))['authenticated']).toBe(false);
    expect(await call(strict, browser)).toBe(401);
  });
});

describe('the strict profile, with tokens bound to the client certificate instead of a key', () => {
  it('CA-08: sends no proofs, and the tokens name the certificate', async () => {
    const strict = await startStrict({ DPOP: 'off' }, byCertificate);
    const browser = await strict.world.signIn('alice', strict.world.browser({ ca: identity.cert }));
    strict.orders.script = () => ({ body: 'ok' });
    expect(await call(strict, browser)).toBe(200);
    const named = new Map(strict.orders.last.headers.map(([name, value]) => [name.toLowerCase(), value]));
    const [scheme, token = ''] = (named.get('authorization') ?? '').split(' ');
    expect([scheme, named.has('dpop')]).toEqual(['Bearer', false]);
    expect(decodeJwt(token)['cnf']).toEqual({ 'x5t#S256': shown.thumbprint });
    expect(strict.provider.requests.every(({ dpop }) => dpop === undefined)).toBe(true);
    await stop(strict);
  });
});

describe('the algorithms of the strict profile', () => {
  const flow = { ...plainFlow, isFapi2: true };
  const key = new Secret(pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey));
  const rsaClient = { id: 'rsa', authMethod: 'private_key_jwt', secret: undefined, key, flow } as const;

  it.each([
    ['PS256', undefined],
    ['ES256', undefined],
    ['RS256', 'oauth-invalid-response'],
  ] as const)('CA-06, IT-13: an ID token signed with %s is judged: %s', async (alg, reason) => {
    const jwks = [publicJwkOf(key.reveal()) as Jwk];
    const hostile = await startHostileProvider({ alg, clients: [{ clientId: 'rsa', jwks }] });
    hostile.script.metadata.fields = {
      id_token_signing_alg_values_supported: ['RS256', 'PS256', 'ES256'],
      token_endpoint_auth_signing_alg_values_supported: ['RS256'],
    };
    const { provider } = providerFor(hostile, { client: rsaClient });
    await provider.start();
    const outcome = await signIn(provider).then(
      () => undefined,
      (error: GrantError) => error.reason,
    );
    expect(outcome).toBe(reason);
    const assertion = hostile.log.find(({ endpoint }) => endpoint === 'token')?.body['client_assertion'] ?? '';
    expect(decodeProtectedHeader(assertion).alg).toBe('PS256'); // although the server names RS256 alone
    await provider.close();
    await hostile.close();
  });
});
