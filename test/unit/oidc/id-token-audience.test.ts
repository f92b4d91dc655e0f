/**
 * For whom an ID token is. The library looks at some of it, too; these are our own
 * checks alone.
 */

import { describe, expect, it } from 'vitest';
import { checkSignInToken } from '../../../src/oidc/checks.ts';
import type { VerifiedJws } from '../../../src/oidc/key-set.ts';

const now = Date.parse('2026-11-24T12:00:00Z');
const seconds = now / 1000;
const honest = { iss: 'https://a', sub: 'alice', aud: 'us', exp: seconds + 300, iat: seconds, nonce: 'n' };
const expected = {
  ...{ issuer: 'https://a', clientId: 'us', accessToken: 'at', code: 'c', nonce: 'n', now, startedAt: now },
  ...{ maxAge: undefined, acrValues: [], trustedAudiences: ['project', 'sibling'] },
};
// A token that passed its signature, which is not what is looked at here.
const check = (claims: object, more: { readonly maxAgeMs?: number } = {}) =>
  checkSignInToken({ algorithm: 'RS256', claims: { ...honest, ...claims } } as unknown as VerifiedJws, {
    ...expected,
    ...more,
  });

describe('an ID token', () => {
  it.each([
    ['us', {}],
    ['us, in a list', { aud: ['us'] }],
    ['us and those that are trusted', { aud: ['us', 'sibling', 'project'], azp: 'us' }],
  ])('IT-02, IT-03, IT-04: is taken when it is for %s', (_whom, claims) => {
    expect(check(claims)).toBeUndefined();
  });

  it.each([
    ['nobody', { aud: undefined }],
    ['nobody, in a list', { aud: [] }],
    ['another', { aud: 'sibling', azp: 'us' }],
    ['others that are trusted, without us', { aud: ['sibling', 'project'], azp: 'us' }],
    ['us and one that is not trusted', { aud: ['us', 'project', 'other'], azp: 'us' }],
    ['several, and does not say to whom it was issued', { aud: ['us', 'project'] }],
    ['several, and was issued to another of them', { aud: ['us', 'sibling'], azp: 'sibling' }],
    ['us twice, in words and in a number', { aud: ['us', 7], azp: 'us' }],
  ])('IT-02, IT-04: is refused when it is for %s', (_whom, claims) => {
    expect(check(claims)).toBe('id-token-audience');
  });

  it('IT-05: is refused when it was issued to another, though we are its one audience', () => {
    expect(check({ azp: 'sibling' })).toBe('id-token-authorized-party');
    expect(check({ azp: 'us' })).toBeUndefined();
  });

  it('IT-08: is taken for five minutes, and for as long as a provider that writes an earlier time needs, by setting', () => {
    expect(check({ iat: seconds - 300 })).toBeUndefined();
    expect(check({ iat: seconds - 301 })).toBe('id-token-issued-at');
    expect(check({ iat: seconds - 360 }, { maxAgeMs: 360_000 })).toBeUndefined();
    expect(check({ iat: seconds - 361 }, { maxAgeMs: 360_000 })).toBe('id-token-issued-at');
    expect(check({ iat: seconds - 31 }, { maxAgeMs: 30_000 })).toBe('id-token-issued-at');
  });
});
