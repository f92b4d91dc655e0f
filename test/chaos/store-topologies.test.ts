/**
 * Redis of every kind dies, freezes and fails over for long under people's calls:
 * they wait, nobody is signed out, and service is back within 2 s.
 */

import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { startCluster, startSentinelGroup } from '../support/redis-groups.ts';
import { call, type Traffic } from '../support/traffic.ts';
import { Crowd } from './crowd.ts';
import { type Deployment, startDeployment } from './deployment.ts';

const limitMs = 120_000;

/** Two processes with tokens that are renewed all the time, so that outages also meet refreshes. */
function deploymentOn(redisUrl: string): Promise<Deployment> {
  return startDeployment({ instances: 2, redisUrl, provider: { accessTokenTtlSeconds: 2 } });
}

/** Somebody signs out at the first process; gives whom to ask about afterwards. */
async function signedOut(deployment: Deployment) {
  const person = await deployment.signIn('alice');
  const headers = { 'X-CSRF-Token': person.csrfToken, Origin: deployment.origin };
  const [port = 0] = deployment.ports;
  const answer = await call({ port, caller: person, path: '/logout', method: 'POST', headers });
  expect(answer.status).toBeLessThan(400);
  return person;
}

async function expectSignedOut(deployment: Deployment, caller: Awaited<ReturnType<typeof signedOut>>) {
  for (const port of deployment.ports) {
    expect((await call({ port, caller, path: '/api/orders' })).status).toBe(401);
  }
}

/** Where each session of the crowd could be: the server that holds the most of them. */
async function fullest(servers: readonly RedisServer[]): Promise<RedisServer> {
  const sizes = await Promise.all(servers.map(async (server) => Number(await server.cli('DBSIZE'))));
  const server = servers[sizes.indexOf(Math.max(...sizes))];
  if (server === undefined) throw new Error('no servers');
  return server;
}

describe('one Redis', () => {
  it(
    'SE-13, ER-08: away for 10 s, dead or frozen, is waited for, and back within 2 s',
    async () => {
      await using redis = await startRedis({ persistence: 'aof' });
      await using deployment = await deploymentOn(redis.url);
      const crowd = await Crowd.signedIn(deployment);

      const longRefused = async (traffic: Traffic) => {
        const began = performance.now();
        await eventually(() => crowd.refusals(traffic, began) > 0 && performance.now() - began >= 10_000, 15_000);
      };
      const killed = await crowd.expectOnlyWaiting(async (traffic) => {
        await redis.kill();
        await longRefused(traffic);
        await redis.start();
      });
      const frozen = await crowd.expectOnlyWaiting(async (traffic) => {
        redis.freeze();
        await longRefused(traffic);
        redis.thaw();
      });

      expect(Math.max(killed.backMs, frozen.backMs)).toBeLessThan(2_000);
    },
    limitMs,
  );
});

describe('a master under sentinels', () => {
  it.each(['killed', 'frozen'] as const)(
    'SE-12, SE-13: that is %s is replaced: only waiting, back within 2 s of the switch, and who signed out stays out',
    async (fate) => {
      await using group = await startSentinelGroup();
      await using deployment = await deploymentOn(group.url);
      const crowd = await Crowd.signedIn(deployment);
      const gone = await signedOut(deployment);
      const master = await group.master();

      const { backMs } = await crowd.expectOnlyWaiting(async () => {
        if (fate === 'killed') await master.kill();
        else master.freeze();
        await group.switched(master);
      });

      expect(backMs).toBeLessThan(2_000);
      await expectSignedOut(deployment, gone);
      if (fate === 'frozen') master.thaw();
      await expectSignedOut(deployment, gone);
    },
    limitMs,
  );
});

describe('a cluster', () => {
  it.each(['killed', 'frozen'] as const)(
    'SE-12, SE-13: one of whose masters is %s: only waiting, back within 2 s of a whole map, and who signed out stays out',
    async (fate) => {
      await using group = await startCluster({ replicas: 1 });
      await using deployment = await deploymentOn(group.url);
      const crowd = await Crowd.signedIn(deployment);
      const gone = await signedOut(deployment);
      const master = await fullest(group.servers.slice(0, 3));

      const { backMs } = await crowd.expectOnlyWaiting(async (traffic) => {
        const began = performance.now();
        if (fate === 'killed') await master.kill();
        else master.freeze();
        await eventually(() => crowd.refusals(traffic, began) > 0, 10_000);
        await group.recovered(master);
      });

      expect(backMs).toBeLessThan(2_000);
      await expectSignedOut(deployment, gone);
      if (fate === 'frozen') master.thaw();
      await expectSignedOut(deployment, gone);
    },
    limitMs,
  );
});
