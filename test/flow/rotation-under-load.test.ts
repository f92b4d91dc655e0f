/**
 * Keys and secrets are exchanged while people sign in, one after the other and many
 * at a time: nobody fails to.
 */

import { afterEach, describe, expect, it } from 'vitest';
import { newClientKeyPem } from '../../src/oidc/client-key.ts';
import { byHint, Entrance } from '../support/entrance.ts';
import { eventually } from '../support/eventually.ts';
import type { RegisteredClient } from '../support/hostile/clients.ts';
import type { Jwk } from '../support/hostile/keys.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { startRedis } from '../support/redis.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { client, startWorld, type World, type WorldOptions } from '../support/world.ts';

const minuteMs = 60_000;
const ending: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

interface Place {
  readonly world: World;
  readonly hostile: HostileProvider;
  readonly clock: ShiftedClock;
}

/** A world before a provider that knows its client in this way. */
async function startPlace(registered: Partial<RegisteredClient>, options: WorldOptions = {}): Promise<Place> {
  const clock = new ShiftedClock();
  const hostile = await startHostileProvider({ clock, clients: [{ clientId: client.id, ...registered }] });
  ending.push(() => hostile.close());
  hostile.user = byHint;
  const env = { API_AUDIENCE: undefined, ...options.env };
  const world = await startWorld({ issuer: hostile.issuer, upstream: 'http://127.0.0.1:9', clock, ...options, env });
  ending.push(() => world.close());
  return { world, hostile, clock };
}

/** Twelve people who sign in, and then others in their place, as fast as they can. */
class Crowd {
  readonly failures: unknown[] = [];
  signedIn = 0;
  readonly #loops: readonly Promise<void>[];
  #isOver = false;
  #count = 0;
  #atRest = 0;
  #gate: Promise<unknown> = Promise.resolve();

  constructor({ world: { origin, port }, hostile }: Place) {
    const entrance = new Entrance({ origin, hostile, portOf: () => port });
    this.#loops = Array.from({ length: 12 }, () => this.#loop(entrance));
  }

  /** Resolves when so many more have signed in, all of whom began from now on. */
  async more(times = 48): Promise<void> {
    const before = this.signedIn;
    await eventually(() => this.failures.length > 0 || this.signedIn - before >= times + 12, 30_000);
  }

  /** Moves time between two sign-ins of everybody: no code lives so long. */
  async rest(act: () => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    await eventually(() => this.#atRest === this.#loops.length);
    act();
    resolve();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
  }

  async #loop(entrance: Entrance): Promise<void> {
    while (!this.#isOver) {
      this.#atRest += 1;
      await this.#gate;
      this.#atRest -= 1;
      try {
        await entrance.signIn(`person-${this.#count++}`);
        this.signedIn += 1;
      } catch (error) {
        this.failures.push(error);
        if (this.failures.length > 100) return;
      }
    }
  }
}

/** Lets a crowd sign in before, between and after the steps. Nobody may fail to. */
async function underLoad(place: Place, steps: readonly ((crowd: Crowd) => unknown)[]): Promise<void> {
  const crowd = new Crowd(place);
  try {
    await crowd.more();
    for (const step of steps) {
      if (crowd.failures.length > 0) break;
      await step(crowd);
      await crowd.more();
    }
  } finally {
    await crowd.stop();
  }
  const reasons = place.world.log.filter(({ event }) => event === 'sign-in.failed').map(({ reason }) => reason);
  expect([...reasons, ...crowd.failures]).toEqual([]);
}

