/**
 * How instants are written.
 *
 * @module
 */

import { afterEach, describe, expect, it, vi } from 'vitest';
import { Timestamps } from '../../../src/base/clock.ts';

afterEach(() => vi.useRealTimers());

const timestamps = new Timestamps();

describe('Timestamps', () => {
  it.each([
    ['the first ms of a second', '2026-11-24T09:00:00.000Z'],
    ['a ms of one digit', '2026-11-24T09:00:00.007Z'],
    ['a ms of two digits', '2026-11-24T09:00:00.070Z'],
    ['the last ms of a year', '2026-12-31T23:59:59.999Z'],
    ['the next', '2027-01-01T00:00:00.000Z'],
    ['a clock that was set back', '2026-11-24T08:59:59.123Z'],
    ['the same instant again', '2026-11-24T08:59:59.123Z'],
  ])('LG-02: writes %s', (_name, instant) => {
    vi.useFakeTimers({ now: new Date(instant), toFake: ['Date'] });

    expect(timestamps.now()).toBe(instant);
  });
});
