/**
 * Two instances of Claimcheck behind one public origin, with one Redis and one
 * hostile authorization server: for what must be so everywhere.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import type { Browser } from '../support/browser.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { client, startWorld, type World, type WorldOptions } from '../support/world.ts';

/** Both instances, and what they share. */
export interface Twins {
  readonly redis: RedisServer;
  readonly hostile: HostileProvider;
  readonly clock: ShiftedClock;
  /** The one whose address is the public one. */
  readonly first: World;
  /** The other: its answers to the same cookie are the same. */
  readonly second: World;
  /** Where the first takes logout tokens. */
  readonly backChannel: string;
  /** Signs somebody in at the first. */
  signIn(sub?: string, browser?: Browser): Promise<SignedIn>;
  /** Whether the browser is signed in at an instance. */
  isSignedIn(browser: Browser, at?: World): Promise<boolean>;
  close(): Promise<void>;
}

/** A browser that was signed in, and the authorization server's own name for that. */
export interface SignedIn {
  readonly browser: Browser;
  readonly sub: string;
  readonly sid: string;
}

/** Starts all of it. */
export async function startTwins({ env, ...options }: WorldOptions = {}): Promise<Twins> {
  const clock = new ShiftedClock();
  const clients = [{ clientId: client.id, clientSecret: client.secret }];
  const [redis, hostile] = await Promise.all([startRedis(), startHostileProvider({ clients, clock })]);
  const shared = { issuer: hostile.issuer, upstream: 'http://127.0.0.1:9', redisUrl: redis.url, clock, ...options };
  const settings = { SESSION_SECRETS: randomBytes(32).toString('base64url'), ...env };
  const first = await startWorld({ ...shared, env: settings });
  const second = await startWorld({ ...shared, env: { ...settings, PUBLIC_URL: first.origin } });
  const isSignedIn = async (browser: Browser, at = first) => {
    const answer = await browser.fetch(`${at.origin}/session`, { from: `${at.origin}/` });
    return answer.json()['authenticated'] === true;
  };
  return {
    ...{ redis, hostile, clock, first, second, isSignedIn },
    backChannel: `${first.origin}/backchannel-logout`,
    async signIn(sub = 'alice', browser = first.browser()) {
      hostile.user = { sub, claims: { name: sub, email: `${sub}@example.test` } };
      await browser.navigate(`${first.origin}/login`, { from: `${first.origin}/` });
      const sid = hostile.grants.at(-1)?.sid;
      if (sid === undefined || !(await isSignedIn(browser))) throw new Error('nobody was signed in');
      return { browser, sub, sid };
    },
    async close() {
      await Promise.all([first.close(), second.close()]);
      await Promise.all([hostile.close(), redis.stop()]);
    },
  };
}
