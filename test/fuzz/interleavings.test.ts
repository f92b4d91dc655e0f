/**
 * Ten thousand random interleavings of all that can be done with a session, over
 * three instances: requests, touches, refreshes, saves, sign-ins under way, and
 * every kind of end. After an end has returned nothing of the session is left.
 *
 * The people of one run act at the same time, so they are in each other's way, too.
 */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Arrival, Member } from '../support/entrance.ts';
import { dawdle } from '../support/slowness.ts';
import { type Call, calls } from './own-calls.ts';
import { fuzzing } from './seed.ts';
import { type Instances, type Person, signIn, startInstances } from './three-instances.ts';

const peopleAtOnce = 20;
const runs = 500;
const tokenLifeSeconds = 200;

let all: Instances;
let people = 0;

beforeAll(async () => {
  // A touch is due after two minutes; no session ends by itself.
  all = await startInstances({ SESSION_IDLE_TIMEOUT: '20m', SESSION_LIFETIME: '10d' });
});

afterAll(() => all.close());

/** Ends of the one session, and of all that the person has. */
const ownEnds = ['sign out', 'other device', 'back-channel by sid'] as const;
const wideEnds = ['back-channel by sub', 'operator'] as const;
type End = (typeof ownEnds)[number] | (typeof wideEnds)[number];

interface Command {
  readonly what: Call | End | 'arrive';
  readonly at: number;
  readonly afterMs: number;
}

interface Program {
  /** Whether the person is signed in elsewhere, too. */
  readonly hasDevice: boolean;
  /** Whether there is a sign-in of the same person under way. */
  readonly isArriving: boolean;
  readonly lanes: readonly (readonly Command[])[];
}

const command: fc.Arbitrary<Command> = fc.record({
  what: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<Call>('read', 'read', 'write', 'renew', 'look') },
    { weight: 2, arbitrary: fc.constantFrom<End | 'arrive'>(...ownEnds, ...wideEnds, 'arrive', 'arrive') },
  ),
  at: fc.nat(2),
  afterMs: fc.oneof(fc.constant(0), fc.nat(20)),
});

const program: fc.Arbitrary<Program> = fc.record({
  hasDevice: fc.boolean(),
  isArriving: fc.boolean(),
  lanes: fc.array(fc.array(command, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 4 }),
});

const run = fc.record({
  token: fc.constantFrom('fresh', 'due', 'expired'),
  providerTakesMs: fc.oneof(fc.constant(0), fc.nat(20)),
  programs: fc.array(program, { minLength: peopleAtOnce, maxLength: peopleAtOnce }),
});

/** Everything that is known of one person. */
interface Scene {
  readonly program: Program;
  readonly person: Person;
  readonly device: Person | undefined;
  readonly arrival: Arrival | undefined;
  readonly done: Done[];
  hasArrived: boolean;
  newcomer?: Member | undefined;
  /** From this instant (ms) of the shared clock on, sign-ins are not affected by the ends there were. */
  barredBefore: number;
}

/** One command that was carried out. */
interface Done extends Command {
  readonly status: number | 'broken';
  readonly isSignedIn: boolean;
  readonly isEnd: boolean;
  readonly began: number;
  readonly ended: number;
}

const seen = { people: 0, commands: 0, ends: 0, refreshes: 0, arrivals: 0, barred: 0 };

async function prepare(program: Program): Promise<Scene> {
  const sub = `person-${people++}`;
  const person = await signIn(all, sub);
  const device = program.hasDevice ? await signIn(all, sub) : undefined;
  const arrival = program.isArriving ? await all.entrance.arrive(sub, people) : undefined;
  return { program, person, device, arrival, done: [], hasArrived: false, barredBefore: 0 };
}

async function perform(scene: Scene): Promise<void> {
  const lanes = scene.program.lanes.map(async (lane) => {
    for (const command of lane) await carryOut(command, scene);
  });
  await Promise.all(lanes);
  if (!scene.done.some(({ isEnd }) => isEnd)) await carryOut({ what: 'sign out', at: 1, afterMs: 0 }, scene);
}

