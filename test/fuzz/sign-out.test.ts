/**
 * Everything a person's browser, another device and the provider can do at once,
 * in random order, over two instances and one Redis: a sign-out always wins.
 */

import { Agent } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTwins, type Twins } from '../flow/twin-worlds.ts';
import { eventually } from '../support/eventually.ts';
import { dawdle } from '../support/slowness.ts';
import { call } from '../support/traffic.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { type Call, calls } from './own-calls.ts';
import { fuzzing } from './seed.ts';

const tokenLifeSeconds = 60;

let upstream: Upstream;
let twins: Twins;
let agent: Agent;
/** Another device of the same person. */
let device: Person;
/** What that alone leaves in Redis. */
let deviceHashes: ReadonlySet<string>;

beforeAll(async () => {
  upstream = await startUpstream(() => ({ body: 'x' }));
  twins = await startTwins({
    upstream: upstream.origin,
    // No session ends by itself, however far the clock is moved.
    env: { SESSION_IDLE_TIMEOUT: '10d', SESSION_LIFETIME: '10d' },
  });
  agent = new Agent({ keepAlive: true });
  twins.hostile.script.token.expiresIn = tokenLifeSeconds;
  twins.hostile.script.refresh.expiresIn = tokenLifeSeconds;
  device = await signIn();
  deviceHashes = await hashesInRedis();
});

afterAll(async () => {
  agent.destroy();
  await twins.close();
  await upstream.stop();
});

interface Person {
  readonly cookie: string;
  readonly csrfToken: string;
  readonly handle: string;
  readonly sid: string;
}

async function signIn(): Promise<Person> {
  const { browser, sid } = await twins.signIn();
  const { origin } = twins.first;
  const answer = await browser.fetch(`${origin}/session`, { from: `${origin}/` });
  const session = answer.json<{ csrf_token: string; session: { id: string } }>();
  const cookie = browser.cookieHeader(`${origin}/api/x`, { from: `${origin}/` }) ?? '';
  return { cookie, csrfToken: session.csrf_token, handle: session.session.id, sid };
}

/** Each of them is an end: at this browser, from another device, by the provider. */
const ends = ['sign out', 'other device', 'back-channel'] as const;
type End = (typeof ends)[number];

interface Command {
  readonly what: Call | End;
  /** Which instance. */
  readonly at: 0 | 1;
  /** After the end of the one before in its lane. */
  readonly afterMs: number;
}

interface Program {
  readonly token: 'fresh' | 'due' | 'expired';
  readonly providerTakesMs: number;
  /** What happens at the same time: tabs, devices. */
  readonly lanes: readonly (readonly Command[])[];
}

const command: fc.Arbitrary<Command> = fc.record({
  what: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<Call>('read', 'read', 'write', 'renew', 'look') },
    { weight: 2, arbitrary: fc.constantFrom(...ends) },
  ),
  at: fc.constantFrom(0, 1),
  afterMs: fc.oneof(fc.constant(0), fc.nat(12)),
});

const program: fc.Arbitrary<Program> = fc.record({
  token: fc.constantFrom('fresh', 'due', 'expired'),
  providerTakesMs: fc.oneof(fc.constant(0), fc.nat(15)),
  lanes: fc.array(fc.array(command, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 4 }),
});

/** One command that was carried out. */
interface Done extends Command {
  readonly status: number | 'broken';
  readonly isSignedIn: boolean;
  readonly began: number;
  readonly ended: number;
}

async function carryOut(command: Command, person: Person): Promise<Done> {
  await dawdle(command.afterMs);
  const began = performance.now();
  const { status, body } = await send(command, person);
  const isSignedIn = command.what === 'look' ? JSON.parse(body).authenticated === true : status === 200;
  return { ...command, status, isSignedIn, began, ended: performance.now() };
}

async function send(
  { what, at }: Pick<Command, 'what' | 'at'>,
  person: Person,
): Promise<{ readonly status: number | 'broken'; readonly body: string }> {
  const world = at === 0 ? twins.first : twins.second;
  if (what === 'back-channel') {
    return twins.hostile.deliverLogoutToken(`${world.origin}/backchannel-logout`, { sid: person.sid });
  }
  const [method, path] = what === 'other device' ? (['DELETE', `/sessions/${person.handle}`] as const) : calls[what];
  const { cookie, csrfToken } = what === 'other device' ? device : person;
  return call({
    ...{ port: world.port, method, path, agent, caller: { cookie, host: new URL(world.origin).host } },
    headers: { 'Sec-Fetch-Site': 'same-origin', 'X-CSRF-Token': csrfToken },
  });
}

