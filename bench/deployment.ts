/**
 * One Claimcheck with a Redis and a provider of its own, and as many people signed
 * in as are wanted: their sessions are written by the product's own store, many at
 * a time, since signing a hundred thousand in one by one would take hours.
 *
 * @module
 */

import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createParts, type Parts } from '../src/app/parts.ts';
import { createShared } from '../src/app/shared.ts';
import { Trail } from '../src/audit/trail.ts';
import { systemClock } from '../src/base/clock.ts';
import { randomToken } from '../src/base/random.ts';
import { filesOnDisk } from '../src/config/files.ts';
import { loadConfig } from '../src/config/load.ts';
import { SessionCookie } from '../src/session/cookie.ts';
import { eventually } from '../test/support/eventually.ts';
import { type HostileProvider, startHostileProvider } from '../test/support/hostile-provider.ts';
import { freePort } from '../test/support/ports.ts';
import { redisServer } from '../test/support/programs.ts';
import { type RedisServer, startRedis } from '../test/support/redis.ts';
import { ensurePrograms } from '../tools/install-programs.ts';

/** Somebody who is signed in. */
export interface Member {
  /** The name of the session in the store. */
  readonly id: string;
  readonly sub: string;
  readonly sid: string;
  /** As a browser sends it. */
  readonly cookie: string;
}

/** What the server's process holds, in bytes. */
export interface Held {
  /** Objects on the heap and buffers beside it, right after a collection. */
  readonly used: number;
  readonly resident: number;
}

/** All of it, running. */
export interface Deployment {
  readonly redis: RedisServer;
  readonly provider: HostileProvider;
  readonly origin: string;
  readonly port: number;
  /** Writes sessions of `count` people who are numbered from `from`. */
  signIn(count: number, from?: number): Promise<readonly Member[]>;
  /** Collects garbage in the server's process, and tells what is left. */
  held(): Promise<Held>;
  close(): Promise<void>;
}

/** The characters of an access token: that of a JWT with a dozen claims. */
const accessTokenLength = 1_000;
const atOnce = 32;

/** Runs `task` with one, after what it needs was installed. The exit code: 1 when that cannot be had. Throws what `task` throws. */
export async function withDeployment(task: (deployment: Deployment) => Promise<void>): Promise<number> {
  const advice = ensurePrograms([redisServer]);
  if (advice !== undefined) {
    process.stderr.write(`${advice}\n`);
    return 1;
  }
  const deployment = await openDeployment();
  try {
    await task(deployment);
    return 0;
  } finally {
    await deployment.close();
  }
}

async function openDeployment(): Promise<Deployment> {
  const [redis, provider, port] = await Promise.all([startRedis(), startHostileProvider(), freePort()]);
  const origin = `http://localhost:${port}`;
  const env = await settingsOf({ redis, provider, port, origin });
  const server = fork(join(import.meta.dirname, 'server-process.ts'), {
    env,
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'], // the audit trail goes nowhere, and is written all the same
  });
  await once(server, 'message');
  // A machine that is busy with both shall not be taken for a store that is away.
  const config = loadConfig({ ...env, REDIS_TIMEOUT: '5s' }, filesOnDisk);
  const parts = createParts(
    createShared(config, { trail: new Trail({ level: 'error' }), clock: systemClock }),
    config.frontends[0],
  );
  await eventually(() => parts.store.ping(), 5_000);
  return {
    ...{ redis, provider, origin, port },
    signIn: (count, from = 0) => signMany(parts, { issuer: provider.issuer, count, from }),
    async held() {
      server.send('held');
      const [held]: Held[] = await once(server, 'message');
      if (held === undefined) throw new Error('the server told nothing');
      return held;
    },
    async close() {
      const ended = once(server, 'exit');
      server.disconnect();
      await Promise.all([ended, parts.provider.close(), parts.upstreams.close(), parts.store.close()]);
      await Promise.all([provider.close(), redis.stop()]);
    },
  };
}

type Started = Pick<Deployment, 'redis' | 'provider' | 'port' | 'origin'>;

async function settingsOf({ redis, provider, port, origin }: Started): Promise<Record<string, string>> {
  const { clientId, clientSecret = '' } = provider.client;
  return {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    OPS_PORT: String(await freePort()),
    PUBLIC_URL: origin,
    ISSUER: provider.issuer,
    CLIENT_ID: clientId,
    CLIENT_SECRET: clientSecret,
    SESSION_SECRETS: randomBytes(32).toString('base64url'),
    API_UPSTREAM: 'http://127.0.0.1:9',
    REDIS_URL: redis.url,
    LOG_LEVEL: 'error',
  };
}

interface Crowd {
  readonly issuer: string;
  readonly count: number;
  readonly from: number;
}

async function signMany(parts: Parts, { issuer, count, from }: Crowd): Promise<readonly Member[]> {
  const members: Member[] = [];
  let next = from;
  const worker = async () => {
    while (next < from + count) members.push(await signOne(parts, { issuer, number: next++ }));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return members;
}

async function signOne(
  { sessions, frontend, keys }: Parts,
  { issuer, number }: { readonly issuer: string; readonly number: number },
): Promise<Member> {
  const now = systemClock.now();
  const [secret, sub, sid] = [randomToken(256), `person-${number}`, randomToken(128)];
  const accessToken = randomBytes(accessTokenLength).toString('base64url').slice(0, accessTokenLength);
  const set = { accessToken, expiresAt: now + 3_600_000, issuedAt: now, scope: ['openid', 'offline_access'] };
  const claims = { sub, name: `Person Number ${number}`, email: `${sub}@example.test` };
  const { id } = await sessions.start(secret, {
    identity: { issuer, subject: sub, sid, claims, authTime: now, acr: undefined },
    tokens: { refreshToken: randomToken(256), refreshExpiresAt: undefined, rotates: undefined, sets: { '': set } },
    agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    address: '198.18.0.1',
    issuedAt: now - 1_000, // a person signs in before they are signed out, by the clock of whole seconds, too
  });
  const cookie = new SessionCookie({ frontend, keys }).valueFor(secret);
  return { id, sub, sid, cookie: `${frontend.cookies.session}=${cookie}` };
}
