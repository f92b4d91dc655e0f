/** A master under sentinels: followed when it moves, and sign-outs that survive it. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimOn, newSession } from '../../contract/session-store.ts';
import { eventually } from '../../support/eventually.ts';
import type { RedisServer } from '../../support/redis.ts';
import { type SentinelGroup, startSentinelGroup } from '../../support/redis-groups.ts';
import { type Connected, connectedTo, isServed } from './topologies.ts';

let group: SentinelGroup;
let client: Connected;

beforeEach(async () => {
  group = await startSentinelGroup();
  client = await connectedTo(group.url);
}, 30_000);

afterEach(async () => {
  await client.redis.close();
  await group[Symbol.asyncDispose]();
});

async function created() {
  const session = newSession();
  await client.store.create(session);
  return session;
}

/** The two servers, of which the replica has the session by now. */
async function withCopyOf({ id }: { readonly id: string }) {
  const [master, replica] = group.servers;
  if (!master || !replica) throw new Error('two were started');
  const copies = () => replica.cli('EXISTS', `cc:{${id}}:session`);
  await eventually(async () => (await copies()) === '1');
  return { master, replica, copies };
}

/** From here on the replica may not ask for what it misses. */
async function cutOff(master: RedisServer): Promise<void> {
  await master.cli('ACL', 'SETUSER', 'default', '-psync', '-sync');
  await master.cli('CLIENT', 'KILL', 'TYPE', 'replica');
}

const warnings = () => client.lines.filter((line) => line.startsWith('no replica has confirmed'));

describe('a master under sentinels', () => {
  it('SE-12, SE-13: that dies is refused at once, and its successor serves within 2 s of the switch', async () => {
    const session = await created();
    const ended = newSession();
    await client.store.create(ended);
    await client.store.end(ended.id, 'signed-out');
    const before = await group.master();

    await before.kill();
    await eventually(async () => !(await isServed(() => client.store.read(session.id))));
    await group.switched(before);
    const switched = performance.now();
    await eventually(() => isServed(() => client.store.read(session.id)), 10_000);
    const backMs = performance.now() - switched;

    expect(backMs).toBeLessThan(2_000);
    expect(await client.store.read(session.id)).toMatchObject({ sealed: session.sealed });
    expect(await client.store.read(ended.id)).toBeUndefined();
    expect(warnings()).toEqual([]);
  }, 60_000);

  it('SE-12: that is switched on purpose is followed by commands and messages alike', async () => {
    const heard: string[] = [];
    let gaps = 0;
    client.store.onEnded(
      (id) => heard.push(id),
      () => {
        gaps += 1;
      },
    );
    const session = await created();
    const before = await group.master();

    await group.sentinels[0]?.cli('SENTINEL', 'FAILOVER', 'sessions');
    await group.switched(before);
    await eventually(() => isServed(() => client.store.touch(session.id, session)), 10_000);
    await eventually(() => gaps > 0, 10_000);
    await eventually(
      async () => (await (await group.master()).cli('PUBSUB', 'NUMSUB', 'cc:ended')).endsWith('1'),
      10_000,
    );
    await client.store.end(session.id, 'signed-out');

    await eventually(() => expect(heard).toEqual([session.id]));
  }, 60_000);

  it('LO-01: a sign-out that no replica has is answered, told of, and made again on the next master', async () => {
    const session = await created();
    const { master, replica, copies } = await withCopyOf(session);
    await cutOff(master);

    expect(await client.store.end(session.id, 'signed-out')).toBe(true);
    expect(warnings()).toHaveLength(1);
    expect(await client.store.read(session.id)).toBeUndefined();
    expect(await copies()).toBe('1');
    await master.kill();
    await group.switched(master);

    await eventually(async () => (await replica.cli('EXISTS', `cc:{${session.id}}:session`)) === '0', 10_000);
  }, 60_000);

  it.each(['before the claim', 'after it'])(
    'RF-04: new tokens that no replica has are written again on the next master, cut off %s',
    async (moment) => {
      const session = await created();
      const other = await created();
      const { master, replica } = await withCopyOf(other);
      const [claim, lost] = [claimOn(session, { owner: 'me' }), claimOn(other, { owner: 'me' })];
      if (moment === 'before the claim') await cutOff(master);
      expect(await client.store.beginSpending(claim)).toBe('begun');
      expect(await client.store.beginSpending(lost)).toBe('begun');
      if (moment === 'after it') {
        await eventually(async () => (await replica.cli('HGET', `cc:{${other.id}}:tokens`, 'spending')) === '1');
        await cutOff(master);
      }

      expect(await client.store.saveTokens(claim, Buffer.from('new'))).toBe(true);
      expect(await client.store.saveTokens(lost, Buffer.from('newer'))).toBe(true);
      await client.store.end(other.id, 'signed-out');
      expect(await replica.cli('HGET', `cc:{${session.id}}:tokens`, 'v')).toBe('1');
      await master.kill();
      await group.switched(master);

      await eventually(async () => {
        const { tokens } = (await client.store.read(session.id)) ?? {};
        expect(tokens).toEqual({ version: 2, sealed: Buffer.from('new'), spending: undefined });
      }, 10_000);
      expect(await client.store.saveTokens(claim, Buffer.from('again'))).toBe(true);
      expect((await client.store.read(session.id))?.tokens).toMatchObject({ version: 2, sealed: Buffer.from('new') });
      // An end that no replica had, either, wins over the tokens.
      await eventually(async () => expect(await client.store.read(other.id)).toBeUndefined(), 10_000);
    },
    60_000,
  );

  it('RF-04: new tokens that no replica has give way to whoever claims them on the next master', async () => {
    const [session, control] = [await created(), await created()];
    const { master, replica } = await withCopyOf(control);
    await cutOff(master);
    for (const each of [session, control]) {
      const claim = claimOn(each, { owner: 'me' });
      await client.store.beginSpending(claim);
      await client.store.saveTokens(claim, Buffer.from('mine'));
    }
    // Somebody whom the replica has heard and the old master has not.
    await replica.cli('CONFIG', 'SET', 'replica-read-only', 'no');
    await replica.cli('HSET', `cc:{${session.id}}:tokens`, 'spending', '1', 'owner', 'another', 'until', '9');
    await master.kill();
    await group.switched(master);

    const tokensOf = async ({ id }: { readonly id: string }) => (await client.store.read(id))?.tokens;
    await eventually(async () => expect(await tokensOf(control)).toMatchObject({ version: 2 }), 10_000);
    expect(await tokensOf(session)).toMatchObject({ version: 1, spending: { owner: 'another' } });
  }, 60_000);
});
