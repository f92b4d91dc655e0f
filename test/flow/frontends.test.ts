/**
 * Several frontends in one process: each signs people in at its own provider, and
 * nothing of one is anything at another.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { echo, type Script } from '../support/upstream.ts';
import { askAt, type Frontends, type Place, startFrontends } from './frontends-world.ts';
import { sessionCookies } from './provider-world.ts';
import { connectTo, openSocket, speaking } from './web-socket-world.ts';

const person = { sub: 'alice', claims: { email: 'alice@example.test' } };
let all: Frontends;
let orders: Place;
let desk: Place;

beforeAll(async () => {
  all = await startFrontends();
  ({ orders, desk } = all);
});

afterAll(() => all.close());

beforeEach(() => {
  all.refresh();
  all.upstream.script = echo;
  orders.hostile.user = { ...person, claims: { ...person.claims, name: 'Alice of Orders' } };
  desk.hostile.user = { ...person, claims: { ...person.claims, name: 'Alice of Desk' } };
});

/** What the API saw of the last call: where it went, and with which token. */
function lastCall(): { readonly target: string; readonly token: string } {
  const { target, headers } = all.upstream.last;
  const authorization = headers.find(([name]) => name.toLowerCase() === 'authorization')?.[1] ?? '';
  return { target, token: authorization.replace('Bearer ', '') };
}

async function signedInAtBoth() {
  const browser = all.browser();
  await orders.signIn(browser);
  await desk.signIn(browser);
  return browser;
}

const isSignedIn = async (at: Place, browser: Parameters<Place['session']>[0]) =>
  (await at.session(browser)).authenticated;

describe('two frontends in one browser', () => {
  it('LS-29: sign in at two clients of two providers, and each call goes out with the token of its own', async () => {
    const browser = await signedInAtBoth();

    expect((await orders.session(browser)).user?.name).toBe('Alice of Orders');
    expect((await desk.session(browser)).user?.name).toBe('Alice of Desk');
    expect((await orders.call(browser)).status).toBe(200);
    const first = lastCall();
    expect((await desk.call(browser)).status).toBe(200);
    const second = lastCall();

    expect([first.target, second.target]).toEqual(['/of-orders', '/of-desk']);
    expect(orders.hostile.issued.accessTokens).toContain(first.token);
    expect(desk.hostile.issued.accessTokens).toContain(second.token);
    expect(first.token).not.toBe(second.token);
    const clientsOf = ({ hostile }: Place) =>
      hostile.log.filter(({ endpoint }) => endpoint === 'authorize').map(({ query }) => query['client_id']);
    expect([...new Set([...clientsOf(orders), ...clientsOf(desk)])]).toEqual(['orders-client', 'desk-client']);
  });

  it('GW-01: have the routes that their own list names, and no others', async () => {
    const browser = await signedInAtBoth();

    expect((await orders.call(browser, '/api/orders/7')).status).toBe(200);
    expect((await desk.call(browser, '/api/orders/7')).status).toBe(404);
  });

  it('LO-01: a sign-out of one ends that session, and leaves the other', async () => {
    const browser = await signedInAtBoth();

    expect((await orders.signOut(browser)).status).toBe(200);

    expect(await isSignedIn(orders, browser)).toBe(false);
    expect((await orders.call(browser)).status).toBe(401);
    expect(await isSignedIn(desk, browser)).toBe(true);
    expect((await desk.call(browser)).status).toBe(200);
  });

  it('LO-12, IT-30: a logout token for a subject ends nobody of the same name at the other', async () => {
    const browser = await signedInAtBoth();

    expect(await desk.deliver(orders.hostile.logoutToken({ sub: person.sub }))).toBe(400);
    expect([await isSignedIn(orders, browser), await isSignedIn(desk, browser)]).toEqual([true, true]);
    expect(await orders.deliver(orders.hostile.logoutToken({ sub: person.sub }))).toBe(200);
    expect([await isSignedIn(orders, browser), await isSignedIn(desk, browser)]).toEqual([false, true]);
  });

  it('serve the page of their own folder, with a policy for the sign-out of their own provider', async () => {
    for (const at of [orders, desk]) {
      const page = await all.browser().navigate(`${at.origin}/`);
      expect(page.text()).toBe(`<title>${at.id}</title>`);
      expect(page.header('content-security-policy')).toContain(`form-action 'self' ${at.hostile.issuer}`);
    }
  });

  it('CF-01: refuse what a page of the other sends', async () => {
    const browser = await signedInAtBoth();
    const { csrf_token = '' } = await orders.session(browser);
    const cookie = orders.cookieOf(browser);
    const post = (origin: string) =>
      orders.ask('/api/echo', {
        method: 'POST',
        headers: { Cookie: cookie, Origin: origin, 'X-CSRF-Token': csrf_token },
      });

    expect((await post(desk.origin)).status).toBe(403);
    expect((await post(orders.origin)).status).toBe(200);
  });
});

