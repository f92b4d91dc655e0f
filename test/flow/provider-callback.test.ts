/**
 * The callback, with a browser before it and a hostile provider behind: what is
 * refused, what is not spent, and that the very next sign-in works.
 */

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../support/browser-answer.ts';
import { eventually } from '../support/eventually.ts';
import { oauthFault } from '../support/hostile/fault.ts';
import { HostileWorld, sessionCookies, startHostileWorld } from './provider-world.ts';

let at: HostileWorld;

beforeAll(async () => {
  at = await startHostileWorld();
});

beforeEach(() => at.refresh());

afterAll(() => at.close());

function query(url: URL, changes: Readonly<Record<string, string | undefined>>): URL {
  const changed = new URL(url);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) changed.searchParams.delete(name);
    else changed.searchParams.set(name, value);
  }
  return changed;
}

/** The answer tells this code and no more, and signs nobody in. */
function expectRefusal(answer: Answer, code: string): void {
  const location = new URL(answer.header('location') ?? '', at.world.origin);
  expect(answer.status).toBe(303);
  expect(location.origin + location.pathname).toBe(`${at.world.origin}/`);
  expect([...location.searchParams.keys()]).toEqual(['auth_error', 'auth_error_id']);
  expect(location.searchParams.get('auth_error')).toBe(code);
  expect(location.searchParams.get('auth_error_id')).toMatch(/^[0-9a-f]{32}$/);
  expect(answer.body).toHaveLength(0);
  expect(answer.header('cache-control')).toBe('no-store');
  expect(answer.header('referrer-policy')).toBe('no-referrer');
  expect(sessionCookies(answer)).toEqual([]);
}

async function expectCleanSignIn(): Promise<void> {
  at.refresh();
  const answer = await at.signIn();
  expect(answer.header('location')).toBe('/');
  expect(sessionCookies(answer)).toHaveLength(1);
}

describe('a good response', () => {
  it('CB-10, CB-19, CB-20, LS-26: becomes a session and a clean address, also with parameters nobody knows', async () => {
    const browser = at.world.browser();
    const callback = await at.upToCallback(browser, '?return_to=/orders%3Fx=1%23top');
    const answer = await at.land(browser, query(callback, { session_state: 'z', foo: 'bar' }));

    expect(answer.status).toBe(303);
    expect(answer.header('location')).toBe('/orders?x=1#top');
    expect(answer.body).toHaveLength(0);
    expect(answer.header('cache-control')).toBe('no-store');
    expect(answer.header('referrer-policy')).toBe('no-referrer');
    expect(sessionCookies(answer)).toHaveLength(1);
    expect(await at.world.session(browser)).toMatchObject({ authenticated: true, user: { sub: 'alice' } });
  });

  it('LS-03, IT-30: shows the browser neither verifier nor nonce nor token', async () => {
    const browser = at.world.browser();
    await at.signIn(browser);
    await at.world.session(browser);
    const [token] = at.hostile.log.filter(({ endpoint }) => endpoint === 'token');
    const secrets = [
      token?.body.code_verifier,
      ...at.hostile.issued.accessTokens,
      ...at.hostile.issued.refreshTokens,
      ...at.hostile.issued.idTokens,
    ];

    expect(secrets).toHaveLength(4);
    for (const secret of secrets) expect(browser.hasReceived(secret ?? '')).toBe(false);
    for (const secret of secrets) expect(at.world.logText()).not.toContain(secret);
  });

  it('IT-32: keeps of the claims what is listed, and no prototype', async () => {
    at.hostile.script.token.claims = { is_admin: true, groups: ['x'], ['__proto__']: { admin: true } };
    const browser = at.world.browser();
    await at.signIn(browser);
    const { user } = await at.world.session(browser);

    expect(user).toEqual({ sub: 'alice', name: 'Alice Example', email: 'alice@example.test' });
  });
});

