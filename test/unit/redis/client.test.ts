import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { DeadlineError } from '../../../src/base/deadline.ts';
import { Secret } from '../../../src/base/secret.ts';
import { ProblemError } from '../../../src/errors.ts';
import { connectRedis, type Redis } from '../../../src/redis/client.ts';
import { redisScript } from '../../../src/redis/script.ts';
import { RedisSessionStore } from '../../../src/session/redis-store.ts';
import { claimOn, newSession } from '../../contract/session-store.ts';
import { eventually } from '../../support/eventually.ts';
import { type RedisOptions, type RedisServer, startRedis } from '../../support/redis.ts';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serverWith(options: RedisOptions = {}): Promise<RedisServer> {
  const server = await startRedis(options);
  cleanups.push(() => server.stop());
  return server;
}

function connect(url: string): { readonly redis: Redis; readonly lines: readonly string[] } {
  const lines: string[] = [];
  const note = (message: string, fields?: object) => lines.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const log = { info: note, warn: note };
  const redis = connectRedis({ url: new Secret(url), timeoutMs: 300, clock: systemClock, log });
  cleanups.push(() => redis.close());
  return { redis, lines };
}

const causeOf = async (call: Promise<unknown>) => {
  const failure = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  return failure instanceof ProblemError && failure.code === 'store-unavailable' ? failure.cause : failure;
};

describe('a connection to Redis', () => {
  it('SE-13: that cannot be made at the start is an outage, not a crash, and is made as soon as it can', async () => {
    const server = await serverWith();
    await server.halt();

    const { redis, lines } = connect(server.url);

    expect(await causeOf(redis.command('PING'))).toBeInstanceOf(Error);
    await eventually(() => expect(lines[0]).toContain('redis cannot be reached'));
    await server.start();
    await eventually(() => redis.ping());
    await eventually(() => expect(lines.at(-1)).toContain('redis is reached'));
    expect(lines).toHaveLength(2);
  });

  it('gives every command an end of its own', async () => {
    const server = await serverWith();
    const { redis } = connect(server.url);
    await eventually(() => redis.ping());
    server.freeze();
    const begun = performance.now();

    const cause = await causeOf(redis.command('GET', 'x'));

    expect(cause).toBeInstanceOf(DeadlineError);
    expect(performance.now() - begun).toBeLessThan(600);
    server.thaw();
    await eventually(() => redis.ping());
  });

  it('takes an answer that is an error for an outage, and keeps its cause', async () => {
    const server = await serverWith();
    const { redis } = connect(server.url);
    await eventually(() => redis.ping());
    await redis.command('SET', 'text', 'value');

    const cause = await causeOf(redis.command('HGET', 'text', 'field'));

    expect(String(cause)).toContain('WRONGTYPE');
    expect(await redis.command('GET', 'text')).toEqual(Buffer.from('value'));
  });

  it('carries bytes as they are, in both directions', async () => {
    const server = await serverWith();
    const { redis } = connect(server.url);
    await eventually(() => redis.ping());
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, value) => value));

    await redis.command('SET', 'bytes', bytes);

    expect(await redis.command('GET', 'bytes')).toEqual(bytes);
    const echo = redisScript('echo', 'return ARGV[1]');
    expect(await redis.run(echo, { keys: ['bytes'], values: [bytes] })).toEqual(bytes);
  });

  it('refuses an address that is none, without showing it', () => {
    const wrong = 'redis://user:secret-password@[';

    expect(() =>
      connectRedis({
        url: new Secret(wrong),
        timeoutMs: 300,
        clock: systemClock,
        log: { info: () => undefined, warn: () => undefined },
      }),
    ).toThrow(/^REDIS_URL is not an address of the form redis/);
    expect(() => connect('http://127.0.0.1:1')).toThrow('REDIS_URL');
  });

  it('never writes a password to the log', async () => {
    const server = await serverWith({ password: 'right-password-1' });
    const { redis, lines } = connect(server.url.replace('right-password-1', 'wrong-password-2'));
    await eventually(() => expect(lines.join()).toContain('WRONGPASS'));

    expect(lines.join()).not.toContain('wrong-password-2');
    expect(await redis.ping()).toBe(false);
    const right = connect(server.url);
    await eventually(() => right.redis.ping());
  });
});

