/**
 * What a session costs while its browser is at work, and what holding it in memory
 * must never do: three instances over one Redis.
 */

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { echo, startUpstream, type Upstream } from '../support/upstream.ts';
import { startWorld, type World } from '../support/world.ts';
import { startTwins, type Twins } from './twin-worlds.ts';

let twins: Twins;
let third: World;
let upstream: Upstream;

beforeAll(async () => {
  const env = { SESSION_SECRETS: randomBytes(32).toString('base64url') };
  upstream = await startUpstream();
  twins = await startTwins({ upstream: upstream.origin, env });
  third = await startWorld({
    issuer: twins.hostile.issuer,
    upstream: upstream.origin,
    redisUrl: twins.redis.url,
    clock: twins.clock,
    env: { ...env, PUBLIC_URL: twins.first.origin },
  });
});

afterAll(async () => {
  await third.close();
  await twins.close();
  await upstream.stop();
});

beforeEach(() => {
  twins.hostile.reset();
  twins.hostile.script.token.expiresIn = 6 * 3_600; // nothing is refreshed here
  upstream.script = echo;
  twins.clock.advance(11_000); // past the limit of sign-ins
});

const instances = () => [twins.first, twins.second, third];

async function statusAt(world: World, browser: Browser): Promise<number> {
  return (await browser.fetch(`${world.origin}/api/orders`, { from: `${world.origin}/` })).status;
}

/** Redis has said something since the clock was moved; it is asked for that by the clock of the machine. */
async function heardFrom(...worlds: readonly World[]): Promise<void> {
  for (const world of worlds) expect((await fetch(`${world.opsUrl}/readyz`)).status).toBe(200);
}

/** A browser that every instance knows. */
async function warmBrowser(): Promise<Browser> {
  const { browser } = await twins.signIn();
  await heardFrom(...instances());
  for (const world of instances()) expect(await statusAt(world, browser)).toBe(200);
  return browser;
}

async function signOut(browser: Browser): Promise<void> {
  const { csrf_token } = await twins.first.session(browser);
  const answer = await browser.fetch(`${twins.first.origin}/logout?local=true`, {
    method: 'POST',
    headers: { 'X-CSRF-Token': csrf_token },
    from: `${twins.first.origin}/`,
  });
  expect(answer.status).toBe(204);
}

/** The same cookies, in a browser that nothing takes them from. */
function copyOf(browser: Browser): (world: World) => Promise<number> {
  const cookie = browser.jar
    .all()
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ');
  return async (world) =>
    (await fetch(`${world.origin}/api/orders`, { headers: { cookie, 'sec-fetch-site': 'same-origin' } })).status;
}

/** The commands that Redis ran while `task` did, those that only ask whether it is there excepted. */
async function commandsOf(task: () => Promise<void>): Promise<readonly string[]> {
  const watched = await twins.redis.monitor();
  await task();
  await twins.redis.cli('ECHO', 'the end');
  await eventually(() => expect(watched.lines().at(-1)).toContain('the end'));
  watched.close();
  return watched.lines().filter((line) => !/"(ping|echo|info)"/i.test(line));
}

