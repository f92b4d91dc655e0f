/** Everybody's sessions, in each kind of Redis: found on every master, and only those of one's own keys. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { AllSessions } from '../../../src/session/all-sessions.ts';
import { eventually } from '../../support/eventually.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { startCluster, startSentinelGroup } from '../../support/redis-groups.ts';
import { allOf, type Connected, connectedTo } from '../redis/topologies.ts';
import { sessionsAt } from './sessions-at.ts';

interface Group extends AsyncDisposable {
  readonly url: string;
  readonly servers: readonly RedisServer[];
}

async function startSingle(): Promise<Group> {
  const server = await startRedis();
  return { url: server.url, servers: [server], [Symbol.asyncDispose]: () => server.stop() };
}

const topologies: readonly (readonly [name: string, start: () => Promise<Group>])[] = [
  ['one Redis', startSingle],
  ['Redis under Sentinel', () => startSentinelGroup({ sentinels: 1 })],
  ['a cluster', () => startCluster()],
];

describe.each(topologies)('everybody, in %s', (_name, start) => {
  let group: Group;
  let client: Connected;

  beforeAll(async () => {
    group = await start();
    client = await connectedTo(group.url);
  }, 60_000);

  afterAll(async () => {
    await client.redis.close();
    await group[Symbol.asyncDispose]();
  });

  const frontend = (frontendId = 'main') => {
    const at = sessionsAt({ store: client.store, clock: systemClock, frontendId });
    return { ...at, everybody: new AllSessions({ ...at, redis: client.redis }) };
  };
  const signIns = async ({ signIn }: Pick<ReturnType<typeof frontend>, 'signIn'>, count: number) =>
    (await Promise.all(Array.from({ length: count }, () => signIn()))).map(({ session }) => session.id);
  const living = async (ids: readonly string[]) =>
    (await Promise.all(ids.map((id) => client.store.read(id)))).filter((found) => found !== undefined).length;
  const endOf = async ({ everybody }: ReturnType<typeof frontend>) => {
    let count = 0;
    await everybody.end((more) => {
      count += more;
    });
    return count;
  };

  it('LO-27: ends more than are found in one step, on every master, and none that other keys sealed', async () => {
    const [own, foreign] = [frontend(), frontend()];
    const mine = await signIns(own, 1_500);
    const theirs = await signIns(foreign, 30);
    const heard = new Set<string>();
    client.store.onEnded((id) => heard.add(id));

    expect(await own.everybody.count()).toBe(1_500);
    expect(await endOf(own)).toBe(1_500);

    expect(await living(mine)).toBe(0);
    expect(await living(theirs)).toBe(30);
    await eventually(() => heard.size === 1_500);
    expect(new Set(mine)).toEqual(heard);
    expect([await own.everybody.count(), await endOf(own), await foreign.everybody.count()]).toEqual([0, 0, 30]);
    expect(await endOf(foreign)).toBe(30);
  }, 60_000);

  it('LO-27: reports a card that was damaged, and leaves it and whatever is no card', async () => {
    const own = frontend();
    const [damaged = '', whole = ''] = await signIns(own, 2);
    const name = `cc:{${damaged}}:card`;
    const bytes = (await client.redis.command('GET', name)) as Buffer;
    await client.redis.command(
      'SET',
      name,
      Buffer.concat([bytes.subarray(0, -1), Buffer.from([~(bytes.at(-1) ?? 0) & 255])]),
    );
    await client.redis.command('HSET', 'cc:{no-card}:card', 'v', '1');
    await client.redis.command('SET', 'cc:{too-short}:carder', 'x');

    expect(await own.everybody.count()).toBe(1);
    expect(own.reports.lines).toEqual([`unreadable ${damaged} card not-authentic`]);
    expect(await endOf(own)).toBe(1);
    expect([await living([damaged]), await living([whole])]).toEqual([1, 0]);
  });

  it('LO-27: fails rather than misses some when a connection broke on the way, and may be repeated', async () => {
    const own = frontend();
    await signIns(own, 1_500);
    const walk = client.redis.keysLike('cc:{*}:card');
    expect((await walk.next()).done).toBe(false);

    for (const server of group.servers) await server.cli('CLIENT', 'KILL', 'TYPE', 'normal');
    await eventually(() => client.redis.ping(), 10_000);

    await expect(allOf(walk)).rejects.toMatchObject({ code: 'store-unavailable' });
    await eventually(async () => (await own.everybody.count().catch(() => 0)) === 1_500, 10_000);
    expect(await endOf(own)).toBe(1_500);
  }, 60_000);
});
