/**
 * The hostile provider while it is honest: a certified client library finds
 * nothing wrong with it, and what it is meant to refuse it refuses.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as oidc from 'openid-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  authorize,
  basicFor,
  discover,
  fixedVerifier,
  postToken,
  redeem,
  redirectUri,
  refresh,
  signIn,
} from '../../support/hostile/relying-party.ts';
import { type HostileProvider, startHostileProvider } from '../../support/hostile-provider.ts';

let provider: HostileProvider;

beforeAll(async () => {
  provider = await startHostileProvider({ par: true });
});
beforeEach(() => provider.reset());
afterAll(() => provider.close());

/** What `at_hash` must be (OIDC Core, 3.1.3.6): the left half of the hash that the algorithm uses; Ed25519 uses SHA-512. */
function halfHashOf(token: string, alg: string): string {
  const name = { ES384: 'sha384', EdDSA: 'sha512', Ed25519: 'sha512' }[alg] ?? 'sha256';
  const digest = createHash(name).update(token).digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}

describe('a sign-in with openid-client', () => {
  it.each(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'] as const)(
    'works with %s, from metadata to revocation',
    async (alg) => {
      const own = await startHostileProvider({ alg });
      const config = await discover(own);
      const { tokens, nonce } = await signIn(config);
      const claims = tokens.claims();
      expect(claims).toMatchObject({ sub: 'alice', nonce, name: 'Alice Example', aud: 'claimcheck', iss: own.issuer });
      expect(own.grants[0]).toMatchObject({ sid: claims?.sid, authTime: claims?.auth_time });

      expect(claims?.at_hash).toBe(halfHashOf(tokens.access_token, alg));

      own.script.clock.offsetSeconds = 5;
      const second = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '');
      expect(second.claims()).toMatchObject({ sub: 'alice', auth_time: claims?.auth_time });
      expect(second.claims()).not.toHaveProperty('nonce');
      expect(await oidc.fetchUserInfo(config, second.access_token, 'alice')).toMatchObject({
        email: 'alice@example.test',
      });
      expect(await oidc.tokenIntrospection(config, second.access_token)).toMatchObject({ active: true, sub: 'alice' });

      await oidc.tokenRevocation(config, second.refresh_token ?? '');
      expect(await oidc.tokenIntrospection(config, second.access_token)).toEqual({ active: false });
      await expect(oidc.refreshTokenGrant(config, second.refresh_token ?? '')).rejects.toMatchObject({
        error: 'invalid_grant',
      });
      await own.close();
    },
  );

  it('repeats scope and lifetime', async () => {
    const { tokens } = await signIn(await discover(provider), { scope: 'openid orders' });

    expect(tokens).toMatchObject({ scope: 'openid orders', expires_in: 300, token_type: 'bearer' });
  });

  it('says acr only when it was asked for', async () => {
    const config = await discover(provider);
    const asked = await signIn(config, { parameters: { acr_values: 'urn:mfa urn:pwd' } });

    expect(asked.tokens.claims()?.acr).toBe('urn:mfa');
    expect((await signIn(config)).tokens.claims()).not.toHaveProperty('acr');
  });

  it('takes a pushed request, once', async () => {
    const config = await discover(provider);
    const { tokens } = await signIn(config, { par: true });
    const uri = [...provider.issued.requestUris][0] ?? '';
    const used = new URL(`${provider.issuer}/authorize`);
    used.search = new URLSearchParams({ client_id: 'claimcheck', request_uri: uri }).toString();

    expect(tokens.claims()?.sub).toBe('alice');
    const asked = provider.log.find(({ endpoint }) => endpoint === 'authorize');
    expect(asked?.query).toEqual({ client_id: 'claimcheck', request_uri: uri });
    expect((await fetch(used, { redirect: 'manual' })).status).toBe(400);
    expect(provider.pushed.get(uri)?.uses).toBe(2);
  });

  it('demands a pushed request when told to', async () => {
    provider.script.par.required = true;

    expect((await authorize(provider)).searchParams.get('error')).toBe('invalid_request');
    expect((await signIn(await discover(provider), { par: true })).tokens.claims()?.sub).toBe('alice');
  });

  it('signs in whoever the test names, and nobody', async () => {
    provider.user = { sub: 'bob', sid: 'sid-of-bob' };
    expect((await signIn(await discover(provider))).tokens.claims()).toMatchObject({ sub: 'bob', sid: 'sid-of-bob' });
    provider.user = null;
    expect((await authorize(provider)).searchParams.get('error')).toBe('login_required');
    provider.user = ({ query }) => ({ sub: query.login_hint ?? 'nobody' });
    expect((await authorize(provider, { login_hint: 'carol' })).searchParams.has('code')).toBe(true);
    expect(provider.grants.at(-1)?.user.sub).toBe('carol');
  });

  it('has an issuer with a path when asked to', async () => {
    const own = await startHostileProvider({ path: '/tenant', alg: 'EdDSA' });

    expect(own.issuer).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/tenant$/);
    expect((await signIn(await discover(own))).tokens.claims()?.iss).toBe(own.issuer);
    await own.close();
  });
});

