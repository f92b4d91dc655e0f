import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.close());

describe('a person signs in', () => {
  it('LS-01, LS-02, CB-20, CB-21: lands where they wanted to go, and the page then learns who they are', async () => {
    const browser = world.browser();

    const landed = await browser.navigate(`${world.origin}/login?login_hint=alice&return_to=/orders?x=1`, {
      from: `${world.origin}/`,
    });

    expect(landed.status).toBe(200);
    expect(landed.url).toBe(`${world.origin}/orders?x=1`);
    expect(landed.text()).toContain('<!doctype html>');
    const callback = landed.hopTo('/callback');
    expect(callback.status).toBe(303);
    expect(callback.body).toHaveLength(0);
    const session = await world.session(browser);
    expect(session).toMatchObject({ authenticated: true, user: { name: 'Alice Anders' } });
  });

  it('SE-01, SE-06: /session says what the contract says and no more', async () => {
    const browser = await world.signIn();

    const answer = await browser.fetch(`${world.origin}/session`);
    const session = answer.json();

    expect(answer.status).toBe(200);
    expect(answer.header('cache-control')).toBe('no-store');
    expect(Object.keys(session).sort()).toEqual([
      'authenticated',
      'csrf_token',
      'logout_url',
      'session',
      'token',
      'user',
    ]);
    expect(session).toMatchObject({
      authenticated: true,
      user: { sub: expect.any(String), name: 'Alice Anders', email: 'alice@example.test' },
      session: {
        id: expect.stringMatching(/^[\w-]{22}$/),
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        expires_in: expect.any(Number),
        idle_expires_in: expect.any(Number),
      },
      token: { expires_in: expect.any(Number), scope: expect.stringContaining('orders.read') },
      csrf_token: expect.any(String),
      logout_url: '/logout',
    });
  });

  it('CK-13: is nobody before, and is not given a cookie for asking', async () => {
    const browser = world.browser();

    const answer = await browser.fetch(`${world.origin}/session`, { from: `${world.origin}/` });

    expect(answer.status).toBe(200);
    expect(answer.json()).toEqual({ authenticated: false, login_url: '/login' });
    expect(answer.all('set-cookie')).toEqual([]);
  });

  it('CK-01, CK-02, CK-04, CK-14: gets cookies with exactly these attributes', async () => {
    const browser = world.browser();

    const landed = await browser.navigate(`${world.origin}/login?login_hint=alice`, { from: `${world.origin}/` });

    const started = landed.hopTo('/login').headers.filter(([name]) => name.toLowerCase() === 'set-cookie');
    expect(started.some(([, value]) => /^claimcheck-login-[\w-]{8}=[^;]+; .*HttpOnly.*SameSite=Lax/.test(value))).toBe(
      true,
    );
    const ended = landed.hopTo('/callback').headers.filter(([name]) => name.toLowerCase() === 'set-cookie');
    expect(ended.map(([, value]) => value.replace(/=[^;]+/, '=…'))).toContain(
      'claimcheck=…; Path=/; HttpOnly; SameSite=Strict',
    );
    expect(browser.jar.all().filter(({ name }) => name.startsWith('claimcheck-login'))).toEqual([]);
  });
});

describe('the page calls the API', () => {
  it('PX-01, PX-12: reads with nothing but the cookie', async () => {
    const browser = await world.signIn();

    const answer = await browser.fetch(`${world.origin}/api/orders`);

    expect(answer.status).toBe(200);
    expect(answer.header('cache-control')).toBe('no-store');
    expect(world.orders.requests.at(-1)).toMatchObject({ method: 'GET', url: '/orders', status: 200 });
  });

  it('CF-01, CF-11: writes with the CSRF token, and is refused without before the API sees anything', async () => {
    const browser = await world.signIn();
    const { csrf_token } = await world.session(browser);
    const order = {
      method: 'POST',
      body: '{"item":"Umbrella","quantity":1}',
      headers: { 'Content-Type': 'application/json' },
    };
    const seen = world.orders.requests.length;

    const refused = await browser.fetch(`${world.origin}/api/orders`, order);
    expect(refused.status).toBe(403);
    expect(refused.json()).toMatchObject({ code: 'csrf-token-invalid', status: 403 });
    expect(world.orders.requests).toHaveLength(seen);

    const made = await browser.fetch(`${world.origin}/api/orders`, {
      ...order,
      headers: { ...order.headers, 'X-CSRF-Token': csrf_token },
    });
    expect(made.status).toBe(201);
    expect(world.orders.requests).toHaveLength(seen + 1);
  });

  it('PX-19, ER-05: tells a stranger where to sign in, and never redirects', async () => {
    const stranger = world.browser();

    const answer = await stranger.fetch(`${world.origin}/api/orders`, { from: `${world.origin}/` });

    expect(answer.status).toBe(401);
    expect(answer.header('content-type')).toBe('application/problem+json');
    expect(answer.header('www-authenticate')).toBe('Cookie realm="claimcheck", form-action="/login"');
    expect(answer.json()).toMatchObject({ code: 'session-ended', login_url: '/login' });
    expect(answer.header('x-error-source')).toBe('claimcheck');
  });

  it('CF-09: refuses a foreign origin, also to a stranger', async () => {
    const browser = await world.signIn();
    const seen = world.orders.requests.length;

    const foreign = await browser.fetch(`${world.origin}/api/orders`, {
      from: 'https://evil.test/',
      credentials: 'include',
    });

    expect(foreign.status).toBe(403);
    expect(foreign.headers.filter(([name]) => name.toLowerCase().startsWith('access-control-'))).toEqual([]);
    expect(world.orders.requests).toHaveLength(seen);
    expect((await browser.fetch(`${world.origin}/api/orders`, { from: `${world.origin}/` })).status).toBe(200);
  });
});

describe('a person signs out', () => {
  it('LO-01, LO-03, LO-04, LO-06: everywhere, at once, and at the provider', async () => {
    const browser = await world.signIn();
    const { csrf_token } = await world.session(browser);
    const before = browser.cookieHeader(`${world.origin}/api/orders`);

    const answer = await browser.fetch(`${world.origin}/logout`, {
      method: 'POST',
      headers: { 'X-CSRF-Token': csrf_token },
    });

    expect(answer.status).toBe(200);
    expect(String(answer.json()['end_session_url'])).toContain(`${world.provider.issuer}/`);
    expect(answer.header('clear-site-data')).toBe('"cache","storage"');
    expect(await world.session(browser)).toEqual({ authenticated: false, login_url: '/login' });
    const replayed = await fetch(`${world.origin}/api/orders`, { headers: { Cookie: before ?? '' } });
    expect(replayed.status).toBe(401);
  });
});