describe('under load, nobody fails to sign in while', () => {
  it('IT-21: the provider’s keys are exchanged five times, and the old ones withdrawn', async () => {
    const place = await startPlace({ clientSecret: client.secret });
    const { hostile, clock } = place;
    let old = hostile.keys.active.kid;
    const rotation = [
      () => {
        old = hostile.keys.active.kid;
        hostile.keys.rotate({ overlap: true });
      },
      () => hostile.keys.withdraw(old),
      (crowd: Crowd) => crowd.rest(() => clock.advance(minuteMs)), // past the limit of fetches for keys that nobody knows
    ];
    const fetched = hostile.hits('jwks');
    await underLoad(place, Array.from({ length: 5 }, () => rotation).flat());

    const kids = new Set([...hostile.issued.idTokens].map(kidOf));
    expect(kids.size).toBe(6);
    expect(hostile.hits('jwks') - fetched).toBeLessThanOrEqual(10);
  });

  it('CA-10: the client’s keys, of a file, are exchanged in three steps', async () => {
    const [first, second] = [newClientKeyPem().reveal(), newClientKeyPem().reveal()];
    const files = { 'keys.pem': first };
    const jwks = () => published(place);
    const env = { CLIENT_SECRET: undefined, CLIENT_AUTH_METHOD: 'private_key_jwt', CLIENT_KEY_FILE: 'keys.pem' };
    const place = await startPlace({ jwks }, { env, files });
    const write = (...pems: readonly string[]) => {
      return () => {
        files['keys.pem'] = pems.join('\n');
        expect(place.world.reload()).toBe(true);
      };
    };
    await underLoad(place, [write(first, second), write(second, first), write(second)]);
    // A single key needs no name.
    expect([...assertionKids(place)].filter((kid) => kid !== undefined)).toHaveLength(2);
  });

  it('CA-10: the client’s keys, which replace themselves, are exchanged before a provider that keeps a copy', async () => {
    const redis = await startRedis();
    ending.push(() => redis.stop());
    let copy: { readonly keys: readonly Jwk[]; readonly at: number } | undefined;
    // The set is fetched again when the copy is 25 minutes old, and not before.
    const jwks = async () => {
      const at = place.clock.now();
      if (copy === undefined || at - copy.at > 25 * minuteMs) copy = { keys: await published(place), at };
      return copy.keys;
    };
    const env = { CLIENT_SECRET: undefined, CLIENT_AUTH_METHOD: 'private_key_jwt', CLIENT_KEY_ROTATION: '1h' };
    const place = await startPlace({ jwks }, { env, redisUrl: redis.url });
    await eventually(async () => expect(await published(place)).toHaveLength(1)); // it lies in Redis
    const looks = async () =>
      Number(/cmdstat_hmget:calls=(\d+)/.exec(await redis.cli('INFO', 'commandstats'))?.[1] ?? 0);
    const later = async (crowd: Crowd) => {
      await crowd.rest(() => place.clock.advance(16 * minuteMs));
      const before = await looks();
      await eventually(async () => (await looks()) > before, 10_000); // each instance looks at the list every three seconds
    };
    await underLoad(
      place,
      Array.from({ length: 7 }, () => later),
    );
    expect(assertionKids(place).size).toBeGreaterThanOrEqual(2);
  });

  it('CA-18: the client’s secret is exchanged, at the provider between two reloads', async () => {
    const [old, next] = [client.secret, `another-${client.secret}`];
    const place = await startPlace({ clientSecret: old });
    const reload = (env: Readonly<Record<string, string | undefined>>) => () => {
      expect(place.world.reload(env)).toBe(true);
    };
    await underLoad(place, [
      reload({ CLIENT_SECRET: old, CLIENT_SECRET_FALLBACK: next }),
      () => place.hostile.clients.set(client.id, { clientId: client.id, clientSecret: next }),
      reload({ CLIENT_SECRET: next, CLIENT_SECRET_FALLBACK: old }),
      reload({ CLIENT_SECRET: next }),
    ]);
    const refused = place.hostile.log.filter(({ auth }) => auth?.valid === false);
    expect(refused.length).toBeGreaterThan(0); // the old one was really refused
  });
});

/** The client's keys, as the provider finds them. */
async function published({ world }: Place): Promise<readonly Jwk[]> {
  const answer = await fetch(`${world.origin}/.well-known/jwks.json`);
  return ((await answer.json()) as { readonly keys: readonly Jwk[] }).keys; // RFC 7517, 5
}

function kidOf(token: string): unknown {
  return (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { readonly kid?: unknown }).kid;
}

function assertionKids({ hostile }: Place): ReadonlySet<unknown> {
  return new Set(
    hostile.log.flatMap(({ body }) => (body['client_assertion'] ? [kidOf(body['client_assertion'])] : [])),
  );
}
