/**
 * `claimcheck doctor` with `PROFILE=fapi2`, before a server of that profile over TLS:
 * it asks as strictly as the product does, so what is whole is found to be so.
 */

import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { ClientMetadata } from 'oidc-provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTlsIdentity } from '../support/hostile/certificate.ts';
import { freePort } from '../support/ports.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { holdsSecret } from '../support/secrets.ts';
import { startStrictProvider } from '../support/strict-provider.ts';
import { ranWith } from '../unit/cli/running.ts';
import { filesWith, pemOf } from '../unit/config/settings.ts';

type Env = Readonly<Record<string, string | undefined>>;

const known = getCACertificates('default');
const [identity, shown] = [createTlsIdentity(), createTlsIdentity('orders-app')];
const ecKey = () => pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
const [clientKey, otherKey] = [ecKey(), ecKey()];
const sessionSecret = randomBytes(32).toString('base64url');
const files = filesWith({
  ...{ 'client.pem': clientKey, 'other.pem': otherKey, 'shown.pem': shown.key, 'shown-cert.pem': shown.cert },
});
const publicOf = (pem: string) => ({
  ...createPublicKey(createPrivateKey(pem)).export({ format: 'jwk' }),
  kty: 'EC' as const,
});
let redis: RedisServer;

beforeAll(async () => {
  setDefaultCACertificates([...known, identity.cert]);
  redis = await startRedis();
});

afterAll(async () => {
  await redis.stop();
  setDefaultCACertificates(known);
});

/** How the client proves itself. */
interface Proof {
  readonly registered: Partial<ClientMetadata>;
  readonly env: Env;
}

const byKey: Proof = {
  registered: {
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [publicOf(clientKey)] },
  },
  env: { CLIENT_AUTH_METHOD: 'private_key_jwt', CLIENT_KEY_FILE: 'client.pem' },
};
const byCertificate: Proof = {
  registered: {
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    jwks: { keys: [{ ...publicOf(shown.key), x5c: [new X509Certificate(shown.cert).raw.toString('base64')] }] },
  },
  env: {
    CLIENT_AUTH_METHOD: 'self_signed_tls_client_auth',
    CLIENT_KEY_FILE: 'shown.pem',
    CLIENT_CERT_FILE: 'shown-cert.pem',
  },
};

/** What doctor says of a client that is registered in this way. */
async function doctor({ registered, env }: Proof, changed: Partial<ClientMetadata> = {}) {
  const origin = `https://localhost:${await freePort()}`;
  const provider = await startStrictProvider({
    tls: { key: identity.key, cert: identity.cert },
    mutualTls: registered === byCertificate.registered,
    client: {
      client_id: 'orders-app',
      redirect_uris: [`${origin}/callback`],
      post_logout_redirect_uris: [`${origin}/`],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      id_token_signed_response_alg: 'ES256',
      authorization_signed_response_alg: 'ES256',
      dpop_bound_access_tokens: true,
      ...registered,
      ...changed,
    },
  });
  const settings = {
    ...{ PROFILE: 'fapi2', ISSUER: provider.issuer, CLIENT_ID: 'orders-app', PUBLIC_URL: origin, REDIS_URL: redis.url },
    ...{ SESSION_SECRETS: sessionSecret, API_UPSTREAM: 'http://127.0.0.1:9', PUBLIC_DIR: 'public', OPS_PORT: '0' },
    ...env,
  };
  const { code, output, complaints } = await ranWith(['doctor'], { env: settings, files });
  await provider.close();
  for (const pem of [clientKey, otherKey, shown.key]) {
    for (const line of pem.split('\n').filter((text) => /^[\w+/=]{20,}$/.test(text))) {
      expect(holdsSecret(Buffer.from(output + complaints), line)).toBe(false);
    }
  }
  expect(output).not.toContain(sessionSecret);
  return { code, lines: output.split('\n').filter((line) => /^(?:ok|warn|fail|skip) /.test(line)) };
}

const toMend = (lines: readonly string[]) =>
  lines.filter((line) => /^(?:fail|warn)/.test(line) && !/PUBLIC_URL is on a loopback name/.test(line));

describe('doctor with PROFILE=fapi2', () => {
  it.each([
    ['a client key', byKey],
    ['a client key, and signed responses', { ...byKey, env: { ...byKey.env, RESPONSE_MODE: 'jwt' } }],
    ['a client certificate', byCertificate],
  ])('CA-02, LS-12: finds nothing to mend where all is well, with %s', async (_how, proof) => {
    const { code, lines } = await doctor(proof);
    expect(toMend(lines)).toEqual([]);
    expect(lines).toContainEqual(expect.stringMatching(/^ok {4}client +is known to the provider by /));
    expect(lines).toContainEqual(expect.stringMatching(/^ok {4}redirect URI +is registered/));
    expect(lines).toContainEqual(
      expect.stringMatching(/^ok {4}sign-out +is taken, and the provider answers with a page/),
    );
    expect(code).toBe(0);
  });

  it('names the fix for a key that the provider does not know, in one line', async () => {
    const { code, lines } = await doctor({ ...byKey, env: { ...byKey.env, CLIENT_KEY_FILE: 'other.pem' } });
    expect(toMend(lines)).toEqual([expect.stringMatching(/client .*CLIENT_KEY_FILE, and that the provider has its/)]);
    expect(code).toBe(1);
  });

  it('names the fix for a redirect URI that is not registered, in one line', async () => {
    const { code, lines } = await doctor(byKey, { redirect_uris: ['https://localhost/elsewhere'] });
    expect(toMend(lines)).toEqual([expect.stringMatching(/redirect URI .*register https:\/\/localhost:\d+\/callback/)]);
    expect(code).toBe(1);
  });
});
