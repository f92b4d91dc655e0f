/**
 * Redis breaks in the midst of a sign-out: the person is told so, may ask again here or
 * elsewhere, and is signed out in the end, with the tokens revoked.
 */

import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { beginSpendingScript, endScript } from '../../src/session/redis-scripts.ts';
import type { Browser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { openRedisGap, type RedisGap, type Stop } from '../support/redis-gap.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { client, startWorld, type World } from '../support/world.ts';

const clock = new ShiftedClock();
let redis: RedisServer;
let gap: RedisGap;
let hostile: HostileProvider;
let upstream: Upstream;
/** Whose way to Redis can be broken. */
let broken: World;
let other: World;
let person: Browser;
let csrfToken: string;

beforeAll(async () => {
  const clients = [{ clientId: client.id, clientSecret: client.secret }];
  [redis, hostile, upstream] = await Promise.all([
    startRedis(),
    startHostileProvider({ clients, clock }),
    startUpstream(() => ({ body: 'x' })),
  ]);
  gap = await openRedisGap(redis.port);
});

afterAll(async () => {
  await gap.close();
  await Promise.all([hostile.close(), upstream.stop()]);
  await redis.stop();
});

// New ones for each test: what an instance still has to carry out must not come into the way of the next.
beforeEach(async () => {
  hostile.reset();
  const env = { SESSION_SECRETS: randomBytes(32).toString('base64url') };
  const shared = { issuer: hostile.issuer, upstream: upstream.origin, clock };
  broken = await startWorld({ ...shared, env, redisUrl: `redis://127.0.0.1:${gap.port}` });
  other = await startWorld({ ...shared, env: { ...env, PUBLIC_URL: broken.origin }, redisUrl: redis.url });
  person = broken.browser();
  await eventually(async () => {
    await person.navigate(`${broken.origin}/login`, { from: `${broken.origin}/` });
    return (await broken.session(person))['authenticated'] === true;
  });
  csrfToken = (await broken.session(person)).csrf_token;
});

afterEach(async () => {
  gap.break();
  await Promise.all([broken.close(), other.close()]);
});

const signOut = (at = broken) =>
  person.fetch(`${at.origin}/logout?local=true`, {
    method: 'POST',
    headers: { 'X-CSRF-Token': csrfToken },
    from: `${at.origin}/`,
  });
const statusAt = async (at: World) => (await person.fetch(`${at.origin}/api/x`, { from: `${at.origin}/` })).status;
const isRevoked = () => hostile.grants.at(-1)?.revoked === true;

async function expectRefusal(): Promise<void> {
  const answer = await signOut();
  expect(answer.status).toBe(503);
  expect(answer.json()).toMatchObject({ code: 'store-unavailable' });
  expect(answer.header('retry-after')).toMatch(/^\d+$/);
  expect(answer.all('set-cookie')).toEqual([]);
  expect(answer.header('clear-site-data')).toBeUndefined();
}

/** Signed out everywhere, with nothing left alive, and asking again is no error. */
async function expectSignedOut(): Promise<void> {
  await eventually(isRevoked);
  expect(await statusAt(other)).toBe(401);
  await eventually(async () => (await statusAt(broken)) === 401);
  expect((await signOut()).status).toBe(204);
}

const breaks = [
  ['before Redis takes the claim', { script: beginSpendingScript, at: 'request' }, true],
  ['before the process learns of the claim', { script: beginSpendingScript, at: 'reply' }, true],
  ['between the claim and the end', { script: endScript, at: 'request' }, true],
  ['before the process learns of the end', { script: endScript, at: 'reply' }, false],
] satisfies readonly [string, Stop, boolean][];

describe.each(breaks)('Redis breaks %s', (_where, stop, livesStill) => {
  it('LO-01, LO-04: the person is told, and signed out once it is back', async () => {
    expect(await statusAt(other)).toBe(200);
    gap.stopAt(stop);

    await expectRefusal();
    expect(gap.seen).toBeGreaterThan(0);
    expect(await statusAt(other)).toBe(livesStill ? 200 : 401);
    expect(isRevoked()).toBe(false);

    gap.break();
    await expectSignedOut();
  });

  it('LO-01: the person may ask another instance meanwhile, which signs out at once', async () => {
    gap.stopAt(stop);
    await expectRefusal();

    expect((await signOut(other)).status).toBe(204);

    expect(await statusAt(other)).toBe(401);
    if (livesStill) expect(isRevoked()).toBe(true);
    gap.break();
    await expectSignedOut();
  });
});

describe('a form of the page, while Redis breaks between the claim and the end', () => {
  it('LO-01, LO-09: gets a page that says when to try again, and is led on when it is pressed again', async () => {
    const press = () =>
      person.submitForm(`${broken.origin}/logout`, {}, { from: `${broken.origin}/`, redirect: 'manual' });
    gap.stopAt({ script: endScript, at: 'request' });

    const refused = await press();
    expect(refused.status).toBe(503);
    expect(refused.header('content-type')).toContain('text/html');
    expect(refused.text()).toMatch(/Try again in \d+ seconds/);

    gap.break();
    const led = await eventually(async () => {
      const answer = await press();
      return answer.status === 303 && answer;
    });
    expect(led).toMatchObject({ status: 303 });
    await expectSignedOut();
  });
});

describe('Redis breaks after the end', () => {
  it('LO-01, LO-03, LO-04: the person is signed out, and the cookie goes', async () => {
    gap.stopAt({ script: endScript, at: 'next' });

    const answer = await signOut();

    expect(answer.status).toBe(204);
    expect(answer.all('set-cookie').some((line) => line.startsWith('claimcheck=;'))).toBe(true);
    expect(await statusAt(other)).toBe(401);
    expect(isRevoked()).toBe(true);
  });
});
