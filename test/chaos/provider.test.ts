/**
 * The authorization server is away, slow or out of its mind while people work:
 * they go on as long as their tokens live, wait afterwards, and are never signed out.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import type { Fault } from '../support/hostile/fault.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { freePort } from '../support/ports.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { type Caller, type Outcome, Traffic, tallyOf } from '../support/traffic.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { type Address, client, reserveAddress, startWorld, type World } from '../support/world.ts';

let address: Address;
let clock: ShiftedClock;
let upstream: Upstream;
let port: number;
let hostile: HostileProvider;
let world: World;

beforeEach(async () => {
  [address, upstream, port] = await Promise.all([reserveAddress(), startUpstream(), freePort()]);
  clock = new ShiftedClock();
  hostile = await startProvider();
});

afterEach(async () => {
  await world.close();
  await Promise.all([hostile.close(), upstream.stop()]);
});

/** A provider at the one address that Claimcheck knows, so that it can come back. */
function startProvider(): Promise<HostileProvider> {
  const clients = [{ clientId: client.id, clientSecret: client.secret, redirectUris: [address.redirectUri] }];
  return startHostileProvider({ port, clock, clients });
}

function startHere(): Promise<World> {
  const env = { API_AUDIENCE: undefined, PROVIDER_TIMEOUT: '1s' };
  return startWorld({ issuer: `http://127.0.0.1:${port}`, upstream: upstream.origin, clock, env }, address);
}

async function signIn(): Promise<Browser> {
  const browser = world.browser();
  await browser.navigate(`${world.origin}/login`, { from: `${world.origin}/` });
  expect(await world.session(browser)).toMatchObject({ authenticated: true });
  return browser;
}

function callerOf(browser: Browser): Caller {
  const cookie = browser.cookieHeader(`${world.origin}/api/x`, { from: `${world.origin}/` }) ?? '';
  return { cookie, host: new URL(world.origin).host };
}

const refreshes = () => hostile.log.filter(({ body }) => body['grant_type'] === 'refresh_token').length;
const tokenLifeMs = 300_000;

async function seenFor(traffic: Traffic, { least, ms }: { least: number; ms: number }): Promise<readonly Outcome[]> {
  const began = performance.now();
  await eventually(() => traffic.since(began).length >= least && performance.now() - began >= ms, 30_000);
  return traffic.since(began);
}

const page = { headers: { 'content-type': 'text/html' }, body: '<!doctype html><p>Please try again later.' };
const faults: readonly (readonly [string, Fault])[] = [
  ['breaks the connection', { kind: 'reset', at: 'before-processing' }],
  ['breaks off its answer', { kind: 'instead', status: 200, body: '{"access_to' }],
  ['never answers', { kind: 'hang', at: 'before-processing' }],
  ['answers 500', { kind: 'instead', status: 500, body: 'oops' }],
  ['answers 429 and when to come back', { kind: 'instead', status: 429, headers: { 'retry-after': '2' } }],
  ['answers with a page', { kind: 'instead', status: 200, ...page }],
];
/** Answers that are complete, but later than anybody waits. What they bring is spent all the same. */
const tooSlow = ['is too slow', { kind: 'drip', everyMs: 100 }] as const;