describe('what an honest provider refuses', () => {
  const form = { grant_type: 'authorization_code', redirect_uri: redirectUri, code_verifier: fixedVerifier };
  const freshCode = async () => (await authorize(provider)).searchParams.get('code') ?? '';

  it.each([
    ['nothing', {}, 200],
    ['another verifier', { code_verifier: 'w'.repeat(43) }, 400],
    ['another redirect_uri', { redirect_uri: `${redirectUri}/` }, 400],
    ['a code it never gave', { code: 'code-other' }, 400],
    ['another grant type', { grant_type: 'password' }, 400],
  ])('%s in the token request', async (_what, change, status) => {
    expect((await postToken(provider, { ...form, code: await freshCode(), ...change })).status).toBe(status);
  });

  it('a code the second time, and it revokes what came of the first', async () => {
    const code = await freshCode();
    expect((await postToken(provider, { ...form, code })).status).toBe(200);
    expect(provider.grants.at(-1)?.revoked).toBe(false);

    expect((await postToken(provider, { ...form, code })).status).toBe(400);
    expect(provider.grants.at(-1)?.revoked).toBe(true);
  });

  it('a code that nobody checks, when told to', async () => {
    const code = await freshCode();
    provider.script.token.skip = ['pkce', 'redirect-uri', 'code-reuse'];
    const careless = { grant_type: 'authorization_code', code, code_verifier: 'x', redirect_uri: 'y' };

    expect((await postToken(provider, careless)).status).toBe(200);
    expect((await postToken(provider, careless)).status).toBe(200);
    provider.script.token.skip = [];
    expect((await postToken(provider, careless)).status).toBe(400);
  });

  it.each([
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ code_challenge: 'short' }, 'invalid_request'],
    [{ request: 'eyJ' }, 'request_not_supported'],
  ])('an authorization request with %j', async (change, error) => {
    const { searchParams } = await authorize(provider, change);

    expect(searchParams.get('error')).toBe(error);
    expect(searchParams.get('state')).toBe('s1');
    expect(searchParams.get('iss')).toBe(provider.issuer);
  });

  it('a token request without client authentication', async () => {
    const code = await freshCode();
    const body = new URLSearchParams({ ...form, code, client_id: 'claimcheck' });
    const response = await fetch(`${provider.issuer}/token`, { method: 'POST', body });

    expect(response.status).toBe(401);
    expect(provider.log.at(-1)?.auth).toMatchObject({ valid: false, method: 'none', reason: 'method-not-registered' });
    expect((await postToken(provider, { ...form, code })).status).toBe(200);
  });

  it('Basic and body together', async () => {
    const code = await freshCode();
    const both = await postToken(provider, { ...form, code, client_secret: provider.client.clientSecret ?? '' });

    expect(both.status).toBe(401);
    expect(provider.log.at(-1)?.auth?.reason).toBe('two-methods');
    expect((await postToken(provider, { ...form, code })).status).toBe(200);
  });
});

describe('signing out', () => {
  it('returns with the state, and tells the back channel', async () => {
    const received: string[] = [];
    const app = createServer(async (request, response) => {
      for await (const chunk of request) received.push(String(chunk));
      response.end();
    });
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
    const { port } = app.address() as AddressInfo; // a TCP listener has no other kind of address
    provider.clients.set('claimcheck', { ...provider.client, backchannelLogoutUri: `http://127.0.0.1:${port}/b` });
    const config = await discover(provider);
    const { tokens } = await signIn(config, { scope: 'openid' });
    const url = () =>
      oidc.buildEndSessionUrl(config, {
        post_logout_redirect_uri: 'http://127.0.0.1:9/',
        state: 'x',
        logout_hint: 'alice',
      });

    expect((await fetch(url(), { redirect: 'manual' })).headers.get('location')).toBe('http://127.0.0.1:9/?state=x');
    expect(provider.delivered.at(-1)).toMatchObject({ status: 200 });
    expect(received.join()).toContain(`logout_token=${[...provider.issued.logoutTokens].at(-1)}`);
    expect(await refresh(provider, tokens.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
    provider.script.endSession.parameters = { state: 'other' };
    expect((await fetch(url(), { redirect: 'manual' })).headers.get('location')).toBe(
      'http://127.0.0.1:9/?state=other',
    );
    app.closeAllConnections();
    app.close();
  });
});

describe('what it remembers', () => {
  it('counts requests, knows every secret, and forgets on reset', async () => {
    const answer = await redeem(provider);

    expect([provider.hits('authorize'), provider.hits('token'), provider.hits('refresh')]).toEqual([1, 1, 0]);
    expect(provider.issued.all()).toEqual(
      expect.arrayContaining([answer.access_token, answer.refresh_token, answer.id_token]),
    );
    expect(provider.log.at(-1)).toMatchObject({ headers: { authorization: basicFor(provider) }, nth: 1, cut: false });
    provider.script.token.status = 500;
    provider.reset();
    expect([provider.log.length, provider.issued.all().length]).toEqual([0, 0]);
    expect(await redeem(provider)).toMatchObject({ status: 200 });
  });
});
