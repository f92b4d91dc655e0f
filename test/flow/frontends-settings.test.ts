/**
 * What one frontend has for itself is so there, and nowhere else: how forgery is
 * refused, who may call it, where its routes are, how long its sessions live.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Frontends, type Place, startFrontends } from './frontends-world.ts';

const partner = 'http://partner.desk.localhost:3000';
let all: Frontends;
let orders: Place;
let desk: Place;

beforeAll(async () => {
  all = await startFrontends({
    orders: ['auth_base_path: /bff', 'user_claims: [email]'],
    desk: ['csrf_mode: header', `cors_allowed_origins: [${partner}]`, 'session_idle_timeout: 5m'],
  });
  ({ orders, desk } = all);
});

afterAll(() => all.close());

beforeEach(() => all.refresh());

describe('a setting of one frontend', () => {
  it('CF-01: decides which proof an unsafe call needs there', async () => {
    const browser = all.browser();
    await desk.signIn(browser);
    const post = async (headers: Readonly<Record<string, string>>) =>
      (await browser.fetch(`${desk.origin}/api/echo`, { method: 'POST', headers, from: `${desk.origin}/` })).status;

    expect([await post({}), await post({ 'X-CSRF': '1' })]).toEqual([403, 200]);
  });

  it('GW-01: is where its auth routes are', async () => {
    const [there, elsewhere] = [await orders.ask('/bff/login'), await orders.ask('/login')];
    expect([there.status, elsewhere.status]).toEqual([303, 404]);
    expect([(await desk.ask('/login')).status, (await desk.ask('/bff/login')).status]).toEqual([303, 404]);
    const redirectUri = new URL(there.header('location') ?? '').searchParams.get('redirect_uri');
    expect(redirectUri).toBe(`${orders.origin}/bff/callback`);
  });

  it('CF-01: lets another origin call it, and no other frontend', async () => {
    const headers = { Origin: partner, 'Access-Control-Request-Method': 'POST' };
    const preflight = (at: Place) => at.ask('/api/echo', { method: 'OPTIONS', headers });

    const [allowed, refused] = [await preflight(desk), await preflight(orders)];
    expect([allowed.status, allowed.header('access-control-allow-origin')]).toEqual([204, partner]);
    expect([refused.status, refused.header('access-control-allow-origin')]).toEqual([403, undefined]);
  });

  it('SE-06: is how long its sessions live without a request', async () => {
    const browser = all.browser();
    const login = await browser.navigate(`${orders.origin}/bff/login`, { from: `${orders.origin}/` });
    expect(login.status).toBe(200);
    await desk.signIn(browser);

    all.clock.advance(6 * 60_000);

    expect((await desk.call(browser)).status).toBe(401);
    expect((await orders.call(browser)).status).toBe(200);
    const session = await browser.fetch(`${orders.origin}/bff/session`, { from: `${orders.origin}/` });
    expect(session.json()['user']).toEqual({ sub: 'alice', email: 'alice@example.test' });
  });
});
