/**
 * How often a sign-in may be started, with the time moved by hand.
 */

import { describe, expect, it } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { LoginKeys } from '../../../src/oidc/login-keys.ts';
import { LoginLimit } from '../../../src/oidc/login-limit.ts';
import { ManualClock } from '../../support/clock.ts';

const keys = new LoginKeys({ secrets: [new Secret(Buffer.alloc(32, 7).toString('base64url'))], frontendId: 'default' });

function limitWith() {
  const clock = new ManualClock();
  return { clock, limit: new LoginLimit({ keys, frontendId: 'default', clock }) };
}

/** Starts of one browser, which keeps the cookie that it is given. */
function browserOf(limit: LoginLimit, address = '192.0.2.1') {
  let startsCookie: string | undefined;
  return () => {
    const decision = limit.check({ startsCookie, address });
    startsCookie = decision.startsCookie ?? startsCookie;
    return decision.allowed;
  };
}

describe('one browser', () => {
  it('LS-28: may start five times in ten seconds, and again when the first is ten seconds ago', () => {
    const { limit, clock } = limitWith();
    const start = browserOf(limit);
    const outcomes: boolean[] = [];
    for (let times = 0; times < 7; times++) {
      outcomes.push(start());
      clock.advanceSync(1_000);
    }

    expect(outcomes).toEqual([true, true, true, true, true, false, false]);
    clock.advanceSync(3_000);
    expect(start()).toBe(true);
    expect(start()).toBe(false);
    clock.advanceSync(1_000);
    expect(start()).toBe(true);
  });

  it('LS-28: is told with the reason of the catalogue', () => {
    const { limit } = limitWith();
    const { startsCookie } = Array.from({ length: 5 }).reduce<{ startsCookie?: string }>(
      (last) => limit.check({ startsCookie: last.startsCookie, address: '192.0.2.1' }),
      {},
    );

    expect(limit.check({ startsCookie, address: '192.0.2.1' })).toEqual({
      allowed: false,
      reason: 'login-rate-exceeded',
    });
  });

  it('LS-28: does not hinder another at the same address', () => {
    const { limit } = limitWith();
    for (let count = 0; count < 6; count++) expect([1, 2, 3, 4, 5].map(browserOf(limit))).toEqual(Array(5).fill(true));
  });

  it('CK-06: has a small cookie that only we can make', () => {
    const { limit } = limitWith();
    const address = '192.0.2.1';
    let startsCookie: string | undefined;
    for (let times = 0; times < 5; times++) startsCookie = limit.check({ startsCookie, address }).startsCookie;
    const value = startsCookie ?? '';

    expect(value).toMatch(/^[0-9a-zA-Z._-]{1,80}$/);
    expect(limit.check({ startsCookie: value, address }).allowed).toBe(false);
    // What is not ours counts as no cookie: it falls under the bound of the address.
    const forged = [
      `${value}x`,
      value.replace(/^./, '0'),
      value.split('.').slice(1).join('.'),
      '',
      '.',
      'a.b',
      '1'.repeat(9_000),
    ];
    for (const cookie of forged) expect(limit.check({ startsCookie: cookie, address }).allowed).toBe(true);
  });
});

describe('one address without cookies', () => {
  it('LS-28: may start thirty times in ten seconds', () => {
    const { limit, clock } = limitWith();
    const start = (address: string) => limit.check({ startsCookie: undefined, address }).allowed;
    const outcomes = Array.from({ length: 40 }, () => start('192.0.2.1'));

    expect(outcomes.filter(Boolean)).toHaveLength(30);
    expect(outcomes.indexOf(false)).toBe(30);
    expect(start('192.0.2.2')).toBe(true);
    clock.advanceSync(9_999);
    expect(start('192.0.2.1')).toBe(false);
    clock.advanceSync(1);
    expect(start('192.0.2.1')).toBe(true);
  });

  it('LS-28: is a whole /64 of IPv6', () => {
    const { limit } = limitWith();
    const start = (address: string) => limit.check({ startsCookie: undefined, address }).allowed;
    const outcomes = Array.from({ length: 40 }, (_, index) => start(`2001:db8:0:1::${index.toString(16)}`));

    expect(outcomes.filter(Boolean)).toHaveLength(30);
    expect(start('2001:db8:0:2::1')).toBe(true);
  });

  it('LS-28: cannot get around it with one cookie sent again and again', () => {
    const { limit } = limitWith();
    const { startsCookie } = limit.check({ startsCookie: undefined, address: '192.0.2.1' });
    const outcomes = Array.from({ length: 400 }, () => limit.check({ startsCookie, address: '192.0.2.1' }).allowed);

    expect(outcomes.filter(Boolean)).toHaveLength(300);
  });

  it('LS-28: is forgotten in its turn when there are many: memory stays bounded', () => {
    const { limit } = limitWith();
    const start = (address: string) => limit.check({ startsCookie: undefined, address }).allowed;
    for (let times = 0; times < 30; times++) start('192.0.2.1');
    expect(start('192.0.2.1')).toBe(false);
    for (let index = 0; index < 5_000; index++) start(`10.${index >> 8}.${index & 255}.1`);

    expect(start('192.0.2.1')).toBe(true);
  });
});
