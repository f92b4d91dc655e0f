/**
 * The tokens of the demo's authorization server: what is in them, how they end.
 */

import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  startAuthorizationServer,
} from '../../../demo/authorization-server.ts';
import { alice } from '../../../demo/people.ts';
import { client, ScriptedClient } from './scripted-client.ts';

const running: AuthorizationServer[] = [];

async function start(options: AuthorizationServerOptions = {}): Promise<AuthorizationServer> {
  const server = await startAuthorizationServer({ clients: [client], ...options });
  running.push(server);
  return server;
}

let server: AuthorizationServer;

beforeAll(async () => {
  server = await start();
});

afterAll(() => Promise.all(running.map((each) => each.close())));

describe('tokens', () => {
  it('come with a refresh token for offline_access only', async () => {
    const without = await new ScriptedClient(server).signIn({ scope: 'openid orders.read' });
    expect(without.refresh_token).toBeUndefined();
    expect(without.scope).toBe('orders.read');

    const withOffline = await new ScriptedClient(server).signIn({ scope: 'openid offline_access' });
    expect(withOffline.refresh_token).toEqual(expect.any(String));
  });

  it('rotate, and a refresh token used twice ends the grant', async () => {
    const browser = new ScriptedClient(server);
    const first = await browser.signIn();
    const second = await browser.refresh(first.refresh_token);
    expect(second.status).toBe(200);
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(second.access_token).not.toBe(first.access_token);

    expect(await browser.refresh(first.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect(await browser.refresh(second.refresh_token)).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  it('of another sign-in of the same browser are left alone by that', async () => {
    const browser = new ScriptedClient(server);
    const other = await browser.signIn();
    const first = await browser.signIn();
    await browser.refresh(first.refresh_token);
    await browser.refresh(first.refresh_token);

    expect((await browser.refresh(other.refresh_token)).status).toBe(200);
  });

  it('live as long as they are told', async () => {
    const brief = await start({ accessTokenTtlSeconds: 7, idTokenTtlSeconds: 9 });
    const { access_token, id_token, expires_in } = await new ScriptedClient(brief).signIn();
    const secondsOf = ({ iat = 0, exp = 0 }) => exp - iat;

    expect([expires_in, secondsOf(decodeJwt(access_token)), secondsOf(decodeJwt(id_token))]).toEqual([7, 7, 9]);
  });

  it('do not rotate when told so', async () => {
    const still = await start({ rotateRefreshToken: false });
    const browser = new ScriptedClient(still);
    const first = await browser.signIn();

    expect(await browser.refresh(first.refresh_token)).toMatchObject({
      status: 200,
      refresh_token: first.refresh_token,
    });
    expect((await browser.refresh(first.refresh_token)).status).toBe(200);
  });

  it('are for the orders API only when its audience was asked for', async () => {
    const { access_token, id_token } = await new ScriptedClient(server).signIn({ resource: undefined });
    expect(() => decodeProtectedHeader(access_token)).toThrow();
    expect(decodeJwt(id_token)).toMatchObject({ name: alice.name, email: alice.email });
    const response = await fetch(`${server.url}/me`, { headers: { authorization: `Bearer ${access_token}` } });
    expect(await response.json()).toMatchObject({ sub: alice.sub, email: alice.email });

    const elsewhere = await new ScriptedClient(server).authorize({
      login_hint: 'alice',
      resource: 'https://other.test',
    });
    expect(elsewhere.landing.searchParams.get('error')).toBe('invalid_target');
  });

  it('can be revoked, and the grant dies with a revoked refresh token', async () => {
    const browser = new ScriptedClient(server);
    const { refresh_token: token = '' } = await browser.signIn();
    expect((await browser.post('/token/revocation', { token: 'nobody-issued-this' })).status).toBe(200);
    expect((await browser.post('/token/revocation', { token })).status).toBe(200);

    expect(await browser.refresh(token)).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect(server.record.revokedTokens).toContain(token);
    expect(server.record.revokedTokens).not.toContain('nobody-issued-this');
  });

  it('can be introspected by their client', async () => {
    const browser = new ScriptedClient(server);
    const { refresh_token: token = '' } = await browser.signIn();

    const live = await browser.post('/token/introspection', { token });
    expect(await live.json()).toMatchObject({ active: true, sub: alice.sub });
    const unknown = await browser.post('/token/introspection', { token: 'nobody-issued-this' });
    expect(await unknown.json()).toEqual({ active: false });
  });

  it('end when the operator withdraws the grants', async () => {
    const own = await start();
    const browser = new ScriptedClient(own);
    const { refresh_token: token } = await browser.signIn();
    own.withdrawGrants();

    expect(await browser.refresh(token)).toMatchObject({ status: 400, error: 'invalid_grant' });
  });
});
