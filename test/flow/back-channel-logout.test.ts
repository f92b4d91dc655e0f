import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { noneSpellings } from '../support/hostile/jose.ts';
import type { LogoutTokenOptions } from '../support/hostile/logout.ts';
import { otherKinds } from '../support/hostile/other-kinds.ts';
import { startHostileProvider } from '../support/hostile-provider.ts';
import { rawRequest } from '../support/raw.ts';
import { client, startWorld, type World } from '../support/world.ts';
import { type SignedIn, startTwins, type Twins } from './twin-worlds.ts';

let twins: Twins;

beforeAll(async () => {
  twins = await startTwins();
});

afterAll(() => twins.close());

beforeEach(() => {
  twins.hostile.reset();
  twins.clock.advance(11_000); // past the limit of sign-ins
});

const deliver = (token: string | LogoutTokenOptions) => twins.hostile.deliverLogoutToken(twins.backChannel, token);

const post = (body: string | Buffer, headers: Readonly<Record<string, string>> = {}) =>
  fetch(twins.backChannel, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
    body,
  });

const formOf = (token: string) => new URLSearchParams({ logout_token: token }).toString();

async function expectEverywhere(browser: Browser, signedIn: boolean) {
  expect(await twins.isSignedIn(browser, twins.first)).toBe(signedIn);
  expect(await twins.isSignedIn(browser, twins.second)).toBe(signedIn);
}

/** Refused as it must be, with the session alive, and the reason known to the operator alone. */
async function expectRefused(answer: Awaited<ReturnType<typeof deliver>>, { browser }: SignedIn, detail?: string) {
  expect(answer.status).toBe(400);
  expect(JSON.parse(answer.body)).toEqual({ error: 'invalid_request' });
  expect(answer.headers['content-type']).toMatch(/^application\/json/);
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(await twins.isSignedIn(browser)).toBe(true);
  if (detail === undefined) return;
  await eventually(() =>
    expect(twins.first.log.findLast((line) => line['path'] === '/backchannel-logout')).toMatchObject({
      status: 400,
      detail,
    }),
  );
}

describe('the authorization server signs somebody out', () => {
  it('LO-11, CF-20: by sid, exactly that session, on every instance', async () => {
    const ended = await twins.signIn();
    const other = await twins.signIn();
    await expectEverywhere(ended.browser, true);

    const answer = await deliver({ sid: ended.sid, sub: 'alice' });

    expect(answer.status).toBe(200);
    expect(answer.body).toBe('');
    expect(answer.headers['cache-control']).toBe('no-store');
    await expectEverywhere(ended.browser, false);
    await expectEverywhere(other.browser, true);
    expect(twins.first.log.findLast(({ event }) => event === 'session.ended')).toMatchObject({
      reason: 'back-channel',
    });
  });

  it('LO-11: by sid alone, too', async () => {
    const { browser, sid } = await twins.signIn();

    expect((await deliver({ sid })).status).toBe(200);

    await expectEverywhere(browser, false);
  });

  it('LO-12: by sub, every session of that person and of nobody else', async () => {
    const alices = [await twins.signIn('alice'), await twins.signIn('alice'), await twins.signIn('alice')];
    const bob = await twins.signIn('bob');

    expect((await deliver({ sub: 'alice' })).status).toBe(200);

    for (const { browser } of alices) await expectEverywhere(browser, false);
    await expectEverywhere(bob.browser, true);
  });

  it('LO-12: an older session that ended does not hide the others from a sign-out by sub', async () => {
    const first = await twins.signIn('carol');
    const second = await twins.signIn('carol');
    await deliver({ sid: first.sid });
    await expectEverywhere(second.browser, true);

    expect((await deliver({ sub: 'carol' })).status).toBe(200);

    await expectEverywhere(second.browser, false);
  });

  it('LO-13, LO-14: a token of another issuer is refused, though it has the same sid', async () => {
    const session = await twins.signIn();
    const clients = [{ clientId: client.id, clientSecret: client.secret }];
    const other = await startHostileProvider({ clients, clock: twins.clock });
    const token = other.logoutToken({ sid: session.sid });
    await other.close();

    await expectRefused(await deliver(token), session, 'key-unknown');

    expect((await deliver({ sid: session.sid })).status).toBe(200);
    await expectEverywhere(session.browser, false);
  });

  it('LO-18: of a session that is not here, it is told that all is well', async () => {
    expect((await deliver({ sid: 'nobody-has-this-one' })).status).toBe(200);
    expect((await deliver({ sub: 'nobody-is-called-so' })).status).toBe(200);
  });
});

