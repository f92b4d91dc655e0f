/**
 * Several processes of Claimcheck behind one public origin, with one Redis, one
 * hostile authorization server and a witness for an upstream: for what must be so
 * over real processes, whatever becomes of one of them.
 *
 * The processes have the real time, so tokens end because they are short-lived.
 * People sign in by bare HTTP, each from an address of their own, so that
 * hundreds can do so at once.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { byHint, Entrance, type Member } from './entrance.ts';
import { eventually } from './eventually.ts';
import { type HostileProvider, startHostileProvider } from './hostile-provider.ts';
import { type ServerProcess, startServer } from './processes.ts';
import { type RedisServer, startRedis } from './redis.ts';
import { call, type Outcome } from './traffic.ts';
import { startWitness, type Witness } from './witness.ts';
import { client, reserveAddress } from './world.ts';

/** How a fleet differs from the usual one. */
export interface FleetOptions {
  /** How many processes; 3 unless told otherwise. */
  readonly instances?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Paths below `/api` and the audience each has its own token for; by default all of `/api` has the sign-in's. */
  readonly audiences?: Readonly<Record<string, string>>;
  /** Its Redis, which it then stops; one of its own unless told otherwise. */
  readonly redis?: RedisServer;
  /** By which address a process reaches Redis, for one that has something between. */
  readonly redisUrlOf?: (instance: number, url: string) => string;
}

/** A running fleet. */
export interface Fleet {
  readonly origin: string;
  readonly redis: RedisServer;
  readonly hostile: HostileProvider;
  readonly witness: Witness;
  /** May be exchanged by {@link Fleet.replace}. */
  readonly instances: readonly ServerProcess[];
  signIn(sub: string, instance?: number): Promise<Member>;
  /** A call in somebody's name, marked with it. */
  call(member: Member, at?: Partial<{ instance: number; path: string; method: string }>): Promise<Outcome>;
  /** Starts a new process in place of one that has ended. */
  replace(instance: number): Promise<void>;
  /** Every refresh token that was presented, oldest first. */
  presented(): readonly string[];
  close(): Promise<void>;
}

/** Starts a fleet. Its tokens are JWTs, so that the witness knows whose they are. */
export async function startFleet(options: FleetOptions = {}): Promise<Fleet> {
  const { origin, redirectUri } = await reserveAddress();
  const clients = [{ clientId: client.id, clientSecret: client.secret, redirectUris: [redirectUri] }];
  const [redis, hostile, witness] = await Promise.all([
    options.redis ?? startRedis(),
    startHostileProvider({ clients }),
    startWitness(),
  ]);
  hostile.user = byHint;
  hostile.script.token.accessTokenFormat = 'jwt';
  hostile.script.refresh.accessTokenFormat = 'jwt';
  const directory = await mkdtemp(join(tmpdir(), 'claimcheck-fleet-'));
  const env = {
    PUBLIC_URL: origin,
    ISSUER: hostile.issuer,
    CLIENT_ID: client.id,
    CLIENT_SECRET: client.secret,
    SESSION_SECRETS: randomBytes(32).toString('base64url'),
    LOG_LEVEL: 'warn',
    ...(await upstreamsOf(options, { directory, upstream: witness.origin })),
    ...options.env,
  };
  const start = (instance: number) =>
    startServer({
      entry: 'src/main.ts',
      ports: ['PORT', 'OPS_PORT'],
      limitMs: 120_000, // many start at once
      env: { ...env, REDIS_URL: options.redisUrlOf?.(instance, redis.url) ?? redis.url },
    });
  const instances = await Promise.all(Array.from({ length: options.instances ?? 3 }, (_, n) => start(n)));
  const agent = new Agent({ keepAlive: true });
  const portOf = (instance: number) => {
    const found = instances[instance % instances.length];
    if (found === undefined) throw new Error('this fleet has no process');
    return found.port();
  };
  const entrance = new Entrance({ origin, hostile, portOf });
  return {
    ...{ origin, redis, hostile, witness, instances },
    signIn: (sub, instance = 0) => entrance.signIn(sub, instance),
    call: (member, { instance = 0, path = '/api/x', method } = {}) =>
      call({
        ...{ port: portOf(instance), caller: member, path: `${path}?user=${member.sub}`, agent },
        ...(method === undefined ? {} : { method }),
      }),
    async replace(instance) {
      instances[instance] = await start(instance);
    },
    presented: () =>
      hostile.log.flatMap(({ endpoint, body }) => (endpoint === 'refresh' ? [body['refresh_token'] ?? ''] : [])),
    async close() {
      agent.destroy();
      await Promise.all(instances.map((instance) => instance.stop()));
      await Promise.all([hostile.close(), witness.stop(), redis.stop(), rm(directory, { recursive: true })]);
    },
  };
}

/** Lets `instant` pass by the real clock, which is the clock of the processes. */
export async function until(instant: number): Promise<void> {
  await eventually(() => Date.now() >= instant, Math.max(1, instant - Date.now()) + 5_000);
}

async function upstreamsOf(
  { audiences }: FleetOptions,
  { directory, upstream }: { readonly directory: string; readonly upstream: string },
): Promise<Readonly<Record<string, string>>> {
  if (audiences === undefined) return { API_UPSTREAM: upstream };
  const routes = Object.entries(audiences).flatMap(([path, audience]) => [
    `  - path: ${path}`,
    `    upstream: ${upstream}${path}`,
    ...(audience === '' ? [] : [`    audience: ${audience}`]),
  ]);
  const file = join(directory, 'rules.yaml');
  await writeFile(file, ['routes:', ...routes, ''].join('\n'));
  return { RULES_FILE: file };
}
