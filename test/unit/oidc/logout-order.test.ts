import { describe, expect, it } from 'vitest';
import { notBeforeOf, signInInstant } from '../../../src/oidc/logout-order.ts';

// Instants in ms after a second that begins with 0: the tokens of 1_000 to 1_999 say `iat: 1`.
const isRefused = (signIn: { iat: number; startedAt: number }, signOut: { iat: number; receivedAt: number }) =>
  signInInstant(signIn.iat, signIn.startedAt) < notBeforeOf(signOut.iat, signOut.receivedAt);

describe('a sign-in and a sign-out', () => {
  //  what happened                                                 refused  sign-in                      sign-out
  it.each([
    ['a sign-in of an earlier second', true, { iat: 1, startedAt: 500 }, { iat: 2, receivedAt: 2_100 }],
    ['a sign-in of a later second', false, { iat: 3, startedAt: 2_900 }, { iat: 2, receivedAt: 2_100 }],
    ['one second, the browser was sent away before', true, { iat: 2, startedAt: 2_050 }, { iat: 2, receivedAt: 2_100 }],
    [
      'one second, the browser was sent away in the second before',
      true,
      { iat: 2, startedAt: 1_950 },
      { iat: 2, receivedAt: 2_100 },
    ],
    [
      'one second, the person began again afterwards',
      false,
      { iat: 2, startedAt: 2_150 },
      { iat: 2, receivedAt: 2_100 },
    ],
    ['one second, but the sign-out came late', true, { iat: 2, startedAt: 2_700 }, { iat: 2, receivedAt: 3_100 }],
    [
      'the sign-out came late, the person began after it was issued',
      false,
      { iat: 3, startedAt: 3_050 },
      { iat: 2, receivedAt: 3_100 },
    ],
    [
      'the provider’s clock is ahead, a sign-in under way',
      true,
      { iat: 7, startedAt: 2_000 },
      { iat: 7, receivedAt: 2_100 },
    ],
    [
      'the provider’s clock is ahead, a later sign-in',
      false,
      { iat: 8, startedAt: 3_000 },
      { iat: 7, receivedAt: 2_100 },
    ],
  ])('LO-12, LO-16: %s', (_case, refused, signIn, signOut) => {
    expect(isRefused(signIn, signOut)).toBe(refused);
  });

  it('never moves an instant out of the second its token says', () => {
    for (const at of [0, 1, 1_000, 1_001, 1_999, 2_000, 9_999]) {
      expect(Math.floor(signInInstant(1, at) / 1000)).toBe(1);
      expect(Math.floor(notBeforeOf(1, at) / 1000)).toBe(1);
    }
  });
});