async function carryOut(command: Command, scene: Scene): Promise<void> {
  await dawdle(command.afterMs);
  const began = performance.now();
  const { status, body = '' } = await send(command, scene);
  const isSignedIn = command.what === 'look' ? JSON.parse(body).authenticated === true : status === 200;
  const isEnd = goodEnds[command.what]?.includes(status) ?? false;
  scene.done.push({ ...command, status, isSignedIn, isEnd, began, ended: performance.now() });
}

/** What tells that the session has ended, by this or by another that was faster. */
const goodEnds: Readonly<Partial<Record<Command['what'], readonly (number | 'broken')[]>>> = {
  'sign out': [200, 204],
  'other device': [204, 404],
  'back-channel by sid': [200],
  'back-channel by sub': [200],
  operator: [200],
};

async function send(
  { what, at }: Pick<Command, 'what' | 'at'>,
  scene: Scene,
): Promise<{ readonly status: number | 'broken'; readonly body?: string }> {
  const { person, device, arrival } = scene;
  switch (what) {
    case 'arrive':
      if (arrival === undefined || scene.hasArrived) return { status: 0 };
      scene.hasArrived = true;
      scene.newcomer = await arrival.finish(at);
      return { status: 303 };
    case 'operator':
      all.clock.advance(1_000);
      scene.barredBefore = all.clock.now();
      await all.endAllOf(person.sub);
      return { status: 200 };
    case 'back-channel by sub':
      all.clock.advance(1_000); // so that a token of before is of an earlier second, in which `iat` counts
      scene.barredBefore = all.clock.now();
      return logoutToken({ sub: person.sub }, at);
    case 'back-channel by sid':
      return logoutToken({ sid: person.sid }, at);
    case 'other device': {
      if (device === undefined) return { status: 0 };
      const { csrfToken } = device;
      return all.send(device, { at, method: 'DELETE', path: `/sessions/${person.handle}`, csrfToken });
    }
    default: {
      const [method, path] = calls[what];
      return all.send(person, { at, method, path, csrfToken: person.csrfToken });
    }
  }
}

async function logoutToken(whose: { readonly sub: string } | { readonly sid: string }, at: number) {
  const token = all.hostile.logoutToken(whose);
  return all.send(
    { cookie: '', host: new URL(all.origin).host },
    { at, method: 'POST', path: '/backchannel-logout', form: { logout_token: token } },
  );
}

/** No answer is odd, and none of after the first end is that of somebody signed in. */
function checkOrder({ done }: Scene): void {
  for (const { what, status, isEnd } of done) {
    if (what in calls && what !== 'sign out') expect([200, 401]).toContain(status);
    else if (!isEnd) expect([0, 303, 400, 401, 403]).toContain(status);
  }
  const endedAt = Math.min(...done.filter(({ isEnd }) => isEnd).map(({ ended }) => ended));
  expect(
    done.filter(({ what, began, isSignedIn }) => what in calls && what !== 'sign out' && began > endedAt && isSignedIn),
  ).toEqual([]);
}

async function checkGone({ person }: Scene): Promise<void> {
  const outcomes = await Promise.all([0, 1, 2].map((at) => send({ what: 'read', at }, { person } as Scene)));
  expect(outcomes.map(({ status }) => status)).toEqual([401, 401, 401]);
  const { status } = await all.send(person, {
    at: 1,
    method: 'POST',
    path: '/session/refresh',
    csrfToken: person.csrfToken,
  });
  expect(status).toBe(401);
}

/** The instant (ms) of the ID token of a sign-in. */
function issuedAt(sid: string): number {
  for (const token of all.hostile.issued.idTokens) {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
      string,
      unknown
    >; // our provider's
    if (claims['sid'] === sid) return Number(claims['iat']) * 1_000;
  }
  throw new Error('there is no such ID token');
}