describe('a logout token that is not one', () => {
  const soon = () => Math.floor(twins.clock.now() / 1000);

  //  what is wrong                       reason                        how the token differs
  const faults: readonly [string, string, () => LogoutTokenOptions][] = [
    ...noneSpellings.map((none): [string, string, () => LogoutTokenOptions] => [
      `alg ${none}`,
      'token-form',
      () => ({ jose: { none } }),
    ]),
    ['another algorithm', 'token-algorithm', () => ({ jose: { alg: 'ES384' } })],
    ['HS256 under the client secret', 'token-algorithm', () => ({ jose: { hmac: 'client-secret' } })],
    ['a forged signature', 'signature', () => ({ jose: { key: 'attacker' } })],
    ['a broken signature', 'signature', () => ({ jose: { signature: 'flip-last' } })],
    ['the signature of other claims', 'signature', () => ({ jose: { signature: 'other' } })],
    ['another issuer', 'logout-token-issuer', () => ({ claims: { iss: 'https://evil.test' } })],
    ['the issuer with a slash', 'logout-token-issuer', () => ({ claims: { iss: `${twins.hostile.issuer}/` } })],
    ['no issuer', 'logout-token-issuer', () => ({ claims: { iss: undefined } })],
    ['another audience', 'logout-token-audience', () => ({ claims: { aud: 'somebody-else' } })],
    ['a further audience', 'logout-token-audience', () => ({ claims: { aud: [client.id, 'somebody-else'] } })],
    ['no audience', 'logout-token-audience', () => ({ claims: { aud: undefined } })],
    ['no events', 'logout-token-events', () => ({ claims: { events: undefined } })],
    [
      'another event',
      'logout-token-events',
      () => ({ claims: { events: { 'http://schemas.openid.net/event/other': {} } } }),
    ],
    [
      'an event that is a text',
      'logout-token-events',
      () => ({ claims: { events: { 'http://schemas.openid.net/event/backchannel-logout': 'yes' } } }),
    ],
    [
      'an event that is a list',
      'logout-token-events',
      () => ({ claims: { events: { 'http://schemas.openid.net/event/backchannel-logout': [] } } }),
    ],
    [
      'events in a list',
      'logout-token-events',
      () => ({ claims: { events: ['http://schemas.openid.net/event/backchannel-logout'] } }),
    ],
    ['a nonce', 'logout-token-nonce', () => ({ claims: { nonce: 'n' } })],
    ['a nonce that is null', 'logout-token-nonce', () => ({ claims: { nonce: null } })],
    ['neither sub nor sid', 'logout-token-subject', () => ({ claims: { sid: undefined } })],
    ['a sid that is a number', 'logout-token-subject', () => ({ claims: { sid: 7 } })],
    ['an empty sid', 'logout-token-subject', () => ({ claims: { sid: '' } })],
    ['a sub that is a list', 'logout-token-subject', () => ({ claims: { sub: ['alice'] } })],
    ['no iat', 'logout-token-issued-at', () => ({ claims: { iat: undefined } })],
    ['an iat that is a text', 'logout-token-issued-at', () => ({ claims: { iat: String(soon()) } })],
    ['an iat three minutes ago', 'logout-token-issued-at', () => ({ claims: { iat: soon() - 180 } })],
    ['an iat a minute ahead', 'logout-token-issued-at', () => ({ claims: { iat: soon() + 60 } })],
    ['no exp', 'logout-token-expiry', () => ({ claims: { exp: undefined } })],
    ['an exp that has passed', 'logout-token-expiry', () => ({ claims: { exp: soon() - 60 } })],
    ['an nbf ahead', 'logout-token-not-before', () => ({ claims: { nbf: soon() + 60 } })],
    ['no jti', 'logout-token-id', () => ({ claims: { jti: undefined } })],
    ['a jti that is a number', 'logout-token-id', () => ({ claims: { jti: 1 } })],
    ['no typ', 'token-type', () => ({ jose: { header: { typ: undefined } } })],
    ['typ JWT', 'token-type', () => ({ jose: { header: { typ: 'JWT' } } })],
    ['typ at+jwt', 'token-type', () => ({ jose: { header: { typ: 'at+jwt' } } })],
    ['typ secevent+jwt', 'token-type', () => ({ jose: { header: { typ: 'secevent+jwt' } } })],
    [
      'a claim twice',
      'token-duplicate-member',
      () => ({ jose: { payloadText: (json: string) => json.replace('{', '{"sid":"another",') } }),
    ],
    ['an unknown critical header', 'token-critical', () => ({ jose: { header: { crit: ['x'], x: 1 } } })],
    ['the JSON serialization', 'token-form', () => ({ jose: { serialization: 'flattened' } })],
  ];

  it.each(faults)('LO-14, LO-15: is refused for %s (%s), and nobody is signed out', async (_what, reason, changes) => {
    const session = await twins.signIn();

    await expectRefused(await deliver({ sid: session.sid, ...changes() }), session, reason);

    expect((await deliver({ sid: session.sid })).status).toBe(200); // the same, without the fault
    expect(await twins.isSignedIn(session.browser)).toBe(false);
  });

  it('LO-14: is taken at the edges of what is allowed', async () => {
    const edges: readonly LogoutTokenOptions['claims'][] = [
      { aud: [client.id] },
      { iat: soon() - 100 },
      { iat: soon() + 5 },
      { exp: soon() - 10 },
      { 'http://example.test/claim': { deep: true } },
    ];
    for (const claims of edges) {
      const { browser, sid } = await twins.signIn();
      twins.clock.advance(3_000);
      expect((await deliver({ sid, claims })).status).toBe(200);
      expect(await twins.isSignedIn(browser)).toBe(false);
    }
    const { browser, sid } = await twins.signIn();
    expect((await deliver({ sid, jose: { header: { typ: 'application/logout+jwt' } } })).status).toBe(200);
    expect(await twins.isSignedIn(browser)).toBe(false);
  });

  it.each(otherKinds)(
    'LO-15: is refused when it is a %s that this provider signed for us at a sign-in',
    async (kind) => {
      const { script, issued } = twins.hostile;
      const session = await twins.signIn();
      issued.clear();
      script.token.idTokenKind = kind;
      await expect(twins.signIn()).rejects.toThrow('nobody was signed in');
      const [token = ''] = issued.idTokens;
      expect(token).not.toBe('');

      await expectRefused(await deliver(token), session);

      expect((await deliver({ sid: session.sid })).status).toBe(200);
    },
  );

  it('LO-14: is refused under an algorithm that the provider does not announce, though we know it', async () => {
    const hostile = await startHostileProvider({ clients: [{ clientId: client.id, clientSecret: client.secret }] });
    hostile.script.metadata.fields = { id_token_signing_alg_values_supported: ['RS256'] };
    const world = await startWorld({ issuer: hostile.issuer, upstream: 'http://127.0.0.1:9' });
    const send = (token: LogoutTokenOptions) =>
      hostile.deliverLogoutToken(`${world.origin}/backchannel-logout`, { sub: 'alice', ...token });

    expect((await send({ jose: { alg: 'ES256' } })).status).toBe(400);
    expect((await send({ jose: { alg: 'RS256' } })).status).toBe(200);

    await world.close();
    await hostile.close();
  });

  it('LO-15: is refused when it is the ID token or the access token of the session', async () => {
    twins.hostile.script.token.accessTokenFormat = 'jwt';
    const session = await twins.signIn();
    const { idTokens, accessTokens } = twins.hostile.issued;

    await expectRefused(await deliver([...idTokens].at(-1) ?? ''), session, 'token-type');
    await expectRefused(await deliver([...accessTokens].at(-1) ?? ''), session);
    expect((await deliver({ sid: session.sid })).status).toBe(200);
  });
});