describe('requests of a session that is known', () => {
  it('ask Redis nothing, PING apart', async () => {
    const browser = await warmBrowser();

    const asked = await commandsOf(async () => {
      for (let n = 0; n < 30; n++) {
        expect(await statusAt(twins.first, browser)).toBe(200);
        expect(await twins.isSignedIn(browser)).toBe(true);
      }
    });
    twins.clock.advance(31_000);
    await heardFrom(twins.first);
    const askedLater = await commandsOf(async () => {
      expect(await statusAt(twins.first, browser)).toBe(200);
    });

    expect(asked).toEqual([]);
    expect(askedLater).toEqual([
      expect.stringMatching(/"HMGET" "cc:\{.*\}:session" "v" "seen" "reseals"$/),
      expect.stringMatching(/"HMGET" "cc:\{.*\}:tokens" "v" "spending" "owner" "until"$/),
      expect.stringMatching(/"EXISTS" "cc:\{.*\}:card"$/),
    ]);
  });

  it('CK-13: ask Redis nothing without a cookie, nor with one that we did not sign', async () => {
    const cookies = (await warmBrowser()).jar.all();
    const forged = `s%3A${'A'.repeat(43)}.${'B'.repeat(43)}`;
    const cookie = cookies.map(({ name }) => `${name}=${forged}`).join('; ');

    const asked = await commandsOf(async () => {
      for (const headers of [{}, { cookie }]) {
        for (const path of ['/', '/session', '/api/orders']) {
          const answer = await fetch(twins.first.origin + path, { headers });
          expect(answer.status).toBe(path === '/api/orders' ? 401 : 200);
        }
      }
    });

    expect(asked).toEqual([]);
  });

  it('SE-04: over an hour cost a touch for each tenth of the idle timeout, a comparison for each half minute and no reading', async () => {
    const browser = await warmBrowser();
    const stepMs = 15_000;

    const asked = await commandsOf(async () => {
      for (let passedMs = 0; passedMs < 3_600_000; passedMs += stepMs) {
        twins.clock.advance(stepMs);
        await heardFrom(twins.first);
        expect(await statusAt(twins.first, browser)).toBe(200);
        expect(await statusAt(twins.first, browser)).toBe(200);
      }
    });

    const touches = asked.filter((line) => /"evalsha"/i.test(line)).length;
    const readings = asked.filter((line) => /"get".*:card"/i.test(line)).length;
    const comparisons = asked.filter((line) => /"hmget".*:tokens/i.test(line)).length;
    const seen = `${touches} touches, ${comparisons} comparisons, ${readings} readings`;
    console.info(`an hour of two requests every fifteen seconds: ${seen}`);
    expect(touches).toBeGreaterThanOrEqual(18);
    expect(touches).toBeLessThanOrEqual(20);
    expect(readings).toBe(0);
    expect(comparisons).toBeGreaterThanOrEqual(100);
    // One more for each touch: what was written to is compared.
    expect(comparisons).toBeLessThanOrEqual(120 + touches);
  });

  it('SE-04: activity at one instance keeps the session at another that has not seen any', async () => {
    const browser = await warmBrowser();
    for (let minutes = 0; minutes < 40; minutes += 4) {
      twins.clock.advance(4 * 60_000);
      await heardFrom(twins.first);
      expect(await statusAt(twins.first, browser)).toBe(200);
    }

    expect(await statusAt(third, browser)).toBe(200);
  });
});

describe('a sign-out at one instance', () => {
  it('LO-01: is known at the others within 100 ms, and event streams are told', async () => {
    const tookMs: number[] = [];
    let late = 0;
    for (let round = 0; round < 25; round++) {
      twins.clock.advance(1_000);
      const browser = await warmBrowser();
      const old = copyOf(browser);
      const others = [twins.second, third];
      for (const world of others) expect(await old(world)).toBe(200);
      const stream = await browser.openStream(`${third.origin}/session/events`, { from: `${third.origin}/` });
      await stream.next('state');

      await signOut(browser);
      const signedOutAt = performance.now();

      expect(await old(twins.first)).toBe(401);
      for (const world of others) {
        await eventually(async () => {
          const status = await old(world);
          if (status !== 401) late += 1;
          expect(status).toBe(401);
        }, 2_000);
        tookMs.push(performance.now() - signedOutAt);
      }
      expect((await stream.next('ended')).data).toContain('signed-out');
    }

    const p99 = tookMs.sort((one, other) => one - other)[Math.floor(tookMs.length * 0.99)] ?? Number.NaN;
    const median = tookMs[Math.floor(tookMs.length / 2)] ?? Number.NaN;
    console.info(
      `refused elsewhere after a sign-out: p99 ${p99.toFixed(1)} ms, median ${median.toFixed(1)} ms, ` +
        `${late} of ${tookMs.length + late} requests were still served`,
    );
    expect(late).toBeLessThanOrEqual(5);
    expect(p99).toBeLessThan(1_000);
  });
});

describe('Redis that can no longer tell', () => {
  it('SE-13: by a broken connection: a sign-out of that time is known as soon as it is back', async () => {
    const browser = await warmBrowser();
    const other = copyOf(browser);
    expect(await other(twins.second)).toBe(200);

    await twins.redis.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await twins.redis.cli('DEL', ...(await twins.redis.cli('KEYS', 'cc:{*}:*')).split('\n'));

    await eventually(async () => expect(await other(twins.second)).toBe(401));
  });

  it('SE-13, ER-08: by silence: what is held is served for three seconds at most, then refused and kept', async () => {
    const browser = await warmBrowser();
    const old = copyOf(browser);

    twins.redis.freeze();
    const frozenAt = performance.now();
    let servedUntil = frozenAt;
    await eventually(async () => {
      const status = await old(twins.second);
      if (status === 200) servedUntil = performance.now();
      expect(status).toBe(503);
    }, 10_000);
    const stillAway = await Promise.all(Array.from({ length: 20 }, () => old(twins.second)));
    twins.redis.thaw();

    console.info(`served by a partitioned instance for ${(servedUntil - frozenAt).toFixed(0)} ms`);
    expect(servedUntil - frozenAt).toBeLessThan(3_000);
    expect(new Set(stillAway)).toEqual(new Set([503]));
    await eventually(async () => expect(await old(twins.second)).toBe(200), 10_000);
  });
});

describe('the metrics of what is held', () => {
  it('count hits, misses and what was dropped, and tell how much is held', async () => {
    const browser = await warmBrowser();
    await statusAt(twins.first, browser);
    await signOut(browser);

    const text = await (await fetch(`${twins.first.opsUrl}/metrics`)).text();
    const metric = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);

    expect(metric('claimcheck_session_lookups_total{result="hit"}')).toBeGreaterThan(0);
    expect(metric('claimcheck_session_lookups_total{result="miss"}')).toBeGreaterThan(0);
    expect(metric('claimcheck_session_cache_dropped_total{reason="changed"}')).toBeGreaterThan(0);
    expect(metric('claimcheck_session_cache_entries')).toBeGreaterThanOrEqual(0);
    expect(metric('claimcheck_session_cache_bytes')).toBeGreaterThanOrEqual(0);
  });
});
