/**
 * A sign-out at a provider that demands an ID token, with `END_SESSION_METHOD=form`:
 * the browser posts the token, and no address ever holds it.
 */

import { createHash } from 'node:crypto';
import type { Browser as Chromium } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import type { Answer } from '../support/browser-answer.ts';
import { launchChromium } from '../support/chromium.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { holdsSecret } from '../support/secrets.ts';
import { startWorld } from '../support/world.ts';
import { keyOf } from '../unit/config/settings.ts';
import { type HostileWorld, sessionCookies, startHostileWorld } from './provider-world.ts';

const form = { END_SESSION_METHOD: 'form', API_AUDIENCE: undefined } as const;
const script = 'document.forms[0].submit()';
let redis: RedisServer;
let at: HostileWorld;

beforeAll(async () => {
  redis = await startRedis();
  at = await startHostileWorld({ redisUrl: redis.url, env: form });
});

beforeEach(() => {
  at.refresh();
  at.hostile.script.endSession.demandsIdToken = 'always';
});

afterAll(async () => {
  await at.close();
  await redis.stop();
});

async function signedIn(): Promise<Browser> {
  const browser = at.world.browser();
  expect(sessionCookies(await at.signIn(browser))).toHaveLength(1);
  return browser;
}

function signOut(browser: Browser, path = '/logout'): Promise<Answer> {
  const { origin } = at.world;
  return browser.submitForm(`${origin}${path}`, {}, { from: `${origin}/`, redirect: 'manual' });
}

/** The one form of a page, as a browser would post it. */
function formIn(page: string): { readonly action: string; readonly fields: Readonly<Record<string, string>> } {
  const read = (text = '') => text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&');
  const inputs = [...page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)];
  expect(page.match(/<form /g)).toHaveLength(1);
  return {
    action: read(/<form method="post" action="([^"]*)">/.exec(page)?.[1]),
    fields: Object.fromEntries(inputs.map(([, name, value]) => [read(name), read(value)])),
  };
}

const isSignedIn = async (browser: Browser) => (await at.world.session(browser))['authenticated'] === true;
const newestIdToken = () => [...at.hostile.issued.idTokens].at(-1) ?? '';

