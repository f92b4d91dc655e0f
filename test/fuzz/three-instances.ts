/**
 * Three instances of Claimcheck in this process, each with its own connections to
 * one Redis, before a hostile provider, with a clock that can be moved; and beside
 * them an operator, who has the sessions alone.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { createParts, type Parts } from '../../src/app/parts.ts';
import { createShared } from '../../src/app/shared.ts';
import { createApp } from '../../src/app.ts';
import { Trail } from '../../src/audit/trail.ts';
import { filesOnDisk } from '../../src/config/files.ts';
import { loadConfig } from '../../src/config/load.ts';
import { byHint, Entrance } from '../support/entrance.ts';
import { startHostileProvider } from '../support/hostile-provider.ts';
import { startRedis } from '../support/redis.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { call } from '../support/traffic.ts';
import { startUpstream } from '../support/upstream.ts';
import { client, reserveAddress } from '../support/world.ts';
import type { Playground } from './interleaved.ts';

/** The three, and what they share. */
export interface Instances extends Playground {
  readonly ports: readonly number[];
  readonly clock: ShiftedClock;
  /** Lets time pass while nobody calls: idle connections are not used again, since the servers close them by the same clock. */
  pass(ms: number): void;
  close(): Promise<void>;
}

/** Starts all of it. */
export async function startInstances(env: Readonly<Record<string, string>>): Promise<Instances> {
  const { origin, redirectUri } = await reserveAddress();
  const clock = new ShiftedClock();
  const clients = [{ clientId: client.id, clientSecret: client.secret, redirectUris: [redirectUri] }];
  const [redis, hostile, upstream] = await Promise.all([
    startRedis(),
    startHostileProvider({ clients, clock }),
    startUpstream(() => ({ body: 'x' })),
  ]);
  hostile.user = byHint;
  const settings = {
    ...{ PORT: '0', OPS_PORT: '0', PUBLIC_URL: origin, ISSUER: hostile.issuer },
    ...{ CLIENT_ID: client.id, CLIENT_SECRET: client.secret, API_UPSTREAM: upstream.origin },
    ...{ REDIS_URL: redis.url, SESSION_SECRETS: randomBytes(32).toString('base64url'), SHUTDOWN_TIMEOUT: '2s' },
  };
  const config = loadConfig({ ...settings, ...env }, filesOnDisk);
  const tools = { trail: new Trail({ level: 'error', stream: { write: () => undefined } }), clock };
  const apps = [createApp(config, tools), createApp(config, tools), createApp(config, tools)];
  const ports = await Promise.all(apps.map(async (app) => (await app.listen()).port));
  await Promise.all(apps.map((app) => app.ready()));
  const operator = createParts(createShared(config, tools), config.frontends[0]);
  const agent = new Agent({ keepAlive: true });
  const portOf = (instance: number) => ports[instance % ports.length] ?? 0;
  return {
    ...{ origin, ports, redis, hostile, clock, newsTakesMs: 0 },
    entrance: new Entrance({ origin, hostile, portOf }),
    pass(ms) {
      agent.destroy();
      clock.advance(ms);
    },
    async send(caller, { at, method, path, csrfToken, form }) {
      const page = {
        'Sec-Fetch-Site': 'same-origin',
        ...(csrfToken === undefined ? {} : { 'X-CSRF-Token': csrfToken }),
      };
      const outcome = await call({
        ...{ port: portOf(at), method, path, agent, caller },
        ...(form === undefined
          ? { headers: page }
          : {
              headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
              body: new URLSearchParams(form).toString(),
            }),
      });
      if (upstream.requests.length > 1_000) upstream.forget();
      return outcome;
    },
    endAllOf: (sub) => endAllOf(operator, sub),
    newSecond: () => secondLater(clock),
    async close() {
      agent.destroy();
      await Promise.all(apps.map((app) => app.close()));
      await Promise.all([operator.store.close(), operator.provider.close(), operator.upstreams.close()]);
      await Promise.all([hostile.close(), upstream.stop()]);
      await redis.stop();
    },
  };
}

// A token of before is of an earlier second then, in which `iat` counts.
function secondLater(clock: ShiftedClock): number {
  clock.advance(1_000);
  return clock.now();
}

/** Ends all sessions of a person as an operator does who has the store and nothing else. */
export function endAllOf({ sessions, config, clock }: Parts, sub: string): Promise<number> {
  const sought = { index: 'sub', issuer: config.issuer, value: sub } as const;
  return sessions.endAllOf(sought, { notBefore: clock.now(), reason: 'revoked' });
}
