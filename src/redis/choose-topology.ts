/**
 * From what `REDIS_URL` says to the topology that is reached by it.
 *
 * @module
 */

import { Secret } from '../base/secret.ts';
import { type Credentials, parseRedisUrl, type RedisAddress } from '../config/redis-url.ts';
import { Cluster } from './cluster.ts';
import type { Access } from './connection.ts';
import { SentinelMaster } from './sentinel.ts';
import { SingleServer } from './single.ts';
import type { RedisTopology, TopologyOptions } from './topology.ts';

/** Reads an address. Throws when it is none, without showing it. */
export function addressIn(url: Secret): RedisAddress {
  const address = parseRedisUrl(url.reveal());
  if (address === undefined) {
    throw new Error('REDIS_URL is not an address of the form redis://…, rediss://…, …-sentinel://… or …-cluster://…');
  }
  return address;
}

/** What opens the doors of the servers that hold sessions. */
export function accessTo(address: RedisAddress): Access {
  return { ...accessWith(address), database: address.database };
}

/** Begins to connect, and goes on trying. */
export function openTopology(address: RedisAddress, options: TopologyOptions): RedisTopology {
  const [first] = address.places;
  if (first === undefined) throw new Error('an address without a place was taken for one');
  switch (address.kind) {
    case 'single':
      return new SingleServer(first, options);
    case 'sentinel':
      return new SentinelMaster({
        ...options,
        address,
        sentinelAccess: accessWith({ ...address.sentinel, tls: address.tls }),
      });
    case 'cluster':
      return new Cluster({ ...options, seeds: address.places });
  }
}

function accessWith({ username, password, tls }: Credentials & Pick<RedisAddress, 'tls'>): Access {
  return { tls, username, password: password === undefined ? undefined : new Secret(password), database: 0 };
}