describe('what belongs to one', () => {
  it('LS-29: the session cookie is refused at the other, and nothing is written for it', async () => {
    const browser = all.browser();
    await orders.signIn(browser);
    const cookie = orders.cookieOf(browser);
    const before = (await all.redis.dumpAll()).map(({ key, bytes }) => [key, bytes.toString('latin1')]);
    all.upstream.forget();

    const refused = await desk.ask('/api/echo', { headers: { Cookie: cookie, 'Sec-Fetch-Site': 'same-origin' } });
    const session = await desk.ask('/session', { headers: { Cookie: cookie } });

    expect(refused.status).toBe(401);
    expect(String(session.body)).toContain('"authenticated":false');
    expect(all.upstream.requests).toEqual([]);
    expect((await all.redis.dumpAll()).map(({ key, bytes }) => [key, bytes.toString('latin1')])).toEqual(before);
    expect(
      (await orders.ask('/api/echo', { headers: { Cookie: cookie, 'Sec-Fetch-Site': 'same-origin' } })).status,
    ).toBe(200);
  });

  it('LS-07, LS-08: a pending sign-in cannot be finished at the other', async () => {
    const browser = all.browser();
    const callback = await orders.upToCallback(browser);
    const cookie = browser.cookieHeader(callback.href, { from: `${orders.origin}/`, mode: 'navigate' }) ?? '';
    const headers = { Cookie: cookie, 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' };
    const moved = await desk.ask(callback.pathname + callback.search, { headers });

    expect(cookie).toContain('claimcheck-login-');
    expect(moved.header('location')).toContain('auth_error=state_mismatch');
    expect(moved.headers.filter(([name]) => name.toLowerCase() === 'set-cookie')).toEqual([]);
    expect(orders.hostile.hits('token') + desk.hostile.hits('token')).toBe(0);
    expect(sessionCookies(await orders.land(browser, callback))).toHaveLength(1);
  });

  it('LS-19: a code with the issuer of the other ends the sign-in, and neither token endpoint is asked', async () => {
    orders.hostile.script.authorize.parameters = { iss: desk.hostile.issuer };
    const browser = all.browser();
    const answer = await orders.land(browser, await orders.upToCallback(browser));

    expect(answer.header('location')).toContain('auth_error=provider_error');
    expect(sessionCookies(answer)).toEqual([]);
    expect(orders.hostile.hits('token') + desk.hostile.hits('token')).toBe(0);

    orders.hostile.script.authorize.parameters = undefined;
    await orders.signIn(browser);
  });

  it('LS-20: each provider is given a redirect URI of its own, and a code that comes to the other is not spent', async () => {
    const [first, second] = [all.browser(), all.browser()];
    const callbacks = [await orders.upToCallback(first), await desk.upToCallback(second)] as const;
    const redirectUris = [orders, desk].map(
      ({ hostile }) => hostile.log.findLast(({ endpoint }) => endpoint === 'authorize')?.query['redirect_uri'],
    );

    expect(redirectUris).toEqual([`${orders.origin}/callback`, `${desk.origin}/callback`]);
    const swapped = new URL(callbacks[1].href);
    swapped.searchParams.set('code', callbacks[0].searchParams.get('code') ?? '');
    const refused = await desk.land(second, swapped);
    expect(refused.status).toBe(303);
    expect(refused.header('location')).toContain('auth_error=');
    expect(sessionCookies(refused)).toEqual([]);
    expect(orders.hostile.hits('token')).toBe(0);
    const taken = await orders.land(first, callbacks[0]);
    expect([taken.status, sessionCookies(taken).length]).toEqual([303, 1]);
  });

  it('an event stream hears of its own session alone', async () => {
    const browser = await signedInAtBoth();
    const open = (at: Place) => browser.openStream(`${at.origin}/session/events`, { from: `${at.origin}/` });
    const [ofOrders, ofDesk] = [await open(orders), await open(desk)];
    for (const stream of [ofOrders, ofDesk]) await stream.next('state');

    await orders.signOut(browser);

    expect(JSON.parse((await ofOrders.next('ended', 1_000)).data)).toMatchObject({ reason: 'signed-out' });
    expect(ofDesk.events().map(({ event }) => event)).toEqual(['state']);
    await desk.signOut(browser);
    expect(JSON.parse((await ofDesk.next('ended', 1_000)).data)).toMatchObject({ reason: 'signed-out' });
  });

  it('a WebSocket is opened with the session of its own frontend, and ends with it', async () => {
    const script: Script = speaking();
    all.upstream.script = script;
    const browser = await signedInAtBoth();

    const page = await openSocket(desk.world, '/api/echo', { browser });
    const token = lastCall();
    expect(token.target).toBe('/of-desk');
    expect(desk.hostile.issued.accessTokens).toContain(token.token);

    const strange = connectTo(desk.world, '/api/echo', { headers: { Cookie: orders.cookieOf(browser) } });
    await eventually(() => strange.status() === 401);
    await orders.signOut(browser);
    page.socket.send('still there');
    await eventually(() => page.received.includes('still there'));
    await desk.signOut(browser);
    await eventually(() => page.closeCode() === 4401);
  });
});

describe('the host', () => {
  it.each([
    ['of nobody', () => 'elsewhere.localhost'],
    ['that is a part of one', () => 'localhost'],
    ['below one', () => `a.${orders.host}`],
  ])('PX-23: %s is answered 421, also to an upgrade, and recorded for no frontend', async (_name, host) => {
    const { port } = all.world;
    const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket' };

    expect((await askAt(port, { path: '/', headers: { Host: host() } })).status).toBe(421);
    expect((await askAt(port, { path: '/api/echo', headers: { Host: host(), ...upgrade } })).status).toBe(421);
    const denied = await eventually(
      () => all.world.log.findLast(({ reason }) => String(reason).startsWith('host-unknown')) ?? false,
    );
    expect(denied).toMatchObject({ reason: 'host-unknown: host-unknown' });
    expect(denied).not.toHaveProperty('frontend');
    expect((await orders.ask('/')).status).toBe(200);
  });

  it('PX-23: of a loopback name may have any port, since each frontend has a name of its own', async () => {
    const page = await askAt(all.world.port, { path: '/', headers: { Host: 'desk.localhost:1', Accept: 'text/html' } });

    expect(String(page.body)).toBe('<title>desk</title>');
  });
});

describe('what is recorded', () => {
  it('LG-01, LG-21: says which frontend it is about, in the log, the audit trail and the metrics', async () => {
    const browser = all.browser();
    await desk.signIn(browser);
    await desk.call(browser);
    await desk.ask('/api/echo?access_token=x');

    const lines = all.world.log.filter(({ frontend }) => frontend === 'desk');
    expect(lines.some(({ event }) => event === 'sign-in.succeeded')).toBe(true);
    expect(
      lines.some(({ event, reason }) => event === 'request.denied' && String(reason).startsWith('token-in-')),
    ).toBe(true);
    expect(lines.some(({ route, status }) => route === '/api/echo' && status === 200)).toBe(true);
    const metrics = await (await fetch(`${all.world.opsUrl}/metrics`)).text();
    expect(metrics).toMatch(/claimcheck_sign_ins_total\{result="success",frontend="desk"\} [1-9]/);
    expect(metrics).toMatch(/claimcheck_requests_total\{kind="I",status="2xx",code="",frontend="desk"\} [1-9]/);
    expect(metrics).toMatch(/claimcheck_provider_up\{frontend="orders"\} 1/);
  });
});
