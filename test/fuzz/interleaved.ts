/**
 * What people, their other devices, their provider and an operator can do to a session
 * at the same time, in random order, and what must be so afterwards: an end is one,
 * and nothing of the session is left.
 * Where it happens (three instances in this process, or three processes) is given.
 *
 * @module
 */

import fc from 'fast-check';
import { expect } from 'vitest';
import type { Arrival, Entrance, Member } from '../support/entrance.ts';
import type { HostileProvider } from '../support/hostile-provider.ts';
import type { RedisServer } from '../support/redis.ts';
import { dawdle } from '../support/slowness.ts';
import type { Outcome } from '../support/traffic.ts';
import { type Call, calls } from './own-calls.ts';

/** A request of somebody's page. */
export interface Errand {
  /** At which instance. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly csrfToken?: string;
  /** Sent as a form, by another server and not by a page. */
  readonly form?: Readonly<Record<string, string>>;
}

/** What a page knows of its session. */
export interface Person extends Member {
  readonly csrfToken: string;
  readonly handle: string;
}

/** Three instances, and what they share. */
export interface Playground {
  readonly origin: string;
  readonly redis: RedisServer;
  readonly hostile: HostileProvider;
  readonly entrance: Entrance;
  send(caller: Pick<Member, 'cookie' | 'host'>, what: Errand): Promise<Outcome>;
  /** Ends all sessions of a person by the store alone, as an operator does. */
  endAllOf(sub: string): Promise<number>;
  /** How long an instance may not have heard of what another has ended, ms. Where somebody signed out it is known at once. */
  readonly newsTakesMs: number;
  /** The instant (ms) from which on a wide end counts; in a new second, where the clock can be moved. */
  newSecond(): number;
}

/** Somebody who signed in and whose page has looked at its session. */
export async function signIn({ entrance, send }: Playground, sub: string): Promise<Person> {
  const member = await entrance.signIn(sub);
  const { body } = await send(member, { at: 0, method: 'GET', path: '/session' });
  const session = JSON.parse(body) as { csrf_token: string; session: { id: string } }; // the contract of /session
  return { ...member, csrfToken: session.csrf_token, handle: session.session.id };
}

/** Ends of the one session, and of all that the person has. */
const ownEnds = ['sign out', 'other device', 'back-channel by sid'] as const;
const wideEnds = ['back-channel by sub', 'operator'] as const;
type End = (typeof ownEnds)[number] | (typeof wideEnds)[number];

interface Command {
  readonly what: Call | End | 'arrive';
  readonly at: number;
  readonly afterMs: number;
}

/** What is done to one person's session. */
export interface Program {
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

/** All that can be done. */
export const program: fc.Arbitrary<Program> = fc.record({
  hasDevice: fc.boolean(),
  isArriving: fc.boolean(),
  lanes: fc.array(fc.array(command, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 4 }),
});

/** Everything that is known of one person. */
export interface Scene {
  readonly program: Program;
  readonly person: Person;
  readonly device: Person | undefined;
  readonly arrival: Arrival | undefined;
  readonly done: Done[];
  hasArrived: boolean;
  newcomer?: Member | undefined;
  /** From this instant (ms) of the clock of the instances on, sign-ins are not affected by the ends there were. */
  barredBefore: number;
}

/** One command that was carried out. */
interface Done extends Command {
  readonly status: number | 'broken';
  readonly isSignedIn: boolean;
  readonly isEnd: boolean;
  readonly fault: string | undefined;
  readonly began: number;
  readonly ended: number;
}

/** What tells that the session has ended, by this or by another that was faster. */
const goodEnds: Readonly<Partial<Record<Command['what'], readonly (number | 'broken')[]>>> = {
  'sign out': [200, 204],
  'other device': [204, 404],
  'back-channel by sid': [200],
  'back-channel by sub': [200],
  operator: [200],
};

/** Programs that are carried out at one playground, and what must be so afterwards. */
export class Interleaving {
  /** How much was seen, so that a run that tries nothing is told apart. */
  readonly seen = { people: 0, commands: 0, ends: 0, arrivals: 0, barred: 0, served: 0 };
  readonly #all: Playground;

