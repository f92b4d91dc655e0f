/**
 * Whether more lines are allowed, and when they are taken back.
 *
 * @module
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { LineAllowance, windowMs } from '../../../src/proxy/line-allowance.ts';

let allowance: LineAllowance;
let now: number;

beforeEach(() => {
  allowance = new LineAllowance({ connections: 16, mostConnections: 512 });
  now = 10_000;
  allowance.begin(now);
});

interface Window {
  readonly answers: number;
  readonly waiting: number;
  readonly tookMs?: number;
}

/** Lets a window pass in which so many answers come, with all lines in use; says how many lines are allowed then. */
function pass({ answers, waiting, tookMs = windowMs }: Window): number {
  const taken = allowance.lines;
  for (let n = 0; n < answers; n++) allowance.turned();
  now += tookMs;
  allowance.look({ now, taken, waiting });
  return allowance.lines;
}

describe('LineAllowance', () => {
  it('PX-29: doubles the lines while nothing at all is answered', () => {
    const seen = Array.from({ length: 6 }, () => pass({ answers: 0, waiting: 1_000 }));

    expect(seen).toEqual([32, 64, 128, 256, 512, 512]);
  });

  it('allows no more than those who wait can use', () => {
    expect(pass({ answers: 0, waiting: 3 })).toBe(19);
  });

  it('allows no more while those who wait come to their turn within 100 ms', () => {
    expect(pass({ answers: 50, waiting: 100 })).toBe(16);
    expect(pass({ answers: 49, waiting: 100 })).toBe(32);
  });

  it('goes on while more lines bring more answers', () => {
    expect(pass({ answers: 8, waiting: 1_000 })).toBe(32);
    expect(pass({ answers: 16, waiting: 1_000 })).toBe(64);
    expect(pass({ answers: 32, waiting: 1_000 })).toBe(128);
  });

  it('PX-29: undoes what brought no more answers, and waits longer each time before it tries again', () => {
    const useless: number[] = [];
    for (let n = 0; n < 80; n++) if (pass({ answers: 8, waiting: 1_000 }) > 16) useless.push(now - 10_000);

    expect(useless).toEqual([50, 600, 1_650, 3_700]);
  });

  it('forgets earlier failures once a trial was worth it', () => {
    pass({ answers: 8, waiting: 1_000 });
    pass({ answers: 8, waiting: 1_000 }); // of no use: held for 500 ms
    for (let n = 0; n < 10; n++) pass({ answers: 8, waiting: 1_000 });
    pass({ answers: 16, waiting: 1_000 }); // worth it
    expect(allowance.lines).toBe(64);
    expect(pass({ answers: 16, waiting: 1_000 })).toBe(32); // of no use: held for 500 ms, not for 1,000
    for (let n = 0; n < 10; n++) pass({ answers: 16, waiting: 1_000 });

    expect(allowance.lines).toBeGreaterThan(16);
  });

  it('does not judge by a look that came late', () => {
    expect(pass({ answers: 0, waiting: 1_000, tookMs: 2 * windowMs })).toBe(16);
    expect(pass({ answers: 0, waiting: 1_000 })).toBe(32);
  });

  it('takes back by halves, down to the first lines', () => {
    for (let n = 0; n < 5; n++) pass({ answers: 0, waiting: 1_000 });
    const seen = Array.from({ length: 6 }, () => pass({ answers: 0, waiting: 0, tookMs: 1_000 }));

    expect(seen).toEqual([256, 128, 64, 32, 16, 16]);
  });
});
