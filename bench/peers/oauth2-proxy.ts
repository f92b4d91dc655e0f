/**
 * oauth2-proxy with Redis, where somebody has put it on the PATH.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { find, type Program } from '../../test/support/programs.ts';
import { registerClient } from '../place.ts';
import { signInMany } from '../sign-in.ts';
import { startProgram } from './child.ts';
import type { Peer } from './peer.ts';

const program: Program = { names: ['oauth2-proxy'], variable: 'OAUTH2_PROXY', debianPackage: 'oauth2-proxy' };

/** The peer. */
export const oauth2Proxy: Peer = {
  name: 'oauth2-proxy',
  title: 'oauth2-proxy, sessions in Redis',
  missing: () => (find(program) === undefined ? 'oauth2-proxy is not on the PATH' : undefined),
  start: async (place) => {
    const client = await registerClient(place, '/oauth2/callback');
    const { port, origin } = client;
    const flags = {
      'http-address': `127.0.0.1:${port}`,
      provider: 'oidc',
      'oidc-issuer-url': place.provider.issuer,
      'client-id': client.clientId,
      'client-secret': client.clientSecret,
      'redirect-url': `${origin}/oauth2/callback`,
      upstream: `http://127.0.0.1:${place.upstreamPort}/private/`,
      scope: 'openid profile email orders.read',
      'email-domain': '*',
      'insecure-oidc-allow-unverified-email': 'true',
      'code-challenge-method': 'S256',
      'cookie-secret': randomBytes(16).toString('hex'),
      'cookie-secure': 'false',
      'session-store-type': 'redis',
      'redis-connection-url': place.redis.url,
      'pass-authorization-header': 'true',
      'login-url-parameter': 'login_hint=alice',
      'request-logging': 'false',
      'skip-provider-button': 'true',
    };
    const { pid, stop } = await startProgram(place, {
      command: [find(program) ?? '', ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)],
      port,
    });
    const callers = await signInMany({ origin, loginPath: '/api/small', count: place.sessions });
    return { pid, port, callers, stop };
  },
};
