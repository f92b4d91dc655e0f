/**
 * Starting the demo's authorization server, and what it remembers for tests.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  startAuthorizationServer,
} from '../../../demo/authorization-server.ts';
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

describe('the record', () => {
  it('holds every secret, grants by type and refusals', async () => {
    const own = await start();
    const browser = new ScriptedClient(own);
    const { landing, verifier } = await browser.authorize({ login_hint: 'alice' });
    const code = landing.searchParams.get('code') ?? '';
    const first = await browser.exchange(code, verifier);
    const second = await browser.refresh(first.refresh_token);
    await browser.refresh('nobody-issued-this');

    expect(new Set(own.issuedSecrets())).toEqual(
      new Set([
        code,
        ...[first, second].flatMap((tokens) => [tokens.access_token, tokens.refresh_token, tokens.id_token]),
      ]),
    );
    expect(Object.fromEntries(own.record.grants)).toEqual({ authorization_code: 1, refresh_token: 1 });
    expect(own.record.refusedGrants).toEqual([{ grantType: 'refresh_token', error: 'invalid_grant' }]);
    expect(own.record.serverErrors).toEqual([]);
  });

  it('holds the parameters as they were sent, known or not', async () => {
    const own = await start();
    const { params } = await new ScriptedClient(own).authorize({ login_hint: 'alice', unheard_of: 'yes' });

    expect(own.record.lastAuthorizationParams).toEqual(Object.fromEntries(params));
  });
});

describe('a start', () => {
  it('makes keys of its own: RS256 and ES256, and none of another start', async () => {
    const keysOf = async ({ url }: AuthorizationServer) => {
      const { keys } = (await (await fetch(`${url}/jwks`)).json()) as { keys: { kid: string; alg: string }[] };
      return keys;
    };
    const [here, there] = [await keysOf(server), await keysOf(await start())];

    expect(here.map(({ alg }) => alg).sort()).toEqual(['ES256', 'RS256']);
    expect(here.filter(({ kid }) => there.some((key) => key.kid === kid))).toEqual([]);
  });

  it('fails on a port that is taken, with the code that says so', async () => {
    await expect(start({ port: Number(new URL(server.url).port) })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('refuses a client with faulty metadata', async () => {
    await expect(server.addClient({ ...client, redirectUris: ['no uri'] })).rejects.toThrow();
  });
});