describe('a logout token that was used', () => {
  it('LO-16: is refused the second time, on every instance, and does not end a later session', async () => {
    const before = await twins.signIn('dave');
    const token = twins.hostile.logoutToken({ sub: 'dave' });
    expect((await deliver(token)).status).toBe(200);
    expect(await twins.isSignedIn(before.browser)).toBe(false);
    const after = await twins.signIn('dave'); // in the same second, as the case may be

    await expectRefused(await deliver(token), after, 'logout-token-used');
    const elsewhere = await twins.hostile.deliverLogoutToken(`${twins.second.origin}/backchannel-logout`, token);
    expect(elsewhere.status).toBe(400);
    await expectEverywhere(after.browser, true);

    expect((await deliver({ sub: 'dave' })).status).toBe(200); // another token of the same kind is taken
    await expectEverywhere(after.browser, false);
  });

  it('LO-16: is still known for as long as it would be taken', async () => {
    const token = twins.hostile.logoutToken({
      sub: 'dave',
      claims: { exp: Math.floor(twins.clock.now() / 1000) + 3_600 },
    });
    expect((await deliver(token)).status).toBe(200);
    twins.clock.advance(100_000);
    const after = await twins.signIn('dave');

    await expectRefused(await deliver(token), after, 'logout-token-used');
    twins.clock.advance(60_000);
    await expectRefused(await deliver(token), after, 'logout-token-issued-at');
  });
});

