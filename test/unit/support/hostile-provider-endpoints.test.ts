/**
 * The other endpoints of the hostile provider, honest and not: key set, UserInfo,
 * introspection, pushed requests, DPoP nonces, signing out.
 *
 * @module
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as jose from 'jose';
import * as oidc from 'openid-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGate } from '../../support/hostile/fault.ts';
import { authorize, basicFor, discover, redeem, refresh, signIn } from '../../support/hostile/relying-party.ts';
import { parseUnverifiedJws } from '../../support/hostile/signature.ts';
import { type HostileProvider, startHostileProvider } from '../../support/hostile-provider.ts';

let provider: HostileProvider;

beforeAll(async () => {
  provider = await startHostileProvider({ alg: 'ES256', par: true });
});
beforeEach(() => provider.reset());
afterAll(() => provider.close());

/** A form sent to an endpoint with the client's secret. */
function post(
  path: string,
  { form, accept = '*/*' }: { form: Record<string, string>; accept?: string },
): Promise<Response> {
  const headers = { authorization: basicFor(provider), accept };
  return fetch(`${provider.issuer}${path}`, { method: 'POST', body: new URLSearchParams(form), headers });
}

describe('the key set', () => {
  it('has an ETag that saves the second answer, and a life when told to', async () => {
    provider.script.jwks.maxAge = 60;
    const first = await fetch(`${provider.issuer}/jwks`);
    const ask = () =>
      fetch(`${provider.issuer}/jwks`, {
        headers: { 'if-none-match': first.headers.get('etag') ?? '' },
        cache: 'no-store',
      });

    expect(first.headers.get('cache-control')).toBe('max-age=60');
    expect((await ask()).status).toBe(304);
    provider.keys.rotate();
    expect((await ask()).status).toBe(200);
    provider.script.jwks.etag = false;
    expect((await ask()).headers.has('etag')).toBe(false);
  });

  it('loses a key that is withdrawn, while that key still signs', async () => {
    const { kid } = provider.keys.active;
    provider.keys.withdraw(kid);
    const { keys } = (await (await fetch(`${provider.issuer}/jwks`)).json()) as { keys: unknown[] }; // a key set

    expect(keys).toEqual([]);
    expect(parseUnverifiedJws(String((await redeem(provider)).id_token))?.header.kid).toBe(kid);
  });
});