describe('state', () => {
  it.each<[string, (callback: URL) => URL | string]>([
    ['missing', (callback) => query(callback, { state: undefined })],
    ['empty', (callback) => query(callback, { state: '' })],
    ['wrong', (callback) => query(callback, { state: '0'.repeat(55) })],
    ['truncated', (callback) => query(callback, { state: (callback.searchParams.get('state') ?? '').slice(0, -1) })],
    [
      'changed in one character',
      (callback) =>
        query(callback, {
          state: (callback.searchParams.get('state') ?? '').replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
        }),
    ],
    ['repeated', (callback) => `${callback}&state=${callback.searchParams.get('state')}`],
    ['repeated with another', (callback) => `${callback}&state=x`],
    ['a text of JSON', (callback) => query(callback, { state: '{"return_to":"https://evil.test"}' })],
  ])(
    'CB-01, LS-22: %s is refused before the provider is asked, and the pending sign-in still works',
    async (_case, change) => {
      const browser = at.world.browser();
      const callback = await at.upToCallback(browser);
      const failures = at.countEvents('sign-in.failed');
      expectRefusal(await at.land(browser, change(callback)), 'state_mismatch');

      expect(at.hostile.hits('token')).toBe(0);
      expect(at.countEvents('sign-in.failed')).toBe(failures + 1);
      expect(sessionCookies(await at.land(browser, callback))).toHaveLength(1);
    },
  );

  it('LS-22: of two pending sign-ins one cannot be finished with the code of the other', async () => {
    const browser = at.world.browser();
    const [one, two] = [
      await at.upToCallback(browser, '?return_to=/one'),
      await at.upToCallback(browser, '?return_to=/two'),
    ];
    const mixed = query(one, { code: two.searchParams.get('code') ?? '' });

    expectRefusal(await at.land(browser, mixed), 'provider_error');
    expect(at.hostile.hits('userinfo')).toBe(0);
    await expectCleanSignIn();
  });

  it('CB-02: works once', async () => {
    const browser = at.world.browser();
    const callback = await at.upToCallback(browser, '?return_to=/orders');
    await at.land(browser, callback);
    const before = await at.world.session(browser);
    const again = await at.land(browser, callback);

    expect(again.header('location')).toBe('/');
    expect(sessionCookies(again)).toEqual([]);
    expect(at.hostile.hits('token')).toBe(1);
    expect((await at.world.session(browser))['session']).toEqual(
      expect.objectContaining({ id: (before['session'] as { id: string }).id }),
    );
  });

  it('LS-28, CB-02: eleven minutes later the sign-in begins anew, once; then it is over', async () => {
    const browser = at.world.browser();
    const callback = await at.upToCallback(browser, '?return_to=/orders');
    at.world.clock.advance(11 * 60_000);
    const retry = await at.land(browser, callback);
    expect(retry.header('location')).toBe('/login?return_to=/&attempt=1');
    expect(at.hostile.hits('token')).toBe(0);

    const second = await at.upToCallback(browser, '?return_to=/&attempt=1');
    at.world.clock.advance(11 * 60_000);
    expectRefusal(await at.land(browser, second), 'login_expired');
    await expectCleanSignIn();
  });

  it('CB-02: a stray callback leads somebody who is signed in home', async () => {
    const browser = at.world.browser();
    const stray = await at.upToCallback(browser);
    at.world.clock.advance(11 * 60_000);
    await at.signIn(browser);
    const answer = await browser.navigate(String(stray), { redirect: 'manual' });

    expect(answer.header('location')).toBe('/');
    expect(await at.world.session(browser)).toMatchObject({ authenticated: true });
  });
});

