import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { client, reserveAddress, startWorld, type World } from '../support/world.ts';

let redis: RedisServer;
let hostile: HostileProvider;
let world: World;

beforeAll(async () => {
  redis = await startRedis();
  const address = await reserveAddress();
  hostile = await startHostileProvider({
    clients: [{ clientId: client.id, clientSecret: client.secret, redirectUris: [address.redirectUri] }],
  });
  hostile.script.metadata.status = 500;
  world = await startWorld({ issuer: hostile.issuer, upstream: 'http://127.0.0.1:9', redisUrl: redis.url }, address);
});

afterAll(async () => {
  await world.close();
  await hostile.close();
  await redis.stop();
});

const ready = async () => {
  const answer = await fetch(`${world.opsUrl}/readyz`);
  return { code: answer.status, ...((await answer.json()) as Record<string, unknown>) };
};

describe('the operations port', () => {
  it('TL-14, LS-16: is not ready until store and provider were each reached once, and recovers by itself', async () => {
    expect(await ready()).toEqual({ code: 503, status: 'starting', store: 'ok', provider: 'unreachable' });
    const login = await world.browser().navigate(`${world.origin}/login`, { redirect: 'manual' });
    expect(login.status).toBe(503);
    expect(login.header('retry-after')).toMatch(/^\d+$/);

    hostile.reset();
    await eventually(async () => (await fetch(`${world.opsUrl}/readyz`)).status === 200, 30_000);
    expect((await world.browser().navigate(`${world.origin}/login`, { redirect: 'manual' })).status).toBe(303);
  });

  it('TL-14: stays in the balancer while the store is away, and says so', async () => {
    await eventually(async () => (await fetch(`${world.opsUrl}/readyz`)).status === 200, 30_000);
    redis.freeze();
    const answer = await fetch(`${world.opsUrl}/readyz`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ status: 'degraded', store: 'unreachable', provider: 'ok' });
    redis.thaw();
    await eventually(
      async () => ((await (await fetch(`${world.opsUrl}/readyz`)).json()) as { status: string }).status === 'ok',
      10_000,
    );
  });

  it('TL-14: tells health without detail, and offers nothing else', async () => {
    const health = await fetch(`${world.opsUrl}/healthz`);
    expect(health.status).toBe(200);
    expect(await health.json()).toEqual({ status: 'ok' });
    expect(health.headers.getSetCookie()).toEqual([]);
    expect((await fetch(`${world.opsUrl}/admin`)).status).toBe(404);
    expect((await fetch(`${world.opsUrl}/healthz`, { method: 'POST' })).status).toBe(405);
  });

  it('LG-21: has metrics whose labels hold nothing that a request brought', async () => {
    await fetch(`${world.origin}/api/orders/secret-7?x=secret-8`, { headers: { 'user-agent': 'secret-9' } });
    const text = await eventually(async () => {
      const metrics = await (await fetch(`${world.opsUrl}/metrics`)).text();
      return /claimcheck_requests_total\{kind="I",status="4xx",code="session-ended"\} [1-9]/.test(metrics) && metrics;
    });

    expect(text).not.toContain('secret-');
    expect(text).toContain('claimcheck_store_up 1');
    expect(text).toContain('process_cpu_seconds_total');
  });
});
