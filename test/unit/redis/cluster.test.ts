/** The masters of a cluster: asked about their own keys, followed when slots move or one is lost. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { slotOf } from '../../../src/redis/slot.ts';
import { newSession } from '../../contract/session-store.ts';
import { eventually } from '../../support/eventually.ts';
import type { RedisServer } from '../../support/redis.ts';
import { type ClusterGroup, startCluster } from '../../support/redis-groups.ts';
import { type Connected, connectedTo, isServed } from './topologies.ts';

let group: ClusterGroup;
let client: Connected;

beforeAll(async () => {
  group = await startCluster({ replicas: 1 });
  client = await connectedTo(group.url);
}, 60_000);

afterAll(async () => {
  await client.redis.close();
  await group[Symbol.asyncDispose]();
});

/** A session whose slot lies in the third that the server of this place began with. */
async function createdOn(place: number) {
  for (;;) {
    const session = newSession();
    if (Math.floor((slotOf(`{${session.id}}`) * 3) / 16_384) !== place) continue;
    await client.store.create(session);
    return session;
  }
}

function serverAt(place: number): RedisServer {
  const server = group.servers[place];
  if (server === undefined) throw new Error(`there is no server ${place}`);
  return server;
}

describe('slots', () => {
  it.each(['cc:{abc}:session', 'abc', '{}abc', 'a{b}{c}', '{a', '', 'ä{ö}ü', 'foo{{bar}}zap'])(
    'SE-12: %j lies where Redis says',
    async (key) => {
      expect(slotOf(key)).toBe(Number(await serverAt(0).cli('CLUSTER', 'KEYSLOT', key)));
    },
  );
});

describe('a cluster', () => {
  it('SE-12: keeps sessions on all its masters, and hears of every end', async () => {
    const sessions = await Promise.all([0, 1, 2].map(createdOn));
    const heard: string[] = [];
    client.store.onEnded((id) => heard.push(id));

    for (const [place, { id, sealed }] of sessions.entries()) {
      expect(await serverAt(place).cli('EXISTS', `cc:{${id}}:session`)).toBe('1');
      expect(await client.store.read(id)).toMatchObject({ sealed });
      expect(await client.store.end(id, 'signed-out')).toBe(true);
    }

    await eventually(() => expect([...heard].sort()).toEqual(sessions.map(({ id }) => id).sort()));
  });

  it('SE-12: answers many commands at once in their order, each asked where its slot is', async () => {
    const names = Array.from({ length: 50 }, (_, at) => `cc:many:{${at}}`);
    const redirected = async () =>
      Promise.all(
        [0, 1, 2].map(async (at) => /errorstat_MOVED:\S+/.exec(await serverAt(at).cli('INFO', 'errorstats'))?.[0]),
      );
    const before = await redirected();
    await client.redis.commands(names.map((name, at) => ['SET', name, String(at), 'PX', '60000']));

    const values = await client.redis.commands(names.map((name) => ['GET', name]));

    expect(values.map(String)).toEqual(names.map((_, at) => String(at)));
    expect(await redirected()).toEqual(before);
  });

  it('SE-13: follows a slot while it moves and after it has moved, without one refusal', async () => {
    const session = await createdOn(0);
    const slot = slotOf(`{${session.id}}`);
    const [from, to] = [serverAt(0), serverAt(1)];
    const [fromId, toId] = [await from.cli('CLUSTER', 'MYID'), await to.cli('CLUSTER', 'MYID')];
    const keys = (await from.cli('CLUSTER', 'GETKEYSINSLOT', slot, 10)).split('\n');
    expect(keys).toHaveLength(3);

    await to.cli('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
    await from.cli('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
    await from.cli('MIGRATE', '127.0.0.1', to.port, '', 0, 5_000, 'KEYS', ...keys);
    // All keys are there already, the slot is still here: ASK.
    expect(await client.store.read(session.id)).toMatchObject({ sealed: session.sealed });
    expect(await client.store.touch(session.id, session)).toBe(true);
    for (const server of [to, from]) await server.cli('CLUSTER', 'SETSLOT', slot, 'NODE', toId);
    // The map of the client is old: MOVED.
    expect(await client.store.read(session.id)).toMatchObject({ sealed: session.sealed });
    expect(await client.store.end(session.id, 'signed-out')).toBe(true);
    expect(await client.store.read(session.id)).toBeUndefined();
  });

  it('SE-12, SE-13: that loses a master refuses, never forgets, and serves within 2 s of a whole map', async () => {
    const [lost, kept] = [await createdOn(2), await createdOn(1)];
    const ended = await createdOn(2);
    await client.store.end(ended.id, 'signed-out');
    const { port } = serverAt(2);

    await serverAt(2).kill();
    await eventually(async () => !(await isServed(() => client.store.read(lost.id))));
    expect(await client.redis.ping()).toBe(false);
    await group.recovered(serverAt(2));
    const whole = performance.now();
    await eventually(async () => (await isServed(() => client.store.read(lost.id))) && client.redis.ping(), 10_000);

    expect(performance.now() - whole).toBeLessThan(2_000);
    expect(await client.store.read(lost.id)).toMatchObject({ sealed: lost.sealed });
    expect(await client.store.read(kept.id)).toMatchObject({ sealed: kept.sealed });
    expect(await client.store.read(ended.id)).toBeUndefined();
    expect(client.lines.join('\n')).toContain(`redis cannot be reached {"server":"127.0.0.1:${port}"`);
  }, 60_000);
});
