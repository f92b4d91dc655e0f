/**
 * From what `REDIS_URL` says to the topology that is reached by it.
 *
 * @module
 */

import type { Secret } from '../base/secret.ts';
import { parseRedisUrl, type RedisAddress } from '../config/redis-url.ts';
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

/** What opens the doors of the servers that hold sessions. Throws when the URL is none, without showing it. */
export function accessTo(url: Secret): Access {
  const { tls, database } = addressIn(url);
  return { tls, database, credentials: () => addressIn(url) };
}

/** What opens the doors of sentinels. */
export function accessToSentinels(url: Secret): Access {
  const { tls } = addressIn(url);
  return { tls, database: 0, credentials: () => addressIn(url).sentinel };
}

/** Begins to connect, and goes on trying. */
export function openTopology(url: Secret, options: TopologyOptions): RedisTopology {
  const address = addressIn(url);
  const [first] = address.places;
  if (first === undefined) throw new Error('an address without a place was taken for one');
  switch (address.kind) {
    case 'single':
      return new SingleServer(first, options);
    case 'sentinel':
      return new SentinelMaster({ ...options, address, sentinelAccess: accessToSentinels(url) });
    case 'cluster':
      return new Cluster({ ...options, seeds: address.places });
  }
}