describe('a sign-out by a form', () => {
  it('LO-06, LO-07: ends the session here, and has the browser post the newest ID token to the provider', async () => {
    const browser = await signedIn();
    at.world.clock.advance(290_000);
    const { csrf_token } = await at.world.session(browser);
    const headers = { 'X-CSRF-Token': csrf_token };
    const from = `${at.world.origin}/`;
    const renewed = await browser.fetch(`${at.world.origin}/session/refresh`, { method: 'POST', headers, from });
    expect(renewed.status).toBe(200);
    expect(at.hostile.issued.idTokens.size).toBe(2);

    const answer = await signOut(browser);
    expect(answer.status).toBe(200);
    expect(await isSignedIn(browser)).toBe(false);
    const { action, fields } = formIn(answer.body.toString());
    expect(action).toBe(`${at.hostile.issuer}/end_session`);
    expect(fields).toEqual({
      client_id: 'claimcheck-test',
      id_token_hint: newestIdToken(),
      logout_hint: at.hostile.grants.at(-1)?.sid,
      post_logout_redirect_uri: `${at.world.origin}/`,
      state: expect.stringMatching(/^[\w-]{22}$/),
    });

    const left = await browser.submitForm(action, fields, { from: `${at.world.origin}/logout`, redirect: 'manual' });
    expect(left.status).toBe(302);
    expect(new URL(left.header('location') ?? '').origin).toBe(at.world.origin);
    for (const { url } of at.hostile.log) expect(url).not.toMatch(/id_token_hint|eyJ/);
    expect(at.world.logText()).not.toContain(newestIdToken());
  });

  it('LO-03, CF-18: gives a page that nobody keeps, frames or adds to', async () => {
    const answer = await signOut(await signedIn());
    const hash = createHash('sha256').update(script).digest('base64');
    const policy = (answer.header('content-security-policy') ?? '').split('; ');
    expect(policy).toEqual([
      "default-src 'none'",
      expect.stringMatching(/^style-src 'sha256-/),
      `script-src 'sha256-${hash}'`,
      `form-action 'self' ${at.hostile.issuer}`,
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ]);
    expect(answer.body.toString().match(/<script>(.*)<\/script>/s)?.[1]).toBe(script);
    expect(answer.header('cache-control')).toBe('no-store');
    expect(answer.header('referrer-policy')).toBe('no-referrer');
    expect(answer.header('clear-site-data')).toBe('"cache","storage"');
    expect(answer.header('location')).toBeUndefined();
  });

  it('LO-02: is not had by a page of another site', async () => {
    const browser = await signedIn();
    const from = `${at.hostile.issuer}/`;
    const answer = await browser.submitForm(`${at.world.origin}/logout`, {}, { from, redirect: 'manual' });
    expect(answer.status).toBe(403);
    expect(answer.body.toString()).not.toContain('eyJ');
    expect(await isSignedIn(browser)).toBe(true);
    expect((await signOut(browser)).status).toBe(200);
  });

  it('LO-07: tells a script that there is no address, and gives it no token', async () => {
    const browser = await signedIn();
    const { csrf_token } = await at.world.session(browser);
    const headers = { 'X-CSRF-Token': csrf_token };
    const from = `${at.world.origin}/`;
    const answer = await browser.fetch(`${at.world.origin}/logout`, { method: 'POST', headers, from });
    expect([answer.status, answer.json()]).toEqual([200, { end_session_url: null }]);
    expect(await isSignedIn(browser)).toBe(false);
    const again = await signedIn();
    expect((await signOut(again, '/logout?local=true')).status).toBe(204);
  });

  it('TS-03: keeps the ID token sealed like the others', async () => {
    await signedIn();
    const all = Buffer.concat((await redis.dumpAll()).map(({ bytes }) => bytes));
    expect(newestIdToken().length).toBeGreaterThan(100);
    expect(holdsSecret(all, newestIdToken())).toBe(false);
    expect(holdsSecret(all, newestIdToken().split('.')[1] ?? '')).toBe(false);
  });
});

describe('without END_SESSION_METHOD=form', () => {
  it('LO-06, LO-07: a form is led by an address that has no token, as ever', async () => {
    const plain = await startHostileWorld({ env: { API_AUDIENCE: undefined } });
    const browser = plain.world.browser();
    await plain.signIn(browser);
    const { origin } = plain.world;
    const answer = await browser.submitForm(`${origin}/logout`, {}, { from: `${origin}/`, redirect: 'manual' });
    expect(answer.status).toBe(303);
    const target = new URL(answer.header('location') ?? '');
    expect([...target.searchParams.keys()].toSorted()).toEqual([
      ...['client_id', 'logout_hint', 'post_logout_redirect_uri', 'state'],
    ]);
    expect(answer.body.length).toBe(0);
    await plain.close();
  });

  it('LO-06: a session that began so has no token to show, and is ended here alone once it is set', async () => {
    const shared = { redisUrl: redis.url, clock: at.world.clock };
    const env = { ...form, SESSION_SECRETS: keyOf() };
    const redirect = await startHostileWorld({ ...shared, env: { ...env, END_SESSION_METHOD: 'redirect' } });
    // The same frontend: of one origin and one issuer.
    const later = await startWorld({
      ...{ ...shared, issuer: redirect.hostile.issuer, upstream: 'http://127.0.0.1:9' },
      env: { ...env, PUBLIC_URL: redirect.world.origin },
    });
    const browser = redirect.world.browser();
    await redirect.signIn(browser);
    expect((await later.session(browser))['authenticated']).toBe(true);
    const { origin } = later;
    const answer = await browser.submitForm(`${origin}/logout`, {}, { from: `${origin}/`, redirect: 'manual' });
    expect([answer.status, answer.header('location')]).toEqual([303, '/']);
    expect((await redirect.world.session(browser))['authenticated']).toBe(false);
    await Promise.all([redirect.close(), later.close()]);
  });
});

describe('in a real browser', () => {
  let chromium: Chromium;

  beforeAll(async () => {
    chromium = await launchChromium();
  });

  afterAll(() => chromium.close());

  it('LO-06, LO-07: goes to the provider by itself, and comes back signed out at both', async () => {
    const page = await (await chromium.newContext()).newPage();
    const addresses: string[] = [];
    page.on('request', (request) => addresses.push(request.url()));
    await page.goto(`${at.world.origin}/`);
    await page.locator('#sign-in').click();
    await page.locator('#signed-in').waitFor();

    const posted = page.waitForRequest((request) => request.url().endsWith('/end_session'));
    await page.evaluate(`(() => {
      const leave = document.createElement('form');
      leave.method = 'post';
      leave.action = '/logout';
      document.body.append(leave);
      leave.submit();
    })()`);
    const request = await posted;
    expect(request.method()).toBe('POST');
    expect(new URLSearchParams(request.postData() ?? '').get('id_token_hint')).toBe(newestIdToken());
    await page.waitForURL((url) => url.origin === at.world.origin && url.pathname === '/');
    await page.locator('#signed-out').waitFor();

    expect(addresses.filter((address) => /eyJ|id_token/.test(address))).toEqual([]);
    expect(at.hostile.hits('endSession')).toBe(1);
  });
});
