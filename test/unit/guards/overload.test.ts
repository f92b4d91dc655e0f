import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { Overload, samples } from '../../../src/guards/overload.ts';

/** Time that runs a task later than it was asked to, as a loop does that has too much to do. */
class LateClock implements Clock {
  #elapsed = 0;
  #task: (() => void) | undefined;
  #dueIn = 0;

  now(): number {
    return this.#elapsed;
  }

  elapsed(): number {
    return this.#elapsed;
  }

  after(ms: number, task: () => void): () => void {
    this.#task = task;
    this.#dueIn = ms;
    return () => {
      this.#task = undefined;
    };
  }

  /** Runs what is due, so many ms late. */
  runLate(ms: number): void {
    this.#elapsed += this.#dueIn + ms;
    this.#task?.();
  }

  get isWaiting(): boolean {
    return this.#task !== undefined;
  }
}

function started({ underWay = 100 } = {}) {
  const clock = new LateClock();
  const overload = new Overload({ clock, limits: { lagMs: 250, underWay } });
  overload.start();
  const ends: (() => void)[] = [];
  return { clock, overload, ends, take: () => overload.take((task) => ends.push(task)).allowed };
}

describe('a request while the event loop is late', () => {
  it('PX-29: is refused when it was late several times in a row, and taken as soon as it is not', () => {
    const { clock, take, overload } = started();
    for (let sample = 1; sample < samples; sample++) {
      clock.runLate(251);
      expect(take()).toBe(true);
    }

    clock.runLate(251);
    expect(take()).toBe(false);
    expect(overload.take(() => undefined)).toEqual({ allowed: false, reason: 'overloaded' });

    clock.runLate(249);
    expect(take()).toBe(true);
  });

  it('is taken after one long task, however long', () => {
    const { clock, take } = started();
    clock.runLate(10_000);
    expect(take()).toBe(true);
    clock.runLate(0);
    clock.runLate(10_000);
    clock.runLate(10_000);
    expect(take()).toBe(true);
  });

  it('is not looked after any more once stopped', () => {
    const { clock, overload } = started();
    expect(clock.isWaiting).toBe(true);
    overload.stop();
    expect(clock.isWaiting).toBe(false);
  });
});

describe('requests under way', () => {
  it('are bounded, and each that ends makes room for one', () => {
    const { ends, take } = started({ underWay: 2 });
    expect([take(), take(), take()]).toEqual([true, true, false]);

    ends.shift()?.();
    expect([take(), take()]).toEqual([true, false]);
  });
});