describe('tokens of other forms', () => {
  it('JWT access tokens, with their own claims changed', async () => {
    provider.script.token.accessTokenFormat = 'jwt';
    provider.script.token.accessTokenClaims = { exp: 1 };
    const jws = parseUnverifiedJws(String((await redeem(provider)).access_token));

    expect(jws?.header.typ).toBe('at+jwt');
    expect(jws?.claims).toMatchObject({ sub: 'alice', client_id: 'claimcheck', exp: 1 });
    provider.reset();
    expect((await redeem(provider)).access_token).toMatch(/^at-/);
  });

  it.each([
    ['always', 'openid', true],
    ['never', 'openid offline_access', false],
    ['offline-access', 'openid', false],
    ['offline-access', 'openid offline_access', true],
  ] as const)('refresh tokens: %s, with the scope %s', async (when, scope, isThere) => {
    provider.script.token.refreshToken = when;
    const { tokens } = await signIn(await discover(provider), { scope });

    expect(tokens.refresh_token !== undefined).toBe(isThere);
  });

  it('access tokens end when they say, and not later', async () => {
    provider.script.token.expiresIn = 10;
    const { access_token: token, expires_in: life } = await redeem(provider);
    const read = async () =>
      (await fetch(`${provider.issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } })).status;

    expect([life, await read()]).toEqual([10, 200]);
    provider.script.clock.offsetSeconds = 11;
    expect(await read()).toBe(401);
  });
});

describe('UserInfo', () => {
  const read = async (token: unknown) =>
    fetch(`${provider.issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } });

  it('is about another person, or about two', async () => {
    const config = await discover(provider);
    const { tokens } = await signIn(config);
    expect(await oidc.fetchUserInfo(config, tokens.access_token, 'alice')).toMatchObject({ sub: 'alice' });
    provider.script.userinfo.fields = { sub: 'bob' };

    await expect(oidc.fetchUserInfo(config, tokens.access_token, 'alice')).rejects.toThrow();
    provider.script.userinfo.fields = { sub: ['alice', 'bob'] };
    expect(await (await read(tokens.access_token)).json()).toMatchObject({ sub: ['alice', 'bob'] });
  });

  it('is signed, rightly or not', async () => {
    const keys = jose.createRemoteJWKSet(new URL(`${provider.issuer}/jwks`));
    provider.script.userinfo.signed = true;
    const { access_token: token } = await redeem(provider);
    const honest = await read(token);
    expect(honest.headers.get('content-type')).toBe('application/jwt');
    expect((await jose.jwtVerify(await honest.text(), keys, { audience: 'claimcheck' })).payload.sub).toBe('alice');
    provider.script.userinfo.jose = { key: 'attacker' };

    await expect(jose.jwtVerify(await (await read(token)).text(), keys)).rejects.toThrow();
    provider.script.userinfo.jose = undefined;
    provider.script.userinfo.claims = { aud: 'other' };
    await expect(jose.jwtVerify(await (await read(token)).text(), keys, { audience: 'claimcheck' })).rejects.toThrow();
  });
});

describe('introspection', () => {
  it('says what a token is worth, or anything else', async () => {
    const form = { token: String((await redeem(provider)).access_token) };
    expect(await (await post('/introspect', { form })).json()).toMatchObject({
      active: true,
      sub: 'alice',
      scope: 'openid offline_access',
    });
    expect(await (await post('/introspect', { form: { token: 'x' } })).json()).toEqual({ active: false });
    provider.script.introspect.fields = { active: 'true', aud: 'other' };

    expect(await (await post('/introspect', { form })).json()).toMatchObject({ active: 'true', aud: 'other' });
  });

  it('answers with a JWT, which may be of another kind', async () => {
    const form = { token: String((await redeem(provider)).access_token) };
    const ask = async () =>
      parseUnverifiedJws(
        await (await post('/introspect', { form, accept: 'application/token-introspection+jwt' })).text(),
      );

    expect(await ask()).toMatchObject({
      header: { typ: 'token-introspection+jwt' },
      claims: { token_introspection: { active: true } },
    });
    provider.script.introspect.jose = { header: { typ: 'JWT' } };
    expect((await ask())?.header.typ).toBe('JWT');
  });
});

describe('pushed requests', () => {
  it('are of one client, and end', async () => {
    provider.clients.set('other', { clientId: 'other', clientSecret: 'x' });
    const config = await discover(provider);
    await signIn(config, { par: true });
    const uri = [...provider.issued.requestUris][0] ?? '';
    const open = (client: string, request: string) =>
      fetch(`${provider.issuer}/authorize?client_id=${client}&request_uri=${encodeURIComponent(request)}`, {
        redirect: 'manual',
      });

    expect(await (await open('other', uri)).text()).toContain('unknown request_uri');
    provider.script.par = { ...provider.script.par, expiresIn: -1, fields: { expires_in: 60 } };
    await expect(signIn(config, { par: true })).rejects.toThrow(/has expired/);
    expect((await post('/par', { form: { request_uri: uri } })).status).toBe(400);
    provider.script.par = { ...provider.script.par, expiresIn: 60, status: 200, fields: { request_uri: undefined } };
    await expect(signIn(config, { par: true })).rejects.toThrow();
  });
});

describe('DPoP nonces', () => {
  it('run out without a word, and are mixed up', async () => {
    const config = await discover(provider);
    const dpop = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
    const challenges = () => provider.log.filter((request) => request.dpop?.reason === 'nonce').length;
    provider.script.dpop.authorizationServerNonce = 'demanded';
    const { tokens } = await signIn(config, { dpop });
    expect(challenges()).toBe(1);
    provider.expireDpopNonces();
    expect(
      (await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '', undefined, { DPoP: dpop })).token_type,
    ).toBe('dpop');
    expect(challenges()).toBe(2);
    provider.expireDpopNonces();
    provider.script.dpop.crossedNonces = true;

    await expect(signIn(config, { dpop })).rejects.toThrow();
  });
});

describe('faults in turn', () => {
  it('a gate leads to another fault, after the request was processed', async () => {
    const { refresh_token: token } = await redeem(provider);
    const gate = createGate('before-headers', {
      kind: 'instead',
      status: 503,
      json: { error: 'busy' },
      headers: { 'retry-after': '2' },
    });
    provider.script.refresh.fault = ({ nth }) => (nth === 1 ? gate.fault : undefined);
    const waiting = refresh(provider, token);
    gate.open();

    expect(await waiting).toMatchObject({ status: 503, error: 'busy' });
    expect(await refresh(provider, token)).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  it('a fault in a switch is a 500 with its text, and a warning, never a hang', async () => {
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    provider.script.metadata.fields = () => {
      throw new Error('a switch that throws');
    };
    const response = await fetch(`${provider.issuer}/.well-known/openid-configuration`);

    expect([response.status, await response.text()]).toEqual([500, expect.stringContaining('a switch that throws')]);
    expect((await warned).message).toContain('a switch that throws');
    provider.reset();
    expect((await authorize(provider)).searchParams.has('code')).toBe(true);
  });
});

describe('signing out', () => {
  it('frames the front channel of each session, with the right parameters or others', async () => {
    provider.clients.set('claimcheck', { ...provider.client, frontchannelLogoutUri: 'http://127.0.0.1:9/f' });
    provider.user = { sub: 'alice', sid: 'the-sid' };
    const { id_token: hint } = await redeem(provider);
    const url = `${provider.issuer}/end_session?post_logout_redirect_uri=http://127.0.0.1:9/&id_token_hint=${hint}`;
    const page = await (await fetch(url)).text();

    expect(page).toContain('sid=the-sid');
    expect(page).toContain(encodeURIComponent(provider.issuer));
    provider.script.endSession.frontchannelParameters = { iss: 'https://other.example', sid: undefined };
    expect(await (await fetch(url)).text()).toContain('/f?iss=https%3A%2F%2Fother.example"');
  });

  it('posts a logout token to whom the test names', async () => {
    const received: string[] = [];
    const app = createServer(async (request, response) => {
      for await (const chunk of request) received.push(String(chunk));
      response.writeHead(400, { 'cache-control': 'no-store' }).end('{"error":"invalid_request"}');
    });
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
    const { port } = app.address() as AddressInfo; // a TCP listener has no other kind of address
    const delivered = await provider.deliverLogoutToken(`http://127.0.0.1:${port}/`, { sid: 's' });

    expect(delivered).toMatchObject({ status: 400, body: '{"error":"invalid_request"}' });
    expect(received).toEqual([`logout_token=${delivered.token}`]);
    app.closeAllConnections();
    app.close();
  });
});
