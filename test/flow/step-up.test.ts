import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { echo, startUpstream, type Upstream } from '../support/upstream.ts';
import type { World } from '../support/world.ts';
import { startTwins, type Twins } from './twin-worlds.ts';

let twins: Twins;
let upstream: Upstream;

beforeAll(async () => {
  upstream = await startUpstream(echo);
  twins = await startTwins({ upstream: upstream.origin, env: { USER_CLAIMS: 'sub,name,email,acr' } });
});

afterAll(async () => {
  await twins.close();
  await upstream.stop();
});

beforeEach(() => {
  twins.hostile.reset();
  upstream.forget();
  twins.clock.advance(11_000); // past the limit of sign-ins
});

/** A session as its cookie alone shows it, without the browser that has it now. */
interface Shown {
  readonly authenticated: boolean;
  readonly csrf_token: string;
  readonly user?: Readonly<Record<string, unknown>>;
}

const instances = (): readonly World[] => [twins.first, twins.second];

function cookieOf(browser: Browser): string {
  const found = browser.jar.all().find(({ name }) => name === 'claimcheck');
  if (found === undefined) throw new Error('the browser has no session cookie');
  return `claimcheck=${found.value}`;
}

async function shownBy(cookie: string, at = twins.first): Promise<Shown> {
  const answer = await fetch(`${at.origin}/session`, { headers: { Cookie: cookie } });
  return (await answer.json()) as Shown; // ours
}

const call = (cookie: string, { at = twins.first, ...init }: RequestInit & { at?: World } = {}) =>
  fetch(`${at.origin}/api/orders`, { ...init, headers: { ...init.headers, Cookie: cookie } });

/** A change that the page asks for, with its proof. */
const post = (cookie: string, csrf: string) =>
  call(cookie, { method: 'POST', headers: { Origin: twins.first.origin, 'X-CSRF-Token': csrf } });

/** The access token that the service behind got with a call. */
async function tokenOf(cookie: string, at = twins.first): Promise<string> {
  const answer = await call(cookie, { at });
  expect(answer.status).toBe(200);
  const { headers } = (await answer.json()) as { headers: readonly (readonly [string, string])[] }; // echo
  const [, value = ''] = headers.find(([name]) => name.toLowerCase() === 'authorization') ?? [];
  expect(value).toMatch(/^Bearer ./);
  return value;
}

/** Signed in, known to the caches of both instances, and what can be seen of it. */
async function settled(sub = 'alice') {
  const { browser } = await twins.signIn(sub);
  const cookie = cookieOf(browser);
  const tokens = await Promise.all(instances().map((at) => tokenOf(cookie, at)));
  expect(new Set(tokens).size).toBe(1);
  return { browser, cookie, token: tokens[0] ?? '', csrf: (await shownBy(cookie)).csrf_token };
}

const goTo = (browser: Browser, query: string) =>
  browser.navigate(`${twins.first.origin}/login?return_to=/orders&${query}`, {
    from: `${twins.first.origin}/`,
    redirect: 'manual',
  });

/** Through the whole sign-in; the address where it ended. */
async function prove(browser: Browser, query: string): Promise<URL> {
  let answer = await goTo(browser, query);
  for (let hops = 0; hops < 2; hops += 1) {
    const from = hops === 0 ? twins.first.origin : twins.hostile.issuer;
    answer = await browser.navigate(answer.header('location') ?? '', { from: `${from}/`, redirect: 'manual' });
  }
  expect(answer.status).toBe(303);
  return new URL(answer.header('location') ?? '', twins.first.origin);
}

const ways = ['acr_values=urn:mfa', 'max_age=0', 'max_age=300', 'prompt=login', 'prompt=login&acr_values=urn:mfa'];

