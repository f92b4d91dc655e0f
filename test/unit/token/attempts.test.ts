import { describe, expect, it } from 'vitest';
import { type Attempt, Attempts, type Paused } from '../../../src/token/attempts.ts';
import { ManualClock } from '../../support/clock.ts';

function createAttempts(random = 0.5) {
  const clock = new ManualClock();
  return { clock, attempts: new Attempts({ clock, random: () => random }) };
}

function begun(admitted: Attempt | Paused): Attempt {
  if (!('end' in admitted)) throw new Error('paused');
  return admitted;
}

function pauseOf(admitted: Attempt | Paused): number {
  if ('end' in admitted) throw new Error('not paused');
  return admitted.retryAfterMs;
}

async function failInARow(attempts: Attempts, times: number): Promise<void> {
  for (let n = 0; n < times; n++) begun(await attempts.admit()).end('away');
}

describe('attempts', () => {
  it('RF-15: lets 32 run at once and the rest wait, first come, first served', async () => {
    const { attempts } = createAttempts();
    const running = await Promise.all(Array.from({ length: 32 }, () => attempts.admit()));
    const order: number[] = [];
    const waiting = [1, 2].map(async (n) => {
      begun(await attempts.admit());
      order.push(n);
    });

    expect(attempts.load).toEqual({ running: 32, waiting: 2 });
    for (const one of running.slice(0, 2)) begun(one).end('answered');
    await Promise.all(waiting);
    expect(order).toEqual([1, 2]);
    expect(attempts.load).toEqual({ running: 32, waiting: 0 });
  });

  it('RF-15: pauses after five failures in a row, and not after four', async () => {
    const { attempts } = createAttempts();
    await failInARow(attempts, 4);
    begun(await attempts.admit()).end('answered');
    await failInARow(attempts, 4);
    const fifth = begun(await attempts.admit());
    fifth.end('away');

    expect(pauseOf(await attempts.admit())).toBeGreaterThan(0);
  });

  it('RF-15: sends away who waits when a pause begins', async () => {
    const { attempts } = createAttempts();
    const running = await Promise.all(Array.from({ length: 32 }, () => attempts.admit()));
    const waiting = Array.from({ length: 6 }, () => attempts.admit());
    for (const one of running.slice(0, 5)) begun(one).end('away');

    expect('end' in (await (waiting[0] ?? attempts.admit()))).toBe(true); // came in after the first failure
    expect(pauseOf(await (waiting[5] ?? attempts.admit()))).toBeGreaterThan(0);
    expect(attempts.load).toEqual({ running: 31, waiting: 0 });
  });

  it('RF-15: asks once after a pause, and pauses longer each time, up to 30 s', async () => {
    const { clock, attempts } = createAttempts(1);
    await failInARow(attempts, 5);
    const pauses: number[] = [];
    for (let n = 0; n < 7; n++) {
      const pause = pauseOf(await attempts.admit()) - 1000; // the spread of who comes back
      pauses.push(pause);
      await clock.advance(pause);
      const probe = begun(await attempts.admit());
      const second = attempts.admit();
      probe.end('away');
      expect(pauseOf(await second)).toBeGreaterThan(0);
    }

    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  it('RF-15: spreads the pauses, so that instances do not ask together', async () => {
    const pauses = await Promise.all(
      [0, 0.5, 0.999].map(async (random) => {
        const { attempts } = createAttempts(random);
        await failInARow(attempts, 5);
        return pauseOf(await attempts.admit());
      }),
    );

    expect(new Set(pauses).size).toBe(3);
  });

  it('RF-15: recovers by one, two, four', async () => {
    const { clock, attempts } = createAttempts();
    await failInARow(attempts, 5);
    await clock.advance(1000);
    const admitted = Array.from({ length: 100 }, () => attempts.admit());
    const running: number[] = [];
    for (const [ended, one] of admitted.slice(0, 4).entries()) {
      running[ended] = attempts.load.running;
      begun(await one).end('answered');
    }

    expect(running).toEqual([1, 2, 4, 8]);
  });

  it('RF-07: waits as long as the provider asks for, though never longer than 30 s', async () => {
    const { clock, attempts } = createAttempts(0);
    begun(await attempts.admit()).end('away', 7_000);
    await clock.advance(6_999);
    expect(pauseOf(await attempts.admit())).toBe(1);
    await clock.advance(1);
    begun(await attempts.admit()).end('away', 3_600_000);

    expect(pauseOf(await attempts.admit())).toBe(30_000);
  });

  it('learns nothing from what began before the pause', async () => {
    const { clock, attempts } = createAttempts(0);
    const old = begun(await attempts.admit());
    await failInARow(attempts, 5);
    const before = pauseOf(await attempts.admit());
    old.end('away');

    expect(pauseOf(await attempts.admit())).toBe(before);
    await clock.advance(before);
    expect('end' in (await attempts.admit())).toBe(true);
  });

  it('does not count what was not used, and counts nothing twice', async () => {
    const { attempts } = createAttempts();
    for (let n = 0; n < 9; n++) {
      const attempt = begun(await attempts.admit());
      attempt.end('unused');
      attempt.end('away');
    }

    expect(attempts.load).toEqual({ running: 0, waiting: 0 });
    expect('end' in (await attempts.admit())).toBe(true);
  });

  it('RF-15: refuses at once when ten thousand wait', async () => {
    const { attempts } = createAttempts();
    for (let n = 0; n < 32 + 10_000; n++) void attempts.admit();

    expect(attempts.load.waiting).toBe(10_000);
    expect(pauseOf(await attempts.admit())).toBeGreaterThan(0);
  });
});
