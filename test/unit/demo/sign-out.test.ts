/**
 * How people sign out at the demo's authorization server, and who is told.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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

describe('signing out', () => {
  const back = 'http://localhost:9/';

  async function signedIn() {
    const browser = new ScriptedClient(server);
    const tokens = await browser.signIn();
    const end = (changes: Readonly<Record<string, string>>) =>
      browser.follow(
        `/session/end?${new URLSearchParams({ client_id: client.clientId, post_logout_redirect_uri: back, state: 's', ...changes })}`,
      );
    return { browser, end, tokens };
  }

  it.each([
    ['subject', alice.sub],
    ['login', alice.login],
    ['address', alice.email],
  ])('needs no question when the %s is hinted', async (_what, hint) => {
    const { browser, end } = await signedIn();

    expect((await end({ logout_hint: hint })).url.href).toBe(`${back}?state=s`);
    expect((await browser.authorize()).landing.pathname).toContain('/interaction/');
  });

  it('needs no question with the ID token as hint', async () => {
    const { end, tokens } = await signedIn();

    expect((await end({ id_token_hint: tokens.id_token })).url.href).toBe(`${back}?state=s`);
  });

  it('asks when the hint is missing or means somebody else, and nothing has ended by then', async () => {
    const { browser, end } = await signedIn();
    for (const changes of [{}, { logout_hint: bob.sub }]) {
      const { response } = await end(changes);
      expect(await response.text()).toContain('Yes, sign me out');
    }

    expect((await browser.authorize()).landing.searchParams.has('code')).toBe(true);
  });

  it('goes back to registered addresses only', async () => {
    const { browser, end } = await signedIn();
    const { response } = await end({ logout_hint: alice.sub, post_logout_redirect_uri: 'https://evil.test/' });

    expect(response.status).toBe(400);
    expect((await browser.authorize()).landing.searchParams.has('code')).toBe(true);
  });

  it('says good-bye on a page of its own when nobody wants the person back', async () => {
    const browser = new ScriptedClient(server);
    await browser.signIn();
    const { response } = await browser.follow(`/session/end?client_id=${client.clientId}&logout_hint=alice`);

    expect(await response.text()).toContain('You are signed out');
  });

  it('is not offered when it is switched off', async () => {
    const without = await start({ endSession: false, par: false, revocation: false });
    const metadata = await metadataOf(without);

    for (const name of ['end_session_endpoint', 'pushed_authorization_request_endpoint', 'revocation_endpoint']) {
      expect(metadata).not.toHaveProperty(name);
      expect(await metadataOf(server)).toHaveProperty(name);
    }
    expect((await fetch(`${without.url}/session/end`)).status).toBe(404);
  });
});

describe('back-channel logout', () => {
  const received: string[] = [];
  const receiver = createServer(async (request, response) => {
    for await (const chunk of request) received.push(String(chunk));
    response.end();
  });

  beforeAll(() => new Promise<void>((resolve) => void receiver.listen(0, '127.0.0.1', resolve)));
  afterAll(() => new Promise<void>((resolve) => void receiver.close(() => resolve())));

  it('tells a client that gave an address, on this machine too', async () => {
    // A listening TCP server has an AddressInfo.
    const { port } = receiver.address() as AddressInfo;
    const own = await start({ clients: [{ ...client, backchannelLogoutUri: `http://127.0.0.1:${port}/logout` }] });
    const browser = new ScriptedClient(own);
    const { sid } = decodeJwt((await browser.signIn()).id_token);
    await browser.follow(`/session/end?client_id=${client.clientId}&logout_hint=${String(sid)}`);

    expect(own.record.sentLogouts).toEqual([{ clientId: client.clientId, sub: alice.sub, sid, delivered: true }]);
    const token = new URLSearchParams(received[0]).get('logout_token') ?? '';
    const { payload, protectedHeader } = await jwtVerify(token, createRemoteJWKSet(new URL('/jwks', own.url)), {
      issuer: own.issuer,
      audience: client.clientId,
    });
    expect(protectedHeader.typ).toBe('logout+jwt');
    expect(payload).toMatchObject({ sid, events: { 'http://schemas.openid.net/event/backchannel-logout': {} } });
  });

  it('lets a person sign out though the client does not answer', async () => {
    const own = await start({ clients: [{ ...client, backchannelLogoutUri: 'http://127.0.0.1:9/logout' }] });
    const browser = new ScriptedClient(own);
    await browser.signIn();
    await browser.follow(`/session/end?client_id=${client.clientId}&logout_hint=alice`);

    expect(own.record.sentLogouts).toMatchObject([{ delivered: false }]);
    expect((await browser.authorize()).landing.pathname).toContain('/interaction/');
  });
});
