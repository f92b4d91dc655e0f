import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { rawRequest } from '../support/raw.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
let browser: Browser;
let cookie: string;
let token: string;
let seen: number;

beforeAll(async () => {
  world = await startWorld();
  browser = await world.signIn();
  cookie = browser.cookieHeader(`${world.origin}/api/orders`) ?? '';
  token = (await world.session(browser)).csrf_token;
});

beforeEach(() => {
  seen = world.orders.requests.length;
});

afterAll(() => world.close());

async function send(method: string, path: string, lines: readonly string[]) {
  const head = [`${method} ${path} HTTP/1.1`, 'Host: localhost', `Cookie: ${cookie}`, ...lines];
  const { final } = await rawRequest(world.port, `${head.join('\r\n')}\r\n\r\n`);
  return final[0]?.status;
}

const json = (body: string) => ['Content-Type: application/json', `Content-Length: ${body.length}`, '', body];

describe('a request that another site makes the browser send', () => {
  //   Sec-Fetch-Site   Origin                 method    /api  /session  /logout  /login  /
  it.each([
    ['same-origin', undefined, 'GET', 200, 200, 200, 403, 200],
    ['same-site', undefined, 'GET', 403, 403, 200, 403, 200],
    ['cross-site', undefined, 'GET', 403, 403, 200, 403, 200],
    ['cross-site', 'https://evil.test', 'GET', 403, 403, 200, 403, 200],
    ['none', undefined, 'GET', 200, 200, 200, 403, 200],
    [undefined, undefined, 'GET', 200, 200, 200, 303, 200],
    [undefined, 'https://evil.test', 'GET', 403, 403, 200, 303, 200],
    [undefined, 'null', 'GET', 403, 403, 200, 303, 200],
  ])(
    'CF-04, CF-05, CF-09, CF-12: site %s, origin %s, %s',
    async (site, origin, method, api, session, logout, login, page) => {
      const lines = [
        ...(site === undefined ? [] : [`Sec-Fetch-Site: ${site}`, 'Sec-Fetch-Mode: cors', 'Sec-Fetch-Dest: empty']),
        ...(origin === undefined ? [] : [`Origin: ${origin}`]),
      ];

      const statuses = [];
      for (const path of ['/api/orders', '/session', '/logout', '/login?prompt=login', '/']) {
        statuses.push(await send(method, path, lines));
      }

      expect(statuses).toEqual([api, session, logout, login, page]);
      expect((await browser.fetch(`${world.origin}/session`)).json()).toMatchObject({ authenticated: true });
    },
  );

  it.each([
    ['a bodyless POST', 'POST', []],
    ['a form', 'POST', ['Content-Type: application/x-www-form-urlencoded', 'Content-Length: 8', '', 'item=abc']],
    ['text that is JSON', 'POST', ['Content-Type: text/plain', 'Content-Length: 2', '', '{}']],
    ['a beacon', 'POST', ['Content-Type: text/plain;charset=UTF-8', 'Content-Length: 2', '', '{}']],
    ['DELETE', 'DELETE', []],
    ['PATCH', 'PATCH', []],
    ['an override in a header', 'POST', ['X-HTTP-Method-Override: GET']],
    ['a token in a cookie of its own', 'POST', ['X-Nothing: 1']],
  ])('CF-01, CF-03, CF-13: %s of our own page without the token is refused', async (_case, method, lines) => {
    const own = ['Sec-Fetch-Site: same-origin', `Origin: ${world.origin}`];

    expect(await send(method, '/api/orders', [...own, ...lines])).toBe(403);
    expect(await send(method, `/api/orders?_csrf=${token}`, [...own, ...lines])).toBe(403);
    expect(world.orders.requests).toHaveLength(seen);
  });

  it('CF-01: with the token it goes through, and from elsewhere it does not even then', async () => {
    const body = json('{"item":"Umbrella","quantity":1}');
    const own = ['Sec-Fetch-Site: same-origin', `Origin: ${world.origin}`, `X-CSRF-Token: ${token}`];
    const foreign = ['Sec-Fetch-Site: cross-site', 'Origin: https://evil.test', `X-CSRF-Token: ${token}`];

    expect(await send('POST', '/api/orders', [...own, ...body])).toBe(201);
    expect(await send('POST', '/api/orders', [...foreign, ...body])).toBe(403);
    expect(world.orders.requests).toHaveLength(seen + 1);
  });

  it('CF-11: a token of somebody else is of no use', async () => {
    const bob = await world.signIn('bob');
    const other = (await world.session(bob)).csrf_token;
    const body = json('{"item":"Umbrella","quantity":1}');
    const own = ['Sec-Fetch-Site: same-origin', `Origin: ${world.origin}`];

    expect(await send('POST', '/api/orders', [...own, `X-CSRF-Token: ${other}`, ...body])).toBe(403);
    expect(await send('POST', '/api/orders', [...own, `X-CSRF-Token: ${token}`, ...body])).toBe(201);
  });

  it('LO-02: signing out needs proof too; a form of another site signs nobody out', async () => {
    const form = ['Content-Type: application/x-www-form-urlencoded', 'Content-Length: 0', ''];
    expect(
      await send('POST', '/logout', [
        'Sec-Fetch-Site: cross-site',
        'Origin: https://evil.test',
        'Sec-Fetch-Mode: navigate',
        ...form,
      ]),
    ).toBe(403);
    expect(await send('POST', '/logout', [...form])).toBe(403);
    expect(
      await send('POST', '/logout', [
        'Sec-Fetch-Site: same-origin',
        `Origin: ${world.origin}`,
        'Sec-Fetch-Mode: cors',
        ...form,
      ]),
    ).toBe(403);
    expect(
      await send('GET', '/logout', [
        'Sec-Fetch-Site: cross-site',
        'Sec-Fetch-Mode: navigate',
        'Sec-Fetch-Dest: document',
      ]),
    ).toBe(200);
    expect((await browser.fetch(`${world.origin}/session`)).json()).toMatchObject({ authenticated: true });

    const bob = await world.signIn('bob');
    const bobs = bob.cookieHeader(`${world.origin}/logout`) ?? '';
    const own = ['Sec-Fetch-Site: same-origin', 'Sec-Fetch-Mode: navigate', `Origin: ${world.origin}`];
    const head = ['POST /logout HTTP/1.1', 'Host: localhost', `Cookie: ${bobs}`, ...own, ...form];
    const { final } = await rawRequest(world.port, `${head.join('\r\n')}\r\n\r\n`);
    expect(final[0]?.status).toBe(303);
    expect((await bob.fetch(`${world.origin}/session`)).json()).toMatchObject({ authenticated: false });
  });
});

describe('in mode header', () => {
  it('CF-02: every API request needs X-CSRF: 1, reads included', async () => {
    const strict = await startWorld({ env: { CSRF_MODE: 'header' } });
    const person = await strict.signIn();
    const get = (headers: Record<string, string>) => person.fetch(`${strict.origin}/api/orders`, { headers });

    expect((await get({})).status).toBe(403);
    expect((await get({ 'X-CSRF': '0' })).status).toBe(403);
    expect((await get({ 'X-CSRF': '1' })).status).toBe(200);
    expect(await strict.session(person)).toMatchObject({ csrf_token: null });
    await strict.close();
  });
});
