/**
 * The peers that are programs of bench/rivals/, run by the same Node as Claimcheck.
 *
 * @module
 */

import { type Client, type Place, registerClient } from '../place.ts';
import type { Caller } from '../sign-in.ts';
import { signInMany } from '../sign-in.ts';
import { startProgram } from './child.ts';
import type { Peer, RunningPeer } from './peer.ts';

/** What is sent to a peer without sessions: a cookie of the usual size. */
export const anonymous: readonly Caller[] = [{ cookie: `session=${'s'.repeat(90)}`, csrfToken: '' }];

/** The naive stack. */
export const naive: Peer = {
  name: 'naive',
  title: 'the same packages wired as their READMEs do it, sessions in Redis',
  missing: () => undefined,
  start: async (place) => {
    const client = await registerClient(place, '/callback');
    const loginPath = '/login?login_hint=alice';
    return signedIn(place, { client, file: 'naive-stack.ts', plan: { loginPath, csrfPath: '/' } });
  },
};

/** express-openid-connect. */
export const expressOpenid: Peer = {
  name: 'express-openid-connect',
  title: 'express-openid-connect before http-proxy-middleware, sessions in the cookie',
  missing: () => undefined,
  start: async (place) => {
    const client = await registerClient(place, '/callback');
    return signedIn(place, { client, file: 'express-openid.ts', plan: { loginPath: '/login' } });
  },
};

/** http-proxy-middleware without anything. */
export const proxyAlone: Peer = {
  name: 'http-proxy-middleware',
  title: 'http-proxy-middleware alone, no session, no guard',
  missing: () => undefined,
  start: async (place) => {
    const client = await registerClient(place, '/callback');
    const { pid, stop } = await startRival(place, { client, file: 'proxy-alone.ts', base: '/open' });
    return { pid, port: client.port, callers: anonymous, stop };
  },
};

interface Rival {
  readonly client: Client;
  readonly file: string;
  readonly base?: string;
}

type SignedInRival = Rival & { readonly plan: { readonly loginPath: string; readonly csrfPath?: string } };

async function signedIn(place: Place, { plan, ...rival }: SignedInRival): Promise<RunningPeer> {
  const { pid, stop } = await startRival(place, rival);
  const { port, origin } = rival.client;
  return { pid, port, callers: await signInMany({ origin, ...plan, count: place.sessions }), stop };
}

function startRival(place: Place, { client, file, base = '/private' }: Rival) {
  return startProgram(place, {
    command: [process.execPath, `bench/rivals/${file}`],
    port: client.port,
    env: {
      PORT: String(client.port),
      ORIGIN: client.origin,
      ISSUER: place.provider.issuer,
      CLIENT_ID: client.clientId,
      CLIENT_SECRET: client.clientSecret,
      RESOURCE: place.provider.resource,
      UPSTREAM: `http://127.0.0.1:${place.upstreamPort}${base}`,
      REDIS_URL: place.redis.url,
    },
  });
}
