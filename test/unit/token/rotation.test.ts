import { describe, expect, it } from 'vitest';
import type { Grant } from '../../../src/oidc/grant.ts';
import type { SeenRotation } from '../../../src/oidc/rotation-notes.ts';
import { RotationWitness } from '../../../src/token/rotation.ts';
import { ManualClock } from '../../support/clock.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const previous = { issuer: 'https://a', subject: 'alice', authTime: undefined };

function witness() {
  const clock = new ManualClock();
  const written: SeenRotation[] = [];
  const state = { given: 'another' as string | undefined, isAway: false };
  const grant = (): Grant => ({
    tokens: { accessToken: 'at', issuedAt: 0, expiresAt: undefined, scope: [] },
    refreshToken: state.given,
    refreshExpiresAt: undefined,
    idToken: undefined,
  });
  const seeing = new RotationWitness({
    provider: { refresh: () => Promise.resolve(grant()) },
    notes: {
      write: (seen) => {
        written.push(seen);
        return state.isAway ? Promise.reject(new Error('away')) : Promise.resolve();
      },
    },
    clock,
  });
  const refresh = () => seeing.refresh('spent', { previous });
  return { clock, written, state, refresh };
}

describe('what is noted of refresh tokens', () => {
  it.each([
    ['another', 'rotates'],
    ['spent', 'keeps'],
    [undefined, 'gives-none'],
  ] as const)('RF-04: %s is called %s, with the instant, and the grant is passed on', async (given, rotation) => {
    const { clock, written, state, refresh } = witness();
    state.given = given;
    expect((await refresh()).refreshToken).toBe(given);
    expect(written).toEqual([{ rotation, seenAt: clock.now() }]);
  });

  it('is written once a day, however often tokens are refreshed', async () => {
    const { clock, written, refresh } = witness();
    for (let count = 0; count < 100; count++) await refresh();
    await clock.advance(dayMs - 1);
    await refresh();
    expect(written).toHaveLength(1);
    await clock.advance(1);
    await refresh();
    expect(written).toHaveLength(2);
  });

  it('is written when it changes, at most once a minute', async () => {
    const { clock, written, state, refresh } = witness();
    for (const given of ['another', 'spent', 'another', 'spent']) {
      state.given = given;
      await refresh();
    }
    expect(written.map(({ rotation }) => rotation)).toEqual(['rotates']);
    await clock.advance(minuteMs);
    await refresh();
    expect(written.map(({ rotation }) => rotation)).toEqual(['rotates', 'keeps']);
  });

  it('costs no refresh when it cannot be written, and is written a minute later', async () => {
    const { clock, written, state, refresh } = witness();
    state.isAway = true;
    expect((await refresh()).refreshToken).toBe('another');
    await refresh();
    expect(written).toHaveLength(1);
    state.isAway = false;
    await clock.advance(minuteMs);
    await refresh();
    expect(written).toHaveLength(2);
  });
});
