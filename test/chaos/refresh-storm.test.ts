/**
 * Three processes, a provider that rotates refresh tokens and kills the family of
 * one it sees twice, and more calls on ended tokens than anybody should send.
 */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Member } from '../support/entrance.ts';
import { type Fleet, startFleet, until } from '../support/fleet.ts';
import { dawdle } from '../support/slowness.ts';
import { type Outcome, tallyOf } from '../support/traffic.ts';

let fleet: Fleet;
let people = 0;

beforeAll(async () => {
  fleet = await startFleet({
    audiences: { '/api/own': '', '/api/other': 'https://other.example' },
    env: { PROVIDER_TIMEOUT: '20s' },
  });
});

afterEach(() => {
  fleet.hostile.script.refresh.fault = undefined;
  fleet.hostile.script.refresh.fields = undefined;
  fleet.hostile.script.token.fields = undefined;
});

afterAll(() => fleet.close());

async function late(): Promise<Member> {
  fleet.hostile.script.token.fields = { expires_in: 1 };
  const member = await fleet.signIn(`late-${people++}`);
  await until(Date.now() + 1_050);
  return member;
}

/** 500 calls at every process at once. */
async function storm(member: Member, paths: readonly string[] = ['/api/own']): Promise<readonly Outcome[]> {
  const began = performance.now();
  const outcomes = await Promise.all(
    fleet.instances.flatMap((_, instance) =>
      Array.from({ length: 500 }, (_call, n) => fleet.call(member, { instance, path: paths[n % paths.length] ?? '' })),
    ),
  );
  console.log(`${JSON.stringify(tallyOf(outcomes))} in ${Math.round(performance.now() - began)} ms`);
  return outcomes;
}

describe('1,500 calls at three processes on one token that has ended', () => {
  it('RF-03: cost one grant, and all are answered', async () => {
    const member = await late();
    const before = fleet.presented().length;

    expect(tallyOf(await storm(member))).toEqual({ 200: 1_500 });
    expect(fleet.presented().length - before).toBe(1);
    expect(fleet.witness.tokensOf(member.sub)).toHaveLength(1);
  });

  it('RF-03: cost one grant also when the provider takes 8 s for it, and all wait', async () => {
    const member = await late();
    const before = fleet.presented().length;
    fleet.hostile.script.refresh.fault = () => ({ kind: 'hold', at: 'before-headers', until: dawdle(8_000) });

    expect(tallyOf(await storm(member))).toEqual({ 200: 1_500 });
    expect(fleet.presented().length - before).toBe(1);
    expect(fleet.witness.tokensOf(member.sub)).toHaveLength(1);
  });

  it('RF-03, RF-04: for two audiences cost two grants, the second not sent before the first is answered', async () => {
    const member = await late();
    const before = fleet.presented().length;
    let [running, most] = [0, 0];
    fleet.hostile.script.refresh.fault = () => {
      most = Math.max(most, ++running);
      return { kind: 'hold', at: 'before-headers', until: dawdle(1_000).then(() => running--) };
    };

    expect(tallyOf(await storm(member, ['/api/own', '/api/other']))).toEqual({ 200: 1_500 });
    const presented = fleet.presented().slice(before);
    expect([presented.length, new Set(presented).size, most]).toEqual([2, 2, 1]);
    expect(fleet.witness.tokensOf(member.sub, '/api/own')).toHaveLength(1);
    expect(fleet.witness.tokensOf(member.sub, '/api/other')).toHaveLength(1);
    expect(fleet.witness.tokensOf(member.sub)).toHaveLength(2);
  });
});

/** Makes every call, so many at a time. */
async function drive(calls: Iterator<() => Promise<Outcome>>, atOnce: number): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const lane = async () => {
    for (let next = calls.next(); next.done !== true; next = calls.next()) outcomes.push(await next.value());
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return outcomes;
}

/** The calls of all people, mixed: everybody's first, everybody's second, each at another process than the one before. */
function* callsOf(members: readonly Member[], each: number): Generator<() => Promise<Outcome>> {
  for (let turn = 0; turn < each; turn++) {
    for (const [index, member] of members.entries()) {
      const path = (turn + index) % 5 === 0 ? '/api/other/x' : '/api/own/x';
      yield () => fleet.call(member, { instance: turn + index, path });
    }
  }
}

describe('the sessions of 500 people', () => {
  it('TS-10: never get one another’s tokens, a thousand calls at once, on three processes, while tokens are renewed', {
    timeout: 300_000,
  }, async () => {
    fleet.hostile.script.token.fields = { expires_in: 8 };
    fleet.hostile.script.refresh.fields = { expires_in: 8 };
    const signIns = Array.from({ length: 500 }, (_, n) => n);
    const members: Member[] = [];
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let n = signIns.pop(); n !== undefined; n = signIns.pop())
          members.push(await fleet.signIn(`user-${n}`, n));
      }),
    );
    const [before, calls, began] = [fleet.presented().length, fleet.witness.calls, performance.now()];

    const outcomes = await drive(callsOf(members, 200), 1_000);

    const grants = fleet.presented().slice(before);
    const seconds = Math.round((performance.now() - began) / 1_000);
    console.log(`${JSON.stringify(tallyOf(outcomes))} in ${seconds} s, ${grants.length} grants`);
    expect(fleet.witness.calls - calls).toBe(100_000);
    expect(fleet.witness.mixedUp).toEqual([]);
    expect(grants.length).toBeGreaterThan(500);
    expect(new Set(grants).size).toBe(grants.length);
    expect(tallyOf(outcomes)).toEqual({ 200: 100_000 }); // after what the witness saw, which counts more
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set([200]));
    // What the witness says of the token goes back to the person who called.
    expect(outcomes.filter(({ caller, body }) => body !== members.find((member) => member === caller)?.sub)).toEqual(
      [],
    );
  });

  it('TS-10: would be seen to be mixed up by the witness (the control)', async () => {
    const [one, two] = [await fleet.signIn('one'), await fleet.signIn('two')];
    const seen = fleet.witness.mixedUp.length;

    const { status, body } = await fleet.call({ ...one, sub: two.sub }, { path: '/api/own/x' });

    expect({ status, body }).toEqual({ status: 200, body: 'one' });
    expect(fleet.witness.mixedUp.slice(seen)).toEqual(['two: one']);
  });
});
