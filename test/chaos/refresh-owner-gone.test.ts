/**
 * The process that renews a token dies, or stands still for longer than its claim,
 * at each step of the way: no refresh token is presented a second time to a
 * provider that rotates, nobody gets another's token, and every session either
 * goes on or ends in one clean sign-in.
 *
 * Five processes are each caught at a step of their own; the sixth sees what
 * became of their sessions.
 */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { beginSpendingScript, saveTokensScript } from '../../src/session/redis-scripts.ts';
import type { Member } from '../support/entrance.ts';
import { eventually } from '../support/eventually.ts';
import { type Fleet, startFleet, until } from '../support/fleet.ts';
import { createGate, type Fault, type Gate } from '../support/hostile/fault.ts';
import { startRedis } from '../support/redis.ts';
import { openRedisGap, type RedisGap, type Stop } from '../support/redis-gap.ts';
import type { Outcome } from '../support/traffic.ts';

/** Where a process is caught. */
const steps = ['begun', 'grant sent', 'answer on its way', 'before the save', 'saved'] as const;
type Step = (typeof steps)[number];
type Rotation = 'rotate' | 'keep';

const survivor = steps.length;
const peoplePerStep = 10;
const stops: Partial<Record<Step, Stop>> = {
  begun: { script: beginSpendingScript, at: 'reply' },
  'before the save': { script: saveTokensScript, at: 'request' },
  saved: { script: saveTokensScript, at: 'reply' },
};

let fleet: Fleet;
let gaps: readonly RedisGap[];
let rounds = 0;

/** Somebody whose refresh is caught. */
interface Caught {
  readonly member: Member;
  readonly step: Step;
  readonly refreshToken: string;
}

beforeAll(async () => {
  const redis = await startRedis();
  gaps = await Promise.all(steps.map(() => openRedisGap(redis.port)));
  fleet = await startFleet({
    redis,
    instances: steps.length + 1,
    // Nobody gives up before the claim has run out.
    env: { PROVIDER_TIMEOUT: '40s', REDIS_TIMEOUT: '30s' },
    redisUrlOf: (instance, url) => (gaps[instance] ? `redis://127.0.0.1:${gaps[instance].port}` : url),
  });
}, 240_000);

afterEach(() => {
  fleet.hostile.script.refresh.fault = undefined;
});

afterAll(async () => {
  await fleet.close();
  await Promise.all(gaps.map((gap) => gap.close()));
});

/** Signs ten people in at each of the five, each of whom has seen one refresh, and lets their tokens end. */
async function prepare(rotation: Rotation): Promise<readonly Caught[]> {
  const { hostile } = fleet;
  Object.assign(hostile.script.refresh, { rotation, fields: { expires_in: 4 } });
  hostile.script.token.fields = { expires_in: 1 };
  const caught: Omit<Caught, 'refreshToken'>[] = [];
  for (const [instance, step] of steps.entries()) {
    for (let n = 0; n < peoplePerStep; n++) {
      caught.push({ step, member: await fleet.signIn(`person-${rounds + caught.length}`, instance) });
    }
  }
  await until(Date.now() + 1_050);
  const people: Caught[] = [];
  for (const { step, member } of caught) {
    expect((await fleet.call(member, { instance: steps.indexOf(step) })).status).toBe(200);
    const refreshToken = (rotation === 'keep' ? fleet.presented() : [...hostile.issued.refreshTokens]).at(-1) ?? '';
    people.push({ step, member, refreshToken });
  }
  await until(Date.now() + 4_050);
  hostile.script.refresh.fields = undefined;
  return people;
}

/** Sends a call for everybody to their own process, and waits until each is caught. */
async function catchAll(people: readonly Caught[]): Promise<{ gate: Gate; calls: Promise<readonly Outcome[]> }> {
  const { hostile } = fleet;
  const [gate, together] = [createGate(), createGate()];
  const faults: Partial<Record<Step, Fault>> = {
    'grant sent': { ...gate.fault, at: 'before-processing' },
    'answer on its way': gate.fault,
    // All are here before the first of them can be saved.
    'before the save': together.fault,
    saved: together.fault,
  };
  const stepOf = new Map(people.map(({ refreshToken, step }) => [refreshToken, step]));
  hostile.script.refresh.fault = ({ body }) => {
    const token = body['refresh_token'] ?? '';
    const fault = faults[stepOf.get(token) ?? 'begun'];
    stepOf.delete(token); // who comes after the one that is caught is not
    return fault;
  };
  for (const [instance, step] of steps.entries()) {
    const stop = stops[step];
    if (stop) gaps[instance]?.stopAt(stop);
  }
  const before = fleet.presented().length;
  const calls = Promise.all(people.map(({ member, step }) => fleet.call(member, { instance: steps.indexOf(step) })));
  await eventually(() => fleet.presented().length - before === 4 * peoplePerStep, 20_000);
  together.open();
  await eventually(() => gaps[steps.indexOf('saved')]?.seen === peoplePerStep, 10_000);
  await eventually(() => (gaps[steps.indexOf('before the save')]?.seen ?? 0) > 0, 10_000);
  await eventually(() => (gaps[steps.indexOf('begun')]?.seen ?? 0) > 0, 10_000);
  return { gate, calls };
}

