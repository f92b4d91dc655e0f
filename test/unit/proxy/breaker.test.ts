/**
 * Whether an upstream is asked at all.
 *
 * @module
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { Breaker, type Outcome, usualBreakerLimits } from '../../../src/proxy/breaker.ts';
import { ManualClock } from '../../support/clock.ts';

let clock: ManualClock;
let breaker: Breaker;
let changes: string[];

beforeEach(() => {
  clock = new ManualClock();
  changes = [];
  breaker = new Breaker({ clock, limits: usualBreakerLimits, onChange: (state) => changes.push(state) });
});

function calls(count: number, outcome: Outcome): void {
  for (let at = 0; at < count; at++) {
    const pass = breaker.admit();
    if (pass !== undefined) breaker.settle(pass, outcome);
  }
}

describe('a breaker', () => {
  it('PX-31: opens after ten calls that failed, not before', () => {
    calls(9, 'failure');
    expect(breaker.admit()).toBe('ordinary');
    calls(1, 'failure');

    expect(breaker.admit()).toBeUndefined();
    expect(changes).toEqual(['failed']);
  });

  it('PX-31: stays closed while half of the calls go well', () => {
    for (let at = 0; at < 50; at++) {
      calls(1, 'success');
      calls(1, 'failure');
    }

    expect(breaker.isOpen).toBe(false);
    calls(60, 'failure');
    expect(breaker.isOpen).toBe(true);
  });

  it('PX-31: learns nothing from calls that their clients broke off', () => {
    calls(1_000, 'unknown');

    expect(breaker.isOpen).toBe(false);
  });

  it('PX-31: lets one call try when its time is over, and closes when that goes well', async () => {
    calls(10, 'failure');
    expect(breaker.retryAfter).toBe(5);
    await clock.advance(4_999);
    expect([breaker.admit(), breaker.retryAfter]).toEqual([undefined, 1]);
    await clock.advance(1);
    expect([breaker.admit(), breaker.admit()]).toEqual(['trial', undefined]);
    breaker.settle('trial', 'success');

    expect(breaker.admit()).toBe('ordinary');
    expect(changes).toEqual(['failed', 'recovered']);
    calls(9, 'failure');
    expect(breaker.isOpen).toBe(false);
  });

  it('PX-31: waits twice as long after each trial that fails, and a minute at most', async () => {
    calls(10, 'failure');
    const waits: number[] = [];
    for (let trial = 0; trial < 6; trial++) {
      waits.push(breaker.retryAfter);
      await clock.advance(breaker.retryAfter * 1_000);
      expect(breaker.admit()).toBe('trial');
      breaker.settle('trial', 'failure');
    }

    expect(waits).toEqual([5, 10, 20, 40, 60, 60]);
  });

  it('PX-31: lets another try when a trial ends without a word, or takes too long', async () => {
    calls(10, 'failure');
    await clock.advance(5_000);
    expect(breaker.admit()).toBe('trial');
    breaker.settle('trial', 'unknown');
    expect([breaker.admit(), breaker.admit()]).toEqual(['trial', undefined]);
    await clock.advance(10_000);

    expect(breaker.admit()).toBe('trial');
  });

  it('PX-31: is not opened again, nor closed, by calls from before', () => {
    const [early, late] = [breaker.admit(), breaker.admit()];
    calls(10, 'failure');
    if (early) breaker.settle(early, 'success');
    if (late) breaker.settle(late, 'failure');

    expect(breaker.isOpen).toBe(true);
    expect(changes).toEqual(['failed']);
  });
});
