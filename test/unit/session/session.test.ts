import { describe, expect, it } from 'vitest';
import { endedBy, endOf, idleEndOf } from '../../../src/session/session.ts';

const lifetimes = { idleTimeoutMs: 600, lifetimeMs: 10_000 };
const tokens = { refreshToken: 'r', refreshExpiresAt: undefined, rotates: undefined, sets: {} };

describe('the end of a session', () => {
  //   seen    ends      now      ended
  it.each([
    [1_000, 10_000, 1_599, undefined],
    [1_000, 10_000, 1_600, 'idle'],
    [9_900, 10_000, 9_999, undefined],
    [9_900, 10_000, 10_000, 'lifetime'],
    [1_000, 10_000, 20_000, 'lifetime'],
  ])('SE-04, SE-05: seen at %i, with a last instant of %i, at %i: %s', (seenAt, expiresAt, now, reason) => {
    expect(endedBy({ seenAt, expiresAt }, { lifetimes, now })).toBe(reason);
  });

  it('is its idle end when nothing happens', () => {
    expect(idleEndOf({ seenAt: 1_000 }, lifetimes)).toBe(1_600);
  });

  it('TS-08: is never later than that of the refresh token, or without one of the access token', () => {
    const set = { accessToken: 'a', expiresAt: 3_000, issuedAt: 0, scope: [] };

    expect(endOf({ expiresAt: 10_000, tokens })).toBe(10_000);
    expect(endOf({ expiresAt: 10_000, tokens: { ...tokens, refreshExpiresAt: 5_000 } })).toBe(5_000);
    expect(endOf({ expiresAt: 10_000, tokens: { ...tokens, refreshToken: undefined, sets: { '': set } } })).toBe(3_000);
  });
});
