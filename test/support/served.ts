/**
 * Claimcheck as a process of its own, before a provider of the test's process:
 * for what must be seen from outside, such as memory, signals and crashes.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { type AuthorizationServer, startAuthorizationServer } from '../../demo/authorization-server.ts';
import { Browser } from './browser.ts';
import { freePort } from './ports.ts';
import { type ServerProcess, startServer } from './processes.ts';

/** How it is served. */
export interface ServedOptions {
  /** Where `/api` goes. */
  readonly upstream: string;
  /** Sessions in memory without it. */
  readonly redisUrl?: string;
  /** Settings beside or instead of the usual ones; `undefined` leaves one out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The same for several instances of one deployment. */
  readonly secrets?: string;
}

/** A process that serves, and its provider. */
export interface Served {
  readonly server: ServerProcess;
  readonly provider: AuthorizationServer;
  readonly origin: string;
  readonly port: number;
  /** A browser that Alice has signed in with. */
  signIn(): Promise<Browser>;
  close(): Promise<void>;
}

/** Starts a provider and a process before it. */
export async function startServed({ upstream, redisUrl, env, secrets }: ServedOptions): Promise<Served> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const client = { clientId: 'served', clientSecret: randomBytes(24).toString('hex') };
  const provider = await startAuthorizationServer({
    accessTokenTtlSeconds: 3_600,
    clients: [{ ...client, redirectUris: [`${origin}/callback`] }],
  });
  const settings: Record<string, string | undefined> = {
    PORT: String(port),
    PUBLIC_URL: origin,
    ISSUER: provider.issuer,
    CLIENT_ID: client.clientId,
    CLIENT_SECRET: client.clientSecret,
    SESSION_SECRETS: secrets ?? randomBytes(32).toString('base64url'),
    API_UPSTREAM: upstream,
    ...(redisUrl === undefined ? { SESSION_STORE: 'memory' } : { REDIS_URL: redisUrl }),
    LOG_LEVEL: 'warn',
    ...env,
  };
  const given = Object.entries(settings).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const server = await startServer({
    ...{ entry: 'src/main.ts', env: Object.fromEntries(given), ports: ['OPS_PORT'] },
    limitMs: 60_000, // it may be several processes
  });
  return {
    server,
    provider,
    origin,
    port,
    signIn: async () => {
      const browser = new Browser();
      await browser.navigate(`${origin}/login?login_hint=alice`, { from: `${origin}/` });
      return browser;
    },
    close: async () => {
      await server.stop();
      await provider.close();
    },
  };
}
