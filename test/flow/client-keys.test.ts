/**
 * Client keys and secrets that change while people sign in.
 */

import { randomBytes } from 'node:crypto';
import { decodeProtectedHeader } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Secret } from '../../src/base/secret.ts';
import { TextSeal } from '../../src/keys/text-seal.ts';
import { newClientKeyPem } from '../../src/oidc/client-key.ts';
import { RedisKeyListStore } from '../../src/oidc/client-key-store.ts';
import { ManagedClientKeys } from '../../src/oidc/managed-client-keys.ts';
import type { Provider } from '../../src/oidc/provider.ts';
import type { ProviderOptions } from '../../src/oidc/provider-options.ts';
import { connectRedis, type Redis } from '../../src/redis/client.ts';
import { ManualClock } from '../support/clock.ts';
import { eventually } from '../support/eventually.ts';
import { createTlsIdentity } from '../support/hostile/certificate.ts';
import type { Jwk } from '../support/hostile/keys.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { startWorld, client as worldClient } from '../support/world.ts';
import { providerFor, refusalOf, signIn } from '../unit/oidc/provider-flow.ts';

let redis: RedisServer;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  redis = await startRedis();
});

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

afterAll(() => redis.stop());

const minuteMs = 60_000;
const secret = new Secret(randomBytes(32).toString('base64url'));
const noLog = { info: () => undefined, warn: () => undefined };

interface Instance {
  readonly keys: ManagedClientKeys;
  readonly changes: string[];
  readonly troubles: unknown[];
}

async function startInstance(clock: ManualClock, frontendId: string, at: Redis): Promise<Instance> {
  const changes: string[] = [];
  const troubles: unknown[] = [];
  const keys = new ManagedClientKeys({
    store: new RedisKeyListStore({ redis: at, scope: frontendId, keptMs: 1e9 }),
    seal: new TextSeal({ secrets: [secret], frontendId, label: 'client keys' }),
    times: { periodMs: 60 * minuteMs, leadMs: 30 * minuteMs },
    clock,
    onChange: (change, kid) => changes.push(`${change} ${kid}`),
    onTrouble: (cause) => troubles.push(cause),
  });
  await keys.start();
  closing.push(() => keys.close());
  return { keys, changes, troubles };
}

// Its deadlines go by the real time: a clock that jumps would end commands that were answered in time.
async function redisAt(): Promise<Redis> {
  const connected = connectRedis({ url: new Secret(redis.url), timeoutMs: 500, clock: systemClock, log: noLog });
  closing.push(() => connected.close());
  await eventually(() => connected.ping(), 5_000);
  return connected;
}

async function startProvider(
  hostile: HostileProvider,
  changes: Partial<ProviderOptions> & Pick<ProviderOptions, 'client'>,
): Promise<Provider> {
  const { provider } = providerFor(hostile, changes);
  closing.push(() => provider.close());
  await provider.start();
  return provider;
}

const keyless = { id: 'keyed', authMethod: 'private_key_jwt', secret: undefined, key: undefined } as const;

