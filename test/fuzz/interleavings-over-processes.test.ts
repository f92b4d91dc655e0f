/**
 * Ten thousand random interleavings of all that can be done with a session, over three
 * processes with the real time: requests, touches, refreshes, saves, sign-ins under
 * way, and every kind of end. After an end has returned nothing of the session is left.
 */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/fleet.ts';
import { dawdle } from '../support/slowness.ts';
import { Interleaving, program, type Scene } from './interleaved.ts';
import { fuzzing } from './seed.ts';
import { type Processes, startProcesses } from './three-processes.ts';

const peopleAtOnce = 100;
const runs = 100;
const signInsAtOnce = 8;

let all: Processes;

beforeAll(async () => {
  // A touch is due after six seconds, which is about as long as a run: some are touched. How fast the machine is does not matter.
  all = await startProcesses({ SESSION_IDLE_TIMEOUT: '60s', SESSION_LIFETIME: '1h', REDIS_TIMEOUT: '10s' });
}, 240_000);

afterAll(() => all.close());

/** How old the tokens are when the calls begin. `mixed`: anything, since people sign in one after the other. */
const lives = { fresh: 200, mixed: 3, expired: 1 } as const;

const run = fc.record({
  token: fc.constantFrom('fresh', 'mixed', 'expired'),
  providerTakesMs: fc.oneof(fc.constant(0), fc.nat(40)),
  programs: fc.array(program, { minLength: peopleAtOnce, maxLength: peopleAtOnce }),
});

async function prepareAll(
  interleaving: Interleaving,
  programs: readonly Scene['program'][],
): Promise<readonly Scene[]> {
  const left = [...programs];
  const scenes: Scene[] = [];
  const lane = async () => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) scenes.push(await interleaving.prepare(next));
  };
  await Promise.all(Array.from({ length: signInsAtOnce }, lane));
  return scenes;
}

describe('an end of a session', () => {
  it('RF-13, LO-01, LO-11, LO-12, TS-11: is one, whatever else is under way on three processes', {
    timeout: 900_000,
  }, async () => {
    const { hostile } = all;
    const interleaving = new Interleaving(all);
    let refreshes = 0;
    const began = performance.now();
    await fc.assert(
      fc.asyncProperty(run, async ({ token, providerTakesMs, programs }) => {
        hostile.reset();
        hostile.user = ({ query }) => ({ sub: query['login_hint'] ?? 'nobody' });
        Object.assign(hostile.script.token, { accessTokenFormat: 'jwt', fields: { expires_in: lives[token] } });
        Object.assign(hostile.script.refresh, { accessTokenFormat: 'jwt' });
        const scenes = await prepareAll(interleaving, programs);
        all.reconnect();
        if (token === 'expired') await until(Date.now() + 1_050);
        hostile.script.refresh.fault = () => ({ kind: 'hold', at: 'before-headers', until: dawdle(providerTakesMs) });

        await Promise.all(scenes.map((scene) => interleaving.perform(scene)));
        await interleaving.check(scenes);
        await interleaving.finish(scenes, token === 'fresh' ? 0 : providerTakesMs + 50);
        refreshes += hostile.hits('refresh');
        expect(new Set(all.fleet.presented()).size).toBe(all.fleet.presented().length);
      }),
      fuzzing('interleavings over processes', { numRuns: runs, endOnFailure: true }),
    );
    const seconds = Math.round((performance.now() - began) / 1_000);
    console.log(`${JSON.stringify({ ...interleaving.seen, refreshes })} in ${seconds} s`);
    expect(interleaving.seen.people).toBe(runs * peopleAtOnce);
    expect(refreshes).toBeGreaterThan(runs * 10);
    expect(interleaving.seen.barred).toBeGreaterThan(0);
    expect(all.fleet.witness.mixedUp).toEqual([]);
  });
});
