import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawRequest } from '../support/raw.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
let upstream: Upstream;
let cookie: string;

beforeAll(async () => {
  upstream = await startUpstream();
  world = await startWorld({ upstream: upstream.origin });
  const browser = await world.signIn();
  cookie = browser.cookieHeader(`${world.origin}/api/x`) ?? '';
});

afterAll(async () => {
  await world.close();
  await upstream.stop();
});

async function get(path: string, lines: readonly string[] = []) {
  const head = [`GET ${path} HTTP/1.1`, 'Host: localhost', ...lines];
  const { final } = await rawRequest(world.port, `${head.join('\r\n')}\r\n\r\n`);
  const [answer] = final;
  if (!answer) throw new Error('no answer came');
  return answer;
}

describe('a session id', () => {
  it('CK-07: is taken from the cookie only', async () => {
    const value = /claimcheck=([^;]+)/.exec(cookie)?.[1] ?? '';

    expect((await get('/api/x', [`Cookie: ${cookie}`])).status).toBe(200);
    expect((await get('/api/x', [`X-Session-Id: ${value}`])).status).toBe(401);
    expect((await get('/api/x', [`Authorization: Bearer ${value}`])).status).toBe(401);
    expect((await get(`/api/x?claimcheck=${value}`)).status).toBe(401);
  });
});

describe('an origin', () => {
  it('CF-07: is compared whole', async () => {
    const host = `localhost:${world.port}`;
    const own = `http://${host}`;
    expect((await get('/api/x', [`Cookie: ${cookie}`, `Origin: ${own}`])).status).toBe(200);
    for (const origin of [
      `https://${host}`,
      `http://${host}.evil.test`,
      'http://localhost.',
      'http://evil-localhost',
      'null',
      `${own}/`,
      `${own}, ${own}`,
    ]) {
      expect((await get('/api/x', [`Cookie: ${cookie}`, `Origin: ${origin}`])).status).toBe(403);
    }
  });
});

describe('an answer of an API', () => {
  it('CF-14: cannot be loaded as script or frame, also by our own page', async () => {
    const own = [`Cookie: ${cookie}`, 'Sec-Fetch-Site: same-origin'];

    const good = await get('/api/x', [...own, 'Sec-Fetch-Dest: empty']);
    expect(good.status).toBe(200);
    expect(good.headers).toContainEqual(['Cross-Origin-Resource-Policy', 'same-origin']);
    expect(good.headers).toContainEqual(['X-Content-Type-Options', 'nosniff']);
    for (const dest of ['script', 'iframe', 'object', 'embed', 'style']) {
      expect((await get('/api/x', [...own, `Sec-Fetch-Dest: ${dest}`])).status).toBe(403);
    }
  });

  it('CF-15: is never turned into script', async () => {
    const answer = await get('/session?callback=x&jsonp=y', [`Cookie: ${cookie}`]);

    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ authenticated: true });
  });
});

describe('a refusal', () => {
  it.each([
    ['/api/x', 401, []],
    ['/api/%2e%2e', 400, []],
    ['/api/x?access_token=1', 400, []],
    ['/api/x', 403, ['Origin: https://evil.test']],
    ['/api/x', 421, ['X-Other: 1']],
  ])('ER-01: of %s with %i is a problem with the same status', async (path, status, lines) => {
    const head = [`GET ${path} HTTP/1.1`, `Host: ${status === 421 ? 'elsewhere.test' : 'localhost'}`, ...lines];
    const { final } = await rawRequest(world.port, `${head.join('\r\n')}\r\n\r\n`);
    const problem = JSON.parse(final[0]?.body.toString() ?? '') as Record<string, unknown>;

    expect(final[0]?.status).toBe(status);
    expect(final[0]?.headers).toContainEqual(['Content-Type', 'application/problem+json']);
    expect(problem).toMatchObject({
      status,
      title: expect.any(String),
      request_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(problem['type']).toBe(`urn:claimcheck:error:${problem['code']}`);
    expect((await get('/api/x', [`Cookie: ${cookie}`])).status).toBe(200);
  });

  it('ER-07: shows nothing of what was sent', async () => {
    const script = '%3Cscript%3Ealert(1)%3C/script%3E';
    const html = 'Accept: text/html';
    for (const path of [
      `/${script}.x`,
      `/login?prompt=${script}`,
      `/login?return_to=//${script}`,
      `/callback?error=${script}&state=${script}`,
    ]) {
      const answer = await get(path, [html]);
      const everything = `${answer.headers.flat().join('\n')}\n${answer.body.toString()}`;
      expect(answer.status).toBeGreaterThanOrEqual(300);
      expect(everything).not.toMatch(/alert\(1\)/);
    }
    expect((await get('/', [html])).status).toBe(200);
  });
});

describe('a narrower grant', () => {
  it('CB-18, GW-02: is what the route is held against, before the upstream hears of it', async () => {
    const narrow = await startWorld({
      env: { SCOPES: 'openid offline_access orders.read', API_UPSTREAM: undefined, RULES_FILE: 'rules' },
      files: {
        rules: `routes:\n  - { path: /api/read, upstream: ${upstream.origin}, scopes: [orders.read] }\n  - { path: /api/write, upstream: ${upstream.origin}, scopes: [orders.write] }\n`,
      },
    });
    const browser = await narrow.signIn();
    upstream.forget();

    const refused = await browser.fetch(`${narrow.origin}/api/write`);
    expect(refused.status).toBe(403);
    expect(refused.json()).toMatchObject({ code: 'scope-missing', scopes: ['orders.write'] });
    expect(upstream.requests).toHaveLength(0);
    expect((await browser.fetch(`${narrow.origin}/api/read`)).status).toBe(200);
    await narrow.close();
  });
});
