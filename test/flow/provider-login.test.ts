/**
 * Starting a sign-in: what reaches the authorization server, who may start, where
 * it returns to, and how often.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { HostileWorld, sessionCookies, startHostileWorld } from './provider-world.ts';

let at: HostileWorld;

beforeAll(async () => {
  at = await startHostileWorld({ env: { CORS_ALLOWED_ORIGINS: 'http://partner.localhost:8080' } });
});

beforeEach(() => at.refresh());

afterAll(() => at.close());

const json = {
  Accept: 'application/json',
  'Sec-Fetch-Dest': 'empty',
  'Sec-Fetch-Mode': 'cors',
  'Sec-Fetch-Site': 'same-origin',
};

function parametersOf(location: string | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(new URL(location ?? '').searchParams);
}

/** The parameters without those that are chance. */
function fixedParametersOf(location: string | undefined): Readonly<Record<string, string>> {
  const { state: _state, nonce: _nonce, code_challenge: _challenge, ...fixed } = parametersOf(location);
  return fixed;
}

describe('the authorization request', () => {
  it('LS-01, LS-02, LS-05, LS-11: is for a code, with S256, state, nonce and exactly the configured scopes', async () => {
    const { status, header } = await at.ask('/login');
    const parameters = parametersOf(header('location'));

    expect(status).toBe(303);
    expect(header('location')).toMatch(new RegExp(`^${at.hostile.issuer}/authorize\\?`));
    expect(fixedParametersOf(header('location'))).toEqual({
      client_id: 'claimcheck-test',
      response_type: 'code',
      redirect_uri: `${at.world.origin}/callback`,
      scope: 'openid profile email offline_access orders.read orders.write',
      code_challenge_method: 'S256',
      resource: 'https://orders.example.test',
    });
    expect(parameters['code_challenge']).toMatch(/^[\w-]{43}$/);
    expect(parameters['nonce']).toMatch(/^[\w-]{43}$/);
    expect(parameters['state']).toMatch(/^0[\w-]{54}$/);
  });

  it.each([
    { 'X-Forwarded-Host': 'evil.test', 'X-Forwarded-Proto': 'https' },
    { Forwarded: 'host=evil.test;proto=https' },
    { 'X-Original-Host': 'evil.test', 'X-Forwarded-Prefix': '//evil.test' },
    { Host: 'localhost:1' },
  ])('LS-09: redirect_uri is the registered one, whatever a header says: %o', async (headers) => {
    const { header } = await at.ask('/login', { headers });

    expect(parametersOf(header('location'))['redirect_uri']).toBe(`${at.world.origin}/callback`);
  });

  it('LS-09: another host is not served at all', async () => {
    expect((await at.ask('/login', { headers: { Host: 'evil.test' } })).status).toBe(421);
  });

  it('LS-10: takes nothing else from the caller', async () => {
    const plain = await at.ask('/login');
    const loaded = await at.ask(
      '/login?client_id=x&redirect_uri=https://evil.test&scope=admin&response_mode=fragment&response_type=token&request_uri=urn:x' +
        '&request=eyJ&claims=%7B%7D&resource=https://evil.test&state=x&nonce=y&code_challenge=z&code_challenge_method=plain&audience=a',
    );

    expect(fixedParametersOf(loaded.header('location'))).toEqual(fixedParametersOf(plain.header('location')));
    expect(parametersOf(loaded.header('location'))['state']).not.toBe('x');
  });

  it('LS-10: passes on what is allowed', async () => {
    const { header } = await at.ask(
      '/login?prompt=login&login_hint=ann%40example.test&ui_locales=fr%20en&acr_values=urn:mfa&max_age=0',
    );

    expect(parametersOf(header('location'))).toMatchObject({
      prompt: 'login',
      login_hint: 'ann@example.test',
      ui_locales: 'fr en',
      acr_values: 'urn:mfa',
      max_age: '0',
    });
  });

  it.each(['max_age=-1', 'max_age=abc', 'acr_values=a&acr_values=b', 'prompt=create', 'return_to=/a&return_to=/b'])(
    'LS-10: ?%s is 400, and starts nothing',
    async (search) => {
      const answer = await at.ask(`/login?${search}`, { headers: { Accept: 'application/json' } });

      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.text())).toMatchObject({ code: 'parameter-invalid' });
      expect(answer.all('set-cookie')).toEqual([]);
    },
  );

  it('LS-26, CK-11: is not stored and tells no address on', async () => {
    for (const path of ['/login', '/login?max_age=x', '/login?return_to=//evil.test']) {
      const answer = await at.ask(path);
      expect(answer.header('cache-control')).toBe('no-store');
      expect(answer.header('referrer-policy')).toBe('no-referrer');
    }
  });

  it('LS-27: only GET starts a sign-in', async () => {
    expect((await at.ask('/login', { method: 'HEAD' })).status).toBe(405);
    expect(
      (await at.ask('/login', { method: 'POST', headers: { 'Content-Length': '0', Origin: at.world.origin } })).status,
    ).toBe(405);
    expect(at.hostile.hits('par') + at.hostile.hits('authorize')).toBe(0);
  });
});