/** Calls at the survivor until there is an answer that stays; on the way there only 503 may be. */
async function settle({ member }: Caught): Promise<Outcome> {
  const seen: Outcome[] = [];
  const last = await eventually(async () => {
    const outcome = await fleet.call(member, { instance: survivor });
    seen.push(outcome);
    return outcome.status === 503 ? false : outcome;
  }, 45_000);
  expect(seen.slice(0, -1).filter(({ status }) => status !== 503)).toEqual([]);
  if (last === false) throw new Error('not reached');
  return last;
}

/**
 * Every session has gone on, or has ended with the way to a new one. Says whose went on.
 *
 * Of those caught behind the first answers to `begin`, some had not asked yet; they are as if nothing had been.
 */
async function checkEnds(people: readonly Caught[], rotation: Rotation): Promise<ReadonlySet<Caught>> {
  const began = performance.now();
  const begun = gaps[steps.indexOf('begun')]?.seen ?? 0;
  const ends = await Promise.all(people.map(async (caught) => ({ caught, outcome: await settle(caught) })));
  const ended = ends.filter(({ outcome }) => outcome.status === 401);
  const endedAt = (step: Step) => ended.filter(({ caught }) => caught.step === step).length;
  const all = peoplePerStep;
  expect(steps.map((step) => [step, endedAt(step)])).toEqual(
    rotation === 'keep'
      ? steps.map((step) => [step, 0])
      : [
          ['begun', begun],
          ['grant sent', all],
          ['answer on its way', all],
          ['before the save', all],
          ['saved', 0],
        ],
  );
  for (const { outcome } of ended) {
    expect(JSON.parse(outcome.body)).toMatchObject({ code: 'session-ended', login_url: '/login' });
  }
  rounds += people.length;
  console.log(`${rounds} rounds, ${begun} begun; settled after ${Math.round(performance.now() - began)} ms`);
  return new Set(ends.filter(({ outcome }) => outcome.status === 200).map(({ caught }) => caught));
}

/** Each refresh token was presented at most once, and not at all where its owner had only begun. */
function checkPresented(people: readonly Caught[], wentOn: ReadonlySet<Caught>): void {
  const presented = fleet.presented();
  for (const caught of people) {
    const { refreshToken, step } = caught;
    const times = presented.filter((token) => token === refreshToken).length;
    expect({ step, times }).toEqual({ step, times: step === 'begun' && !wentOn.has(caught) ? 0 : 1 });
  }
  expect(presented.filter((token, n) => presented.indexOf(token) !== n)).toEqual([]);
}

/** Whoever was signed out signs in once and works. */
async function checkSignInAgain(people: readonly Caught[]): Promise<void> {
  fleet.hostile.script.refresh.fault = undefined;
  fleet.hostile.script.token.fields = undefined;
  for (const step of steps) {
    const sub = people.find((person) => person.step === step)?.member.sub ?? '';
    const again = await fleet.signIn(sub, survivor);
    expect((await fleet.call(again, { instance: survivor })).status).toBe(200);
  }
}

async function killAll(): Promise<void> {
  await Promise.all(steps.map((_, instance) => fleet.instances[instance]?.kill()));
}

async function replaceAll(): Promise<void> {
  for (const gap of gaps) gap.release();
  await Promise.all(steps.map((_, instance) => fleet.replace(instance)));
}

describe.each([{ rotation: 'rotate' }, { rotation: 'keep' }] as const)(
  'at a provider whose refresh tokens are treated so: $rotation',
  ({ rotation }) => {
    it('RF-05: a process that is killed while it renews tokens costs one clean sign-in at most', {
      timeout: 300_000,
    }, async () => {
      const people = await prepare(rotation);
      const { gate, calls } = await catchAll(people);
      await killAll();
      gate.open();
      await calls;

      const wentOn = await checkEnds(people, rotation);

      if (rotation === 'rotate') checkPresented(people, wentOn);
      expect(fleet.witness.mixedUp).toEqual([]);
      await checkSignInAgain(people);
      await replaceAll();
    });

    it('RF-05: a process that stands still for longer than its claim is succeeded, and what it brings late is not used', {
      timeout: 300_000,
    }, async () => {
      const people = await prepare(rotation);
      const { gate, calls } = await catchAll(people);
      for (const instance of steps.keys()) fleet.instances[instance]?.freeze();
      const wentOn = await checkEnds(people, rotation);
      const settled = fleet.presented().length;

      gate.open();
      for (const gap of gaps) gap.release();
      for (const instance of steps.keys()) fleet.instances[instance]?.thaw();
      const late = await calls;

      expect(late.filter(({ status }) => status !== 200 && status !== 401 && status !== 503)).toEqual([]);
      for (const caught of people) {
        const { member, step } = caught;
        for (const instance of [steps.indexOf(step), survivor]) {
          expect({ step, status: (await fleet.call(member, { instance })).status }).toEqual({
            step,
            status: wentOn.has(caught) ? 200 : 401,
          });
        }
      }
      if (rotation === 'rotate') {
        expect(fleet.presented().length).toBe(settled);
        checkPresented(people, wentOn);
        const ended = new Set(people.filter((caught) => !wentOn.has(caught)).map(({ member }) => member.sid));
        await eventually(() =>
          expect(fleet.hostile.grants.filter(({ sid, revoked }) => ended.has(sid) && !revoked)).toEqual([]),
        );
      }
      expect(fleet.witness.mixedUp).toEqual([]);
      await checkSignInAgain(people);
    });
  },
);
