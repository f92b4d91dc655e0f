/**
 * What all peers of a run share: the provider, Redis, the upstream.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AuthorizationServer, startAuthorizationServer } from '../demo/authorization-server.ts';
import { freePort } from '../test/support/ports.ts';
import { type RedisServer, startRedis } from '../test/support/redis.ts';
import { startUpstream } from './load/upstream.ts';

/** Where peers are started. */
export interface Place {
  readonly provider: AuthorizationServer;
  readonly redis: RedisServer;
  readonly upstreamPort: number;
  readonly upstreamPid: number;
  /** For configuration files and logs; goes with the place. */
  readonly directory: string;
  /** How many people each peer with sessions has signed in. */
  readonly sessions: number;
  close(): Promise<void>;
}

/** A client of the provider, for one peer. */
export interface Client {
  readonly port: number;
  readonly origin: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** As an API of some size asks for, and such that a token comes to 1 KB. */
const accessTokenClaims = {
  roles: ['customer', 'order-clerk', 'returns-clerk'],
  permissions: ['orders:read', 'orders:write', 'orders:cancel', 'returns:read', 'returns:write', 'invoices:read'],
  tenant: 'north-west-retail',
  department: 'customer-service',
};

/** Starts what is shared. */
export async function openPlace({ sessions }: { readonly sessions: number }): Promise<Place> {
  const directory = mkdtempSync(join(tmpdir(), 'claimcheck-bench-'));
  const [provider, redis, upstream] = await Promise.all([
    startAuthorizationServer({ accessTokenTtlSeconds: 4 * 3_600, accessTokenClaims }),
    startRedis(),
    startUpstream(),
  ]);
  return {
    provider,
    redis,
    directory,
    sessions,
    upstreamPort: upstream.port,
    upstreamPid: upstream.pid,
    close: async () => {
      upstream.stop();
      await redis.stop();
      await provider.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Registers a peer at the provider, with a free port. */
export async function registerClient(place: Place, callback: string): Promise<Client> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const client = { clientId: `bench-${port}`, clientSecret: randomBytes(24).toString('hex') };
  await place.provider.addClient({ ...client, redirectUris: [`${origin}${callback}`] });
  return { port, origin, ...client };
}