/** Other sessions than the device's that have left anything in Redis. */
async function leftovers(): Promise<readonly string[]> {
  return [...(await hashesInRedis())].filter((hash) => !deviceHashes.has(hash));
}

async function hashesInRedis(): Promise<ReadonlySet<string>> {
  const keys = (await twins.redis.cli('KEYS', 'cc:{*')).split('\n').filter((key) => key !== '');
  return new Set(keys.map((key) => /^cc:\{([^}]+)\}:/.exec(key)?.[1] ?? key));
}

/** What may come of an end, whether or not another was faster. */
const goodEnds: Readonly<Record<End, readonly (number | 'broken')[]>> = {
  'sign out': [200, 204],
  'other device': [204, 404],
  'back-channel': [200],
};

const isEnd = (what: Command['what']): what is End => ends.some((end) => end === what);

function checkOrder(done: readonly Done[]): void {
  for (const { what, status } of done) {
    if (isEnd(what)) expect(goodEnds[what]).toContain(status);
    else expect([200, 401]).toContain(status);
  }
  const endedAt = Math.min(...done.filter(({ what }) => isEnd(what)).map(({ ended }) => ended));
  expect(done.filter(({ what, began, isSignedIn }) => !isEnd(what) && began > endedAt && isSignedIn)).toEqual([]);
}

async function checkGone(person: Person): Promise<void> {
  for (const at of [0, 1] as const) {
    expect((await send({ what: 'read', at }, person)).status).toBe(401);
    expect(JSON.parse((await send({ what: 'look', at }, person)).body).authenticated).toBe(false);
    expect((await send({ what: 'renew', at }, person)).status).toBe(401);
  }
}

/** The person's own sign-out is the one that is sure to have the refresh token. */
async function checkRevoked(person: Person): Promise<void> {
  const grants = () => twins.hostile.grants.filter(({ sid }) => sid === person.sid);
  await eventually(() => grants().length === 1 && grants().every(({ revoked }) => revoked), 2_000);
}

/** Signs somebody in whose token is as old as it shall be. */
async function prepare({ token, providerTakesMs }: Program): Promise<Person> {
  twins.clock.advance(2_000); // past the limit of sign-ins
  twins.hostile.script.refresh.fault = undefined;
  const person = await signIn();
  const agesMs = { fresh: 0, due: (tokenLifeSeconds - 5) * 1_000, expired: (tokenLifeSeconds + 1) * 1_000 };
  twins.clock.advance(agesMs[token]);
  twins.hostile.script.refresh.fault = () => ({
    kind: 'hold',
    at: 'before-headers',
    until: dawdle(providerTakesMs),
  });
  return person;
}

describe('a sign-out', () => {
  it('RF-13, LO-01, TS-11: wins over whatever else is under way, on every instance, and leaves nothing', async () => {
    const seen = { runs: 0, commands: 0, refreshes: 0, ends: 0 };
    const refreshes = () => twins.hostile.hits('refresh');
    await fc.assert(
      fc.asyncProperty(program, async (given) => {
        const person = await prepare(given);
        const before = refreshes();

        const lanes = given.lanes.map(async (lane) => {
          const done: Done[] = [];
          for (const command of lane) done.push(await carryOut(command, person));
          return done;
        });
        const done = (await Promise.all(lanes)).flat();
        const own = { what: 'sign out', at: 1, afterMs: 0 } as const;
        if (!done.some(({ what }) => isEnd(what))) done.push(await carryOut(own, person));

        checkOrder(done);
        await checkGone(person);
        expect(await leftovers()).toEqual([]);
        await dawdle(given.token === 'fresh' ? 0 : given.providerTakesMs + 5); // whatever the provider still gives comes too late
        expect(await leftovers()).toEqual([]);
        const kinds = new Set(done.map(({ what }) => what).filter(isEnd));
        if (kinds.size === 1 && kinds.has('sign out')) await checkRevoked(person);
        seen.runs++;
        seen.commands += done.length;
        seen.refreshes += refreshes() - before;
        seen.ends += done.filter(({ what }) => isEnd(what)).length;
      }),
      fuzzing('sign-outs', { numRuns: 600, endOnFailure: true }),
    );
    console.log(JSON.stringify(seen));
    expect(seen.refreshes).toBeGreaterThan(100);
  });
});
