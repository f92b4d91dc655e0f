import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { connectRedis, type Redis } from '../../../src/redis/client.ts';
import { eventually } from '../../support/eventually.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { ShiftedClock } from '../../support/shifted-clock.ts';

const clock = new ShiftedClock();
const log = { info: () => undefined, warn: () => undefined };
let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = connectRedis({ url: new Secret(server.url), timeoutMs: 500, clock, log });
  await eventually(() => redis.ping());
});

afterAll(async () => {
  await redis.close();
  await server.stop();
});

describe('the tracking of keys', () => {
  it('tells once of a key that was read, and not of one that was not', async () => {
    const told: (string | undefined)[] = [];
    redis.onKeyChanged((key) => told.push(key));
    await redis.command('GET', 'read');

    await server.cli('SET', 'not read', '1');
    await server.cli('SET', 'read', '1');
    await server.cli('SET', 'read', '2');
    await redis.command('GET', 'the end');
    await server.cli('SET', 'the end', '1');

    await eventually(() => expect(told).toContain('the end'));
    expect(told).toEqual(['read', 'the end']);
  });

  it('tells that any key may be another when the server has dropped them all', async () => {
    const told: (string | undefined)[] = [];
    redis.onKeyChanged((key) => told.push(key));
    await redis.command('GET', 'read');

    await server.cli('FLUSHALL');

    await eventually(() => expect(told).toContain(undefined));
  });

  it('SE-13: is not relied on when nothing was heard for four times what a command may take, though nothing broke', async () => {
    expect(redis.isInTouch).toBe(true);

    clock.advance(2_001);
    expect(redis.isInTouch).toBe(false);

    expect(await redis.ping()).toBe(true);
    expect(redis.isInTouch).toBe(true);
  });

  it('hears of Redis by itself while nobody asks anything', async () => {
    clock.advance(2_001);

    await eventually(() => expect(redis.isInTouch).toBe(true));
  });
});
