/**
 * The clock that tests move by hand.
 *
 * @module
 */

import { expect, it } from 'vitest';
import { pause } from '../../../src/base/clock.ts';
import { defaultStart, ManualClock } from '../../support/clock.ts';

it('runs what falls due in the order of its instants, each at its own', async () => {
  const clock = new ManualClock();
  const seen: (readonly [string, number])[] = [];
  clock.after(200, () => seen.push(['late', clock.now() - defaultStart]));
  clock.after(100, () => seen.push(['early', clock.now() - defaultStart]));
  await clock.advance(250);

  expect(seen).toEqual([
    ['early', 100],
    ['late', 200],
  ]);
  expect(clock.elapsed()).toBe(250);
});

it('runs a timer that another one sets on its way, also from an await', async () => {
  const clock = new ManualClock();
  const seen: number[] = [];
  const beat = async (): Promise<void> => {
    for (;;) {
      await pause(clock, 100);
      seen.push(clock.elapsed());
    }
  };
  void beat();
  await clock.advance(350);

  expect(seen).toEqual([100, 200, 300]);
  expect(clock.pending).toBe(1);
});

it('does not run what was cancelled, nor what is not due', async () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  clock.after(10, () => seen.push('cancelled'))();
  clock.after(1000, () => seen.push('not due'));
  await clock.advance(999);

  expect(seen).toEqual([]);
  await clock.advance(1);
  expect(seen).toEqual(['not due']);
});

it('leaves timers alone when the wall clock is corrected', async () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  clock.after(10, () => seen.push('due'));
  clock.set(defaultStart + 3_600_000);

  expect(seen).toEqual([]);
  await clock.advance(10);
  expect(seen).toEqual(['due']);
  expect(clock.now()).toBe(defaultStart + 3_600_010);
});
