/**
 * Somebody who is signed in at the authorization server, and not here: nothing but a sign-in
 * that a page or a person begins makes a session, and no frame of the authorization
 * server watches over it.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { type HostileWorld, sessionCookies, startHostileWorld } from './provider-world.ts';

let redis: RedisServer;
let at: HostileWorld;

beforeAll(async () => {
  redis = await startRedis();
  at = await startHostileWorld({
    redisUrl: redis.url,
    arrange: (hostile) => {
      hostile.script.metadata.fields = { check_session_iframe: `${hostile.issuer}/check-session` };
    },
  });
});

afterAll(async () => {
  await at.close();
  await redis.stop();
});

beforeEach(() => at.refresh());

/** A browser in which the authorization server would sign somebody in without a question, and that has nothing of ours. */
async function signedInThereAlone(): Promise<Browser> {
  expect(sessionCookies(await at.signIn())).toHaveLength(1);
  await redis.cli('FLUSHALL');
  at.refresh();
  return at.world.browser();
}

describe('somebody who is signed in at the authorization server alone', () => {
  it.each([
    ['GET', '/', 200],
    ['GET', '/deep/in/the/app', 200],
    ['GET', '/session', 200],
    ['GET', '/session/events', 401],
    ['GET', '/sessions', 401],
    ['POST', '/session/refresh', 401],
    ['GET', '/logout', 200],
    ['POST', '/logout', 204],
    ['GET', '/api/x', 401],
    ['POST', '/api/x', 401],
  ])('SE-11, CK-13: is not signed in by %s %s', async (method, path, status) => {
    const browser = await signedInThereAlone();
    const from = `${at.world.origin}/`;
    const isPage = method === 'GET' && !/^\/(?:session|api)/.test(path);

    const answer = isPage
      ? await browser.navigate(at.world.origin + path, { redirect: 'manual' })
      : await browser.fetch(at.world.origin + path, { method, from, redirect: 'manual' });

    expect(answer.status).toBe(status);
    expect(answer.all('set-cookie')).toEqual([]);
    expect(at.hostile.hits('authorize') + at.hostile.hits('token')).toBe(0);
    expect(await redis.cli('DBSIZE')).toBe('0');
    expect(await at.world.session(browser)).toEqual({ authenticated: false, login_url: '/login' });
  });

  it('SE-11: is by /login, at once', async () => {
    const browser = await signedInThereAlone();

    expect(sessionCookies(await at.signIn(browser))).toHaveLength(1);

    expect(await at.world.session(browser)).toMatchObject({ authenticated: true });
  });
});

describe('the frame in which an authorization server says whether somebody is signed in there', () => {
  it('LO-24: is in no page and no script, may be in none, and nobody may frame us to play it', async () => {
    const browser = at.world.browser();
    const page = await browser.navigate(`${at.world.origin}/`);
    expect(page.status).toBe(200);
    const scripts = [...page.text().matchAll(/<script[^>]+src="([^"]+)"/g)].map(([, path = '']) => path);
    expect(scripts.length).toBeGreaterThan(0);

    const texts = [page.text()];
    for (const path of scripts) texts.push((await browser.fetch(new URL(path, at.world.origin).href)).text());

    for (const text of texts) expect(text).not.toMatch(/check.session|iframe/i);
    const policy = page.header('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/frame-src|child-src/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(at.hostile.log.filter(({ url }) => url.includes('check-session'))).toEqual([]);
    expect(at.hostile.hits('authorize')).toBe(0);
  });
});
