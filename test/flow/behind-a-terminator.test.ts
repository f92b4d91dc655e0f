import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { freePort } from '../support/ports.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { startWorld, type World } from '../support/world.ts';

const origin = 'https://app.example';
let redis: RedisServer;
let world: World;

beforeAll(async () => {
  redis = await startRedis();
  const port = await freePort();
  world = await startWorld(
    {
      redisUrl: redis.url,
      env: { TRUSTED_PROXIES: '127.0.0.1', CORS_ALLOWED_ORIGINS: 'https://admin.app.example' },
    },
    { port, origin, redirectUri: `${origin}/callback` },
  );
});

afterAll(async () => {
  await world.close();
  await redis.stop();
});

const browserBehind = (
  headers: Record<string, string> = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '203.0.113.9' },
) => world.browser({ reach: { [origin]: `http://127.0.0.1:${world.port}` }, headers });

const lines = (browser: Browser, name: string) =>
  browser.history
    .flatMap(({ headers }) => headers)
    .filter(([header, value]) => header.toLowerCase() === 'set-cookie' && value.startsWith(name))
    .map(([, value]) => value);

describe('in production, behind a TLS terminator', () => {
  it('CK-01, CK-02, CK-03, CK-04, CK-05: every cookie has its prefix, Secure, HttpOnly, SameSite and nothing else', async () => {
    const browser = browserBehind();
    await world.signIn('alice', browser);
    expect(await world.session(browser)).toMatchObject({ authenticated: true });

    expect(lines(browser, '__Host-Http-claimcheck=').map((line) => line.replace(/=[^;]+/, '=…'))).toEqual([
      '__Host-Http-claimcheck=…; Path=/; HttpOnly; Secure; SameSite=Strict',
    ]);
    const pending = lines(browser, '__Host-Http-claimcheck-login-');
    expect(pending).toHaveLength(2); // set, and deleted by the callback
    for (const line of pending) {
      expect(line).toMatch(/; Path=\/.*; HttpOnly/);
      expect(line).toContain('Secure');
      expect(line).toContain('SameSite=Lax');
      expect(line).not.toContain('Domain');
    }
    const all = browser.history
      .flatMap(({ headers }) => headers)
      .filter(([name]) => name.toLowerCase() === 'set-cookie');
    expect(all.filter(([, line]) => line.includes('claimcheck') && !/SameSite=(Strict|Lax)/.test(line))).toEqual([]);
  });

  it('CK-12: signing out deletes the cookie so that a browser really drops it', async () => {
    const browser = browserBehind();
    await world.signIn('alice', browser);
    const { csrf_token } = await world.session(browser);
    expect(browser.jar.get('__Host-Http-claimcheck')).toBeDefined();

    const answer = await browser.fetch(`${origin}/logout?local=true`, {
      method: 'POST',
      headers: { 'X-CSRF-Token': csrf_token },
    });

    expect(answer.status).toBe(204);
    expect(browser.jar.get('__Host-Http-claimcheck')).toBeUndefined();
    expect(answer.all('set-cookie')[0]).toMatch(/^__Host-Http-claimcheck=; .*HttpOnly; Secure; SameSite=Strict/);
  });

  it('TL-04: HSTS for two years on every kind of answer, refusals included', async () => {
    const browser = browserBehind();
    const value = 'max-age=63072000; includeSubDomains';

    for (const path of ['/', '/session', '/api/orders', '/login', '/api/%2e%2e']) {
      const answer = await browser.navigate(origin + path, { redirect: 'manual' });
      expect(answer.header('strict-transport-security')).toBe(value);
    }
  });

  it('TL-05: sends a navigation that came in clear on to https, and refuses everything else', async () => {
    const browser = browserBehind({ 'X-Forwarded-Proto': 'http' });

    const page = await browser.navigate(`${origin}/orders?x=1`, { redirect: 'manual' });
    const api = await browser.fetch(`${origin}/api/orders`, { from: `${origin}/` });
    const login = await browser.navigate(`${origin}/login`, { redirect: 'manual' });

    expect(page.status).toBe(308);
    expect(page.header('location')).toBe(`${origin}/orders?x=1`);
    expect(api.status).toBe(403);
    expect(api.json()).toMatchObject({ code: 'plain-http' });
    expect(api.header('location')).toBeUndefined();
    expect(login.status).toBe(308);
    expect(login.header('set-cookie')).toBeUndefined();
    expect((await browserBehind().navigate(`${origin}/`)).status).toBe(200);
  });

  it('LS-09, PX-23: redirect URIs come from PUBLIC_URL, whatever Host or a forwarding header says', async () => {
    const browser = browserBehind({
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'evil.example',
      Forwarded: 'host=evil.example',
    });
    await browser.navigate(`${origin}/login?login_hint=alice`);

    expect(world.provider.record.lastAuthorizationParams?.['redirect_uri']).toBe(`${origin}/callback`);
    const wrongHost = await fetch(`http://127.0.0.1:${world.port}/login`, { redirect: 'manual' });
    expect(wrongHost.status).toBe(421);
  });

  it('CF-08, CF-09: a page of an allowed origin reads and writes with the cookie, another is refused', async () => {
    const browser = browserBehind();
    await world.signIn('alice', browser);
    const { csrf_token } = await world.session(browser);
    const order = {
      method: 'POST',
      credentials: 'include' as const,
      headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf_token },
      body: '{"item":"Umbrella","quantity":1}',
    };

    const made = await browser.fetch(`${origin}/api/orders`, { ...order, from: 'https://admin.app.example/' });
    expect(made.status).toBe(201);
    expect(made.readable).toBe(true);
    expect(made.preflight?.status).toBe(204);

    await expect(
      browser.fetch(`${origin}/api/orders`, { ...order, from: 'https://evil.app.example/' }),
    ).rejects.toThrow();
    const simple = await browser.fetch(`${origin}/api/orders`, {
      from: 'https://evil.app.example/',
      credentials: 'include',
    });
    expect(simple.status).toBe(403);
    expect(simple.readable).toBe(false);
  });

  it('PX-08: the address behind the trusted proxy is the client, and a forged one is not', async () => {
    const browser = browserBehind({ 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '6.6.6.6, 203.0.113.77' });
    await world.signIn('bob', browser);

    const event = world.log.findLast((line) => line['event'] === 'sign-in.succeeded');
    expect(event).toMatchObject({ address: '203.0.113.0' });
  });
});