describe('a sign-in and a sign-out that cross', () => {
  it.each(['sub', 'sid'] as const)(
    'LO-12: a sign-in whose ID token was issued before does not escape a sign-out by %s',
    async (by) => {
      const { hostile, first } = twins;
      const gate = Promise.withResolvers<void>();
      hostile.user = { sub: 'erin', claims: { name: 'Erin', email: 'erin@example.test' } };
      hostile.script.token.fault = { kind: 'hold', at: 'before-headers', until: gate.promise };
      const browser = first.browser();
      const landing = browser.navigate(`${first.origin}/login`, { from: `${first.origin}/`, redirect: 'follow' });
      await eventually(() => hostile.issued.idTokens.size === 1);
      const sid = hostile.grants.at(-1)?.sid ?? '';

      const answer = await deliver(by === 'sub' ? { sub: 'erin' } : { sid });
      gate.resolve();

      expect(answer.status).toBe(200);
      expect(new URL((await landing).url).searchParams.get('auth_error')).toBe('login_expired');
      await expectEverywhere(browser, false);
      delete hostile.script.token.fault;
      twins.clock.advance(11_000);
      await expectEverywhere((await twins.signIn('erin')).browser, true);
    },
  );
});

describe('the request itself', () => {
  it('CF-20: is not asked for what browsers send, and cookies that come along mean nothing', async () => {
    const bystander = await twins.signIn('bob');
    const session = await twins.signIn();
    const cookie = bystander.browser.cookieHeader(`${twins.first.origin}/session`) ?? '';
    const browserly = {
      Origin: 'https://evil.test',
      'Sec-Fetch-Site': 'cross-site',
      'Sec-Fetch-Mode': 'no-cors',
      'Sec-Fetch-Dest': 'empty',
      Cookie: cookie,
    };

    const answer = await post(formOf(twins.hostile.logoutToken({ sid: session.sid })), browserly);

    expect(answer.status).toBe(200);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(await twins.isSignedIn(session.browser)).toBe(false);
    expect(await twins.isSignedIn(bystander.browser)).toBe(true);
    const control = await fetch(`${twins.first.origin}/logout`, { method: 'POST', headers: browserly });
    expect(control.status).toBe(403);
    const beside = await fetch(`${twins.backChannel}/`, { method: 'POST', headers: browserly, body: 'x' });
    expect(beside.status).not.toBe(200); // exactly this path
  });

  it('LO-17: other fields are ignored, and so is the charset', async () => {
    const { browser, sid } = await twins.signIn();
    const form = new URLSearchParams({ foo: 'bar', logout_token: twins.hostile.logoutToken({ sid }), sub: 'bob' });

    const answer = await post(form.toString(), { 'Content-Type': 'Application/X-WWW-Form-Urlencoded; charset=UTF-8' });

    expect(answer.status).toBe(200);
    expect(await twins.isSignedIn(browser)).toBe(false);
  });

  //  what is sent                       status  how
  const shapes: readonly [string, number, (token: string) => Promise<Response>][] = [
    ['no body', 400, () => post('')],
    ['no token', 400, () => post('foo=bar')],
    ['an empty token', 400, () => post('logout_token=')],
    ['two tokens', 400, (token) => post(`${formOf(token)}&${formOf(token)}`)],
    ['a token beside another that is good', 400, (token) => post(`logout_token=x&${formOf(token)}`)],
    ['JSON', 400, (logout_token) => post(JSON.stringify({ logout_token }), { 'Content-Type': 'application/json' })],
    ['a form as plain text', 400, (token) => post(formOf(token), { 'Content-Type': 'text/plain' })],
    ['the token alone', 400, (token) => post(token, { 'Content-Type': 'application/logout+jwt' })],
    ['a coded body', 400, (token) => post(formOf(token), { 'Content-Encoding': 'gzip' })],
    [
      'bytes that are no text',
      400,
      (token) => post(Buffer.concat([Buffer.from(`${formOf(token)}&x=`), Buffer.from([0xff])])),
    ],
    [
      'the token in the query',
      400,
      (token) =>
        fetch(`${twins.backChannel}?${formOf(token)}`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        }),
    ],
    ['more than 64 KB', 413, (token) => post(`${formOf(token)}&pad=${'x'.repeat(64 * 1024)}`)],
  ];

  it.each(shapes)('LO-17: %s is answered %d, and nobody is signed out', async (_what, status, send) => {
    const { browser, sid } = await twins.signIn();
    const token = twins.hostile.logoutToken({ sid });

    const answer = await send(token);

    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({ error: 'invalid_request' });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-error-source')).toBe('claimcheck');
    expect(await twins.isSignedIn(browser)).toBe(true);
    expect((await post(formOf(token))).status).toBe(200); // it was not used up
    expect(await twins.isSignedIn(browser)).toBe(false);
  });

  it('LO-17: a long body without a length is cut at 64 KB, and one that only announces itself is not awaited', async () => {
    const { port } = twins.first;
    const head = `POST /backchannel-logout HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: application/x-www-form-urlencoded\r\n`;
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;

    const chunked = await rawRequest(port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(5)}`, {
      responses: 1,
    });
    expect(chunked.final[0]?.status).toBe(413);
    const announced = await rawRequest(port, `${head}Content-Length: 70000\r\nExpect: 100-continue\r\n\r\n`, {
      responses: 1,
    });
    expect(announced.responses.map(({ status }) => status)).toEqual([413]);
    const asked = await rawRequest(port, `${head}Content-Length: 7\r\nExpect: 100-continue\r\n\r\nfoo=bar`, {
      responses: 1,
    });
    expect(asked.responses.map(({ status }) => status)).toEqual([100, 400]);
  });

  it.each(['GET', 'PUT', 'DELETE'])('LO-17: %s is not offered', async (method) => {
    const answer = await fetch(twins.backChannel, { method, headers: { Origin: twins.first.origin } });

    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toContain('POST');
  });
});

describe('what it depends on is away', () => {
  it('SE-13: the store: 503, and the same token works afterwards', async () => {
    const { browser, sid } = await twins.signIn();
    const token = twins.hostile.logoutToken({ sid });

    twins.redis.freeze();
    const away = await deliver(token);
    twins.redis.thaw();

    expect(away.status).toBe(503);
    expect(JSON.parse(away.body)).toEqual({ error: 'temporarily_unavailable' });
    expect(away.headers['retry-after']).toMatch(/^\d+$/);
    expect(away.headers['x-error-source']).toBe('store');
    await eventually(async () => (await deliver(token)).status === 200, 10_000);
    await expectEverywhere(browser, false);
  });

  it('LO-14: the keys: 503, since it is not known whether the token is good', async () => {
    const { hostile, clock } = twins;
    const { browser, sid } = await twins.signIn();
    clock.advance((90 * 60_000) / 4); // the allowances for fetching keys are full again
    hostile.keys.rotate();
    hostile.script.jwks.fault = { kind: 'instead', status: 500 };

    const away = await deliver({ sid });
    hostile.script.jwks.fault = undefined;
    clock.advance(15_000);

    expect(away.status).toBe(503);
    expect(away.headers['x-error-source']).toBe('provider');
    expect(await twins.isSignedIn(browser)).toBe(true);
    await eventually(async () => (await deliver({ sid })).status === 200, 10_000);
    await expectEverywhere(browser, false);
  });
});

describe('the refresh token of a session that is signed out by the back channel', () => {
  const revoked = () =>
    twins.hostile.log.filter(({ endpoint }) => endpoint === 'revoke').map(({ body }) => body['token']);

  it('LO-19: is revoked where a process holds the session open and it is not for offline access', async () => {
    twins.hostile.script.token.scope = 'openid profile email';
    const { browser, sid } = await twins.signIn();
    const refreshToken = [...twins.hostile.issued.refreshTokens].at(-1);
    const stream = await browser.openStream(`${twins.first.origin}/session/events`, { from: `${twins.first.origin}/` });
    await stream.next('state');

    expect((await deliver({ sid })).status).toBe(200);

    await eventually(() => expect(revoked()).toEqual([refreshToken]));
    await eventually(() => stream.closed);
  });

  it('LO-19: is kept where it is for offline access', async () => {
    const { browser, sid } = await twins.signIn();
    const { scope } = (await twins.first.session(browser))['token'] as { scope: string };
    expect(scope).toContain('offline_access');
    const stream = await browser.openStream(`${twins.first.origin}/session/events`, { from: `${twins.first.origin}/` });
    await stream.next('state');

    expect((await deliver({ sid })).status).toBe(200);

    expect(JSON.parse((await stream.next('ended')).data)).toMatchObject({ reason: 'back-channel' });
    await eventually(() => stream.closed);
    expect(revoked()).toEqual([]);
  });
});

describe('the demo’s authorization server', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld();
  });

  afterAll(() => world.close());

  it('LO-11: tells Claimcheck when a person signs out there', async () => {
    const browser = await world.signIn('alice');
    const bystander = await world.signIn('alice');
    const signOut = new URL(`${world.provider.issuer}/session/end`);
    signOut.search = String(new URLSearchParams({ client_id: client.id, logout_hint: 'alice' }));

    await browser.navigate(signOut.href, { from: `${world.provider.issuer}/` });

    await eventually(async () => expect((await world.session(browser))['authenticated']).toBe(false));
    expect((await world.session(bystander))['authenticated']).toBe(true);
    expect(world.log.filter(({ path }) => path === '/backchannel-logout').map(({ status }) => status)).toEqual([200]);
  });
});
