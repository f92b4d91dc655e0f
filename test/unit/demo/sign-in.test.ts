/**
 * How people sign in at the demo's authorization server, over its sockets.
 */

import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  startAuthorizationServer,
} from '../../../demo/authorization-server.ts';
import { alice, bob } from '../../../demo/people.ts';
import { client, metadataOf, ScriptedClient } from './scripted-client.ts';

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

describe('signing in', () => {
  it('signs a hinted person in without a page, and gives what was asked for', async () => {
    const tokens = await new ScriptedClient(server).signIn();

    expect(tokens).toMatchObject({ status: 200, expires_in: 120, scope: 'orders.read orders.write' });
    const keys = createRemoteJWKSet(new URL('/jwks', server.url));
    const { payload } = await jwtVerify(tokens.id_token, keys, { issuer: server.issuer, audience: client.clientId });
    expect(payload).toMatchObject({
      sub: alice.sub,
      name: 'Alice Anders',
      email: 'alice@example.test',
      email_verified: true,
      nonce: 'nonce-1',
    });
    const access = await jwtVerify(tokens.access_token, keys, { issuer: server.issuer, audience: server.resource });
    expect(access.protectedHeader).toMatchObject({ typ: 'at+jwt', alg: 'RS256' });
    expect(access.payload).toMatchObject({ sub: alice.sub, scope: 'orders.read orders.write' });
  });

  it('names itself in the answer (RFC 9207) and returns the state', async () => {
    const { landing } = await new ScriptedClient(server).authorize({ login_hint: 'alice' });

    expect(Object.fromEntries(landing.searchParams)).toMatchObject({ iss: server.issuer, state: 'state-1' });
    expect(await metadataOf(server)).toMatchObject({ authorization_response_iss_parameter_supported: true });
  });

  it('shows a page with both people, and signs in who is chosen', async () => {
    const browser = new ScriptedClient(server);
    const { response, landing } = await browser.authorize();
    const html = await response.text();
    expect(html).toContain('Alice Anders');
    expect(html).toContain('Bob Brandt');

    const after = await browser.follow(landing, { method: 'POST', body: new URLSearchParams({ person: 'bob' }) });
    expect(after.url.href).toContain('http://localhost:9/callback?code=');
  });

  it('ends a cancelled sign-in with access_denied', async () => {
    const browser = new ScriptedClient(server);
    const { landing } = await browser.authorize();
    const after = await browser.follow(landing, { method: 'POST', body: new URLSearchParams({ cancel: 'yes' }) });

    expect(after.url.searchParams.get('error')).toBe('access_denied');
    expect(after.url.searchParams.get('state')).toBe('state-1');
  });

  it('takes no hint but an exact one for a person, and no other person from the form', async () => {
    const browser = new ScriptedClient(server);
    const { response, landing } = await browser.authorize({ login_hint: 'ALICE' });
    expect(response.status).toBe(200);

    const after = await browser.follow(landing, { method: 'POST', body: new URLSearchParams({ person: 'mallory' }) });
    expect(after.response.status).toBe(400);
  });

  it('does not ask twice, but does with prompt=login', async () => {
    const browser = new ScriptedClient(server);
    await browser.signIn();

    expect((await browser.authorize()).landing.searchParams.has('code')).toBe(true);
    const asked = await browser.authorize({ prompt: 'login' });
    expect(asked.landing.pathname).toContain('/interaction/');
    expect(asked.response.status).toBe(200);
  });

  it('hands the browser over when another person is hinted at', async () => {
    const browser = new ScriptedClient(server);
    await browser.signIn();

    expect(decodeJwt((await browser.signIn({ login_hint: 'bob' })).id_token).sub).toBe(bob.sub);
    expect(decodeJwt((await browser.signIn({ login_hint: undefined })).id_token).sub).toBe(bob.sub);
  });

  it('answers prompt=none with login_required when nobody is signed in', async () => {
    const stranger = await new ScriptedClient(server).authorize({ prompt: 'none' });
    expect(stranger.landing.searchParams.get('error')).toBe('login_required');

    const browser = new ScriptedClient(server);
    await browser.signIn();
    expect((await browser.authorize({ prompt: 'none' })).landing.searchParams.has('code')).toBe(true);
  });

  it('steps up to a requested acr, and says basic for one it does not know', async () => {
    const browser = new ScriptedClient(server);
    await browser.signIn();
    const strong = 'urn:claimcheck:demo:strong';

    const asked = await browser.authorize({ acr_values: strong });
    expect(asked.landing.pathname).toContain('/interaction/');
    expect(decodeJwt((await browser.signIn({ acr_values: strong })).id_token).acr).toBe(strong);
    const unknown = await new ScriptedClient(server).signIn({ acr_values: 'urn:example:unknown' });
    expect(decodeJwt(unknown.id_token).acr).toBe('urn:claimcheck:demo:basic');
  });

  it('refuses a request without PKCE and one for an unknown redirect URI', async () => {
    const browser = new ScriptedClient(server);
    const plain = { login_hint: 'alice', code_challenge: undefined, code_challenge_method: undefined };

    expect((await browser.authorize(plain)).landing.searchParams.get('error')).toBe('invalid_request');
    const foreign = await browser.authorize({ login_hint: 'alice', redirect_uri: 'http://localhost:9/elsewhere' });
    expect(foreign.response.status).toBe(400);
    expect(await foreign.response.text()).toContain('That did not work');
  });

  it('refuses the page of a sign-in that this browser did not begin', async () => {
    const { landing } = await new ScriptedClient(server).authorize();
    const response = await new ScriptedClient(server).visit(landing);

    expect(response.status).toBe(400);
    expect(await response.text()).not.toContain('Alice');
  });
});

describe('pushed authorization requests', () => {
  it('lead to the same sign-in, refresh token included', async () => {
    const browser = new ScriptedClient(server);
    const verifier = 'a-verifier-that-is-long-enough-for-rfc-7636-1234';
    const params = Object.fromEntries(browser.paramsFor(verifier, { login_hint: 'bob', unheard_of: 'yes' }));
    const pushed = await browser.post('/request', params);
    expect(pushed.status).toBe(201);
    const { request_uri } = (await pushed.json()) as { request_uri: string };
    const query = new URLSearchParams({ client_id: client.clientId, request_uri });

    const { url } = await browser.follow(`/auth?${query}`);
    const tokens = await browser.exchange(url.searchParams.get('code') ?? '', verifier);
    expect(decodeJwt(tokens.id_token).sub).toBe(bob.sub);
    expect(tokens.refresh_token).toEqual(expect.any(String));
    expect(server.record.lastAuthorizationParams).toEqual({ ...params, client_id: client.clientId, request_uri });
  });
});
