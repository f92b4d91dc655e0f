import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { startWorld, type World } from '../support/world.ts';

let redis: RedisServer;
let world: World;

beforeAll(async () => {
  redis = await startRedis({ persistence: 'aof' });
  world = await startWorld({ redisUrl: redis.url });
});

afterAll(async () => {
  await world.close();
  await redis.stop();
});

async function expectAway(browser: Browser) {
  const api = await browser.fetch(`${world.origin}/api/orders`);
  expect(api.status).toBe(503);
  expect(api.json()).toMatchObject({ code: 'store-unavailable' });
  expect(api.header('retry-after')).toMatch(/^\d+$/);
  expect(api.header('x-error-source')).toBe('store');
  expect(api.all('set-cookie')).toEqual([]);
  const session = await browser.fetch(`${world.origin}/session`);
  expect(session.status).toBe(503);
  expect(session.all('set-cookie')).toEqual([]);
}

async function expectBack(browser: Browser) {
  await eventually(async () => (await browser.fetch(`${world.origin}/api/orders`)).status === 200, 10_000);
  expect(await world.session(browser)).toMatchObject({ authenticated: true, user: { name: 'Alice Anders' } });
}

// A session that is held in memory serves for three seconds after Redis was heard of last.
const noLongerHeld = (browser: Browser) =>
  eventually(async () => (await browser.fetch(`${world.origin}/api/orders`)).status === 503, 4_000);

describe('the store is away', () => {
  it('SE-13, ER-08: frozen, every answer is 503 and nobody is signed out', async () => {
    const browser = await world.signIn();
    const starts = world.provider.record.grants.get('authorization_code');
    expect((await browser.fetch(`${world.origin}/api/orders`)).status).toBe(200);

    redis.freeze();
    await noLongerHeld(browser);
    const seen = world.orders.requests.length;
    await expectAway(browser);
    expect((await browser.fetch(`${world.origin}/`)).status).toBe(200); // the page is no part of it
    expect(world.orders.requests).toHaveLength(seen);
    expect(world.provider.record.grants.get('authorization_code')).toBe(starts);

    redis.thaw();
    await expectBack(browser);
  });

  it('SE-13, ER-08: stopped and started again, everybody is still signed in', async () => {
    const browser = await world.signIn();

    await redis.halt();
    await noLongerHeld(browser);
    await expectAway(browser);
    await redis.start();

    await expectBack(browser);
  });

  it('CB-26, CB-03: frozen during a callback, the answer is 503 and the same callback works afterwards', async () => {
    const browser = world.browser();
    const start = await browser.navigate(`${world.origin}/login?login_hint=alice`, {
      from: `${world.origin}/`,
      redirect: 'manual',
    });
    let next = start.header('location') ?? '';
    while (!next.startsWith(`${world.origin}/callback`)) {
      const answer = await browser.navigate(next, { from: `${world.origin}/`, redirect: 'manual' });
      next = new URL(answer.header('location') ?? '', next).href;
    }
    const grants = world.provider.record.grants.get('authorization_code');

    redis.freeze();
    const refused = await browser.navigate(next, { redirect: 'manual' });
    expect(refused.status).toBe(503);
    expect(refused.header('retry-after')).toMatch(/^\d+$/);
    expect(refused.all('set-cookie')).toEqual([]);
    expect(world.provider.record.grants.get('authorization_code')).toBe(grants);

    redis.thaw();
    await eventually(async () => {
      const landed = await browser.navigate(next, { from: `${world.provider.issuer}/` });
      return landed.status === 200;
    }, 10_000);
    expect(await world.session(browser)).toMatchObject({ authenticated: true });
  });
});
