import { afterEach, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../support/world.ts';

let world: World | undefined;

afterEach(() => world?.close());

const refreshes = (of: World) => of.provider.record.grants.get('refresh_token') ?? 0;

describe('an access token ends', () => {
  it('RF-02, PX-13: is renewed without the client noticing, and the upstream sees the new one', async () => {
    world = await startWorld({ provider: { accessTokenTtlSeconds: 120 } });
    const browser = await world.signIn();
    expect((await browser.fetch(`${world.origin}/api/orders`)).status).toBe(200);
    const first = world.orders.requests.at(-1)?.tokenId;

    world.clock.advance(121_000);
    const answer = await browser.fetch(`${world.origin}/api/orders`);

    expect(answer.status).toBe(200);
    expect(answer.all('set-cookie')).toEqual([]);
    expect(refreshes(world)).toBe(1);
    expect(world.orders.requests.at(-1)?.tokenId).not.toBe(first);
  });

  it('RF-03: fifty calls at once on an expired token are one grant, and all are answered', async () => {
    world = await startWorld({ provider: { accessTokenTtlSeconds: 120 } });
    const { origin, clock } = world;
    const browser = await world.signIn();
    clock.advance(121_000);

    const answers = await Promise.all(Array.from({ length: 50 }, () => browser.fetch(`${origin}/api/orders`)));

    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
    expect(refreshes(world)).toBe(1);
    expect(world.provider.record.refusedGrants).toEqual([]);
  });

  it('RF-06: a refused refresh token ends the session, once, and the page is told to sign in', async () => {
    world = await startWorld({ provider: { accessTokenTtlSeconds: 120 } });
    const browser = await world.signIn();
    world.provider.withdrawGrants();
    world.clock.advance(121_000);

    const answer = await browser.fetch(`${world.origin}/api/orders`);

    expect(answer.status).toBe(401);
    expect(answer.json()).toMatchObject({ code: 'session-ended', login_url: '/login' });
    expect(await world.session(browser)).toEqual({ authenticated: false, login_url: '/login' });
    expect(world.provider.record.refusedGrants).toHaveLength(1);
    world.clock.advance(-121_000); // the provider's time was not moved
    await world.signIn('alice', browser);
    expect((await browser.fetch(`${world.origin}/api/orders`)).status).toBe(200);
  });

  it('POST /session/refresh renews on request, and is idempotent for a while', async () => {
    world = await startWorld({ provider: { accessTokenTtlSeconds: 120 } });
    const { origin, clock } = world;
    const browser = await world.signIn();
    const { csrf_token } = await world.session(browser);
    const renew = () =>
      browser.fetch(`${origin}/session/refresh`, { method: 'POST', headers: { 'X-CSRF-Token': csrf_token } });

    clock.advance(70_000);
    const first = await renew();
    const second = await renew();

    expect(first.status).toBe(200);
    expect(first.json()).toMatchObject({ authenticated: true, token: { expires_in: expect.any(Number) } });
    expect(second.status).toBe(200);
    expect(refreshes(world)).toBe(1);
    expect((await browser.fetch(`${origin}/session/refresh`, { method: 'POST' })).status).toBe(403);
  });
});

describe('a session ends by itself', () => {
  it('SE-04, RF-12: after the idle timeout, however often the page looked', async () => {
    world = await startWorld({ env: { SESSION_IDLE_TIMEOUT: '10m' }, provider: { accessTokenTtlSeconds: 7200 } });
    const { origin, clock } = world;
    const browser = await world.signIn();
    clock.advance(5 * 60_000);
    expect(await world.session(browser)).toMatchObject({
      authenticated: true,
      session: { idle_expires_in: expect.any(Number) },
    });
    expect((await browser.fetch(`${origin}/api/orders`)).status).toBe(200);

    clock.advance(8 * 60_000);
    expect(await world.session(browser)).toMatchObject({ authenticated: true });
    clock.advance(2 * 60_000 + 1_000);

    expect((await browser.fetch(`${origin}/api/orders`)).status).toBe(401);
    expect(await world.session(browser)).toEqual({ authenticated: false, login_url: '/login' });
  });

  it('SE-05, RF-11: after its lifetime, however active the person is and although tokens could be renewed', async () => {
    world = await startWorld({
      env: { SESSION_IDLE_TIMEOUT: '10m', SESSION_LIFETIME: '30m' },
      provider: { accessTokenTtlSeconds: 7200 },
    });
    const { origin, clock } = world;
    const browser = await world.signIn();
    for (let minutes = 5; minutes < 30; minutes += 5) {
      clock.advance(5 * 60_000);
      expect((await browser.fetch(`${origin}/api/orders`)).status).toBe(200);
    }

    clock.advance(5 * 60_000);

    expect((await browser.fetch(`${origin}/api/orders`)).status).toBe(401);
  });
});