describe('where it returns to', () => {
  it.each([
    '//evil.test',
    '/\\evil.test',
    '/%5cevil.test',
    '/%09/evil.test',
    'https:evil.test',
    'javascript:alert(1)',
    '/a/../../evil',
    '/@evil.test',
    '/%0d%0aSet-Cookie:x',
    'https://evil.test/',
    'http://[',
    `/${'a'.repeat(512)}`,
  ])('LS-21: %s is 400 at once', async (target) => {
    const raw = await at.ask(`/login?return_to=${target}`, { headers: { Accept: 'application/json' } });
    const encoded = await at.ask(`/login?return_to=${encodeURIComponent(target)}`, {
      headers: { Accept: 'application/json' },
    });

    for (const answer of [raw, encoded]) {
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.text())).toMatchObject({ code: 'invalid-return-path' });
      expect(answer.all('set-cookie')).toEqual([]);
    }
  });

  it.each([
    ['/login', '/'],
    ['/callback?code=1', '/'],
    ['/logout', '/'],
    ['', '/'],
    ['/orders/7?tab=lines&x=%2Fy#top', '/orders/7?tab=lines&x=%2Fy#top'],
    ['http://partner.localhost:8080/app?x=1', 'http://partner.localhost:8080/app?x=1'],
  ])('LS-21: %s leads to %s', async (target, location) => {
    const answer = await at.signIn(at.world.browser(), `?return_to=${encodeURIComponent(target)}`);

    expect(answer.header('location')).toBe(location);
  });

  it('LS-21: a failure is told at the origin it would have returned to', async () => {
    at.hostile.script.authorize.error = { error: 'access_denied' };
    const answer = await at.signIn(
      at.world.browser(),
      `?return_to=${encodeURIComponent('http://partner.localhost:8080/app')}`,
    );

    expect(answer.header('location')).toMatch(
      /^http:\/\/partner\.localhost:8080\/\?auth_error=access_denied&auth_error_id=[0-9a-f]{32}$/,
    );
  });
});

