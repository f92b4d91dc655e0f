/**
 * Two instances whose clocks are a minute apart, over one Redis: they renew the tokens of
 * a session once, nobody is signed out by it, and an owner that died is succeeded.
 */

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { createGate } from '../support/hostile/fault.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { client, startWorld, type World } from '../support/world.ts';
import { watchClaims } from './claims-watch.ts';

const apartMs = 60_000;
const clocks = { right: new ShiftedClock(), ahead: new ShiftedClock(), behind: new ShiftedClock() };
clocks.ahead.advance(apartMs);
clocks.behind.advance(-apartMs);

type Name = keyof typeof clocks;
let redis: RedisServer;
let hostile: HostileProvider;
let upstream: Upstream;
let at: Readonly<Record<Name, World>>;

beforeAll(async () => {
  const clients = [{ clientId: client.id, clientSecret: client.secret }];
  [redis, upstream, hostile] = await Promise.all([
    startRedis(),
    startUpstream(() => ({ body: 'x' })),
    startHostileProvider({ clients, clock: clocks.right }),
  ]);
  const env = { SESSION_SECRETS: randomBytes(32).toString('base64url') };
  const shared = { issuer: hostile.issuer, upstream: upstream.origin, redisUrl: redis.url };
  const right = await startWorld({ ...shared, env, clock: clocks.right });
  const other = (clock: ShiftedClock) => startWorld({ ...shared, env: { ...env, PUBLIC_URL: right.origin }, clock });
  at = { right, ahead: await other(clocks.ahead), behind: await other(clocks.behind) };
});

afterAll(async () => {
  await Promise.all(Object.values(at).map((world) => world.close()));
  await Promise.all([hostile.close(), upstream.stop()]);
  await redis.stop();
});

beforeEach(async () => {
  await redis.cli('FLUSHALL');
  hostile.reset();
  hostile.script.refresh.idToken = false; // an instance that is behind takes none that is from its future
  pass(11_000);
});

function pass(ms: number): void {
  for (const clock of Object.values(clocks)) clock.advance(ms);
}

async function signIn(): Promise<Browser> {
  const { origin } = at.right;
  const browser = at.right.browser();
  await browser.navigate(`${origin}/login`, { from: `${origin}/` });
  expect(await statusAt('right', browser)).toBe(200);
  return browser;
}

const statusAt = async (name: Name, browser: Browser) =>
  (await browser.fetch(`${at[name].origin}/api/x`, { from: `${at[name].origin}/` })).status;

/** So many calls at each. */
const calls = (names: readonly Name[], browser: Browser) =>
  Promise.all(names.flatMap((name) => Array.from({ length: 10 }, () => statusAt(name, browser))));

const presented = () =>
  hostile.log.filter(({ endpoint }) => endpoint === 'refresh').map(({ body }) => body['refresh_token']);

const pairs = [
  ['right', 'ahead'],
  ['right', 'behind'],
  ['ahead', 'right'],
  ['behind', 'right'],
  ['ahead', 'behind'],
  ['behind', 'ahead'],
] as const;

describe.each(pairs)(
  'an instance that renews tokens and has a clock that is %s, and another whose clock is %s',
  (owner, waiter) => {
    it('RF-03: cost one grant together, and every call is answered', async () => {
      const browser = await signIn();
      pass(400_000);
      using claims = await watchClaims(redis);
      const gate = createGate();
      hostile.script.refresh.fault = gate.fault;
      const first = statusAt(owner, browser);
      await eventually(() => presented().length === 1);
      const waiting = calls([owner, waiter], browser);
      await claims.lookedAfter(2);
      gate.open();

      expect(await first).toBe(200);
      expect(new Set(await waiting)).toEqual(new Set([200]));
      expect(new Set(await calls([owner, waiter], browser))).toEqual(new Set([200]));
      expect(presented()).toHaveLength(1);
    });

    it('RF-05: the other waits as long as a claim stands when its owner is gone, and no longer', async () => {
      const browser = await signIn();
      pass(400_000);
      const [key = ''] = (await redis.cli('KEYS', 'cc:{*}:tokens')).split('\n');
      const until = clocks[owner].now() + 15_000;
      await redis.cli('HSET', key, 'spending', '1', 'owner', 'another', 'until', String(until));
      using claims = await watchClaims(redis);
      const first = statusAt(waiter, browser);
      await claims.lookedAfter(1);
      // Whatever is written wakes who waits.
      const stands = async () => {
        await redis.cli('HSET', key, 'written', String(performance.now()));
        return (await redis.cli('EXISTS', key.replace(':tokens', ':session'))) === '1';
      };

      pass(15_100);
      for (let n = 0; n < 10; n++) expect(await stands()).toBe(true);
      pass(2_100);
      await eventually(async () => !(await stands()));

      expect(await first).toBe(401);
      expect(presented()).toEqual([]);
    });
  },
);