describe('at a refresh, under traffic, a provider that', () => {
  it.each([...faults, tooSlow])(
    'RF-07, ER-08: %s ends no session, and is forgiven as soon as it is itself again',
    async (_case, fault) => {
      world = await startHere();
      // Where the answer is lost, only a provider that lets a token be presented again can be asked again (FAPI 2.0, 5.3.2.1).
      hostile.script.refresh.reuse = 'tolerated';
      const browsers = [await signIn(), await signIn(), await signIn(), await signIn()];
      const callers = browsers.map(callerOf);
      const traffic = new Traffic({ callers, ports: [world.port], path: '/api/x', everyMs: 20 });
      await seenFor(traffic, { least: 40, ms: 0 });

      hostile.script.refresh.fault = fault;
      clock.advance(tokenLifeMs - 20_000);
      const alive = await seenFor(traffic, { least: 100, ms: 1_200 });
      expect(alive.filter(({ status }) => status !== 200)).toEqual([]);
      expect(refreshes()).toBeGreaterThan(0);

      clock.advance(20_000);
      const over = await seenFor(traffic, { least: 40, ms: 2_500 });
      expect(tallyOf(over)['503']).toBeGreaterThan(0);
      expect(over.filter(({ status }) => status !== 503)).toEqual([]);
      const asked = refreshes();

      hostile.script.refresh.fault = undefined;
      const healed = performance.now();
      await eventually(
        () =>
          callers.every((caller) =>
            traffic.since(healed).some((seen) => seen.caller === caller && seen.status === 200),
          ),
        20_000,
      );
      const backMs = performance.now() - healed;
      const seen = await traffic.stop();

      console.log(
        `${JSON.stringify(tallyOf(seen))}; ${asked} refreshes asked in the outage; all back after ${Math.round(backMs)} ms`,
      );
      expect(asked).toBeLessThanOrEqual(30); // four people, fifty calls a second each
      expect(seen.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
      expect(seen.filter(({ headers }) => headers['set-cookie'] ?? headers.location)).toEqual([]);
      const refused = seen.filter(({ status }) => status === 503);
      expect(refused.filter(({ headers }) => !/^[1-9]\d*$/.test(headers['retry-after'] ?? ''))).toEqual([]);
      expect(new Set(refused.map(({ headers }) => headers['x-error-source']))).toEqual(new Set(['provider']));
      for (const browser of browsers) expect(await world.session(browser)).toMatchObject({ authenticated: true });
    },
  );

  it('RF-07: is gone altogether leaves the sessions alive; another at its place signs people in without a restart', async () => {
    world = await startHere();
    const browser = await signIn();
    const get = () => browser.fetch(`${world.origin}/api/x`);
    await hostile.close();

    clock.advance(tokenLifeMs - 10_000);
    expect((await get()).status).toBe(200);
    clock.advance(10_000);
    const refused = await get();
    expect(refused.status).toBe(503);
    expect(refused.header('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(await world.session(browser)).toMatchObject({ authenticated: true });

    hostile = await startProvider();
    // It knows nothing of the old grants, and its own word ends the session.
    await eventually(async () => (await get()).status === 401, 20_000);
    expect((await (await signIn()).fetch(`${world.origin}/api/x`)).status).toBe(200);
  });
});

const readiness = async () => (await fetch(`${world.opsUrl}/readyz`)).status;

async function expectRecovery(): Promise<void> {
  await eventually(async () => (await readiness()) === 200, 20_000);
  expect((await (await signIn()).fetch(`${world.origin}/api/x`)).status).toBe(200);
}

async function expectNoSignIn(): Promise<void> {
  expect(await readiness()).toBe(503);
  const browser = world.browser();
  const login = await browser.navigate(`${world.origin}/login`, { from: `${world.origin}/`, redirect: 'manual' });
  expect(login.status).toBe(503);
  expect(login.header('retry-after')).toMatch(/^[1-9]\d*$/);
  expect(login.header('x-error-source')).toBe('provider');
  expect(login.header('location')).toBeUndefined();
  expect(browser.jar.all()).toEqual([]);
  expect((await browser.navigate(`${world.origin}/`)).status).toBe(200);
  expect(await world.session(browser)).toMatchObject({ authenticated: false });
}

describe('at the start, a provider that', () => {
  it('LS-16, ER-08: is not there makes every sign-in 503 until it is', async () => {
    await hostile.close();
    world = await startHere();

    await expectNoSignIn();

    hostile = await startProvider();
    await expectRecovery();
  });

  it.each([...faults, tooSlow])(
    'LS-16, ER-08: %s makes every sign-in 503 until it is itself again',
    async (_case, fault) => {
      hostile.script.metadata.fault = fault;
      world = await startHere();

      await expectNoSignIn();

      hostile.script.metadata.fault = undefined;
      await expectRecovery();
    },
  );
});