describe('proving again who one is', () => {
  it.each(ways)(
    'SE-09, LS-22: /login?%s gives another cookie and ends the old one on every instance',
    async (query) => {
      const { browser, cookie: old } = await settled();

      expect((await prove(browser, query)).pathname).toBe('/orders');

      const fresh = cookieOf(browser);
      expect(fresh).not.toBe(old);
      expect((await shownBy(old, twins.first)).authenticated).toBe(false);
      await eventually(async () => !(await shownBy(old, twins.second)).authenticated, 500);
      for (const at of instances()) {
        expect((await call(old, { at })).status).toBe(401);
        expect(await shownBy(fresh, at)).toMatchObject({ authenticated: true, user: { sub: 'alice' } });
      }
    },
  );

  it('SE-09, CF-05: the new session has a secret of its own against forged requests; the old proves nothing', async () => {
    const { browser, csrf } = await settled();
    await prove(browser, 'acr_values=urn:mfa');
    const fresh = cookieOf(browser);
    const { csrf_token } = await shownBy(fresh);
    expect((await post(fresh, csrf)).status).toBe(403);
    expect((await post(fresh, csrf_token)).status).toBe(200);
  });

  it('SE-09: calls carry the token of the new sign-in, which no revocation of the old takes away', async () => {
    const { browser, token } = await settled();

    await prove(browser, 'acr_values=urn:mfa');

    const fresh = cookieOf(browser);
    const tokens = await Promise.all(instances().map((at) => tokenOf(fresh, at)));
    expect(new Set(tokens).size).toBe(1);
    expect(tokens[0]).not.toBe(token);
    // A provider may have one grant for all sign-ins of a person: only the sign-out says that it shall end.
    expect(twins.hostile.hits('revoke')).toBe(0);
    const headers = { Cookie: fresh, Origin: twins.first.origin, 'X-CSRF-Token': (await shownBy(fresh)).csrf_token };
    const out = await fetch(`${twins.first.origin}/logout?local=true`, { method: 'POST', headers });
    expect(out.status).toBe(204);
    await eventually(() => twins.hostile.hits('revoke') > 0, 2_000);
  });

  it('SE-09, SE-01: /session tells of the context class that was reached', async () => {
    const { browser, cookie } = await settled();
    expect((await shownBy(cookie)).user).not.toHaveProperty('acr', 'urn:mfa');

    await prove(browser, 'acr_values=urn:mfa');

    expect((await shownBy(cookieOf(browser))).user).toMatchObject({ acr: 'urn:mfa' });
  });

  it('LO-26: pages of the old session are told that it is over, on every instance', async () => {
    const { browser } = await settled();
    const streams = await Promise.all(
      instances().map((at) => browser.openStream(`${at.origin}/session/events`, { from: `${at.origin}/` })),
    );
    for (const stream of streams) await stream.next('state');

    await prove(browser, 'prompt=login');

    for (const stream of streams) {
      expect(JSON.parse((await stream.next('ended', 500)).data)).toMatchObject({ login_url: '/login' });
      await eventually(() => stream.closed, 500);
    }
    const again = await browser.openStream(`${twins.first.origin}/session/events`, { from: `${twins.first.origin}/` });
    expect(JSON.parse((await again.next('state')).data)).toMatchObject({ authenticated: true });
    again.close();
  });

  it('SE-09: nothing changes before it is proven', async () => {
    const { browser, cookie, token, csrf } = await settled();

    expect((await goTo(browser, 'acr_values=urn:mfa')).status).toBe(303); // and the person closes the page

    expect(cookieOf(browser)).toBe(cookie);
    expect(await shownBy(cookie)).toMatchObject({ authenticated: true });
    expect((await post(cookie, csrf)).status).toBe(200);
    for (const at of instances()) expect(await tokenOf(cookie, at)).toBe(token);
  });

  it.each([
    ['a lower class than was asked for', { acr: 'urn:pwd' }, 'acr_values=urn:mfa'],
    ['an old sign-in where a new one was asked for', { auth_time: 1_700_000_000 }, 'max_age=0'],
  ])('SE-09, LS-25: %s leaves the session as it was', async (_, claims, query) => {
    const { browser, cookie, token, csrf } = await settled();
    twins.hostile.script.token.claims = claims;

    expect((await prove(browser, query)).searchParams.get('auth_error')).not.toBeNull();

    expect(await shownBy(cookie)).toMatchObject({ authenticated: true });
    expect((await post(cookie, csrf)).status).toBe(200);
    for (const at of instances()) expect(await tokenOf(cookie, at)).toBe(token);

    twins.hostile.script.token.claims = undefined;
    expect((await prove(browser, query)).searchParams.get('auth_error')).toBeNull();
    expect((await shownBy(cookie)).authenticated).toBe(false);
  });
});

