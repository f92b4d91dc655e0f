import { describe, expect, it } from 'vitest';
import { freshnessOf, isJustIssued, setOf, spreadOf } from '../../../src/token/freshness.ts';

const second = 1000;
const issuedAt = 1_000_000;

function tokenOf(lifeMs: number | undefined) {
  return {
    accessToken: 'at',
    scope: [],
    issuedAt,
    expiresAt: lifeMs === undefined ? undefined : issuedAt + lifeMs,
  };
}

describe('freshnessOf', () => {
  //  case                                          answer      life           age            spread
  it.each([
    ['a new token', 'fresh', 300 * second, 0, 0],
    ['RF-02: just before the shortest window', 'fresh', 300 * second, 269 * second, 0],
    ['RF-02: at the shortest window', 'due', 300 * second, 270 * second, 0],
    ['RF-02: at the longest window', 'due', 300 * second, 241 * second, 0.99],
    ['just before the longest window', 'fresh', 300 * second, 239 * second, 0.99],
    ['a long life: no more than a minute ahead', 'fresh', 36_000 * second, 35_935 * second, 0.99],
    ['a long life: within the minute', 'due', 36_000 * second, 35_945 * second, 0.99],
    ['a short life: a fifth of it', 'fresh', 10 * second, 7.9 * second, 0.99],
    ['a short life: within the fifth', 'due', 10 * second, 8.1 * second, 0.99],
    ['too late to arrive in time', 'ending', 300 * second, 298 * second, 0],
    ['a short life is not ending at once', 'due', 10 * second, 9.4 * second, 0],
    ['the very end', 'expired', 300 * second, 300 * second, 0],
    ['long gone', 'expired', 300 * second, 900 * second, 0],
    ['an end nobody told', 'fresh', undefined, 900_000 * second, 0.5],
  ])('%s: %s', (_case, answer, life, age, spread) => {
    expect(freshnessOf(tokenOf(life), { now: issuedAt + age, spread: () => spread })).toBe(answer);
  });
});

describe('spreadOf', () => {
  it('is steady for one session and spread over many, so that they are not renewed together', () => {
    const spreads = Array.from({ length: 200 }, (_, n) =>
      spreadOf(Buffer.from(`${n * 7919}#${n}`).toString('base64url')),
    );
    const hashed = ['AAAA', '____', 'gAAA'].map((start) => spreadOf(`${start}-rest-of-the-hash`));

    expect(spreads.every((spread) => spread >= 0 && spread < 1)).toBe(true);
    expect(hashed).toEqual([0, 65535 / 65536, 0.5]);
    expect(spreadOf('gAAA')).toBe(spreadOf('gAAA'));
  });
});

describe('isJustIssued', () => {
  it.each([
    ['within half of a short life', true, 20 * second, 9 * second],
    ['past half of a short life', false, 20 * second, 10 * second],
    ['within a minute', true, 3600 * second, 59 * second],
    ['past a minute', false, 3600 * second, 60 * second],
    ['within a minute, no known end', true, undefined, 59 * second],
    ['past a minute, no known end', false, undefined, 60 * second],
  ])('%s: %s', (_case, answer, life, age) => {
    expect(isJustIssued(tokenOf(life), issuedAt + age)).toBe(answer);
  });
});

describe('setOf', () => {
  it('finds the set of an audience and nothing that an object has by itself', () => {
    const set = tokenOf(300 * second);
    const tokens = { refreshToken: 'rt', refreshExpiresAt: undefined, rotates: undefined, sets: { '': set } };

    expect(setOf(tokens, '')).toBe(set);
    expect(setOf(tokens, 'constructor')).toBeUndefined();
  });
});
