/**
 * `/login?prompt=none`: is the person still signed in at the authorization server?
 * Nobody is asked, nobody sees a page of ours, and nobody becomes somebody else.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { alice } from '../support/hostile-provider.ts';
import { echo, startUpstream, type Upstream } from '../support/upstream.ts';
import { type HostileWorld, sessionCookies, startHostileWorld } from './provider-world.ts';

const bob = { sub: 'bob', claims: { name: 'Bob', email: 'bob@example.test' } };
const page = '/orders?open=7&at=a%20b#last';
const check = `prompt=none&return_to=${encodeURIComponent(page)}`;

let upstream: Upstream;
let at: HostileWorld;

beforeAll(async () => {
  upstream = await startUpstream(echo);
  at = await startHostileWorld({
    upstream: upstream.origin,
    env: { AUTHORIZATION_PARAMS: 'prompt=consent access_type=offline', CORS_ALLOWED_ORIGINS: 'http://admin.localhost' },
  });
});

beforeEach(() => at.refresh());

afterAll(async () => {
  await at.close();
  await upstream.stop();
});

async function signedIn(): Promise<Browser> {
  const browser = at.world.browser();
  await at.signIn(browser);
  expect(await at.world.session(browser)).toMatchObject({ authenticated: true, user: { sub: 'alice' } });
  return browser;
}

/** The whole check, as a page starts it; where it ended. */
async function checked(browser: Browser, query = check): Promise<URL> {
  const answer = await at.signIn(browser, `?${query}`);
  expect(answer.status).toBe(303);
  return new URL(answer.header('location') ?? '', at.world.origin);
}

/** The address without what the failure says. */
function placeOf(url: URL): string {
  return `${url.pathname}${url.search.replace(/&auth_error=.*$/, '')}${url.hash}`;
}

const idOf = async (browser: Browser) =>
  (await at.world.session(browser))['session'] as { readonly id: string } | undefined;
const cookieOf = (browser: Browser) => browser.cookieHeader(`${at.world.origin}/api/orders`) ?? '';
const callWith = (cookie: string) => fetch(`${at.world.origin}/api/orders`, { headers: { Cookie: cookie } });

describe('a silent check of somebody who is still signed in there', () => {
  it('LO-25, CB-19: renews the session and comes back to where it began', async () => {
    const browser = await signedIn();
    const [before, cookie] = [await idOf(browser), cookieOf(browser)];

    const landing = await checked(browser);

    expect(placeOf(landing)).toBe(page);
    expect(landing.searchParams.has('auth_error')).toBe(false);
    expect(await at.world.session(browser)).toMatchObject({ authenticated: true, user: { sub: 'alice' } });
    expect((await idOf(browser))?.id).not.toBe(before?.id);
    expect((await callWith(cookie)).status).toBe(401);
    expect((await callWith(cookieOf(browser))).status).toBe(200);
  });

  it('LS-10: asks for it in these words, whatever the configuration asks for otherwise', async () => {
    const asked = () => at.hostile.log.findLast(({ endpoint }) => endpoint === 'authorize')?.query;
    await checked(at.world.browser());
    expect(asked()).toMatchObject({ prompt: 'none', access_type: 'offline' });
    await at.signIn();
    expect(asked()).toMatchObject({ prompt: 'consent', access_type: 'offline' });
  });

  it('signs in who is signed in there and not here', async () => {
    const browser = at.world.browser();
    expect(placeOf(await checked(browser))).toBe(page);
    expect(await at.world.session(browser)).toMatchObject({ authenticated: true, user: { sub: 'alice' } });
  });
});