describe('somebody else who signs in in the same browser', () => {
  const bob = { sub: 'bob', claims: { name: 'Bob', email: 'bob@example.test' } };

  it.each(ways)('LS-07: by /login?%s is refused, and the session is untouched', async (query) => {
    const { browser, cookie, token, csrf } = await settled('alice');
    twins.hostile.user = bob;

    expect((await prove(browser, query)).searchParams.get('auth_error')).toBe('account_mismatch');

    expect(cookieOf(browser)).toBe(cookie);
    expect(await shownBy(cookie)).toMatchObject({ user: { sub: 'alice', name: 'alice' } });
    expect((await post(cookie, csrf)).status).toBe(200);
    for (const at of instances()) expect(await tokenOf(cookie, at)).toBe(token);
  });

  it('LS-07: by a wish to change the account gets a session in which nothing is of the one before', async () => {
    const { browser, cookie: old, token, csrf } = await settled('alice');
    twins.hostile.user = bob;

    await prove(browser, 'prompt=select_account');

    const fresh = cookieOf(browser);
    for (const at of instances()) {
      const shown = await shownBy(fresh, at);
      expect(shown).toMatchObject({ authenticated: true, user: { sub: 'bob', name: 'Bob' } });
      expect(JSON.stringify(shown)).not.toContain('alice');
      expect((await post(fresh, csrf)).status).toBe(403);
      expect((await post(fresh, shown.csrf_token)).status).toBe(200);
      expect(await tokenOf(fresh, at)).not.toBe(token);
      await eventually(async () => (await call(old, { at })).status === 401, 500);
    }
  });

  it('LS-07: calls in flight meanwhile carry the token of the cookie they came with, or none', async () => {
    const { browser, cookie: old, token } = await settled('alice');
    twins.hostile.user = bob;
    let isDone = false;
    const seen = new Set<string>();
    const calling = (async () => {
      while (!isDone) {
        const answer = await call(old, { at: twins.second });
        if (answer.status === 200) seen.add(await answer.text());
        else expect(answer.status).toBe(401);
      }
    })();

    await prove(browser, 'prompt=select_account');
    await eventually(async () => (await call(old, { at: twins.second })).status === 401, 500);
    isDone = true;
    await calling;

    const fresh = await tokenOf(cookieOf(browser), twins.second);
    for (const text of seen) {
      expect(text).toContain(token);
      expect(text).not.toContain(fresh);
    }
  });
});

describe('addresses of a sign-in that is under way', () => {
  it('LS-08: opened in another browser, none plants anything there or touches the session', async () => {
    const { browser, cookie } = await settled('alice');
    const start = await goTo(browser, 'acr_values=urn:mfa');
    const authorize = start.header('location') ?? '';
    const back = await browser.navigate(authorize, { from: `${twins.first.origin}/`, redirect: 'manual' });
    const callback = back.header('location') ?? '';
    const other = twins.first.browser();

    await other.navigate(authorize, { from: 'https://evil.test/', redirect: 'manual' });
    const stray = await other.navigate(callback, { from: 'https://evil.test/', redirect: 'manual' });

    expect(stray.status).toBe(303);
    expect(other.jar.all()).toEqual([]);
    expect((await shownBy(cookie)).authenticated).toBe(true);

    const own = await browser.navigate(callback, { from: `${twins.hostile.issuer}/`, redirect: 'manual' });
    expect(new URL(own.header('location') ?? '', twins.first.origin).pathname).toBe('/orders');
    expect((await shownBy(cookie)).authenticated).toBe(false);
  });
});
