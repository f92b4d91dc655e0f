/** What every kind of Redis tells of changed keys, and when that can be relied on. */

import { afterEach, describe, expect, it } from 'vitest';
import { slotOf } from '../../../src/redis/slot.ts';
import { newSession } from '../../contract/session-store.ts';
import { eventually } from '../../support/eventually.ts';
import { type ClusterGroup, startCluster, startSentinelGroup } from '../../support/redis-groups.ts';
import { type Connected, connectedTo, isServed } from './topologies.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A client, and the ids that it was told of; `undefined` for "any may have changed". */
async function listening(url: string) {
  const client = await connectedTo(url);
  cleanups.push(() => client.redis.close());
  const told: (string | undefined)[] = [];
  client.store.onChanged((id) => told.push(id));
  return { ...client, told };
}

/** A session that was read, so that its changes are told of. Its own writes are not in `told`. */
async function held({ store, told }: Pick<Connected, 'store'> & { readonly told: unknown[] }, place?: number) {
  for (;;) {
    const session = newSession();
    if (place !== undefined && Math.floor((slotOf(`{${session.id}}`) * 3) / 16_384) !== place) continue;
    await store.create(session);
    await store.read(session.id);
    told.length = 0;
    return session;
  }
}

function serverAt(group: ClusterGroup, place: number) {
  const server = group.servers[place];
  if (server === undefined) throw new Error(`there is no server ${place}`);
  return server;
}

describe('a master under sentinels', () => {
  it('SE-12: tells of what others write, and everything is in doubt once another has its place', async () => {
    const group = await startSentinelGroup();
    cleanups.push(() => group[Symbol.asyncDispose]());
    const client = await listening(group.url);
    const other = await connectedTo(group.url);
    cleanups.push(() => other.redis.close());
    const session = await held(client);
    const { id } = session;
    const before = await group.master();
    expect(client.redis.isInTouch).toBe(true);

    await other.store.touch(id, session);
    await eventually(() => expect(client.told).toContain(id));
    expect(client.told).not.toContain(undefined);
    await client.store.read(id);
    client.told.length = 0;

    await group.sentinels[0]?.cli('SENTINEL', 'FAILOVER', 'sessions');
    await group.switched(before);
    await eventually(() => client.told.includes(undefined), 10_000);

    await eventually(() => client.redis.isInTouch && isServed(() => client.store.read(id)), 10_000);
    client.told.length = 0;
    await eventually(() => isServed(() => other.store.end(id, 'signed-out')), 10_000);
    await eventually(() => expect(client.told).toContain(id));
  }, 60_000);

  it('SE-12: is not relied on once it is dead', async () => {
    const group = await startSentinelGroup();
    cleanups.push(() => group[Symbol.asyncDispose]());
    const client = await listening(group.url);
    await held(client);
    expect(client.redis.isInTouch).toBe(true);

    await (await group.master()).kill();

    await eventually(() => client.told.includes(undefined) && !client.redis.isInTouch);
  }, 60_000);
});

describe('a cluster', () => {
  it('SE-12: tells of what others write on any master; a moved slot or a silent master puts all in doubt', async () => {
    const group = await startCluster();
    cleanups.push(() => group[Symbol.asyncDispose]());
    const client = await listening(group.url);
    await eventually(() => client.redis.isInTouch);
    for (const place of [0, 1, 2]) {
      const { id } = await held(client, place);
      await serverAt(group, place).cli('HSET', `cc:{${id}}:session`, 'seen', '1');
      await eventually(() => expect(client.told).toEqual([id]));
    }
    await held(client, 0);
    const empty = slotOf('nothing lies here');
    const to = serverAt(group, (Math.floor((empty * 3) / 16_384) + 1) % 3);
    const toId = await to.cli('CLUSTER', 'MYID');
    for (const server of [to, ...group.servers]) await server.cli('CLUSTER', 'SETSLOT', empty, 'NODE', toId);
    await eventually(() => client.told.includes(undefined), 10_000);
    await eventually(() => client.redis.isInTouch);

    const frozen = serverAt(group, 1);
    frozen.freeze();
    cleanups.push(() => frozen.thaw());
    await eventually(() => !client.redis.isInTouch, 10_000);
  }, 60_000);
});