describe('a silent check that fails', () => {
  it('LO-25: because nobody is signed in there ends the session that asked, and says so where it began', async () => {
    const browser = await signedIn();
    const cookie = cookieOf(browser);
    at.hostile.user = null;

    const landing = await checked(browser);

    expect(placeOf(landing)).toBe(page);
    expect(landing.searchParams.get('auth_error')).toBe('login_required');
    expect(landing.searchParams.get('auth_error_id')).toMatch(/^[0-9a-f]{32}$/);
    expect((await at.world.session(browser))['authenticated']).toBe(false);
    expect((await callWith(cookie)).status).toBe(401);
    expect(at.world.log.findLast(({ event }) => event === 'session.ended')?.['reason']).toBe('back-channel');
  });

  it('LO-25: ends nothing, and is told at the root, where it was no silent check', async () => {
    const browser = await signedIn();
    const cookie = cookieOf(browser);
    at.hostile.user = null;
    const landing = await checked(browser, `prompt=login&return_to=${encodeURIComponent(page)}`);
    expect(placeOf(landing)).toMatch(/^\/\?auth_error=login_required/);
    expect((await callWith(cookie)).status).toBe(200);
  });

  it('LO-25: leaves a stranger a stranger', async () => {
    at.hostile.user = null;
    const browser = at.world.browser();
    const answer = await at.signIn(browser, `?${check}`);
    expect(sessionCookies(answer)).toEqual([]);
    expect(new URL(answer.header('location') ?? '', at.world.origin).searchParams.get('auth_error')).toBe(
      'login_required',
    );
  });

  it.each([
    ['interaction_required', 'login_required'],
    ['consent_required', 'login_required'],
    ['account_selection_required', 'login_required'],
    ['temporarily_unavailable', 'provider_unreachable'],
    ['server_error', 'provider_error'],
    ['access_denied', 'access_denied'],
  ])('LO-25: with %s ends nothing, for that is no sign-out', async (error, told) => {
    const browser = await signedIn();
    const [before, cookie] = [await idOf(browser), cookieOf(browser)];
    at.hostile.script.authorize.error = { error };

    const landing = await checked(browser);

    expect(placeOf(landing)).toBe(page);
    expect(landing.searchParams.get('auth_error')).toBe(told);
    expect(await idOf(browser)).toMatchObject({ id: before?.id });
    expect((await callWith(cookie)).status).toBe(200);
  });

  it('LO-25, LS-07: as another person signs the first one out, and nobody in', async () => {
    const browser = await signedIn();
    const cookie = cookieOf(browser);
    at.hostile.user = bob;
    const answer = await at.signIn(browser, `?${check}`);

    expect(new URL(answer.header('location') ?? '', at.world.origin).searchParams.get('auth_error')).toBe(
      'account_mismatch',
    );
    expect(sessionCookies(answer)).toEqual([]);
    expect((await at.world.session(browser))['authenticated']).toBe(false);
    expect((await callWith(cookie)).status).toBe(401);

    at.hostile.user = alice;
    at.world.clock.advance(11_000);
    await checked(browser);
    expect(await at.world.session(browser)).toMatchObject({ user: { sub: 'alice' } });
  });

  it('LO-25: that another site started ends no session: its link comes without the cookie', async () => {
    const browser = await signedIn();
    const before = await idOf(browser);
    at.hostile.user = null;
    const start = await browser.navigate(`${at.world.origin}/login?${check}`, {
      from: 'https://evil.test/',
      redirect: 'manual',
    });
    const back = await browser.navigate(start.header('location') ?? '', {
      from: 'https://evil.test/',
      redirect: 'manual',
    });
    await at.land(browser, back.header('location') ?? '');
    expect(await idOf(browser)).toMatchObject({ id: before?.id });
  });

  it('comes back to another origin of ours, too, and takes away what an earlier check left there', async () => {
    at.hostile.user = null;
    const away = 'http://admin.localhost/x?auth_error=old&a=1&auth_error_id=old';
    const landing = await checked(at.world.browser(), `prompt=none&return_to=${encodeURIComponent(away)}`);
    expect(landing.origin + landing.pathname).toBe('http://admin.localhost/x');
    expect(landing.searchParams.getAll('auth_error')).toEqual(['login_required']);
    expect(landing.searchParams.getAll('auth_error_id')).not.toContain('old');
    expect(landing.searchParams.get('a')).toBe('1');
  });

  it('LS-28: is not begun for ever by a page that asks again each time', async () => {
    at.hostile.user = null;
    const browser = at.world.browser();
    const statuses: number[] = [];
    for (let round = 0; round < 7; round += 1) {
      const from = `${at.world.origin}/`;
      const start = await browser.navigate(`${at.world.origin}/login?${check}`, { from, redirect: 'manual' });
      statuses.push(start.status);
    }
    expect(statuses).toEqual([303, 303, 303, 303, 303, 429, 429]);
    expect(at.hostile.hits('authorize')).toBe(0); // nobody followed
  });
});

describe('a silent check that cannot be started', () => {
  it('ER-08: goes back with the word for it, where a sign-in that a person asked for shows a page', async () => {
    const away = await startHostileWorld({ hostile: { par: true } });
    away.hostile.script.par.fault = { kind: 'instead', status: 503 };
    const headers = { 'Sec-Fetch-Dest': 'document', 'Sec-Fetch-Mode': 'navigate', Accept: 'text/html' };

    const silent = await away.ask(`/login?${check}`, { headers });
    expect(silent.status).toBe(303);
    const target = new URL(silent.header('location') ?? '', away.world.origin);
    expect(placeOf(target)).toBe(page);
    expect(target.searchParams.get('auth_error')).toBe('provider_unreachable');
    expect((await away.ask('/login', { headers })).status).toBe(503);

    away.hostile.script.par.fault = { kind: 'instead', status: 400 };
    const refused = await away.ask(`/login?${check}`, { headers });
    expect(new URL(refused.header('location') ?? '', away.world.origin).searchParams.get('auth_error')).toBe(
      'provider_error',
    );
    away.hostile.reset();
    const fine = await away.ask(`/login?${check}`, { headers });
    expect(fine.header('location')).toContain(away.hostile.issuer);
    await away.close();
  });
});
