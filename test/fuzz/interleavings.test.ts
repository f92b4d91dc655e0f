/**
 * Ten thousand random interleavings of all that can be done with a session, over
 * three instances: requests, touches, refreshes, saves, sign-ins under way, and
 * every kind of end. After an end has returned nothing of the session is left.
 *
 * Here the instances share a clock that is moved; interleavings-over-processes.test.ts
 * has three processes and the real time. The people of one run act at the same time,
 * so they are in each other's way, too.
 */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dawdle } from '../support/slowness.ts';
import { Interleaving, program, type Scene } from './interleaved.ts';
import { fuzzing } from './seed.ts';
import { type Instances, startInstances } from './three-instances.ts';

const peopleAtOnce = 20;
const runs = 500;
const tokenLifeSeconds = 200;

let all: Instances;

beforeAll(async () => {
  // A touch is due after two minutes; no session ends by itself; and how fast the machine is does not matter.
  all = await startInstances({ SESSION_IDLE_TIMEOUT: '20m', SESSION_LIFETIME: '10d', REDIS_TIMEOUT: '10s' });
});

afterAll(() => all.close());

const run = fc.record({
  token: fc.constantFrom('fresh', 'due', 'expired'),
  providerTakesMs: fc.oneof(fc.constant(0), fc.nat(20)),
  programs: fc.array(program, { minLength: peopleAtOnce, maxLength: peopleAtOnce }),
});

describe('an end of a session', () => {
  it('RF-13, LO-01, LO-11, LO-12, TS-11: is one, whatever else is under way on three instances', {
    timeout: 900_000,
  }, async () => {
    const ages = { fresh: 0, due: tokenLifeSeconds - 15, expired: tokenLifeSeconds + 1 };
    const { hostile } = all;
    const interleaving = new Interleaving(all);
    let refreshes = 0;
    await fc.assert(
      fc.asyncProperty(run, async ({ token, providerTakesMs, programs }) => {
        hostile.reset();
        hostile.user = ({ query }) => ({ sub: query['login_hint'] ?? 'nobody' });
        hostile.script.token.expiresIn = tokenLifeSeconds;
        hostile.script.refresh.expiresIn = tokenLifeSeconds;
        const scenes: Scene[] = [];
        for (const given of programs) scenes.push(await interleaving.prepare(given));
        all.pass(ages[token] * 1_000);
        hostile.script.refresh.fault = () => ({ kind: 'hold', at: 'before-headers', until: dawdle(providerTakesMs) });

        await Promise.all(scenes.map((scene) => interleaving.perform(scene)));
        await interleaving.check(scenes);
        await interleaving.finish(scenes, token === 'fresh' ? 0 : providerTakesMs + 5);
        refreshes += hostile.hits('refresh');
      }),
      fuzzing('interleavings', { numRuns: runs, endOnFailure: true }),
    );
    console.log(JSON.stringify({ ...interleaving.seen, refreshes }));
    expect(interleaving.seen.people).toBe(runs * peopleAtOnce);
    expect(refreshes).toBeGreaterThan(runs);
    expect(interleaving.seen.barred).toBeGreaterThan(0);
  });
});