describe('the check of the server', () => {
  it('warns of a policy that lets sessions vanish', async () => {
    const server = await serverWith({ settings: ['maxmemory-policy allkeys-lru'] });
    const { lines } = connect(server.url);

    await eventually(() => expect(lines.join('\n')).toContain('redis: maxmemory-policy is allkeys-lru'));
  });

  it('says so when the server may not be asked, and goes on', async () => {
    const server = await serverWith({ acl: ['user app on >app-password-1 ~cc:* &cc:ended +@all -info'] });
    const { redis, lines } = connect(server.urlFor('app', 'app-password-1'));

    await eventually(() => expect(lines.join('\n')).toContain('whether this Redis is fit for sessions cannot be told'));
    expect(await redis.command('SET', 'cc:x', '1', 'PX', '1000')).toEqual('OK');
  });

  it('warns of nothing on a server that is fit', async () => {
    const server = await serverWith();
    const { redis, lines } = connect(server.url);
    await eventually(() => redis.ping());

    expect(lines).toEqual([`redis is reached {"server":"127.0.0.1:${server.port}"}`]);
  });
});

/** The rights that sessions need, and no more. */
const leastRights = [
  '~cc:* resetchannels &cc:ended -@all',
  '+hello +client|tracking +ping +info +subscribe +publish +evalsha +eval',
  '+get +set +del +exists +hget +hset +hmget +hdel +pexpire +pttl +zadd +zrem +zrangebyscore +zremrangebyscore',
].join(' ');

describe('a user of Redis with the least rights', () => {
  it('can do all that sessions need, and nothing with other keys', async () => {
    const server = await serverWith({ acl: [`user claimcheck on >app-password-1 ${leastRights}`] });
    const { redis, lines } = connect(server.urlFor('claimcheck', 'app-password-1'));
    const store = new RedisSessionStore({ redis, clock: systemClock });
    await eventually(() => store.ping());
    await eventually(async () => expect(await server.cli('PUBSUB', 'NUMSUB', 'cc:ended')).toMatch(/1$/));
    const ended: string[] = [];
    store.onEnded((id) => ended.push(id));
    const session = newSession();
    const { id } = session;
    const claim = claimOn(session, { owner: 'me' });
    const entry = { index: 'sub', key: 'k', id, expiresAt: session.expiresAt } as const;

    expect(await store.addToIndex(entry, 1)).toBe(true);
    expect(await store.create(session)).toBe(true);
    expect(await store.touch(id, { seenAt: session.seenAt + 1, expiresAt: session.expiresAt })).toBe(true);
    expect(await store.replaceRecord({ id, version: 1, sealed: session.sealed })).toBe(true);
    expect(await store.beginSpending(claim)).toBe('begun');
    expect(await store.extendSpending(claim)).toBe(true);
    expect(await store.saveTokens(claim, session.tokens)).toBe(true);
    const anew = { version: 2, sealed: session.sealed };
    expect(await store.reseal({ id, record: anew, tokens: anew, card: session.card })).toBe(true);
    expect(await store.readState(id)).toMatchObject({ version: 2, tokensVersion: 2, reseals: 1 });
    expect(await store.beginSpending(claimOn(session, { owner: 'me', version: 2 }))).toBe('begun');
    expect(await store.abandonSpending(claimOn(session, { owner: 'me', version: 2 }))).toBe(true);
    expect(await store.membersOf('sub', 'k')).toEqual([id]);
    expect(await store.setNotBefore('sub', 'k', { instant: 1, ttlMs: 1_000 })).toEqual([id]);
    expect(await store.notBefore('sub', 'k')).toBe(1);
    expect(await store.useOnce('jti', 'h', { id: 'c', ttlMs: 1_000 })).toBe(true);
    expect(await store.end(id, 'signed-out')).toBe(true);
    await store.removeFromIndex(entry);
    await eventually(() => expect(ended).toEqual([id]));
    expect(String(await causeOf(redis.command('GET', 'other')))).toContain('NOPERM');
    expect(lines.filter((line) => !line.startsWith('redis is reached'))).toEqual([]);
  });
});
