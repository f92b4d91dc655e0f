/**
 * How long upstreams may say nothing.
 *
 * @module
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { lookMs, Patience, Silence } from '../../../src/proxy/patience.ts';
import { ManualClock } from '../../support/clock.ts';

let clock: ManualClock;
let patience: Patience;
let told: string[];

beforeEach(() => {
  clock = new ManualClock();
  patience = new Patience(clock);
  told = [];
});

function ask(name: string, limitMs = 1_000): Silence {
  const silence = new Silence({ patience, clock, limitMs, onTooLong: () => told.push(name) });
  silence.begin('upstream');
  return silence;
}

const controller = { pause: () => told.push('paused'), resume: () => told.push('resumed') };

describe('Silence', () => {
  it('PX-27: ends a call once when its upstream says nothing for too long, and no other', async () => {
    ask('patient', 60_000);
    ask('hasty');
    await clock.advance(1_000);
    expect(told).toEqual([]);
    await clock.advance(lookMs);
    expect(told).toEqual(['hasty']);
    await clock.advance(30_000);

    expect(told).toEqual(['hasty']);
  });

  it('counts from what was said last', async () => {
    const silence = ask('one');
    for (let turn = 0; turn < 5; turn++) {
      await clock.advance(900);
      silence.broken();
    }
    expect(told).toEqual([]);
    await clock.advance(1_000 + lookMs);

    expect(told).toEqual(['one']);
  });

  it('does not count while it is we who do not listen', async () => {
    const silence = ask('one');
    silence.pause(controller);
    await clock.advance(60_000);
    silence.resume(controller);
    await clock.advance(1_000);
    expect(told).toEqual(['paused', 'resumed']);
    await clock.advance(lookMs);

    expect(told).toEqual(['paused', 'resumed', 'one']);
  });

  it('PX-27: does not count while it waits for us, whatever it says meanwhile, nor while both hold', async () => {
    const silence = ask('one');
    silence.turnTo('ours');
    await clock.advance(60_000);
    silence.broken();
    silence.pause(controller);
    silence.turnTo('upstream');
    silence.broken();
    await clock.advance(60_000);
    silence.turnTo('ours');
    silence.resume(controller);
    await clock.advance(60_000);
    expect(told).toEqual(['paused', 'resumed']);
    silence.turnTo('upstream');
    await clock.advance(1_000 + lookMs);

    expect(told).toEqual(['paused', 'resumed', 'one']);
  });

  it('PX-13, PX-27: of a call that is sent again begins anew, however the one before was held back', async () => {
    const silence = ask('one');
    silence.pause(controller);
    silence.turnTo('ours');
    silence.end();
    await clock.advance(60_000);
    silence.begin('upstream');
    await clock.advance(1_000 + lookMs);

    expect(told).toEqual(['paused', 'one']);
  });

  it('is looked at until it ends, whichever ends before it', async () => {
    const all = ['a', 'b', 'c', 'd'].map((name) => ask(name));
    all[1]?.end();
    all[1]?.end();
    all[3]?.end();
    all[0]?.goOn();
    await clock.advance(1_000 + lookMs);

    expect(told.sort()).toEqual(['a', 'c']);
  });

  it('costs no timer when nobody waits', async () => {
    ask('one').end();
    await clock.advance(lookMs);

    expect(clock.pending).toBe(0);
  });
});
