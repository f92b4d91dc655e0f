/**
 * Redis dies, freezes and restarts under two processes that people are using:
 * they wait, and nobody is signed out.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Browser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { startServer } from '../support/processes.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { call } from '../support/traffic.ts';
import { Crowd } from './crowd.ts';
import { type Deployment, startDeployment } from './deployment.ts';

let redis: RedisServer;
let deployment: Deployment;
let crowd: Crowd;

beforeAll(async () => {
  redis = await startRedis({ persistence: 'aof' });
  deployment = await startDeployment({
    instances: 2,
    redisUrl: redis.url,
    // Tokens are renewed all the time, so that an outage also meets sessions in the middle of a refresh.
    provider: { accessTokenTtlSeconds: 2 },
  });
});

beforeEach(async () => {
  crowd = await Crowd.signedIn(deployment);
});

afterAll(async () => {
  await deployment[Symbol.asyncDispose]();
  await redis.stop();
});

/** Somebody without a cookie. */
const stranger = () => ({ cookie: '', host: new URL(deployment.origin).host });

describe('two processes whose Redis', () => {
  it('SE-13, ER-08: is killed and comes back answer 503 in between, and nobody is signed out', async () => {
    await crowd.expectOnlyWaiting(async (traffic) => {
      await redis.kill();
      const killed = performance.now();
      await eventually(() => crowd.refusals(traffic, killed) >= 100, 10_000);
      for (const port of deployment.ports) {
        expect((await call({ port, caller: stranger(), path: '/' })).status).toBe(200);
      }
      for (const instance of deployment.instances) {
        expect((await deployment.ops(instance, '/healthz')).status).toBe(200);
        expect(await (await deployment.ops(instance, '/readyz')).json()).toMatchObject({ status: 'degraded' });
      }
      await redis.start();
    });
  });

  it('SE-13, ER-08: is frozen for longer than any deadline answer 503 in time, and nobody is signed out', async () => {
    const { outcomes } = await crowd.expectOnlyWaiting(async (traffic) => {
      const frozen = performance.now();
      redis.freeze();
      await eventually(() => crowd.refusals(traffic, frozen) >= 60 && performance.now() - frozen > 4_000, 20_000);
      redis.thaw();
    });
    expect(Math.max(...outcomes.map(({ tookMs }) => tookMs))).toBeLessThan(3_000);
  });

  it('SE-13, ER-08: restarts in good order three times in a row lose nobody', async () => {
    await crowd.expectOnlyWaiting(async (traffic) => {
      for (let round = 0; round < 3; round++) {
        const stopped = performance.now();
        await redis.halt();
        await eventually(() => crowd.refusals(traffic, stopped) >= 10, 10_000);
        await redis.start();
        const started = performance.now();
        await eventually(() => crowd.succeeds(traffic, started), 15_000);
      }
    });
  });
});

describe('two processes of which one', () => {
  it('SE-12: dies as in a crash leave every session and every sign-in under way to the other', async () => {
    await using pair = await startDeployment({ instances: 2, redisUrl: redis.url });
    const [first, second] = pair.instances;
    if (!first || !second) throw new Error('two were asked for');
    const person = await pair.signIn('alice', first);
    const started = pair.browser(first);
    const page = { from: `${pair.origin}/` };
    const start = await started.navigate(`${pair.origin}/login?login_hint=bob&return_to=/orders`, {
      ...page,
      redirect: 'manual',
    });

    await first.kill();

    const caller = { port: second.port(), caller: person };
    expect((await call({ ...caller, path: '/api/orders' })).status).toBe(200);
    expect(JSON.parse((await call({ ...caller, path: '/session' })).body)).toMatchObject({
      session: { id: person.sessionId },
    });
    const other = new Browser({
      jar: started.jar,
      reach: { [pair.origin]: `http://127.0.0.1:${second.port()}` },
    });
    const landed = await other.navigate(start.header('location') ?? '', page);
    expect(landed.url).toBe(`${pair.origin}/orders`);
    expect((await other.fetch(`${pair.origin}/session`)).json()).toMatchObject({ user: { name: 'Bob Brandt' } });
  });
});

describe('a process that starts', () => {
  it('ER-08: without its Redis is not ready, refuses with 503, and serves as soon as Redis is there', async () => {
    const late = await startRedis();
    const { port: redisPort } = late;
    await late.halt();
    const served = await startServer({
      entry: 'src/main.ts',
      ports: ['PORT', 'OPS_PORT'],
      env: deployment.envFor({ redisUrl: `redis://127.0.0.1:${redisPort}` }),
      ready: async (server) => (await fetch(`http://127.0.0.1:${server.port('OPS_PORT')}/healthz`)).ok,
    });
    const caller = await deployment.signIn('bob');
    const ready = async () => (await deployment.ops(served, '/readyz')).status;

    expect(await ready()).toBe(503);
    expect((await call({ port: served.port(), caller, path: '/api/orders' })).status).toBe(503);
    await late.start();
    await eventually(async () => (await ready()) === 200, 10_000);
    // Another Redis: the session is really unknown there, and only now may that be said.
    expect((await call({ port: served.port(), caller, path: '/api/orders' })).status).toBe(401);
    await served.stop();
    await late.stop();
  });
});