describe('client keys that Claimcheck keeps', () => {
  it('CA-10: are replaced every hour for a day, before a provider that caches them, and nobody fails to sign in', async () => {
    const clock = new ManualClock();
    const at = await redisAt();
    const [one, two] = [await startInstance(clock, 'rotating', at), await startInstance(clock, 'rotating', at)];
    let cached: { readonly keys: readonly Jwk[]; readonly at: number } | undefined;
    const jwks = () => {
      // A server that fetches the set again when its copy is 25 minutes old, and not before.
      if (cached === undefined || clock.now() - cached.at > 25 * minuteMs) {
        cached = { keys: one.keys.published.map(({ publicJwk }) => publicJwk as Jwk), at: clock.now() };
      }
      return cached.keys;
    };
    const hostile = await startHostileProvider({ clients: [{ clientId: 'keyed', jwks }] });
    closing.push(() => hostile.close());
    const providers = await Promise.all(
      [one, two].map(({ keys }) => startProvider(hostile, { client: keyless, clientKeys: keys })),
    );

    for (let step = 0; step < 24 * 6; step++) {
      await clock.advance(10 * minuteMs);
      await two.keys.start();
      await one.keys.start();
      for (const provider of providers) expect((await signIn(provider)).idToken?.sub).toBe('alice');
    }

    const used = hostile.log
      .filter(({ endpoint }) => endpoint === 'token')
      .map(({ body }) => decodeProtectedHeader(body.client_assertion ?? '').kid);
    expect(new Set(used).size).toBeGreaterThanOrEqual(20);
    const words = [...one.changes, ...two.changes].map((change) => change.split(' ')[0]);
    for (const word of ['created', 'activated', 'removed'])
      expect(words.filter((each) => each === word).length).toBeGreaterThanOrEqual(20);
    // The list does not grow, and shows no key.
    const dump = await redis.dumpAll();
    expect(JSON.stringify(dump)).not.toMatch(/PRIVATE KEY|"d":/);
    expect((await one.keys.inventory()).length).toBeLessThanOrEqual(3);
  });

  it('CA-11: sign nowhere any more once one is withdrawn, and are refused at the provider from then on', async () => {
    const clock = new ManualClock();
    const at = await redisAt();
    const [one, two] = [await startInstance(clock, 'withdrawing', at), await startInstance(clock, 'withdrawing', at)];
    const stolen = one.keys.signing.kid;
    expect(two.keys.signing.kid).toBe(stolen);

    expect(await one.keys.withdraw(stolen)).toBe(true);
    expect(one.keys.signing.kid).not.toBe(stolen);
    await clock.advance(3_000);
    await eventually(() => two.keys.signing.kid !== stolen, 2_000);

    expect(two.keys.signing.kid).toBe(one.keys.signing.kid);
    expect([...one.keys.published, ...two.keys.published].map(({ kid }) => kid)).not.toContain(stolen);
    expect(await one.keys.inventory()).toContainEqual(expect.objectContaining({ kid: stolen, state: 'withdrawn' }));
    expect(await one.keys.withdraw('no-such-key')).toBe(false);
    expect(one.changes).toContain(`withdrawn ${stolen}`);
  });

  it('are one set however many instances start at once', async () => {
    const clock = new ManualClock();
    const at = await redisAt();
    const instances = await Promise.all(Array.from({ length: 8 }, () => startInstance(clock, 'together', at)));
    for (const { keys } of instances) await keys.start();

    expect(new Set(instances.map(({ keys }) => keys.signing.kid)).size).toBe(1);
    expect(await instances[0]?.keys.inventory()).toHaveLength(1);
  });

  it('go on signing while the store is away, and are unknown where they were never read', async () => {
    const clock = new ManualClock();
    const lonely = await startRedis();
    const at = connectRedis({ url: new Secret(lonely.url), timeoutMs: 500, clock, log: noLog });
    closing.push(() => at.close());
    await eventually(() => at.ping(), 5_000);
    const known = await startInstance(clock, 'away', at);
    const { kid } = known.keys.signing;
    await lonely.stop();
    const late = await startInstance(clock, 'away', at);

    await known.keys.start();
    expect(known.keys.signing.kid).toBe(kid);
    expect(known.troubles.length).toBeGreaterThan(0);
    expect(() => late.keys.signing).toThrow('provider-unreachable');
  });
});

