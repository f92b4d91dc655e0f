/**
 * The refresh over real sessions, sealed, in both stores: what stored-sessions.ts
 * stands for elsewhere.
 */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { randomToken } from '../../../src/base/random.ts';
import { Secret } from '../../../src/base/secret.ts';
import { ProblemError } from '../../../src/errors.ts';
import { createFrontend } from '../../../src/http/frontend.ts';
import { KeyRing } from '../../../src/keys/key-ring.ts';
import { connectRedis, type Redis } from '../../../src/redis/client.ts';
import { MemorySessionStore } from '../../../src/session/memory-store.ts';
import { RedisSessionStore } from '../../../src/session/redis-store.ts';
import type { OpenedSession } from '../../../src/session/session.ts';
import { Sessions } from '../../../src/session/sessions.ts';
import type { SessionStore } from '../../../src/session/store.ts';
import { eventually } from '../../support/eventually.ts';
import { createGate, oauthFault, onlyNext } from '../../support/hostile/fault.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { type Instance, routeOf, Scene } from './scene.ts';

const frontend = createFrontend({ id: 'main', publicUrl: 'https://app.example', authBasePath: '', trustedOrigins: [] });
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});

afterAll(() => server.stop());

describe.each(['memory', 'redis'] as const)('over the %s store', (kind) => {
  let scene: Scene;
  let redis: Redis | undefined;
  let store: SessionStore;
  let sessions: Sessions;
  let first: Instance;
  let secret: string;
  let session: OpenedSession;

  beforeEach(async () => {
    scene = await Scene.open();
    redis =
      kind === 'redis'
        ? connectRedis({ url: new Secret(server.url), timeoutMs: 2_000, clock: systemClock, log })
        : undefined;
    store = redis
      ? new RedisSessionStore({ redis, clock: scene.clock })
      : new MemorySessionStore({ clock: scene.clock });
    await eventually(() => store.ping());
    sessions = new Sessions({
      frontend,
      store,
      keys: new KeyRing({ secrets: [new Secret(randomToken(256))], frontendId: 'main' }),
      lifetimes: { idleTimeoutMs: 24 * 3_600_000, lifetimeMs: 24 * 3_600_000 },
      clock: scene.clock,
      reports: {
        ended: () => undefined,
        unreadable: () => undefined,
        trouble: () => undefined,
        opened: () => undefined,
      },
    });
    first = scene.instance(sessions);
    secret = randomToken(256);
    session = await sessions.start(secret, { ...(await scene.beginning()), agent: undefined, address: '192.0.2.1' });
  });

  afterEach(async () => {
    await store.close();
    await redis?.close();
    await scene.close();
  });

  const call = (by: OpenedSession = session, instance = first, route = routeOf()) =>
    scene.call(by, { instance, route });
  const tokenOf = (of: OpenedSession | undefined) => of?.tokens.sets['']?.accessToken;
  const stored = () => sessions.lookBySecret(secret);

  it('RF-03: fifty calls on an expired session over two instances cost one grant', async () => {
    await scene.expire();
    const second = scene.instance(sessions);
    const calls = Promise.all(Array.from({ length: 50 }, (_, n) => call(session, n % 2 === 0 ? first : second)));
    await first.refresher.settled();
    for (let n = 0; n < 20; n++) await scene.clock.advance(100); // the other looks again
    const tokens = new Set(await calls);

    expect(tokens).toEqual(new Set([tokenOf(await stored())]));
    expect(scene.op.hits('refresh')).toBe(1);
    expect((await stored())?.spending).toBeUndefined();
  });

  it('RF-04: spends the one refresh token for two audiences in order, and keeps both sets', async () => {
    await scene.expire();
    const other = routeOf({ audience: 'https://other.example' });
    await Promise.all([call(), call(session, first, other)]);

    expect(new Set(scene.presented).size).toBe(2);
    expect(Object.keys((await stored())?.tokens.sets ?? {}).toSorted()).toEqual(['', 'https://other.example']);
    expect((await stored())?.tokens.rotates).toBe(true);
  });

  it('takes over a changed claim', async () => {
    scene.op.script.refresh.claims = { name: 'Alicia' };
    await scene.expire();
    await call();

    expect((await stored())?.identity.claims).toMatchObject({ name: 'Alicia' });
  });

  it('RF-13: a sign-out during a refresh wins', async () => {
    await scene.expire();
    const gate = createGate();
    scene.op.script.refresh.fault = gate.fault;
    const late = call();
    await scene.hits('refresh', 1);
    await sessions.end(session, 'signed-out');
    gate.open();

    expect(await late).toBe('session-ended');
    expect(await stored()).toBeUndefined();
    await eventually(() => scene.revoked.includes([...scene.op.issued.refreshTokens].at(-1) ?? ''));
  });

  it('RF-06: a refused grant ends the session', async () => {
    await scene.expire();
    scene.op.script.refresh.fault = oauthFault('invalid_grant');

    expect(await call()).toBe('session-ended');
    expect(await stored()).toBeUndefined();
  });

  it('RF-07: an outage leaves no trace of the attempt', async () => {
    await scene.expire();
    scene.op.script.refresh.fault = onlyNext({ kind: 'instead', status: 500 });
    expect(await call()).toBe('provider-unreachable');

    expect((await stored())?.spending).toBeUndefined();
    expect(await call()).toBe(tokenOf(await stored()));
  });

  it('RF-05: an owner that is gone ends the session of a provider that may rotate', async () => {
    await scene.expire();
    await sessions.beginSpending(session, { owner: 'gone', until: scene.clock.now() + 15_000 });

    const late = call();
    await eventually(async () => {
      await scene.clock.advance(1_000);
      return first.refresher.size === 0;
    });

    expect(await late).toBe('provider-unreachable');
    expect(await call()).toBe('session-ended');
    expect(await stored()).toBeUndefined();
    expect(scene.op.hits('refresh')).toBe(0);
  });

  it('RF-05: an owner that is gone is succeeded by one of many where the provider does not rotate', async () => {
    scene.op.script.refresh.rotation = 'keep';
    await scene.expire();
    await call();
    session = (await stored()) ?? session;
    await scene.expire();
    await sessions.beginSpending(session, { owner: 'gone', until: scene.clock.now() + 15_000 });
    const instances = [first, scene.instance(sessions), scene.instance(sessions)];
    const calls = Promise.all(instances.map((instance) => call(session, instance)));
    await Promise.all(
      instances.map(({ refresher }) =>
        eventually(async () => {
          await scene.clock.advance(1_000);
          return refresher.size === 0;
        }),
      ),
    );

    expect(new Set(await calls)).toEqual(new Set(['provider-unreachable'])); // nobody waits that long
    const after = await Promise.all(instances.map((instance) => call(session, instance)));
    expect(new Set(after)).toEqual(new Set([tokenOf(await stored())]));
    expect(scene.op.hits('refresh')).toBe(2);
  });

  //  how the answer to the write is lost        what the caller of the store sees
  it.each([
    ['on the way back', () => Promise.reject(new ProblemError('store-unavailable'))],
    ['in a store that forgot who wrote', () => Promise.resolve(false)],
  ])('RF-05: a write that was taken counts as done, though its answer was lost %s', async (_how, answer) => {
    await scene.expire();
    const save = store.saveTokens.bind(store);
    let writes = 0;
    store.saveTokens = async (claim, sealed) => {
      const isSaved = await save(claim, sealed);
      writes += 1;
      return writes === 1 ? answer() : isSaved;
    };
    const late = call();
    await eventually(() => writes === 1);
    await scene.clock.advance(200);

    expect(await late).toBe(tokenOf(await stored()));
    expect(tokenOf(await stored())).not.toBe(tokenOf(session));
    expect(scene.op.hits('refresh')).toBe(1);
    expect(scene.revoked).toEqual([]);
    expect(scene.told.lines).toEqual(['refreshed']);
  });
});