  constructor(all: Playground) {
    this.#all = all;
  }

  /** Signs in whoever a program needs. */
  async prepare(program: Program): Promise<Scene> {
    const sub = `person-${this.seen.people++}`;
    const person = await signIn(this.#all, sub);
    const device = program.hasDevice ? await signIn(this.#all, sub) : undefined;
    const arrival = program.isArriving ? await this.#all.entrance.arrive(sub, this.seen.people % 3) : undefined;
    return { program, person, device, arrival, done: [], hasArrived: false, barredBefore: 0 };
  }

  /** Carries a program out; one that ends nothing is given an end. */
  async perform(scene: Scene): Promise<void> {
    const lanes = scene.program.lanes.map(async (lane) => {
      for (const command of lane) await this.#carryOut(command, scene);
    });
    await Promise.all(lanes);
    if (!scene.done.some(({ isEnd }) => isEnd)) {
      await this.#carryOut({ what: 'sign out', at: 1, afterMs: 0 }, scene);
    }
  }

  /** No answer is odd, none of after an end is that of somebody signed in, and the store holds those alive and nobody else. */
  async check(scenes: readonly Scene[]): Promise<void> {
    const hashes = await this.#hashesInRedis();
    for (const scene of scenes) this.#checkOrder(scene);
    await Promise.all(scenes.map((scene) => this.#checkGone(scene)));
    const alive = await Promise.all(scenes.map((scene) => this.#othersAlive(scene)));
    const living = alive.reduce((sum, count) => sum + count, 0);
    expect({ stored: hashes.size, indexed: (await this.#indexed(hashes)).length }).toEqual({
      stored: living,
      indexed: living,
    });
  }

  /** Ends whoever is left; what the provider still gives, for up to `lateMs`, comes too late and leaves nothing. */
  async finish(scenes: readonly Scene[], lateMs: number): Promise<void> {
    await Promise.all(scenes.map(({ person }) => this.#all.endAllOf(person.sub)));
    await dawdle(lateMs);
    expect(await this.#hashesInRedis()).toEqual(new Set());
    const done = scenes.flatMap((scene) => scene.done);
    this.seen.commands += done.length;
    this.seen.ends += done.filter(({ isEnd }) => isEnd).length;
    this.seen.arrivals += scenes.filter(({ newcomer }) => newcomer !== undefined).length;
    await this.#all.redis.cli('FLUSHALL'); // the not-befores of people who do not come back
  }

  async #carryOut(command: Command, scene: Scene): Promise<void> {
    await dawdle(command.afterMs);
    const began = performance.now();
    const { status, body = '', fault } = await this.#send(command, scene);
    const isSignedIn = status === 200 && (command.what !== 'look' || JSON.parse(body).authenticated === true);
    const isEnd = goodEnds[command.what]?.includes(status) ?? false;
    scene.done.push({ ...command, status, isSignedIn, isEnd, fault, began, ended: performance.now() });
  }

  async #send(
    { what, at }: Pick<Command, 'what' | 'at'>,
    scene: Scene,
  ): Promise<Pick<Outcome, 'status'> & Partial<Outcome>> {
    const all = this.#all;
    const { person, device, arrival } = scene;
    switch (what) {
      case 'arrive':
        if (arrival === undefined || scene.hasArrived) return { status: 0 };
        scene.hasArrived = true;
        scene.newcomer = await arrival.finish(at);
        return { status: 303 };
      case 'operator':
        scene.barredBefore = all.newSecond();
        await all.endAllOf(person.sub);
        return { status: 200 };
      case 'back-channel by sub':
        scene.barredBefore = all.newSecond();
        return this.#logoutToken({ sub: person.sub }, at);
      case 'back-channel by sid':
        return this.#logoutToken({ sid: person.sid }, at);
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

  async #logoutToken(whose: { readonly sub: string } | { readonly sid: string }, at: number): Promise<Outcome> {
    const { hostile, origin } = this.#all;
    return this.#all.send(
      { cookie: '', host: new URL(origin).host },
      { at, method: 'POST', path: '/backchannel-logout', form: { logout_token: hostile.logoutToken(whose) } },
    );
  }

  async #checkGone({ person }: Scene): Promise<void> {
    const { csrfToken } = person;
    const read = [0, 1, 2].map((at) => this.#all.send(person, { at, method: 'GET', path: '/api/x' }));
    const renewal = { at: 1, method: 'POST', path: '/session/refresh', csrfToken };
    const outcomes = await Promise.all([...read, this.#all.send(person, renewal)]);
    expect(outcomes.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
  }

  /** How many sessions of the person are alive besides the one that was ended; the bar holds for all of before it. */
  async #othersAlive({ device, newcomer, done, barredBefore }: Scene): Promise<number> {
    const isAlive = async (member: Member) =>
      JSON.parse((await this.#all.send(member, { at: 2, method: 'GET', path: '/session' })).body).authenticated ===
      true;
    const deviceLives = device !== undefined && (await isAlive(device));
    const newcomerLives = newcomer !== undefined && (await isAlive(newcomer));
    const isWide = done.some(({ what, isEnd }) => isEnd && wideEnds.some((wide) => wide === what));
    if (device !== undefined) expect(deviceLives).toBe(!isWide);
    if (newcomer !== undefined && !isWide) expect(newcomerLives).toBe(true);
    if (newcomer !== undefined && isWide && Math.floor(barredBefore / 1_000) * 1_000 > this.#issuedAt(newcomer.sid)) {
      this.seen.barred++;
      expect(newcomerLives).toBe(false);
    }
    return Number(deviceLives) + Number(newcomerLives);
  }

  /** The instant (ms) of the ID token of a sign-in. */
  #issuedAt(sid: string): number {
    for (const token of this.#all.hostile.issued.idTokens) {
      const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url');
      const claims: { sid?: string; iat?: number } = JSON.parse(String(payload));
      if (claims.sid === sid) return Number(claims.iat) * 1_000;
    }
    throw new Error('there is no such ID token');
  }

  async #hashesInRedis(): Promise<ReadonlySet<string>> {
    const keys = (await this.#all.redis.cli('KEYS', 'cc:{*')).split('\n').filter((key) => key !== '');
    return new Set(keys.map((key) => /^cc:\{([^}]+)\}:/.exec(key)?.[1] ?? key));
  }

  /** Those of the sessions that an index has as a member. */
  async #indexed(hashes: ReadonlySet<string>): Promise<readonly string[]> {
    const indexes = (await this.#all.redis.dumpAll()).filter(({ key }) => /^cc:(?:sub|sid):/.test(key));
    const members = new Set(indexes.flatMap((index) => [...index.members.keys()]));
    return [...hashes].filter((hash) => members.has(hash));
  }

  /** No answer is odd, and none of after an end is that of somebody signed in. */
  #checkOrder({ done }: Scene): void {
    const ends = done.filter(({ isEnd }) => isEnd);
    const endedAt = Math.min(...ends.map(({ ended }) => ended));
    const { newsTakesMs } = this.#all;
    for (const { what, status, isEnd, began, ended } of done) {
      // What an upstream takes longer than a moment for is broken off when the instance learns of the end (LO-26).
      const isBrokenOff = status === 'broken' && began < endedAt + newsTakesMs && ended - began > 400;
      if (isAsked(what)) expect([200, 401, isBrokenOff && 'broken'], JSON.stringify(done)).toContain(status);
      else if (!isEnd) expect([0, 303, 400, 401, 403], JSON.stringify(done)).toContain(status);
    }
    const served = done.filter(({ what, began, isSignedIn }) => isAsked(what) && began > endedAt && isSignedIn);
    this.seen.served += served.length;
    const isTooLate = ({ at, began }: Done) =>
      ends.some((end) => began > end.ended + (end.what === 'sign out' && end.at === at ? 0 : newsTakesMs));
    expect(served.filter(isTooLate)).toEqual([]);
  }
}

function isAsked(what: Command['what']): boolean {
  return what in calls && what !== 'sign out';
}
