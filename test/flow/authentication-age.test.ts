/**
 * `MAX_AUTHENTICATION_AGE`: how long ago a person may have proved who they are at the
 * authorization server, whose own session may be much older than ours.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { type HostileWorld, sessionCookies, startHostileWorld } from './provider-world.ts';

const hour = 3_600;
let upstream: Upstream;
let limited: HostileWorld;
let unlimited: HostileWorld;

beforeAll(async () => {
  upstream = await startUpstream(() => ({ body: 'x' }));
  const idle = { SESSION_IDLE_TIMEOUT: '12h', SESSION_LIFETIME: '24h' };
  const shared = { upstream: upstream.origin };
  limited = await startHostileWorld({ ...shared, env: { ...idle, MAX_AUTHENTICATION_AGE: '2h' } });
  unlimited = await startHostileWorld({ ...shared, env: idle });
});

afterAll(async () => {
  await Promise.all([limited.close(), unlimited.close()]);
  await upstream.stop();
});

beforeEach(() => {
  for (const at of [limited, unlimited]) at.refresh();
});

/** The person proved who they are so long ago, s, whatever is asked for. */
function lastProved(at: HostileWorld, secondsAgo: number | undefined): void {
  const now = Math.floor(at.world.clock.now() / 1_000);
  at.hostile.script.token.claims = { auth_time: secondsAgo === undefined ? undefined : now - secondsAgo };
  at.hostile.script.refresh.idToken = false;
}

const askedFor = (at: HostileWorld) =>
  at.hostile.log.findLast(({ endpoint }) => endpoint === 'authorize')?.query['max_age'];

async function signIn(at: HostileWorld, query = '') {
  const browser = at.world.browser();
  const answer = await at.signIn(browser, query);
  return { browser, answer };
}

const status = async (at: HostileWorld, browser: Browser) =>
  (await browser.fetch(`${at.world.origin}/api/x`, { from: `${at.world.origin}/` })).status;

describe('a limit to the age of a sign-in', () => {
  it.each([
    ['', '7200'],
    ['?max_age=60', '60'],
    ['?max_age=86400', '7200'],
  ])('SE-07: is asked of the authorization server, and the page may only ask for less: %s', async (query, asked) => {
    lastProved(limited, 0);
    expect(sessionCookies((await signIn(limited, query)).answer)).toHaveLength(1);
    expect(askedFor(limited)).toBe(asked);
  });

  it.each([
    ['is older', 2 * hour + 30],
    ['is not told', undefined],
  ])('SE-07: refuses a sign-in whose age %s', async (_what, secondsAgo) => {
    lastProved(limited, secondsAgo);
    const { answer } = await signIn(limited);
    expect(sessionCookies(answer)).toEqual([]);
    expect(answer.header('location')).toContain('auth_error=');

    lastProved(limited, 2 * hour - 30);
    expect(sessionCookies((await signIn(limited)).answer)).toHaveLength(1);
  });

  it('SE-07: ends the session when the sign-in has become too old, however active it is', async () => {
    lastProved(limited, hour);
    const { browser } = await signIn(limited);
    const session = (await limited.world.session(browser))['session'] as { readonly expires_in: number };
    expect(session.expires_in).toBeGreaterThan(hour - 20);
    expect(session.expires_in).toBeLessThanOrEqual(hour);
    for (let minutes = 0; minutes < 59; minutes++) {
      limited.world.clock.advance(60_000);
      if (minutes % 10 === 0) expect(await status(limited, browser)).toBe(200);
    }
    expect(await status(limited, browser)).toBe(200);

    limited.world.clock.advance(60_000);

    expect(await status(limited, browser)).toBe(401);
    expect(await limited.world.session(browser)).toMatchObject({ authenticated: false });
    lastProved(limited, 0);
    expect(sessionCookies(await limited.signIn(browser))).toHaveLength(1);
    expect(await status(limited, browser)).toBe(200);
  });

  it('SE-07: is none unless it is set', async () => {
    lastProved(unlimited, 30 * 24 * hour);
    const { browser, answer } = await signIn(unlimited);
    expect(sessionCookies(answer)).toHaveLength(1);
    expect(askedFor(unlimited)).toBeUndefined();
    unlimited.world.clock.advance(3 * hour * 1_000);
    expect(await status(unlimited, browser)).toBe(200);
  });

  it('LS-07: lets a person change to another account all the same', async () => {
    lastProved(limited, 0);
    const { browser } = await signIn(limited);
    limited.hostile.user = { sub: 'bob', claims: { name: 'Bob' } };
    limited.world.clock.advance(11_000);

    expect(sessionCookies(await limited.signIn(browser, '?prompt=select_account'))).toHaveLength(1);
    expect(await limited.world.session(browser)).toMatchObject({ user: { name: 'Bob' } });
  });
});
