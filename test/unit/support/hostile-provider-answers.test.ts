/**
 * The faulty answers of the hostile provider: what goes through the browser, what
 * the token endpoint says, and what becomes of refresh tokens.
 *
 * @module
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { createGate, oauthFault, onlyNext } from '../../support/hostile/fault.ts';
import { repeatMember } from '../../support/hostile/json.ts';
import {
  authorize,
  discover,
  fixedVerifier,
  freshIdToken,
  postToken,
  redeem,
  redirectUri,
  refresh,
  signIn,
} from '../../support/hostile/relying-party.ts';
import { parseUnverifiedJws } from '../../support/hostile/signature.ts';
import { type HostileProvider, startHostileProvider } from '../../support/hostile-provider.ts';

let provider: HostileProvider;

beforeAll(async () => {
  provider = await startHostileProvider({ alg: 'ES256' });
});
beforeEach(() => provider.reset());
afterAll(() => provider.close());

describe('the way through the browser', () => {
  it('has any parameter changed, repeated, left out or added', async () => {
    expect((await authorize(provider)).searchParams.toString()).toMatch(/^code=code-[\w-]{43}&state=s1&iss=http/);
    provider.script.authorize.parameters = { state: ['a', 'b'], iss: undefined, id_token: 'x' };
    const { searchParams } = await authorize(provider);

    expect(searchParams.getAll('state')).toEqual(['a', 'b']);
    expect([searchParams.has('iss'), searchParams.get('id_token')]).toEqual([false, 'x']);
    provider.script.authorize.parameters = (honest) => ({ ...honest, state: String(honest.state).slice(0, -1) });
    expect((await authorize(provider)).searchParams.get('state')).toBe('s');
  });

  it('brings errors, fragments and forms', async () => {
    provider.script.authorize.error = { error: 'access_denied', error_description: '<script>' };
    expect((await authorize(provider)).searchParams.get('error_description')).toBe('<script>');
    provider.reset();
    provider.script.authorize.mode = 'fragment';
    expect((await authorize(provider)).hash).toMatch(/^#code=/);
    provider.script.authorize.mode = 'form_post';
    await expect(authorize(provider)).rejects.toThrow(/action="http:\/\/127\.0\.0\.1:9\/callback"/);
    provider.script.authorize.mode = 'query.jwt';
    const response = (await authorize(provider)).searchParams.get('response') ?? '';
    expect(parseUnverifiedJws(response)?.claims).toMatchObject({
      iss: provider.issuer,
      aud: 'claimcheck',
      state: 's1',
    });
  });

  it('leads to the code of another issuer', async () => {
    const other = await startHostileProvider({ alg: 'ES256' });
    const code = (await authorize(other)).searchParams.get('code') ?? '';
    provider.script.authorize.parameters = { code, iss: other.issuer };

    await expect(signIn(await discover(provider))).rejects.toThrow();
    expect([provider.hits('token'), other.hits('token')]).toEqual([0, 0]);
    expect((await signIn(await discover(other))).tokens.claims()?.iss).toBe(other.issuer);
    await other.close();
  });
});

describe('the answer of the token endpoint', () => {
  it('has any member, header and status changed, and the real token with it or not', async () => {
    provider.script.token.fields = { expires_in: '3600', id_token: undefined };
    provider.script.token.headers = { 'x-extra': ['1', '2'] };
    provider.script.token.contentType = 'text/html';
    const code = (await authorize(provider)).searchParams.get('code') ?? '';
    const response = await postToken(provider, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      code_verifier: fixedVerifier,
    });

    expect([response.headers.get('content-type'), response.headers.get('x-extra')]).toEqual(['text/html', '1, 2']);
    expect(Object.keys((await response.json()) as object)).not.toContain('id_token');
    provider.reset();
    provider.script.token.accessToken = 'a\r\nX: 1';
    expect(await redeem(provider)).toMatchObject({ access_token: 'a\r\nX: 1', expires_in: 300 });
    expect(provider.issued.accessTokens.has('a\r\nX: 1')).toBe(true);
  });

  it('has a member twice in its text', async () => {
    provider.script.userinfo.raw = repeatMember('sub', 'bob');
    const { access_token: token } = await redeem(provider);
    const response = await fetch(`${provider.issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } });

    expect((await response.text()).match(/"sub":/g)).toHaveLength(2);
    provider.reset();
    const honest = await fetch(`${provider.issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } });
    expect((await honest.text()).match(/"sub":/g)).toHaveLength(1);
  });

  it('differs from one request to the next', async () => {
    provider.script.metadata.fields = (honest, request) =>
      request?.nth === 1 ? honest : { ...honest, issuer: 'https://other.example' };
    expect((await discover(provider)).serverMetadata().issuer).toBe(provider.issuer);

    await expect(discover(provider)).rejects.toThrow();
  });

  it('grants less than was asked for, for real', async () => {
    provider.script.token.scope = 'openid';
    const { refresh_token: token, scope } = await redeem(provider);

    expect(scope).toBe('openid');
    expect(await refresh(provider, token)).toMatchObject({ scope: 'openid' });
  });

  it('lives in the clock of the provider', async () => {
    provider.script.clock.offsetSeconds = -301;
    const { claims } = await freshIdToken(provider);
    const ahead = Number(claims.exp) - Date.now() / 1000;

    expect(Math.abs(ahead)).toBeLessThan(5);
    await expect(signIn(await discover(provider))).resolves.toBeDefined(); // openid-client tolerates 30 s
    provider.script.clock.offsetSeconds = -361;
    await expect(signIn(await discover(provider))).rejects.toThrow();
  });
});

describe('refresh tokens', () => {
  it('are rotated, and one that comes back kills the family', async () => {
    const first = await redeem(provider);
    const second = await refresh(provider, first.refresh_token);
    expect(second).toMatchObject({ status: 200, refresh_token: expect.any(String) });
    expect(second.refresh_token).not.toBe(first.refresh_token);

    expect(await refresh(provider, first.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect(await refresh(provider, second.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  it('survive a second use when reuse is only refused, or tolerated', async () => {
    provider.script.refresh.reuse = 'refused';
    const first = await redeem(provider);
    const second = await refresh(provider, first.refresh_token);
    expect(await refresh(provider, first.refresh_token)).toMatchObject({ status: 400 });
    expect(await refresh(provider, second.refresh_token)).toMatchObject({ status: 200 });
    provider.script.refresh.reuse = 'tolerated';

    expect(await refresh(provider, first.refresh_token)).toMatchObject({ status: 200 });
  });

  it('are kept, or left out of the answer, and end', async () => {
    const { refresh_token: token } = await redeem(provider);
    provider.script.refresh.rotation = 'keep';
    expect(await refresh(provider, token)).toMatchObject({ refresh_token: token });
    provider.script.refresh.rotation = 'omit';
    expect(await refresh(provider, token)).not.toHaveProperty('refresh_token');
    expect(await refresh(provider, token)).toMatchObject({ status: 200 });
    provider.script.clock.offsetSeconds = 15 * 86_400;

    expect(await refresh(provider, token)).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  it('are spent although the answer is lost, or not spent when nothing was processed', async () => {
    const { refresh_token: token } = await redeem(provider);
    provider.script.refresh.fault = onlyNext({ kind: 'reset', at: 'before-processing' });
    await expect(refresh(provider, token)).rejects.toThrow();
    const second = await refresh(provider, token);
    expect(second).toMatchObject({ status: 200 });
    provider.script.refresh.fault = onlyNext({ kind: 'reset', at: 'before-headers' });
    await expect(refresh(provider, second.refresh_token)).rejects.toThrow();

    expect(await refresh(provider, second.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  it('wait behind a gate until the test opens it', async () => {
    const { refresh_token: token } = await redeem(provider);
    const gate = createGate('before-processing');
    provider.script.refresh.fault = gate.fault;
    const waiting = refresh(provider, token);
    await eventually(() => provider.hits('refresh') === 1);
    expect(provider.issued.refreshTokens.size).toBe(1);
    gate.open();

    expect(await waiting).toMatchObject({ status: 200 });
    provider.script.refresh.fault = oauthFault('invalid_client', 401);
    expect(await refresh(provider, token)).toMatchObject({ status: 401, error: 'invalid_client' });
  });
});
