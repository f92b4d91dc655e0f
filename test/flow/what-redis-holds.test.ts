import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis } from '../support/redis.ts';
import type { DumpedKey } from '../support/redis-dump.ts';
import { holdsSecret } from '../support/secrets.ts';
import { startWorld, type World } from '../support/world.ts';

let redis: RedisServer;
let world: World;

beforeAll(async () => {
  redis = await startRedis();
  world = await startWorld({ redisUrl: redis.url });
});

afterAll(async () => {
  await world.close();
  await redis.stop();
});

const get = (path: string, cookie: string) => fetch(`${world.origin}${path}`, { headers: { Cookie: cookie } });

function valuesOf({ key, value, fields, members }: DumpedKey): readonly string[] {
  return [
    key,
    value?.toString('latin1') ?? '',
    ...[...fields.values()].map((bytes) => bytes.toString('latin1')),
    ...members.keys(),
  ];
}

describe('what Redis holds', () => {
  it('TS-03, TS-04, TS-07: no token, subject, e-mail or cookie value, and everything ends by itself', async () => {
    const browser = await world.signIn();
    await browser.fetch(`${world.origin}/api/orders`);
    const session = await world.session(browser);
    const cookie = browser.jar.get('claimcheck')?.value ?? '';
    const secret = decodeURIComponent(cookie).slice(2).split('.')[0] ?? '';

    const keys = await redis.dumpAll();
    const all = Buffer.concat(keys.map(({ bytes }) => bytes));

    expect(keys.length).toBeGreaterThanOrEqual(4);
    expect(secret).toMatch(/^[\w-]{43}$/);
    const user = session['user'] as { sub: string; email: string };
    const forbidden = [...world.provider.issuedSecrets(), user.sub, user.email, 'Alice Anders', secret, cookie];
    expect(forbidden.filter((text) => holdsSecret(all, text))).toEqual([]);
    expect(keys.filter(({ ttlMs }) => ttlMs <= 0 || ttlMs > 8 * 3_600_000)).toEqual([]);
  });

  it('TS-04, CK-08: nothing that lies there works as a cookie', async () => {
    const browser = await world.signIn();
    const good = browser.jar.get('claimcheck')?.value ?? '';
    const keys = await redis.dumpAll();

    for (const text of keys.flatMap(valuesOf)) {
      for (const value of [text, `s:${text}`, `s:${text}.${text}`]) {
        expect((await get('/api/orders', `claimcheck=${encodeURIComponent(value)}`)).status).not.toBe(200);
      }
    }
    expect((await get('/api/orders', `claimcheck=${good}`)).status).toBe(200);
  });

  it('TS-11, LO-01: after a sign-out every key of the session is gone and the old cookie gets 401', async () => {
    const browser = await world.signIn('bob');
    const cookie = `claimcheck=${browser.jar.get('claimcheck')?.value}`;
    expect((await get('/api/orders', cookie)).status).toBe(200);
    const before = await keysOf('cc:{');
    const { csrf_token } = await world.session(browser);

    const answer = await browser.fetch(`${world.origin}/logout?local=true`, {
      method: 'POST',
      headers: { 'X-CSRF-Token': csrf_token },
    });

    expect(answer.status).toBe(204);
    expect(before.length - (await keysOf('cc:{')).length).toBe(3);
    expect((await get('/api/orders', cookie)).status).toBe(401);
  });

  it('CK-13, LS-28: a thousand strangers leave nothing there', async () => {
    const before = (await redis.dumpAll()).length;

    for (let count = 0; count < 100; count += 1) {
      await Promise.all(Array.from({ length: 10 }, () => get('/session', '')));
    }
    const login = await world.browser().navigate(`${world.origin}/login`, { redirect: 'manual' });

    expect(login.status).toBe(303);
    expect((await redis.dumpAll()).length).toBe(before);
  });
});

async function keysOf(prefix: string): Promise<readonly string[]> {
  return (await redis.dumpAll()).map(({ key }) => key).filter((key) => key.startsWith(prefix));
}