describe('the issuer in the response', () => {
  it.each<[string, (callback: URL) => URL | string]>([
    ['another', (callback) => query(callback, { iss: 'https://evil.test' })],
    ['with a slash', (callback) => query(callback, { iss: `${callback.searchParams.get('iss')}/` })],
    ['in capitals', (callback) => query(callback, { iss: (callback.searchParams.get('iss') ?? '').toUpperCase() })],
    ['empty', (callback) => query(callback, { iss: '' })],
    ['missing, though the metadata promises it', (callback) => query(callback, { iss: undefined })],
    ['twice', (callback) => `${callback}&iss=${callback.searchParams.get('iss')}`],
  ])('CB-04, CB-05, LS-19: %s is refused before the code is spent', async (_case, change) => {
    const browser = at.world.browser();
    const callback = await at.upToCallback(browser);
    const answer = await at.land(browser, change(callback));

    expectRefusal(answer, 'provider_error');
    expect(at.hostile.hits('token')).toBe(0);
    expect(browser.jar.all().filter(({ name }) => name.includes('login'))).toEqual([]);
    await expectCleanSignIn();
  });

  it('LS-19: a response to a sign-in that began at another issuer is refused, and neither is asked', async () => {
    const secrets = { SESSION_SECRETS: randomBytes(32).toString('base64url') };
    const [before, after] = [await startHostileWorld({ env: secrets }), await startHostileWorld({ env: secrets })];
    const browser = before.world.browser();
    const callback = await before.upToCallback(browser);
    const moved = String(callback).replace(before.world.origin, after.world.origin);
    const answer = await after.land(browser, moved);

    expect(answer.header('location')).toContain('auth_error=state_mismatch');
    expect(before.hostile.hits('token') + after.hostile.hits('token')).toBe(0);
    expect(sessionCookies(await after.signIn())).toHaveLength(1);
    await Promise.all([before.close(), after.close()]);
  });

  it('CB-06: where it is not promised a correct one is taken, none too, and a wrong one refused', async () => {
    const quiet = await startHostileWorld();
    quiet.hostile.script.metadata.fields = { authorization_response_iss_parameter_supported: undefined };
    const other = await startHostileWorld({ hostile: {}, issuer: quiet.hostile.issuer });
    const here = new HostileWorld(other.world, quiet.hostile);
    const browser = () => other.world.browser();

    expect(sessionCookies(await here.signIn(browser()))).toHaveLength(1);
    const without = browser();
    expect(
      sessionCookies(await here.land(without, query(await here.upToCallback(without), { iss: undefined }))),
    ).toHaveLength(1);
    const wrong = browser();
    const refused = await here.land(wrong, query(await here.upToCallback(wrong), { iss: 'https://evil.test' }));
    expect(refused.header('location')).toContain('auth_error=provider_error');
    await other.close();
    await quiet.close();
  });
});

describe('an error in the response', () => {
  it.each([
    ['access_denied', 'access_denied'],
    ['login_required', 'login_required'],
    ['interaction_required', 'login_required'],
    ['consent_required', 'login_required'],
    ['account_selection_required', 'login_required'],
    ['unmet_authentication_requirements', 'acr_not_met'],
    ['temporarily_unavailable', 'provider_unreachable'],
    ['server_error', 'provider_error'],
    ['invalid_request', 'provider_error'],
    ['something_new', 'provider_error'],
    ['<script>alert(1)</script>', 'provider_error'],
  ])('CB-08: %s is told as %s, without any text of the provider', async (error, code) => {
    at.hostile.script.authorize.error = {
      error,
      error_description: '<script>alert(1)</script>',
      error_uri: 'https://evil.test',
    };
    const browser = at.world.browser();
    const failures = at.countEvents('sign-in.failed');
    const answer = await at.signIn(browser);

    expectRefusal(answer, code);
    expect(answer.header('location')).not.toMatch(/script|evil/);
    expect(at.countEvents('sign-in.failed')).toBe(failures + 1);
    expect(at.world.logText()).not.toContain('<script>');
    expect(at.hostile.hits('token')).toBe(0);
    await expectCleanSignIn();
  });

  it('CB-07: without a state of ours it changes nothing for somebody who is signed in', async () => {
    const browser = at.world.browser();
    await at.signIn(browser);
    const answer = await at.land(browser, `${at.world.origin}/callback?error=access_denied&error_description=leave`);

    expectRefusal(answer, 'state_mismatch');
    expect(answer.header('location')).not.toContain('leave');
    expect(await at.world.session(browser)).toMatchObject({ authenticated: true });
  });

  it('CB-07: of another issuer is told as a fault of the provider only', async () => {
    at.hostile.script.authorize.error = { error: 'access_denied' };
    at.hostile.script.authorize.parameters = (honest) => ({ ...honest, iss: 'https://evil.test' });

    expectRefusal(await at.signIn(), 'provider_error');
  });
});

