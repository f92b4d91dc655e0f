/**
 * All session secrets are exchanged twice, in the three steps of docs/key-rotation.md,
 * on two instances that learn of each step at different times, while people use both.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/world.ts';
import { type SignedIn, startTwins, type Twins } from './twin-worlds.ts';

const newSecret = () => randomBytes(32).toString('base64url');
const people = ['ada', 'ben', 'cleo'];

let upstream: Server;
let twins: Twins;
let current = newSecret();

beforeAll(async () => {
  upstream = createServer((_request, response) => void response.end('{}'));
  await once(upstream.listen(0, '127.0.0.1'), 'listening');
  const { port } = upstream.address() as AddressInfo; // a socket of TCP has one
  twins = await startTwins({ upstream: `http://127.0.0.1:${port}`, env: { SESSION_SECRETS: current } });
});

afterAll(async () => {
  await twins.close();
  upstream.close().closeAllConnections();
});

function signIn(sub: string): Promise<SignedIn> {
  twins.clock.advance(1_000); // past the limit of sign-ins
  return twins.signIn(sub);
}

/** People who go on asking both instances, and everything that was not the answer to somebody signed in. */
class Users {
  readonly refusals: string[] = [];
  calls = 0;
  readonly #loops: Promise<void>[] = [];
  #isStopped = false;

  add(browser: Browser): void {
    this.#loops.push(this.#loop(browser));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
  }

  /** Resolves when they have called so many times more. */
  async callAgain(times = 40): Promise<void> {
    const before = this.calls;
    await eventually(() => expect(this.calls - before).toBeGreaterThan(times), 20_000);
  }

  async #loop(browser: Browser): Promise<void> {
    while (!this.#isStopped) {
      for (const { origin } of [twins.first, twins.second]) {
        const api = await browser.fetch(`${origin}/api/x`, { from: `${origin}/` });
        const session = await browser.fetch(`${origin}/session`, { from: `${origin}/` });
        if (api.status !== 200) this.refusals.push(`api ${api.status}`);
        if (session.json()['authenticated'] !== true) this.refusals.push(`session ${session.status}`);
        this.calls += 2;
      }
    }
  }
}

/** How many uses of keys behind the first entry an instance has counted. */
async function olderUses({ opsUrl }: World): Promise<number> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  const values = [...text.matchAll(/^claimcheck_session_key_uses_total\{.*position="older"\} (\d+)$/gm)];
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}

/** A sign-in that was begun, and is gone on with later, at whichever instance. */
async function beginSignIn(sub: string): Promise<(at: World) => Promise<Browser>> {
  twins.clock.advance(1_000);
  const browser = twins.first.browser();
  const away = await browser.navigate(`${twins.first.origin}/login`, { redirect: 'manual' });
  const authorization = String(away.header('location'));
  return async (at) => {
    twins.hostile.user = { sub, claims: { name: sub } };
    const back = await browser.navigate(authorization, { redirect: 'manual' });
    const callback = new URL(String(back.header('location')));
    callback.port = String(at.port);
    await browser.navigate(callback.href);
    return browser;
  };
}

/** One step of the runbook: the first instance learns of it, and later the second. A sign-in is under way each time. */
async function step(users: Users, secrets: readonly string[]): Promise<void> {
  for (const [world, other] of [
    [twins.first, twins.second],
    [twins.second, twins.first],
  ] as const) {
    const finish = await beginSignIn('ada');
    expect(world.reload({ SESSION_SECRETS: secrets.join(',') })).toBe(true);
    await users.callAgain();
    const browser = await finish(other);
    expect(await twins.isSignedIn(browser, world)).toBe(true);
    expect(await twins.isSignedIn(browser, other)).toBe(true);
    users.add(browser);
  }
}

/** What the runbook says to look at before the old entry is removed. */
async function untilNobodyUses(users: Users): Promise<void> {
  const sum = async () => (await olderUses(twins.first)) + (await olderUses(twins.second));
  await eventually(async () => {
    const before = await sum();
    await users.callAgain(users.calls === 0 ? 1 : 150);
    expect(await sum()).toBe(before);
  }, 20_000);
}

/** All of it. Somebody who is signed in half-way, and uses nothing after that, stays signed in too. */
async function rotate(users: Users): Promise<void> {
  const next = newSecret();
  await step(users, [current, next]);
  await step(users, [next, current]);
  const late = await signIn('late');
  await untilNobodyUses(users);
  await step(users, [next]);
  expect(await twins.isSignedIn(late.browser, twins.second)).toBe(true);
  current = next;
}

describe('a rotation of all session secrets', () => {
  it('TS-06, CK-10: happens twice under load with no forced login and no failed sign-in, and everybody can be signed out after', async () => {
    const users = new Users();
    const signedIn: SignedIn[] = [];
    for (const sub of [...people, ...people]) signedIn.push(await signIn(sub));
    const cookiesBefore = signedIn.map(({ browser }) => browser.cookieHeader(`${twins.first.origin}/session`));
    for (const { browser } of signedIn) users.add(browser);
    try {
      await rotate(users);
      await rotate(users);
    } finally {
      await users.stop();
    }

    expect(users.refusals).toEqual([]);
    for (const Cookie of cookiesBefore) {
      const answer = await fetch(`${twins.second.origin}/session`, { headers: { Cookie: String(Cookie) } });
      expect(await answer.json()).toMatchObject({ authenticated: false });
    }
    for (const sub of people) {
      const delivered = await twins.hostile.deliverLogoutToken(twins.backChannel, { sub });
      expect(delivered.status).toBe(200);
    }
    for (const { browser } of signedIn) {
      expect(await twins.isSignedIn(browser, twins.first)).toBe(false);
      expect(await twins.isSignedIn(browser, twins.second)).toBe(false);
    }
    const records = (await twins.redis.dumpAll()).filter(({ key }) => key.endsWith('}:session'));
    expect(records).toHaveLength(2); // those of `late`, who was not signed out
  }, 90_000);

  it('LO-11: between two steps a sign-out at one instance finds whom the other signed in', async () => {
    const next = newSecret();
    twins.first.reload({ SESSION_SECRETS: `${current},${next}` });
    twins.second.reload({ SESSION_SECRETS: `${current},${next}` });
    const before = await signIn('dora');
    twins.first.reload({ SESSION_SECRETS: `${next},${current}` });
    const after = await signIn('dora');
    const other = await signIn('emil');

    const atSecond = twins.backChannel.replace(twins.first.origin, twins.second.origin);
    expect((await twins.hostile.deliverLogoutToken(atSecond, { sub: 'dora' })).status).toBe(200);

    for (const world of [twins.first, twins.second]) {
      expect(await twins.isSignedIn(before.browser, world)).toBe(false);
      expect(await twins.isSignedIn(after.browser, world)).toBe(false);
      expect(await twins.isSignedIn(other.browser, world)).toBe(true);
    }
  });
});