describe('the published key set', () => {
  it('CA-09: holds public members only, each key with its name, and may be kept for minutes', async () => {
    const hostile = await startHostileProvider({ clients: [{ clientId: worldClient.id, jwks: [] }] });
    const pems = [newClientKeyPem(), newClientKeyPem()].map((pem) => pem.reveal()).join('\n');
    const world = await startWorld({
      issuer: hostile.issuer,
      upstream: 'http://127.0.0.1:9',
      env: {
        CLIENT_SECRET: undefined,
        CLIENT_AUTH_METHOD: 'private_key_jwt',
        CLIENT_KEY_FILE: 'keys.pem',
        AUTH_BASE_PATH: '/bff',
      },
      files: { 'keys.pem': pems },
    });
    closing.push(
      () => hostile.close(),
      () => world.close(),
    );

    const answer = await fetch(`${world.origin}/.well-known/jwks.json`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
    expect(answer.headers.get('content-type')).toBe('application/jwk-set+json');
    const { keys } = (await answer.json()) as { readonly keys: readonly Record<string, unknown>[] };
    expect(keys.map((key) => Object.keys(key).toSorted())).toEqual(
      Array.from({ length: 2 }, () => ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']),
    );
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(2);
    expect(
      (await fetch(`${world.origin}/bff/.well-known/jwks.json`, { headers: { accept: 'application/json' } })).status,
    ).toBe(404);
  });

  it('CA-09: is empty for a client with a secret', async () => {
    const world = await startWorld();
    closing.push(() => world.close());
    const answer = await fetch(`${world.origin}/.well-known/jwks.json`);
    expect(await answer.json()).toEqual({ keys: [] });
  });
});

describe('a client secret that is being replaced', () => {
  it('CA-18: costs no sign-in and no refresh, whichever of both the provider takes, and is not tried where both are wrong', async () => {
    const hostile = await startHostileProvider();
    closing.push(() => hostile.close());
    const { clientId } = hostile.client;
    const take = (clientSecret: string) => hostile.clients.set(clientId, { ...hostile.client, clientSecret });
    const client = {
      id: clientId,
      authMethod: 'client_secret_basic',
      secret: new Secret('the-new-secret-that-comes'),
      fallbackSecret: new Secret('the-old-secret-that-goes'),
      key: undefined,
    } as const;
    const provider = await startProvider(hostile, { client });
    take('the-old-secret-that-goes');
    const signIns = Array.from({ length: 40 }, async (_, at) => {
      if (at === 20) take('the-new-secret-that-comes');
      const grant = await signIn(provider);
      const previous = { issuer: hostile.issuer, subject: 'alice', authTime: undefined };
      return provider.refresh(grant.refreshToken ?? '', { previous });
    });
    expect((await Promise.all(signIns)).every(({ tokens }) => tokens.accessToken !== '')).toBe(true);

    const asked = hostile.hits('token');
    await signIn(provider);
    expect(hostile.hits('token')).toBe(asked + 1); // what was accepted last is used first
    take('a-third-one');
    expect((await refusalOf(signIn(provider))).kind).toBe('client-refused');
    expect(hostile.hits('token')).toBe(asked + 3);
  });
});

describe('a client that shows a certificate', () => {
  it('CA-08: shows it at the aliases, sends its client_id, and shows another one as soon as it is replaced', async () => {
    const server = createTlsIdentity();
    const [first, second] = [createTlsIdentity('claimcheck'), createTlsIdentity('claimcheck')];
    const hostile = await startHostileProvider({
      tls: { ...server, clientCertificates: true },
      clients: [{ clientId: 'shown', certificate: first.thumbprint }],
    });
    closing.push(() => hostile.close());
    hostile.script.metadata.mtlsAliases = true;
    const clientWith = ({ cert, key }: typeof first) => ({
      ...({ id: 'shown', authMethod: 'self_signed_tls_client_auth', secret: undefined, key: undefined } as const),
      certificate: { chain: cert, key: new Secret(key) },
    });
    const provider = await startProvider(hostile, { client: clientWith(first), certificateAuthorities: server.cert });

    // The browser's part is played by fetch, which does not know this CA.
    const trusted = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    closing.push(() => {
      if (trusted === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = trusted;
    });
    expect((await signIn(provider)).idToken?.sub).toBe('alice');
    const token = hostile.log.filter(({ endpoint }) => endpoint === 'token');
    expect(token.map(({ byAlias }) => byAlias)).toEqual([true]);
    expect(token[0]?.body.client_id).toBe('shown');

    hostile.clients.set('shown', { clientId: 'shown', certificate: second.thumbprint });
    expect((await refusalOf(signIn(provider))).kind).toBe('client-refused');
    provider.prepareClient(clientWith(second))();
    expect((await signIn(provider)).idToken?.sub).toBe('alice');
  });
});

describe('an assertion', () => {
  it('CA-03: is addressed to the issuer, or to the token endpoint where the configuration says so', async () => {
    const pem = newClientKeyPem();
    const hostile = await startHostileProvider();
    closing.push(() => hostile.close());
    for (const [assertionAudience, audience] of [
      ['issuer', hostile.issuer],
      ['token-endpoint', `${hostile.issuer}/token`],
    ] as const) {
      hostile.reset();
      const provider = await startProvider(hostile, { client: { ...keyless, key: pem, assertionAudience } });
      hostile.clients.set('keyed', { clientId: 'keyed', jwks: provider.clientJwks as readonly Jwk[] });
      await refusalOrSignIn(provider);
      const [request] = hostile.log.filter(({ endpoint }) => endpoint === 'token');
      const [, payload = ''] = (request?.body.client_assertion ?? '').split('.');
      expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
        aud: audience,
        iss: 'keyed',
        sub: 'keyed',
      });
    }
  });
});

// The hostile provider takes the issuer alone; what is asked for here is what was sent.
function refusalOrSignIn(provider: Provider): Promise<unknown> {
  return signIn(provider).catch((error: unknown) => error);
}
