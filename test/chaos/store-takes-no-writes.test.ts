/**
 * A Redis that answers every question and takes no write, as one does that has lost
 * its replicas (`min-replicas-to-write`) or its disk: opened sessions are held in
 * memory meanwhile, and nothing may be answered as done that was not.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type SignedIn, startTwins, type Twins } from '../flow/twin-worlds.ts';
import type { Answer } from '../support/browser-answer.ts';
import { eventually } from '../support/eventually.ts';
import { echo, startUpstream, type Upstream } from '../support/upstream.ts';
import type { World } from '../support/world.ts';

let twins: Twins;
let upstream: Upstream;

beforeAll(async () => {
  upstream = await startUpstream(echo);
  twins = await startTwins({ upstream: upstream.origin, env: { SESSION_IDLE_TIMEOUT: '30m' } });
});

afterAll(async () => {
  await twins.close();
  await upstream.stop();
});

beforeEach(async () => {
  await takeWrites(true);
  twins.hostile.reset();
  twins.clock.advance(31_000); // past the limit of sign-ins, and past every pause
});

const takeWrites = (isTaking: boolean) =>
  twins.redis.cli('CONFIG', 'SET', 'min-replicas-to-write', isTaking ? '0' : '1');

const get = (world: World, { browser }: SignedIn) =>
  browser.fetch(`${world.origin}/api/x`, { from: `${world.origin}/` });

async function send(
  world: World,
  person: SignedIn,
  { method, path }: { method: string; path: string },
): Promise<Answer> {
  const { csrf_token } = await world.session(person.browser);
  const headers = { 'X-CSRF-Token': csrf_token };
  return person.browser.fetch(world.origin + path, { method, headers, from: `${world.origin}/` });
}

/** Somebody whom both instances hold in memory. */
async function known(): Promise<SignedIn> {
  const person = await twins.signIn();
  for (const world of [twins.first, twins.second]) expect((await get(world, person)).status).toBe(200);
  return person;
}

/** The answer says that nothing was done, whose fault that is, and takes nothing from the browser. */
function expectNotDone(answer: Answer): void {
  expect(answer.status).toBe(503);
  expect(answer.header('x-error-source')).toBe('store');
  expect(answer.header('retry-after')).toMatch(/^[1-9]\d*$/);
  expect(answer.all('set-cookie')).toEqual([]);
  expect(answer.header('clear-site-data')).toBeUndefined();
}

describe('while Redis takes no write', () => {
  it('SE-13: calls go on, and activity that cannot be noted is noted later', async () => {
    await twins.redis.cli('FLUSHALL');
    twins.hostile.script.token.expiresIn = 6 * 3_600; // nothing is refreshed here
    const person = await known();
    const seenAt = async () => {
      const [key = ''] = (await twins.redis.cli('KEYS', 'cc:{*}:session')).split('\n');
      return Number(await twins.redis.cli('HGET', key, 'seen'));
    };
    const before = await seenAt();
    await takeWrites(false);

    for (let minutes = 0; minutes < 20; minutes += 4) {
      twins.clock.advance(4 * 60_000); // a touch is due every three minutes
      for (const world of [twins.first, twins.second]) {
        await fetch(`${world.opsUrl}/readyz`); // Redis was heard of since the clock was moved
        expect((await get(world, person)).status).toBe(200);
      }
    }
    expect(await seenAt()).toBe(before);
    expect(twins.first.log.map(({ message }) => message)).toContain('activity could not be noted');
    await takeWrites(true);
    expect((await get(twins.first, person)).status).toBe(200);
    await eventually(async () => expect(await seenAt()).toBeGreaterThan(before));
    twins.clock.advance(20 * 60_000); // 40 minutes after the activity of before
    expect((await get(twins.second, person)).status).toBe(200);
  });

  it('SE-13, RF-07: no refresh token is presented, and the session goes on afterwards', async () => {
    const person = await known();
    await takeWrites(false);
    twins.clock.advance(301_000);

    expectNotDone(await get(twins.first, person));
    expectNotDone(await get(twins.second, person));
    expect(twins.hostile.hits('refresh')).toBe(0);

    await takeWrites(true);
    await eventually(async () => (await get(twins.second, person)).status === 200, 5_000);
    expect(twins.hostile.hits('refresh')).toBe(1);
  });

  it('SE-13: new tokens that come meanwhile are held until they can be written', async () => {
    const person = await known();
    twins.clock.advance(301_000);
    twins.hostile.script.refresh.fault = () => ({ kind: 'hold', at: 'before-headers', until: takeWrites(false) });

    expect((await get(twins.first, person)).status).toBe(503);
    await takeWrites(true);

    await eventually(async () => (await get(twins.second, person)).status === 200, 5_000);
    expect(twins.hostile.hits('refresh')).toBe(1);
    expect(twins.hostile.hits('revoke')).toBe(0);
  });

  // After those that count revocations: what was refused here is carried out behind, and revokes.
  it('SE-13, LO-01: no sign-out is said to be done, and each can be done afterwards', async () => {
    const [person, other] = [await known(), await known()];
    const { id } = (await twins.first.session(other.browser))['session'] as { id: string };
    const deliver = () => twins.hostile.deliverLogoutToken(twins.backChannel, { sid: other.sid });
    await takeWrites(false);

    expectNotDone(await send(twins.first, person, { method: 'POST', path: '/logout?local=true' }));
    expectNotDone(await send(twins.first, person, { method: 'DELETE', path: `/sessions/${id}` }));
    expect((await deliver()).status).toBe(503);
    for (const world of [twins.first, twins.second]) {
      for (const each of [person, other]) expect((await get(world, each)).status).toBe(200);
    }
    expect(twins.hostile.hits('revoke')).toBe(0);

    await takeWrites(true);
    expect((await deliver()).status).toBe(200);
    expect((await send(twins.second, person, { method: 'POST', path: '/logout?local=true' })).status).toBe(204);
    for (const world of [twins.first, twins.second]) {
      for (const each of [person, other]) await eventually(async () => (await get(world, each)).status === 401);
    }
  });

  it('SE-13, CB-26: nobody is signed in, and no cookie says so', async () => {
    const browser = twins.first.browser();
    await takeWrites(false);

    const landed = await browser.navigate(`${twins.first.origin}/login`, { from: `${twins.first.origin}/` });

    expect(landed.status).toBe(503);
    expect(browser.jar.all().map(({ name }) => name)).not.toContain('claimcheck');
    await takeWrites(true);
    expect(await twins.isSignedIn(browser)).toBe(false);
    twins.clock.advance(11_000);
    await twins.signIn('alice', browser);
  });
});
