/**
 * Two providers, each with a Claimcheck of its own, and one Redis and one secret for both:
 * people and sessions that bear the same names at both are not mixed up, and neither is
 * what the one provider says taken for the word of the other.
 */

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { type HostileWorld, sessionCookies, startHostileWorld } from './provider-world.ts';

const clock = new ShiftedClock();
const named = { sub: 'alice', sid: 'the-same-sid', claims: { email: 'alice@example.test' } };
let redis: RedisServer;
let one: HostileWorld;
let two: HostileWorld;

beforeAll(async () => {
  redis = await startRedis();
  const env = { SESSION_SECRETS: randomBytes(32).toString('base64url') };
  const shared = { redisUrl: redis.url, clock, env };
  [one, two] = await Promise.all([startHostileWorld(shared), startHostileWorld(shared)]);
});

afterAll(async () => {
  await Promise.all([one.close(), two.close()]);
  await redis.stop();
});

beforeEach(() => {
  for (const at of [one, two]) at.refresh();
  one.hostile.user = { ...named, claims: { ...named.claims, name: 'Alice of One' } };
  two.hostile.user = { ...named, claims: { ...named.claims, name: 'Alice of Two' } };
});

async function signedIn(at: HostileWorld): Promise<Browser> {
  const browser = at.world.browser();
  expect(sessionCookies(await at.signIn(browser))).toHaveLength(1);
  return browser;
}

const nameAt = async (at: HostileWorld, browser: Browser) =>
  ((await at.world.session(browser))['user'] as { readonly name?: string } | undefined)?.name;
const deliver = (to: HostileWorld, token: string) =>
  to.hostile.deliverLogoutToken(`${to.world.origin}/backchannel-logout`, token).then(({ status }) => status);

describe('the same names at two issuers', () => {
  it('IT-30, LO-12, LO-13: are two people, and a sign-out of the one is none of the other', async () => {
    const [first, second] = [await signedIn(one), await signedIn(two)];
    expect(await nameAt(one, first)).toBe('Alice of One');
    expect(await nameAt(two, second)).toBe('Alice of Two');

    expect(await deliver(two, two.hostile.logoutToken({ sub: named.sub }))).toBe(200);
    expect(await nameAt(two, second)).toBeUndefined();
    expect(await nameAt(one, first)).toBe('Alice of One');

    expect(await deliver(one, two.hostile.logoutToken({ sid: named.sid }))).toBe(400);
    expect(await nameAt(one, first)).toBe('Alice of One');
    expect(await deliver(one, one.hostile.logoutToken({ sid: named.sid }))).toBe(200);
    expect(await nameAt(one, first)).toBeUndefined();
  });

  it('LS-06, LS-08: a session, a callback and a pending sign-in of the one are nothing at the other', async () => {
    const first = await signedIn(one);
    const cookie = first.cookieHeader(`${one.world.origin}/api/x`) ?? '';
    const answer = await two.ask('/session', { headers: { Cookie: cookie } });
    expect(String(answer.body)).toContain('"authenticated":false');

    const browser = one.world.browser();
    const callback = await one.upToCallback(browser);
    const moved = new URL(callback.pathname + callback.search, two.world.origin);
    const landed = await two.land(browser, moved);
    expect(new URL(landed.header('location') ?? '', moved).searchParams.get('auth_error')).toBe('state_mismatch');
    expect(sessionCookies(landed)).toEqual([]);
    expect(two.hostile.hits('token')).toBe(0);
    expect(sessionCookies(await one.land(browser, callback))).toHaveLength(1);
  });

  it.each([
    ['LS-19, CB-04: the issuer of the other in the response', () => ({ iss: two.hostile.issuer })],
    ['CB-05: no issuer in the response', () => ({ iss: undefined })],
  ])('%s is refused, and neither provider sees the code', async (_name, parameters) => {
    one.hostile.script.authorize.parameters = parameters();
    const answer = await one.signIn();
    expect(sessionCookies(answer)).toEqual([]);
    expect(answer.header('location')).toContain('auth_error=provider_error');
    expect(one.hostile.hits('token') + two.hostile.hits('token')).toBe(0);
    one.hostile.script.authorize.parameters = undefined;
    await signedIn(one);
  });

  it('CB-04: a code of the other does not sign anybody in', async () => {
    const code = (await two.upToCallback(two.world.browser())).searchParams.get('code') ?? '';
    one.hostile.script.authorize.parameters = { code };
    const answer = await one.signIn();
    expect(sessionCookies(answer)).toEqual([]);
    expect(two.hostile.hits('token')).toBe(0);
  });
});
