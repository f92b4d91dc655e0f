import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newClientKeyPem } from '../../src/oidc/client-key.ts';
import { eventually } from '../support/eventually.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { client, startWorld, type World } from '../support/world.ts';
import { ranWith } from '../unit/cli/running.ts';
import { filesWith, production } from '../unit/config/settings.ts';

const secrets = randomBytes(32).toString('base64url');
let redis: RedisServer;
let hostile: HostileProvider;
let world: World;

beforeAll(async () => {
  redis = await startRedis();
  hostile = await startHostileProvider();
  world = await startWorld({
    issuer: hostile.issuer,
    upstream: 'http://127.0.0.1:9',
    redisUrl: redis.url,
    env: settings(),
  });
  await eventually(async () => (await publishedKids()).length > 0, 5_000);
});

afterAll(async () => {
  await world.close();
  await hostile.close();
  await redis.stop();
});

const settings = () => ({
  SESSION_SECRETS: secrets,
  CLIENT_SECRET: undefined,
  CLIENT_AUTH_METHOD: 'private_key_jwt',
  CLIENT_KEY_ROTATION: '30d',
});

async function keys(...args: readonly string[]) {
  const those = { PUBLIC_URL: world.origin, ISSUER: hostile.issuer, CLIENT_ID: client.id, REDIS_URL: redis.url };
  const env = { ...production, ...settings(), ...those };
  const { code, output, complaints } = await ranWith(['keys', ...args], { env, files: filesWith() });
  return {
    code,
    complaints,
    rows: output
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(/ {2,}/)),
  };
}

const publishedKids = async () => {
  const { keys: list } = (await (await fetch(`${world.origin}/.well-known/jwks.json`)).json()) as {
    readonly keys: readonly { readonly kid: string }[];
  };
  return list.map(({ kid }) => kid);
};

describe('claimcheck keys, for keys that are kept', () => {
  it('CA-19: lists what the server publishes, by thumbprint, state and instant, and never a key', async () => {
    const { code, rows, complaints } = await keys('list');
    expect({ code, complaints }).toEqual({ code: 0, complaints: '' });
    expect(rows).toEqual([[(await publishedKids())[0], 'signing', expect.stringMatching(/^\d{4}-.*Z$/)]]);
  });

  it('CA-10, CA-11: makes one, which the server publishes, and withdraws the other, which it publishes no more', async () => {
    const [[first = ''] = []] = (await keys('list')).rows;
    const made = await keys('new');
    expect(made.rows.map(([, state]) => state).toSorted()).toEqual(['published', 'signing']);
    const second = made.rows.find(([, state]) => state === 'published')?.[0];
    await expect.poll(publishedKids, { timeout: 6_000 }).toEqual(expect.arrayContaining([first, second]));

    const retired = await keys('retire', first);
    expect(retired.code).toBe(0);
    expect(retired.rows).toContainEqual([first, 'withdrawn', expect.any(String)]);
    expect(retired.rows).toContainEqual([second, 'signing', expect.any(String)]);
    expect(retired.complaints).toContain('client-key.changed');
    await expect.poll(publishedKids, { timeout: 6_000 }).not.toContain(first);
    expect((await keys('retire', first)).code).toBe(3);
  });

  it.each([[[]], [['show']], [['list', 'more']], [['retire']], [['new', 'one']]])(
    'does not understand %j',
    async (args) => {
      const { code, complaints } = await keys(...args);
      expect(code).toBe(2);
      expect(complaints).toContain('claimcheck keys list');
    },
  );

  it('says so when Redis is away', async () => {
    const env = {
      ...production,
      ...settings(),
      PUBLIC_URL: world.origin,
      ISSUER: hostile.issuer,
      REDIS_URL: 'redis://127.0.0.1:9',
    };
    const { code, complaints } = await ranWith(['keys', 'list'], { env, files: filesWith() });
    expect(code).toBe(1);
    expect(complaints).toContain('store-unavailable');
  });
});

describe('claimcheck keys, for keys of a file', () => {
  const pems = [newClientKeyPem(), newClientKeyPem()].map((pem) => pem.reveal()).join('');
  const around = {
    env: { ...production, CLIENT_SECRET: undefined, CLIENT_AUTH_METHOD: 'private_key_jwt', CLIENT_KEY_FILE: 'own.pem' },
    files: filesWith({ 'own.pem': pems }),
  };

  it('CA-19: lists them, prints a new one, and says how one is taken out', async () => {
    const { code, output } = await ranWith(['keys', 'list'], around);
    expect(code).toBe(0);
    expect(output.split('\n').map((line) => line.split(/ {2,}/)[1])).toEqual(['signing', 'published']);
    expect((await ranWith(['keys', 'new'], around)).output).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    const retired = await ranWith(['keys', 'retire', 'any'], around);
    expect(retired.code).toBe(1);
    expect(retired.complaints).toContain('send SIGHUP');
  });

  it('has none to list for a client with a secret', async () => {
    const { code, complaints } = await ranWith(['keys', 'list'], { env: production });
    expect(code).toBe(1);
    expect(complaints).toContain('no keys that are published');
  });
});
