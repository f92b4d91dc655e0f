/**
 * A token ends while three processes have calls for it: one of them asks for a
 * new one, once, and nobody is refused.
 */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Member } from '../support/entrance.ts';
import { type Fleet, startFleet, until } from '../support/fleet.ts';
import { tallyOf } from '../support/traffic.ts';

const other = 'https://other.example';
let fleet: Fleet;
let nobody = 0;

beforeAll(async () => {
  fleet = await startFleet({ audiences: { '/api/own': '', '/api/other': other }, env: { PROVIDER_TIMEOUT: '10s' } });
});

afterEach(() => {
  fleet.hostile.script.refresh.fault = undefined;
});

afterAll(() => fleet.close());

/** Somebody whose token has ended. */
async function late(): Promise<Member> {
  fleet.hostile.script.token.fields = { expires_in: 1 };
  const member = await fleet.signIn(`late-${nobody++}`);
  await until(Date.now() + 1_050);
  return member;
}

/** So many calls at every process, at once. */
function storm(member: Member, { each, paths }: { readonly each: number; readonly paths: readonly string[] }) {
  const calls = fleet.instances.flatMap((_, instance) =>
    Array.from({ length: each }, (_call, n) => fleet.call(member, { instance, path: paths[n % paths.length] ?? '' })),
  );
  return Promise.all(calls);
}

describe('calls at three processes on one token that has ended', () => {
  it('RF-03: cost one grant, and all are answered', async () => {
    const member = await late();
    const before = fleet.presented().length;

    const outcomes = await storm(member, { each: 100, paths: ['/api/own'] });

    expect(tallyOf(outcomes)).toEqual({ 200: 300 });
    expect(fleet.presented().length - before).toBe(1);
    expect(fleet.witness.tokensOf(member.sub)).toHaveLength(1);
    expect(fleet.witness.mixedUp).toEqual([]);
  });

  it('RF-03, RF-04: for two audiences cost one grant for each, one after the other, and no token twice', async () => {
    const member = await late();
    const before = fleet.presented().length;

    const outcomes = await storm(member, { each: 100, paths: ['/api/own', '/api/other'] });

    expect(tallyOf(outcomes)).toEqual({ 200: 300 });
    const presented = fleet.presented().slice(before);
    expect(presented).toHaveLength(2);
    expect(new Set(presented).size).toBe(2);
    expect(fleet.witness.tokensOf(member.sub, '/api/own')).toHaveLength(1);
    expect(fleet.witness.tokensOf(member.sub, '/api/other')).toHaveLength(1);
    expect(fleet.witness.tokensOf(member.sub)).toHaveLength(2);
  });
});