describe('who may start', () => {
  it.each<[string, Readonly<Record<string, string>>, number]>([
    [
      'a document from anywhere',
      { 'Sec-Fetch-Dest': 'document', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Site': 'cross-site' },
      303,
    ],
    ['an old browser', {}, 303],
    ['a frame', { 'Sec-Fetch-Dest': 'iframe', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Site': 'cross-site' }, 403],
    ['an image', { 'Sec-Fetch-Dest': 'image', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Site': 'cross-site' }, 403],
    [
      'a script of ours without a word on JSON',
      { 'Sec-Fetch-Dest': 'empty', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Site': 'same-origin' },
      403,
    ],
    ['a script of ours', json, 200],
    [
      'a script of a partner',
      { ...json, 'Sec-Fetch-Site': 'cross-site', Origin: 'http://partner.localhost:8080' },
      200,
    ],
    ['a script of another site', { ...json, 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.test' }, 403],
    [
      'a prefetch',
      {
        'Sec-Fetch-Dest': 'document',
        'Sec-Fetch-Mode': 'navigate',
        'Sec-Fetch-Site': 'same-origin',
        'Sec-Purpose': 'prefetch',
      },
      403,
    ],
  ])('LS-23: %s gets %3$i', async (_case, headers, status) => {
    const answer = await at.ask('/login', { headers });

    expect(answer.status).toBe(status);
    if (status === 403) expect(answer.all('set-cookie')).toEqual([]);
  });

  it('LS-23: a script of ours gets the address and the cookie, and the sign-in works', async () => {
    const browser = at.world.browser();
    const answer = await browser.fetch(`${at.world.origin}/login?return_to=/x`, {
      from: `${at.world.origin}/`,
      headers: { Accept: 'application/json' },
    });
    const { authorization_url, ...rest } = answer.json<{ authorization_url: string }>();
    expect(answer.status).toBe(200);
    expect(rest).toEqual({});
    const back = await browser.navigate(authorization_url, { from: `${at.world.origin}/`, redirect: 'manual' });

    expect((await at.land(browser, back.header('location') ?? '')).header('location')).toBe('/x');
  });
});

describe('somebody who is signed in', () => {
  it('LS-06: is sent where they wanted to go, unless they are asked to prove it again', async () => {
    const browser = at.world.browser();
    await at.signIn(browser);
    const asked = async (search: string) =>
      (
        await browser.navigate(`${at.world.origin}/login${search}`, { from: `${at.world.origin}/`, redirect: 'manual' })
      ).header('location');

    expect(await asked('?return_to=/orders')).toBe('/orders');
    expect(await asked('?return_to=/orders&login_hint=alice')).toBe('/orders');
    expect(await asked('?return_to=/orders&prompt=login')).toContain('/authorize?');
    expect(await asked('?return_to=/orders&max_age=300')).toContain('/authorize?');
    const json = await browser.fetch(`${at.world.origin}/login?return_to=/orders`, {
      from: `${at.world.origin}/`,
      headers: { Accept: 'application/json' },
    });
    expect(json.json()).toEqual({ authorization_url: `${at.world.origin}/orders` });
  });
});

describe('many starts', () => {
  it('LS-28: the sixth in ten seconds by one browser is a page that says so', async () => {
    const browser = at.world.browser();
    const start = () =>
      browser.navigate(`${at.world.origin}/login`, { from: `${at.world.origin}/`, redirect: 'manual' });
    for (let times = 0; times < 5; times++) expect((await start()).status).toBe(303);
    const refused = await start();

    expect(refused.status).toBe(429);
    expect(refused.header('content-type')).toContain('text/html');
    expect(refused.text()).toContain('Too many sign-ins');
    expect(refused.header('retry-after')).toBe('10');
    expect(browser.jar.all().filter(({ name }) => name.startsWith('claimcheck-login-'))).toHaveLength(4);
    at.world.clock.advance(11_000);
    expect((await start()).status).toBe(303);
  });

  it('LS-28: the thirty-first in ten seconds by one address without cookies is refused, and nothing is kept of any', async () => {
    const statuses: number[] = [];
    for (let times = 0; times < 35; times++) statuses.push((await at.ask('/login')).status);

    expect(statuses.slice(0, 30)).toEqual(Array(30).fill(303));
    expect(statuses.slice(30)).toEqual(Array(5).fill(429));
  });

  it('LS-04: none of their values comes twice', async () => {
    const all: string[] = [];
    for (let round = 0; round < 5; round++) {
      at.world.clock.advance(11_000);
      for (let times = 0; times < 30; times++) {
        const {
          state = '',
          nonce = '',
          code_challenge = '',
        } = parametersOf((await at.ask('/login')).header('location'));
        all.push(state.slice(1), nonce, code_challenge);
      }
    }

    expect(all).toHaveLength(450);
    expect(new Set(all).size).toBe(450);
    expect(new Set(all.map((value) => value.slice(0, 6))).size).toBe(450);
  });
});

describe('an authorization server that takes pushed requests', () => {
  it('LS-12, LS-15: gets them pushed; when that fails the browser is sent nowhere', async () => {
    const pushing = await startHostileWorld({ hostile: { par: true } });
    const browser = pushing.world.browser();
    const callback = await pushing.upToCallback(browser, '?return_to=/orders&max_age=300');
    expect(sessionCookies(await pushing.land(browser, callback))).toHaveLength(1);
    const [request] = pushing.hostile.log.filter(({ endpoint }) => endpoint === 'authorize');
    expect(Object.keys(request?.query ?? {}).sort()).toEqual(['client_id', 'request_uri']);

    for (const [status, expected] of [
      [400, 502],
      [500, 503],
    ] as const) {
      pushing.refresh();
      pushing.hostile.script.par.fault = { kind: 'instead', status };
      const answer = await pushing.ask('/login', { headers: { Accept: 'text/html' } });
      expect(answer.status).toBe(expected);
      expect(answer.header('x-error-source')).toBe('provider');
      expect(answer.header('location')).toBeUndefined();
    }
    await pushing.close();
  });
});

describe('an authorization server that is not there', () => {
  it('LS-16, ER-08: is told with 503 and when to try again; everything works once it is', async () => {
    const clock = new ShiftedClock();
    const away = await startHostileWorld({ clock });
    away.hostile.script.metadata.fields = { issuer: 'https://evil.test' };
    const front = await startHostileWorld({ clock, issuer: away.hostile.issuer });
    const { world } = front;
    const here = new HostileWorld(world, away.hostile);
    const answer = await here.ask('/login', { headers: { Accept: 'application/json' } });

    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text())).toMatchObject({ code: 'provider-unreachable' });
    expect(answer.header('retry-after')).toBe('5');
    expect(answer.header('x-error-source')).toBe('provider');
    expect(answer.header('location')).toBeUndefined();
    expect((await fetch(`${world.opsUrl}/readyz`)).status).toBe(503);

    away.hostile.reset();
    clock.advance(11_000);
    expect(sessionCookies(await here.signIn(world.browser()))).toHaveLength(1);
    await front.close();
    await away.close();
  });
});