describe('what else may be in a response', () => {
  it.each<[string, (callback: URL) => URL | string]>([
    ['CB-09: the code twice', (callback) => `${callback}&code=another`],
    ['CB-09: an unknown parameter twice', (callback) => `${callback}&foo=1&foo=2`],
    ['CB-09: the code in a list', (callback) => String(callback).replace('code=', 'code[]=')],
    ['CB-11: an access token', (callback) => `${callback}&access_token=eyJsecret`],
    ['CB-11: an ID token', (callback) => `${callback}&id_token=eyJsecret.a.b`],
    ['CB-11: a refresh token', (callback) => `${callback}&refresh_token=eyJsecret`],
    [
      'CB-11: an access token without a code',
      (callback) => `${query(callback, { code: undefined })}&access_token=eyJsecret`,
    ],
    ['CB-09: no code', (callback) => query(callback, { code: undefined })],
    ['CB-09: an empty code', (callback) => query(callback, { code: '' })],
    ['CB-09: a code of 6 KB', (callback) => query(callback, { code: 'c'.repeat(6_000) })],
    [
      'CB-09: a response that was not asked for',
      (callback) => query(callback, { code: undefined, response: 'eyJsecret' }),
    ],
  ])('%s is refused before the provider is asked', async (_case, change) => {
    const browser = at.world.browser();
    const callback = await at.upToCallback(browser);
    expectRefusal(await at.land(browser, change(callback)), 'provider_error');

    expect(at.hostile.hits('token')).toBe(0);
    expect(at.world.logText()).not.toContain('eyJsecret');
    await expectCleanSignIn();
  });

  it('CB-01: no set of parameters, whatever they hold, is more than a refusal', async () => {
    const names = ['code', 'state', 'iss', 'error', 'session_state', 'id_token'];
    const values = ['', 'x', '%00', '%ff', encodeURIComponent('\u0000\r\n'), 'a'.repeat(500)];
    for (let set = 0; set < 2 ** names.length; set++) {
      const chosen = names.filter((_, index) => (set >> index) & 1);
      const search = chosen.map((name, index) => `${name}=${values[(set + index) % values.length]}`).join('&');
      const answer = await at.ask(`/callback?${search}`);
      expect(`${search}: ${answer.status}`).toBe(`${search}: 303`);
      expect(answer.header('location')).toContain('auth_error=state_mismatch');
    }
    expect(at.hostile.hits('token')).toBe(0);
  });
});

describe('methods and guesses of the browser', () => {
  it('CB-12: only a real GET consumes the response', async () => {
    const browser = at.world.browser();
    const callback = await at.upToCallback(browser);
    const path = callback.pathname + callback.search;
    const cookie = browser.jar
      .all()
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    const asked = (method: string, headers: Readonly<Record<string, string>> = {}) =>
      at.ask(path, { method, headers: { Cookie: cookie, ...headers } });

    expect((await asked('HEAD')).status).toBe(405);
    expect((await asked('POST', { 'Content-Length': '0', Origin: at.world.origin })).status).toBe(405);
    for (const name of ['Sec-Purpose', 'Purpose', 'X-Moz']) {
      expect((await asked('GET', { [name]: 'prefetch' })).status).toBe(403);
    }
    expect((await asked('GET', { 'Sec-Purpose': 'prefetch;prerender' })).status).toBe(403);
    expect(at.hostile.hits('token')).toBe(0);
    expect(sessionCookies(await at.land(browser, callback))).toHaveLength(1);
  });
});

