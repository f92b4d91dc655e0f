/**
 * Redis stops taking writes, or stops altogether, in the middle of a refresh: what
 * is not known to have happened costs nobody the session.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { createGate } from '../support/hostile/fault.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { client, reserveAddress, startWorld, type World } from '../support/world.ts';

let redis: RedisServer;
let hostile: HostileProvider;
let upstream: Upstream;
let world: World;
let browser: Browser;

beforeEach(async () => {
  const clock = new ShiftedClock();
  const address = await reserveAddress();
  [redis, upstream, hostile] = await Promise.all([
    startRedis({ persistence: 'aof' }),
    startUpstream(),
    startHostileProvider({
      clock,
      clients: [{ clientId: client.id, clientSecret: client.secret, redirectUris: [address.redirectUri] }],
    }),
  ]);
  const env = { API_AUDIENCE: undefined };
  world = await startWorld(
    { issuer: hostile.issuer, upstream: upstream.origin, redisUrl: redis.url, clock, env },
    address,
  );
  browser = world.browser();
  await browser.navigate(`${world.origin}/login`, { from: `${world.origin}/` });
  expect((await get()).status).toBe(200);
});

afterEach(async () => {
  await world.close();
  await Promise.all([hostile.close(), upstream.stop()]);
  await redis.stop();
});

const get = () => browser.fetch(`${world.origin}/api/x`);
const refreshes = () => hostile.log.filter(({ body }) => body['grant_type'] === 'refresh_token').length;
const tokenEnds = () => world.clock.advance(301_000);

describe('a refresh whose Redis', () => {
  it('RF-07, SE-13: takes no write when it begins does not cost the session, however late the write takes place', async () => {
    tokenEnds();
    // Longer than a command may take, shorter than a silence that ends the connection and the command with it.
    await redis.cli('CLIENT', 'PAUSE', 1_000, 'WRITE');

    expect((await get()).status).toBe(503);
    expect(refreshes()).toBe(0);

    await eventually(async () => (await get()).status === 200, 10_000);
    expect(refreshes()).toBe(1);
    world.clock.advance(20_000); // as long as a claim of another stands
    expect((await get()).status).toBe(200);
    expect(await world.session(browser)).toMatchObject({ authenticated: true });
  });

  it('RF-07, SE-13: is frozen while the provider answers keeps the new tokens until they can be written', async () => {
    const gate = createGate();
    hostile.script.refresh.fault = gate.fault;
    tokenEnds();
    const waiting = get();
    await eventually(() => refreshes() === 1);
    redis.freeze();
    gate.open();

    expect((await waiting).status).toBe(503);
    redis.thaw();

    await eventually(async () => (await get()).status === 200, 10_000);
    expect(refreshes()).toBe(1);
    expect(hostile.grants.every(({ revoked }) => !revoked)).toBe(true);
  });

  it('RF-07, SE-13: dies while the provider answers finds the new tokens written when it is back', async () => {
    const gate = createGate();
    hostile.script.refresh.fault = gate.fault;
    tokenEnds();
    const waiting = get();
    await eventually(() => refreshes() === 1);
    await redis.kill();
    gate.open();

    expect((await waiting).status).toBe(503);
    await redis.start();

    await eventually(async () => (await get()).status === 200, 10_000);
    expect(refreshes()).toBe(1);
    tokenEnds();
    expect((await get()).status).toBe(200); // the refresh token that was kept is the one that is alive
    expect(refreshes()).toBe(2);
  });
});
