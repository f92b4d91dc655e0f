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
import { App } from '../../src/app.ts';
import { Trail } from '../../src/audit/trail.ts';
import { filesOnDisk } from '../../src/config/files.ts';
import { loadConfig } from '../../src/config/load.ts';
import { byHint, Entrance, type Member } from '../support/entrance.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { type Caller, call, type Outcome } from '../support/traffic.ts';
import { startUpstream } from '../support/upstream.ts';
import { client, reserveAddress } from '../support/world.ts';

/** The three, and what they share. */
export interface Instances {
  readonly origin: string;
  readonly ports: readonly number[];
  readonly redis: RedisServer;
  readonly hostile: HostileProvider;
  readonly clock: ShiftedClock;
  readonly entrance: Entrance;
  /** Lets time pass while nobody calls: idle connections are not used again, since the servers close them by the same clock. */
  pass(ms: number): void;
  send(caller: Caller, what: Errand): Promise<Outcome>;
  /** Ends all sessions of a person by the store alone, as an operator does. */
  endAllOf(sub: string): Promise<number>;
  close(): Promise<void>;
}

/** A request of somebody's page. */
export interface Errand {
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly csrfToken?: string;
  /** Sent as a form, by another server and not by a page. */
  readonly form?: Readonly<Record<string, string>>;
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
  const partsOf = () =>
    createParts(config, { trail: new Trail({ level: 'error', stream: { write: () => undefined } }), clock });
  const apps = [new App(partsOf()), new App(partsOf()), new App(partsOf())];
  const ports = await Promise.all(apps.map(async (app) => (await app.listen()).port));
  await Promise.all(apps.map((app) => app.ready()));
  const operator = partsOf();
  const agent = new Agent({ keepAlive: true });
  const portOf = (instance: number) => ports[instance % ports.length] ?? 0;
  return {
    ...{ origin, ports, redis, hostile, clock },
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
    async close() {
      agent.destroy();
      await Promise.all(apps.map((app) => app.close()));
      await Promise.all([operator.store.close(), operator.provider.close(), operator.upstreams.close()]);
      await Promise.all([hostile.close(), upstream.stop()]);
      await redis.stop();
    },
  };
}

function endAllOf({ sessions, config, clock }: Parts, sub: string): Promise<number> {
  const sought = { index: 'sub', issuer: config.issuer, value: sub } as const;
  return sessions.endAllOf(sought, { notBefore: clock.now(), reason: 'revoked' });
}

/** What a page knows of its session. */
export interface Person extends Member {
  readonly csrfToken: string;
  readonly handle: string;
}

/** Somebody who signed in and whose page has looked at its session. */
export async function signIn({ entrance, send }: Instances, sub: string): Promise<Person> {
  const member = await entrance.signIn(sub);
  const { body } = await send(member, { at: 0, method: 'GET', path: '/session' });
  const session = JSON.parse(body) as { csrf_token: string; session: { id: string } }; // the contract of /session
  return { ...member, csrfToken: session.csrf_token, handle: session.session.id };
}