describe('an answer of the token endpoint that is refused', () => {
  it('CB-14, CB-26: is used for nothing: no UserInfo, no session; its tokens are revoked', async () => {
    const browser = at.world.browser();
    const callback = await at.upToCallback(browser);
    at.hostile.script.token.claims = { nonce: 'another' };
    const failures = at.countEvents('sign-in.failed');
    expectRefusal(await at.land(browser, callback), 'provider_error');

    expect(at.hostile.hits('userinfo')).toBe(0);
    expect(at.countEvents('sign-in.failed')).toBe(failures + 1);
    expect(await at.world.session(browser)).toMatchObject({ authenticated: false });
    await eventually(() => at.hostile.hits('revoke') === 2);
    const revoked = at.hostile.log.filter(({ endpoint }) => endpoint === 'revoke').map(({ body }) => body.token);
    expect(new Set(revoked)).toEqual(new Set([...at.hostile.issued.refreshTokens, ...at.hostile.issued.accessTokens]));
    await expectCleanSignIn();
  });

  it.each<[string, Parameters<typeof oauthFault>, string]>([
    ['a dead code', ['invalid_grant'], 'provider_error'],
    ['a client that is not accepted', ['invalid_client', 401], 'provider_error'],
    ['500', ['server_error', 500], 'provider_unreachable'],
    ['429', ['slow_down', 429], 'provider_unreachable'],
  ])('CB-26: %s ends the sign-in and nothing else', async (_case, fault, code) => {
    at.hostile.script.token.fault = oauthFault(...fault);
    expectRefusal(await at.signIn(), code);
    await expectCleanSignIn();
  });

  it('CB-25, CB-26: no answer in time ends the sign-in', async () => {
    const slow = await startHostileWorld({ env: { PROVIDER_TIMEOUT: '1s' } });
    slow.hostile.script.token.fault = { kind: 'hang', at: 'before-headers' };
    const began = performance.now();
    const answer = await slow.signIn();

    expect(answer.header('location')).toContain('auth_error=provider_unreachable');
    expect(performance.now() - began).toBeLessThan(5_000);
    await slow.close();
  });

  it('CB-25: a redirect is not followed: the other host sees nothing, above all no secret', async () => {
    at.hostile.script.token.fault = { kind: 'redirect', to: `${at.hostile.trap.url}/token` };
    expectRefusal(await at.signIn(), 'provider_unreachable');

    expect(at.hostile.trap.connections).toBe(0);
    await expectCleanSignIn();
  });

  it('IT-23, CB-26: keys that cannot be had end the sign-in as out of reach', async () => {
    const cold = await startHostileWorld();
    cold.hostile.keys.rotate({ overlap: false });
    cold.world.clock.advance(61 * 60_000);
    cold.hostile.script.jwks.fault = { kind: 'instead', status: 500 };
    const answer = await cold.signIn();

    expect(answer.header('location')).toContain('auth_error=provider_unreachable');
    expect(cold.world.log.some((line) => line['event'] === 'dependency.failed')).toBe(true);
    await cold.close();
  });
});

describe('somebody who proves again who they are', () => {
  it('LS-25, LS-07: goes on under a new session id, and the old one is dead', async () => {
    at.hostile.script.token.claims = { acr: 'urn:mfa', auth_time: at.hostile.now() };
    const browser = at.world.browser();
    await at.signIn(browser);
    const before = await at.world.session(browser);
    const oldCookie = browser.cookieHeader(`${at.world.origin}/session`) ?? '';
    at.hostile.script.token.claims = { acr: 'urn:mfa', auth_time: at.hostile.now() };
    const answer = await at.signIn(browser, '?acr_values=urn:mfa&max_age=0');

    expect(answer.header('location')).toBe('/');
    const after = await at.world.session(browser);
    expect((after['session'] as { id: string }).id).not.toBe((before['session'] as { id: string }).id);
    const replayed = await at.ask('/session', { headers: { Cookie: oldCookie } });
    expect(replayed.text()).toContain('"authenticated":false');
    expect(at.hostile.log.filter(({ endpoint }) => endpoint === 'authorize').at(-1)?.query).toMatchObject({
      acr_values: 'urn:mfa',
      max_age: '0',
    });
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['a lower acr', { acr: 'urn:pwd' }, '?acr_values=urn:mfa'],
    ['no acr', { acr: undefined }, '?acr_values=urn:mfa'],
    ['an old auth_time', { auth_time: 1_700_000_000 }, '?max_age=0'],
    ['no auth_time', { auth_time: undefined }, '?max_age=300'],
  ])('LS-25, IT-26, IT-27: with %s stays who they were, and is told why', async (_case, claims, asked) => {
    const browser = at.world.browser();
    await at.signIn(browser);
    const before = await at.world.session(browser);
    at.hostile.script.token.claims = claims;
    expectRefusal(await at.signIn(browser, asked), 'acr_not_met');

    expect((await at.world.session(browser))['session']).toMatchObject({
      id: (before['session'] as { id: string }).id,
    });
  });

  it.each(['?prompt=login', '?max_age=0', '?acr_values=urn:mfa', '?prompt=select_account&max_age=0'])(
    'LS-07: and comes back as another person (%s) is refused; the session of before is untouched',
    async (asked) => {
      const browser = at.world.browser();
      await at.signIn(browser);
      const before = await at.world.session(browser);
      at.hostile.user = { sub: 'bob', claims: { name: 'Bob' } };
      at.hostile.script.token.claims = { acr: 'urn:mfa', auth_time: at.hostile.now() };
      expectRefusal(await at.signIn(browser, asked), 'account_mismatch');

      expect(await at.world.session(browser)).toMatchObject({
        user: { sub: 'alice' },
        session: { id: (before['session'] as { id: string }).id },
      });
      await eventually(() => at.hostile.hits('revoke') === 2);
    },
  );

  it('CB-19: who asks for another account gets a session of its own, and the first is dead', async () => {
    const browser = at.world.browser();
    await at.signIn(browser);
    const oldCookie = browser.cookieHeader(`${at.world.origin}/session`) ?? '';
    at.hostile.user = { sub: 'bob', claims: { name: 'Bob' } };
    await at.signIn(browser, '?prompt=select_account');

    expect(await at.world.session(browser)).toMatchObject({ user: { sub: 'bob' } });
    const replayed = await at.ask('/session', { headers: { Cookie: oldCookie } });
    expect(replayed.text()).toContain('"authenticated":false');
  });

  it('CB-19: a cookie that somebody planted is never taken over', async () => {
    const browser = at.world.browser({ headers: { Cookie: 'claimcheck=s%3Aplanted.signature' } });
    const answer = await at.signIn(at.world.browser());

    expect(sessionCookies(answer)[0]).not.toContain('planted');
    expect((await browser.fetch(`${at.world.origin}/session`, { from: `${at.world.origin}/` })).json()).toMatchObject({
      authenticated: false,
    });
  });
});

