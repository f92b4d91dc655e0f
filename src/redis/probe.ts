/**
 * One look at each Redis server that an address names, for somebody who is setting it
 * up: what the server says of itself, or why it cannot be asked. Nothing is tried twice.
 *
 * Of sentinels it is asked which master they name, and then that master; of the nodes of
 * a cluster those that are named are looked at, and not what they know of others.
 *
 * @module
 */

import { createClient, RESP_TYPES } from 'redis';
import type { Clock } from '../base/clock.ts';
import { DeadlineError, withDeadline } from '../base/deadline.ts';
import type { Secret } from '../base/secret.ts';
import type { Place } from '../config/redis-url.ts';
import { accessTo, accessToSentinels, addressIn } from './choose-topology.ts';
import { type Access, providerOf, socketTo } from './connection.ts';
import { kindOf, nameOf, type Send } from './node.ts';
import { placeOfMaster } from './sentinel-group.ts';
import { serverFaults } from './server-check.ts';

/** What was seen of one server. */
export type RedisProbe = { readonly server: string; readonly role: 'server' | 'sentinel' } & (
  | { readonly kind: 'reached'; readonly faults: readonly string[] }
  /** `word`: the first of an error reply (`WRONGPASS`, `NOPERM` …), or Node's code for a connection that failed. */
  | { readonly kind: 'refused' | 'away'; readonly word: string }
);

/** How long a look may take, ms, and by which clock. */
export interface ProbeLimits {
  readonly clock: Clock;
  readonly limitMs: number;
}

interface Door extends ProbeLimits {
  readonly place: Place;
  readonly access: Access;
  readonly role: RedisProbe['role'];
}

/** Connects, asks, and closes, for each server at once. At least one; does not reject, whatever the servers do. Throws when the URL is none. */
export async function probeRedis(url: Secret, limits: ProbeLimits): Promise<readonly RedisProbe[]> {
  const { kind, places } = addressIn(url);
  if (kind === 'sentinel') return probeSentinels(url, limits);
  const access = accessTo(url);
  return Promise.all(places.map((place) => probeServer({ ...limits, place, access })));
}

async function probeSentinels(url: Secret, limits: ProbeLimits): Promise<readonly RedisProbe[]> {
  const { places, masterName } = addressIn(url);
  const named = new Map<string, Place>();
  const access = accessToSentinels(url);
  const sentinels = await Promise.all(
    places.map((place) =>
      look({ ...limits, place, access, role: 'sentinel' }, async (send) => {
        const master = placeOfMaster(await send(['SENTINEL', 'MASTER', masterName]));
        if (master === undefined) return ['does not say where the master is'];
        named.set(nameOf(master), master);
        return [];
      }),
    ),
  );
  const masters = [...named.values()].map((place) => probeServer({ ...limits, place, access: accessTo(url) }));
  return [...sentinels, ...(await Promise.all(masters))];
}

function probeServer(door: Omit<Door, 'role'>): Promise<RedisProbe> {
  return look({ ...door, role: 'server' }, async (send) => {
    await send(['CLIENT', 'TRACKING', 'ON']); // without that right no connection of the product is made
    return serverFaults([await send(['INFO', 'server']), await send(['INFO', 'memory'])].join('\n'));
  });
}

async function look(
  { place, access, role, clock, limitMs }: Door,
  ask: (send: Send) => Promise<readonly string[]>,
): Promise<RedisProbe> {
  const seen = { server: nameOf(place), role };
  const client = createClient({
    credentialsProvider: providerOf(access),
    database: access.database,
    RESP: 3,
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    maintNotifications: 'disabled',
    disableClientInfo: true,
    socket: { ...socketTo(place, access), connectTimeout: limitMs, reconnectStrategy: false },
  });
  client.on('error', () => undefined); // told by whichever promise fails
  const asking = async () => {
    await client.connect();
    return ask((parts) => client.sendCommand([...parts]) as ReturnType<Send>); // what RESP3 can hold of these answers
  };
  try {
    return {
      ...seen,
      kind: 'reached',
      faults: await withDeadline(asking(), { what: 'a look at Redis', limitMs, clock }),
    };
  } catch (error) {
    return { ...seen, ...failureOf(error) };
  } finally {
    client.destroy();
  }
}

function failureOf(error: unknown): { readonly kind: 'refused' | 'away'; readonly word: string } {
  const refusal = kindOf(error);
  if (refusal !== undefined) return { kind: 'refused', word: refusal };
  if (error instanceof DeadlineError) return { kind: 'away', word: 'timeout' };
  return { kind: 'away', word: error instanceof Error && 'code' in error ? String(error.code) : 'closed' };
}
