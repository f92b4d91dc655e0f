/** The whole way of a session, from sign-in to its end, on Redis under Sentinel and on a cluster. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RedisServer } from '../support/redis.ts';
import { startCluster, startSentinelGroup } from '../support/redis-groups.ts';
import { startWorld } from '../support/world.ts';
import { ranWith } from '../unit/cli/running.ts';
import { startTwins } from './twin-worlds.ts';

interface Group extends AsyncDisposable {
  readonly url: string;
  readonly servers: readonly RedisServer[];
}

const topologies: readonly (readonly [name: string, start: () => Promise<Group>])[] = [
  ['under Sentinel', () => startSentinelGroup({ sentinels: 1 })],
  ['on a cluster', () => startCluster()],
];

describe.each(topologies)('a session in Redis %s', (_name, start) => {
  let group: Group;

  beforeAll(async () => {
    group = await start();
  }, 60_000);

  afterAll(() => group[Symbol.asyncDispose]());

  it('SE-12, RF-02, LO-01: is begun, used, renewed and signed out of', async () => {
    const world = await startWorld({ redisUrl: group.url, provider: { accessTokenTtlSeconds: 120 } });
    const browser = await world.signIn();
    expect((await browser.fetch(`${world.origin}/api/orders`)).status).toBe(200);

    world.clock.advance(121_000);
    const renewed = await Promise.all([1, 2, 3].map(() => browser.fetch(`${world.origin}/api/orders`)));
    expect(renewed.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(world.provider.record.grants.get('refresh_token')).toBe(1);

    const { csrf_token } = await world.session(browser);
    const headers = { 'X-CSRF-Token': csrf_token };
    const out = await browser.fetch(`${world.origin}/logout`, { method: 'POST', headers });
    expect(out.status).toBe(200);
    expect((await browser.fetch(`${world.origin}/api/orders`)).status).toBe(401);
    expect(await world.session(browser)).toMatchObject({ authenticated: false });
    await world.close();
  });

  it('LO-11: is ended on every instance by a logout token', async () => {
    const twins = await startTwins({ redisUrl: group.url });
    const { browser, sid } = await twins.signIn('alice');
    const other = await twins.signIn('alice');
    expect(await twins.isSignedIn(browser, twins.second)).toBe(true);

    const bySid = await twins.hostile.deliverLogoutToken(twins.backChannel, { sid, sub: 'alice' });

    expect(bySid.status).toBe(200);
    for (const at of [twins.first, twins.second]) {
      expect(await twins.isSignedIn(browser, at)).toBe(false);
      expect(await twins.isSignedIn(other.browser, at)).toBe(true);
    }
    expect((await twins.hostile.deliverLogoutToken(twins.backChannel, { sub: 'alice' })).status).toBe(200);
    for (const at of [twins.first, twins.second]) expect(await twins.isSignedIn(other.browser, at)).toBe(false);
    await twins.close();
  });

  it('LO-27: is ended with those of everybody by an operator, and not with those of another server', async () => {
    const [world, other] = await Promise.all([
      startWorld({ redisUrl: group.url }),
      startWorld({ redisUrl: group.url }),
    ]);
    const browsers = await Promise.all(Array.from({ length: 8 }, () => world.signIn()));
    const elsewhere = await other.signIn();
    const statuses = async () =>
      (await Promise.all(browsers.map((each) => each.fetch(`${world.origin}/api/orders`)))).map(({ status }) => status);
    const end = (...args: readonly string[]) => ranWith(['sessions', 'end', '--all', ...args], { env: world.env });

    expect(await end()).toMatchObject({ code: 2, complaints: expect.stringMatching(/--confirm 8$/) });
    expect(await statuses()).toEqual(new Array(8).fill(200));
    expect(await end('--confirm', '8')).toMatchObject({ code: 0, output: 'ended 8' });

    expect(await statuses()).toEqual(new Array(8).fill(401));
    expect((await elsewhere.fetch(`${other.origin}/api/orders`)).status).toBe(200);
    await Promise.all([world.close(), other.close()]);
  });

  it('TS-03: leaves only what has an end', async () => {
    const dumps = await Promise.all(group.servers.map((server) => server.dumpAll()));
    expect(dumps.flat().filter(({ ttlMs }) => ttlMs <= 0)).toEqual([]);
  });
});