describe('claims that the ID token lacks', () => {
  let plain: HostileWorld;

  beforeAll(async () => {
    plain = await startHostileWorld({ env: { API_AUDIENCE: undefined, USER_CLAIMS: 'name email nickname' } });
  });

  beforeEach(() => plain.refresh());

  afterAll(() => plain.close());

  it('CB-22, CB-24: come from UserInfo, asked once', async () => {
    plain.hostile.script.userinfo.fields = { nickname: 'Al', secret: 'not listed' };
    const browser = plain.world.browser();
    await plain.signIn(browser);

    expect((await plain.world.session(browser))['user']).toEqual({
      sub: 'alice',
      name: 'Alice Example',
      email: 'alice@example.test',
      nickname: 'Al',
    });
    expect(plain.hostile.hits('userinfo')).toBe(1);
  });

  it.each([
    ['another person', { fields: { sub: 'bob' } }],
    ['a failure', { fault: { kind: 'instead', status: 500 } as const }],
    ['nobody', { fields: { sub: undefined } }],
  ])('CB-22: %s there fails the sign-in, and the tokens are revoked', async (_case, switches) => {
    Object.assign(plain.hostile.script.userinfo, switches);
    const answer = await plain.signIn();

    expect(answer.header('location')).toContain('auth_error=provider_error');
    expect(sessionCookies(answer)).toEqual([]);
    await eventually(() => plain.hostile.hits('revoke') === 2);
  });

  it('CB-24: are not asked for where the access token is for somebody else', async () => {
    const bound = await startHostileWorld({ env: { USER_CLAIMS: 'name nickname' } });
    await bound.signIn();

    expect(bound.hostile.hits('userinfo')).toBe(0);
    await bound.close();
  });
});

describe('what the sign-in leaves for the refresh', () => {
  it.each<[string, Record<string, unknown>, boolean]>([
    ['the nonce of the sign-in', {}, true],
    ['another nonce', { nonce: 'another' }, false],
    ['another person', { sub: 'bob' }, false],
    ['a later sign-in', { auth_time: 1_800_000_000 }, false],
    ['another issuer', { iss: 'https://evil.test' }, false],
  ])('RF-08: an ID token with %s is taken: %3$s', async (_case, claims, isTaken) => {
    const browser = at.world.browser();
    await at.signIn(browser);
    const { csrf_token } = await at.world.session(browser);
    const nonce = at.hostile.grants.at(-1)?.nonce;
    at.hostile.script.refresh.claims = { nonce, ...claims };
    at.world.clock.advance(200_000);
    const answer = await browser.fetch(`${at.world.origin}/session/refresh`, {
      method: 'POST',
      from: `${at.world.origin}/`,
      headers: { 'X-CSRF-Token': csrf_token },
    });

    expect(answer.status).toBe(isTaken ? 200 : 401);
    expect(await at.world.session(browser)).toMatchObject({ authenticated: isTaken });
  });
});