/** How many sessions of the person are alive besides the one that was ended; the bar holds for all of before it. */
async function othersAlive({ device, newcomer, done, barredBefore }: Scene): Promise<number> {
  const isAlive = async (member: Member) =>
    JSON.parse((await all.send(member, { at: 2, method: 'GET', path: '/session' })).body).authenticated === true;
  const deviceLives = device !== undefined && (await isAlive(device));
  const newcomerLives = newcomer !== undefined && (await isAlive(newcomer));
  const isWide = done.some(({ what, isEnd }) => isEnd && wideEnds.some((wide) => wide === what));
  if (device !== undefined) expect(deviceLives).toBe(!isWide);
  if (newcomer !== undefined && !isWide) expect(newcomerLives).toBe(true);
  if (newcomer !== undefined && isWide && Math.floor(barredBefore / 1_000) * 1_000 > issuedAt(newcomer.sid)) {
    seen.barred++;
    expect(newcomerLives).toBe(false);
  }
  return Number(deviceLives) + Number(newcomerLives);
}

async function hashesInRedis(): Promise<ReadonlySet<string>> {
  const keys = (await all.redis.cli('KEYS', 'cc:{*')).split('\n').filter((key) => key !== '');
  return new Set(keys.map((key) => /^cc:\{([^}]+)\}:/.exec(key)?.[1] ?? key));
}

/** Those of the sessions that an index has as a member. */
async function indexed(hashes: ReadonlySet<string>): Promise<readonly string[]> {
  const indexes = (await all.redis.dumpAll()).filter(({ key }) => /^cc:(?:sub|sid):/.test(key));
  const members = new Set(indexes.flatMap((index) => [...index.members.keys()]));
  return [...hashes].filter((hash) => members.has(hash));
}

describe('an end of a session', () => {
  it('RF-13, LO-01, LO-11, LO-12, TS-11: is one, whatever else is under way on three instances', {
    timeout: 900_000,
  }, async () => {
    const ages = { fresh: 0, due: tokenLifeSeconds - 15, expired: tokenLifeSeconds + 1 };
    const { hostile } = all;
    await fc.assert(
      fc.asyncProperty(run, async ({ token, providerTakesMs, programs }) => {
        hostile.reset();
        hostile.user = ({ query }) => ({ sub: query['login_hint'] ?? 'nobody' });
        hostile.script.token.expiresIn = tokenLifeSeconds;
        hostile.script.refresh.expiresIn = tokenLifeSeconds;
        const scenes: Scene[] = [];
        for (const given of programs) scenes.push(await prepare(given));
        all.pass(ages[token] * 1_000);
        hostile.script.refresh.fault = () => ({ kind: 'hold', at: 'before-headers', until: dawdle(providerTakesMs) });

        await Promise.all(scenes.map(perform));
        const hashes = await hashesInRedis();
        for (const scene of scenes) checkOrder(scene);
        await Promise.all(scenes.map(checkGone));
        const alive = await Promise.all(scenes.map(othersAlive));
        const living = alive.reduce((sum, count) => sum + count, 0);
        expect({ stored: hashes.size, indexed: (await indexed(hashes)).length }).toEqual({
          stored: living,
          indexed: living,
        });

        await Promise.all(scenes.map(({ person }) => all.endAllOf(person.sub)));
        await dawdle(token === 'fresh' ? 0 : providerTakesMs + 5); // what the provider still gives comes too late
        expect(await hashesInRedis()).toEqual(new Set());

        seen.people += scenes.length;
        seen.refreshes += hostile.hits('refresh');
        seen.arrivals += scenes.filter(({ newcomer }) => newcomer !== undefined).length;
        seen.commands += scenes.flatMap(({ done }) => done).length;
        seen.ends += scenes.flatMap(({ done }) => done.filter(({ isEnd }) => isEnd)).length;
        await all.redis.cli('FLUSHALL'); // the not-befores of people who do not come back
      }),
      fuzzing('interleavings', { numRuns: runs, endOnFailure: true }),
    );
    console.log(JSON.stringify(seen));
    expect(seen.people).toBe(runs * peopleAtOnce);
    expect(seen.refreshes).toBeGreaterThan(runs);
    expect(seen.barred).toBeGreaterThan(0);
  });
});
