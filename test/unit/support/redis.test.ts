/**
 * The Redis of the tests: what it promises to the tests that stand on it.
 *
 * @module
 */

import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis.stop());

describe('a Redis of the tests', () => {
  it('dumps every key with its type, its end and all it holds', async () => {
    await redis.cli('FLUSHALL');
    await redis.cli('HSET', 'a', 'v', '7', 'sealed', Buffer.from([0, 255, 13, 10]));
    await redis.cli('ZADD', 'b', 1500, 'member');
    await redis.cli('SET', 'c', 'value', 'PX', 60_000);

    const [hash, sorted, text, ...others] = await redis.dumpAll();

    expect(others).toEqual([]);
    expect(hash).toMatchObject({ key: 'a', type: 'hash', ttlMs: -1 });
    expect(hash?.fields.get('sealed')).toEqual(Buffer.from([0, 255, 13, 10]));
    expect(sorted?.members).toEqual(new Map([['member', 1500]]));
    expect(text?.value?.toString()).toBe('value');
    expect(text?.ttlMs).toBeGreaterThan(50_000);
    expect(hash?.bytes.includes(Buffer.from([0, 255, 13, 10]))).toBe(true);
  });

  it('counts the commands of others and not its own counting', async () => {
    await redis.cli('CONFIG', 'RESETSTAT');
    const before = await redis.commandCount();
    await redis.cli('GET', 'x');
    await redis.cli('GET', 'x');

    expect((await redis.commandCount()) - before).toBe(2);
    expect((await redis.commandCounts()).get('get')).toBe(2);
  });

  it('answers nothing while frozen and goes on when thawed', async () => {
    const client = createClient({ url: redis.url });
    client.on('error', () => undefined);
    await client.connect();
    redis.freeze();
    let answered = false;
    const answer = client.ping().then((text) => {
      answered = true;
      return text;
    });
    await expect(eventually(() => answered, 200)).rejects.toThrow('not so within 200 ms');
    redis.thaw();

    expect(await answer).toBe('PONG');
    await client.close();
  });

  it('keeps or loses its data over a restart, on the same port and in another process', async () => {
    await redis.cli('SET', 'kept', '1');
    const { pid, port } = redis;
    await redis.restart({ keepData: true });

    expect(await redis.cli('GET', 'kept')).toBe('1');
    expect(redis.port).toBe(port);
    expect(redis.pid).not.toBe(pid);
    await redis.restart();
    expect(await redis.cli('DBSIZE')).toBe('0');
  });

  it('can be killed while frozen, and started again', async () => {
    redis.freeze();
    await redis.kill();
    expect(() => redis.pid).toThrow('not running');
    await expect(redis.cli('PING')).rejects.toThrow();
    await redis.start();
    expect(await redis.cli('PING')).toBe('PONG');
  });

  it('refuses what its ACL does not allow, and evicts nothing', async () => {
    await using guarded = await startRedis({ acl: ['user app on >secret ~cc:* +@all'] });
    const app = createClient({ url: guarded.urlFor('app', 'secret') });
    await app.connect();

    expect(await app.set('cc:x', '1')).toBe('OK');
    await expect(app.set('other', '1')).rejects.toThrow('NOPERM');
    await expect(createClient({ url: guarded.url }).connect()).rejects.toThrow();
    expect(await guarded.cli('CONFIG', 'GET', 'maxmemory-policy')).toContain('noeviction');
    await app.close();
  });

  it('asks for its password', async () => {
    await using guarded = await startRedis({ password: 'p@ss' });
    const client = createClient({ url: guarded.url });
    await client.connect();

    expect(await client.ping()).toBe('PONG');
    expect(await guarded.cli('PING')).toBe('PONG');
    await client.close();
  });

  it('shows every command to a monitor', async () => {
    const monitor = await redis.monitor();
    await redis.cli('SET', 'seen', 'yes');

    await eventually(() => monitor.lines().some((line) => line.includes('"SET" "seen" "yes"')));
    expect(monitor.lines()).not.toEqual([]);
    monitor.close();
  });
});
