/**
 * `PROFILE=fapi2` against a server of that profile, over TLS: the whole life of a
 * session, and what a server may not do less.
 */

import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { createTlsIdentity } from '../support/hostile/certificate.ts';
import { freePort } from '../support/ports.ts';
import { ProofDesk } from '../support/proof-desk.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { type StrictProvider, startStrictProvider } from '../support/strict-provider.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { client, startWorld, type World } from '../support/world.ts';
import { pemOf } from '../unit/config/settings.ts';

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

async function startStrict(env: Readonly<Record<string, string | undefined>> = {}): Promise<StrictWorld> {
  const port = await freePort();
  const origin = `https://localhost:${port}`;
  const [clock, keys] = [new ShiftedClock(), { key: identity.key, cert: identity.cert }];
  const jwk = createPublicKey(createPrivateKey(clientKey)).export({ format: 'jwk' });
  const provider = await startStrictProvider({
    tls: keys,
    client: {
      client_id: client.id,
      redirect_uris: [`${origin}/callback`],
      post_logout_redirect_uris: [`${origin}/`],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      id_token_signed_response_alg: 'ES256',
      authorization_signed_response_alg: 'ES256',
      dpop_bound_access_tokens: true,
      jwks: { keys: [{ ...jwk, kty: 'EC' }] },
    },
  });
  const desk = new ProofDesk(() => Math.floor(clock.now() / 1000));
  const orders = await startUpstream(
    desk.answer(() => ({ body: 'ok' })),
    { tls: keys },
  );
  desk.origin = orders.origin;
  const files = { 'client.pem': clientKey, 'cert.pem': identity.cert, 'key.pem': identity.key };
  const world = await startWorld(
    {
      issuer: provider.issuer,
      upstream: orders.origin,
      clock,
      files,
      env: {
        PROFILE: 'fapi2',
        CLIENT_SECRET: undefined,
        CLIENT_AUTH_METHOD: 'private_key_jwt',
        CLIENT_KEY_FILE: 'client.pem',
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
  ['in the query', {}],
  ['as signed JWTs', { RESPONSE_MODE: 'jwt' }],
])('the strict profile, with responses %s', (_how, env) => {
  let strict: StrictWorld;
  beforeAll(async () => {
    strict = await startStrict(env);
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
    expect(decodeJwt(token)['cnf']).toEqual({ jkt: desk.verdicts[0]?.thumbprint });

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
