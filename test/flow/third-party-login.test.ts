/**
 * Sign-ins that somebody else begins (OIDC Core, 4): what is taken from them, and
 * whom they cannot sign in.
 */

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser as Chromium } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { type HostileWorld, startHostileWorld } from './provider-world.ts';

let at: HostileWorld;
let closed: HostileWorld;
let chromium: Chromium;
let portal: Server;

beforeAll(async () => {
  const env = { THIRD_PARTY_LOGIN: 'true', CORS_ALLOWED_ORIGINS: 'http://admin.localhost' };
  [at, closed, chromium] = await Promise.all([startHostileWorld({ env }), startHostileWorld(), launchChromium()]);
  // A link on a page of another site, which the person clicks.
  portal = createServer((request, response) => {
    const href = new URL(request.url ?? '', 'http://127.0.0.1').searchParams.get('to') ?? '';
    response.setHeader('Content-Type', 'text/html');
    response.end(`<!doctype html><a id="link" href="${href.replaceAll('&', '&amp;')}">App</a>`);
  });
  await once(portal.listen(0, '127.0.0.1'), 'listening');
});

afterAll(async () => {
  await chromium.close();
  await Promise.all([at.close(), closed.close()]);
  portal.close().closeAllConnections();
});

beforeEach(() => at.refresh());

const fromElsewhere = {
  'Sec-Fetch-Site': 'cross-site',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Dest': 'document',
  Accept: 'text/html',
};
const begin = (parameters: Readonly<Record<string, string>> | string, world = at) =>
  world.ask(`/login?${new URLSearchParams(parameters)}`, { headers: fromElsewhere });
const good = () => ({
  iss: at.hostile.issuer,
  target_link_uri: `${at.world.origin}/orders?open=7`,
  login_hint: 'alice',
});

