/**
 * From what a person may choose to what the demo starts with.
 */

import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { closeServer, freePort, isPortTaken, listenOnLoopback } from '../../../demo/loopback.ts';
import {
  claimcheckClient,
  claimcheckEnvironment,
  DemoFault,
  portFrom,
  portTakenFault,
} from '../../../demo/settings.ts';

const facts = {
  port: 3000,
  opsPort: 9091,
  issuer: 'http://127.0.0.1:4000',
  resource: 'https://orders.example.test',
  apiUrl: 'http://127.0.0.1:4001',
  client: claimcheckClient(3000),
};

describe('a port', () => {
  it.each([
    ['PORT', 3000],
    ['OPS_PORT', 9091],
    ['DEMO_AS_PORT', 4000],
    ['DEMO_API_PORT', 4001],
  ] as const)('%s is %i unless told otherwise', (name, port) => {
    expect(portFrom({}, name)).toBe(port);
    expect(portFrom({ [name]: '' }, name)).toBe(port);
    expect(portFrom({ [name]: '0' }, name)).toBe(0);
    expect(portFrom({ [name]: '8080' }, name)).toBe(8080);
  });

  it.each(['http', '-1', '65536', '3000x', ' 3000', '1e3'])('cannot be "%s"', (text) => {
    expect(() => portFrom({ PORT: text }, 'PORT')).toThrow(DemoFault);
  });

  it('that is taken gets one sentence that says which, and what to do', () => {
    expect(portTakenFault('DEMO_AS_PORT', 4000).message).toBe(
      'Port 4000 is taken: stop what listens there, or choose another with DEMO_AS_PORT=4100 npm run demo.',
    );
    expect(portTakenFault('PORT', 65_500).message).toContain('PORT=3100 npm');
  });
});

describe('the environment of Claimcheck', () => {
  it('is whole, and says where everything is', () => {
    const env = claimcheckEnvironment({}, facts);

    expect(env).toMatchObject({
      PORT: '3000',
      OPS_PORT: '9091',
      PUBLIC_URL: 'http://localhost:3000',
      ISSUER: 'http://127.0.0.1:4000',
      API_UPSTREAM: 'http://127.0.0.1:4001',
      API_AUDIENCE: 'https://orders.example.test',
      SCOPES: 'openid profile email offline_access orders.read orders.write',
      SESSION_STORE: 'memory',
      LOG_LEVEL: 'warn',
    });
    expect(env).not.toHaveProperty('REDIS_URL');
    expect(existsSync(`${env.PUBLIC_DIR}/index.html`)).toBe(true);
  });

  it('has secrets of its own at each start, long enough to be accepted', () => {
    const [one, other] = [claimcheckEnvironment({}, facts), claimcheckEnvironment({}, facts)];

    expect(Buffer.from(String(one.SESSION_SECRETS), 'base64url')).toHaveLength(32);
    expect(one.SESSION_SECRETS).not.toBe(other.SESSION_SECRETS);
    expect(claimcheckClient(3000).clientSecret).not.toBe(claimcheckClient(3000).clientSecret);
  });

  it('keeps sessions in Redis when there is one', () => {
    const env = claimcheckEnvironment({ REDIS_URL: 'redis://127.0.0.1:6379' }, facts);

    expect(env.REDIS_URL).toBe('redis://127.0.0.1:6379');
    expect(env).not.toHaveProperty('SESSION_STORE');
  });

  it('takes the settings worth a try from the shell, and nothing else', () => {
    const env = claimcheckEnvironment(
      { LOG_LEVEL: 'debug', SESSION_IDLE_TIMEOUT: '90s', ISSUER: 'https://elsewhere.test', PATH: '/bin' },
      facts,
    );

    expect(env).toMatchObject({ LOG_LEVEL: 'debug', SESSION_IDLE_TIMEOUT: '90s', ISSUER: facts.issuer });
    expect(env).not.toHaveProperty('PATH');
  });

  it('and the registered client fit together', () => {
    const { PUBLIC_URL, CLIENT_ID, CLIENT_SECRET } = claimcheckEnvironment({}, facts);

    expect(facts.client).toEqual({
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      redirectUris: [`${PUBLIC_URL}/callback`],
      postLogoutRedirectUris: [`${PUBLIC_URL}/`],
      backchannelLogoutUri: `${PUBLIC_URL}/backchannel-logout`,
    });
  });
});

describe('a probe', () => {
  const server = createServer();
  afterEach(() => closeServer(server));

  it('sees a port that is taken, and one that is not', async () => {
    const port = await listenOnLoopback(server, 0);
    expect(await isPortTaken(port)).toBe(true);
    await closeServer(server);

    expect(await isPortTaken(port)).toBe(false);
    expect(await isPortTaken(await freePort(), ['127.0.0.1', '::1'])).toBe(false);
  });

  it('leaves a taken port as it is', async () => {
    const port = await listenOnLoopback(server, 0);
    await isPortTaken(port);

    expect(server.listening).toBe(true);
    await expect(listenOnLoopback(createServer(), port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