describe('a sign-in that somebody else begins', () => {
  it('LS-24: is led by a page of ours to the ordinary one, and nothing is begun before', async () => {
    const answer = await begin({ ...good(), foo: 'bar', prompt: 'none', acr_values: 'x', lti_message_hint: '1' });

    expect(answer.status).toBe(200);
    expect(answer.header('refresh')).toBe('0;url=/login?return_to=%2Forders%3Fopen%3D7&login_hint=alice');
    expect(answer.header('set-cookie')).toBeUndefined();
    expect(answer.header('content-security-policy')).toContain("default-src 'none'");
    expect(answer.header('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(answer.header('cache-control')).toBe('no-store');
    expect(String(answer.body)).not.toMatch(/orders|alice|127\.0\.0\.1/);
    expect(at.hostile.log.map(({ endpoint }) => endpoint)).not.toContain('authorize');
  });

  it('LS-24: may name neither page nor person', async () => {
    const answer = await begin({ iss: at.hostile.issuer });
    expect(answer.header('refresh')).toBe('0;url=/login?return_to=%2F');
  });

  it.each([
    ['another issuer', (own: string) => ({ iss: 'https://evil.test', target_link_uri: `${own}/` }), 400],
    [
      'the issuer with a slash more',
      (own: string) => ({ iss: `${at.hostile.issuer}/`, target_link_uri: `${own}/` }),
      400,
    ],
    ['no issuer', (own: string) => ({ target_link_uri: `${own}/` }), 400],
    ['a page of another site', () => ({ iss: at.hostile.issuer, target_link_uri: 'https://evil.test/' }), 400],
    [
      'a page of an origin that may call us',
      () => ({ iss: at.hostile.issuer, target_link_uri: 'http://admin.localhost/' }),
      400,
    ],
    [
      'a page that only looks like ours',
      (own: string) => ({ iss: at.hostile.issuer, target_link_uri: `${own}@evil.test/` }),
      400,
    ],
    ['a script', () => ({ iss: at.hostile.issuer, target_link_uri: 'javascript:alert(1)' }), 400],
    ['a hint with a line break', () => ({ iss: at.hostile.issuer, login_hint: 'a\r\nSet-Cookie: x=1' }), 400],
  ])('LS-24: is refused with %s', async (_name, parameters, status) => {
    const answer = await begin(parameters(at.world.origin));
    expect(answer.status).toBe(status);
    expect(answer.header('refresh')).toBeUndefined();
    expect(answer.header('location')).toBeUndefined();
    expect((await begin(good())).status).toBe(200);
  });

  it.each(['iss', 'target_link_uri', 'login_hint'] as const)(
    'LS-24: is refused when %s is there twice',
    async (name) => {
      const query = `${new URLSearchParams(good())}&${new URLSearchParams({ [name]: good()[name] })}`;
      expect((await begin(query)).status).toBe(400);
    },
  );

  it.each([
    ['a frame', { ...fromElsewhere, 'Sec-Fetch-Dest': 'iframe' }],
    ['an image', { ...fromElsewhere, 'Sec-Fetch-Dest': 'image', 'Sec-Fetch-Mode': 'no-cors' }],
    ['a look ahead', { ...fromElsewhere, 'Sec-Purpose': 'prefetch' }],
    ['a script of another site', { ...fromElsewhere, 'Sec-Fetch-Dest': 'empty', 'Sec-Fetch-Mode': 'cors' }],
    [
      'a script of our own',
      {
        'Sec-Fetch-Site': 'same-origin',
        'Sec-Fetch-Dest': 'empty',
        'Sec-Fetch-Mode': 'cors',
        Accept: 'application/json',
      },
    ],
  ])('LS-23: is refused to %s', async (_name, headers) => {
    const search = new URLSearchParams(good());
    expect((await at.ask(`/login?${search}`, { headers })).status).toBe(403);
  });

  it('LS-24: is refused as a POST of another site', async () => {
    const answer = await at.ask('/login', { method: 'POST', headers: { ...fromElsewhere, 'Content-Length': '0' } });
    expect(answer.status).toBe(403);
  });

  it('LS-24: is an ordinary one where the setting is off: nothing of it is read', async () => {
    const answer = await begin({ iss: 'https://evil.test', target_link_uri: 'https://evil.test/' }, closed);
    expect(answer.status).toBe(303);
    expect(answer.header('location')).toContain(`${closed.hostile.issuer}/authorize`);
    expect(answer.header('location')).not.toContain('evil.test');
  });
});

describe('in a real browser', () => {
  const linkTo = (address: string) => {
    const { port } = portal.address() as AddressInfo; // a socket of TCP has one
    return `http://127.0.0.1:${port}/?to=${encodeURIComponent(address)}`;
  };
  const initiation = () => `${at.world.origin}/login?${new URLSearchParams(good())}`;

  it('LS-24: a click on a page of another site signs the person in, at the page they were sent to', async () => {
    const context = await chromium.newContext();
    const page = await context.newPage();
    await page.goto(linkTo(initiation()));
    await page.locator('#link').click();
    await page.locator('#signed-in').waitFor();
    expect(page.url()).toBe(`${at.world.origin}/orders?open=7`);
    expect(at.hostile.log.find(({ endpoint }) => endpoint === 'authorize')?.query.login_hint).toBe('alice');
    await context.close();
  });

  it('LS-24, LS-07: whoever is signed in stays who they are, whomever the link would sign in', async () => {
    const context = await chromium.newContext();
    const page = await context.newPage();
    await page.goto(at.world.origin);
    await page.locator('#sign-in').click();
    await page.locator('#signed-in').waitFor();
    at.world.clock.advance(11_000);
    at.hostile.user = { sub: 'mallory', claims: { name: 'Mallory', email: 'mallory@example.test' } };
    const asked = at.hostile.hits('authorize');

    await page.goto(linkTo(initiation()));
    await page.locator('#link').click();
    await page.locator('#signed-in').waitFor();

    expect(page.url()).toBe(`${at.world.origin}/orders?open=7`);
    expect(at.hostile.hits('authorize')).toBe(asked);
    const session = await page.evaluate(async () => (await fetch('/session')).json());
    expect(session).toMatchObject({ authenticated: true, user: { sub: 'alice' } });
    await context.close();
  });
});
