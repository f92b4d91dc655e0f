/**
 * The key set with the time moved by hand: when it is fetched, how often, and what
 * a token must look like before a key is looked for.
 */

import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { JwsError, parseJws } from '../../../src/oidc/jws.ts';
import { type ExpectedJws, KeySet, KeySetError } from '../../../src/oidc/key-set.ts';
import type { JsonObject } from '../../../src/oidc/strict-json.ts';
import { TokenBucket } from '../../../src/oidc/token-bucket.ts';
import { usableKeysFrom } from '../../../src/oidc/usable-keys.ts';
import { ManualClock } from '../../support/clock.ts';
import { createSigningKey, type SigningKey } from '../../support/hostile/keys.ts';
import { signBytes } from '../../support/hostile/signature.ts';

const expected: ExpectedJws = { algorithms: ['ES256'], types: ['', 'jwt'], source: 'token-endpoint' };

function signed(key: SigningKey, header: object = {}): string {
  const parts = [{ alg: key.alg, kid: key.kid, ...header }, { sub: 'alice' }];
  const input = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${input}.${signBytes(Buffer.from(input), key).toString('base64url')}`;
}

function setOf(...keys: readonly SigningKey[]): JsonObject {
  return { keys: keys.map(({ jwk }) => jwk) };
}

let one: SigningKey;
let two: SigningKey;

beforeAll(() => {
  one = createSigningKey({ alg: 'ES256', kid: 'one' });
  two = createSigningKey({ alg: 'ES256', kid: 'two' });
});

function keySetOf(answer: () => Promise<JsonObject>) {
  const clock = new ManualClock();
  const fetches: number[] = [];
  const told: unknown[] = [];
  const keys = new KeySet({
    fetch: () => {
      fetches.push(clock.elapsed());
      return answer();
    },
    clock,
    onFetched: (failure) => void told.push(failure),
  });
  return { keys, clock, fetches, told };
}

describe('KeySet', () => {
  it('IT-21: begins a new fetch when the one under way was asked before the key existed', async () => {
    let answer = Promise.resolve(setOf(one));
    const { keys, clock, fetches } = keySetOf(() => answer);
    await keys.verify(signed(one), expected);
    const slow = Promise.withResolvers<JsonObject>();
    answer = slow.promise;
    clock.advanceSync(10 * 60_000);
    const freshening = keys.verify(signed(one), expected);
    const rotated = keys.verify(signed(two), expected);
    answer = Promise.resolve(setOf(one, two));
    slow.resolve(setOf(one));

    expect((await freshening).claims).toEqual({ sub: 'alice' });
    expect((await rotated).claims).toEqual({ sub: 'alice' });
    expect(fetches).toHaveLength(3);
  });

  it('IT-22: fetches for names of strangers twice at once and then one in 15 seconds; their flood leaves sign-ins their own', async () => {
    const { keys, clock, fetches } = keySetOf(() => Promise.resolve(setOf(one)));
    const unknown = (source: ExpectedJws['source']) =>
      keys.verify(signed(two), { ...expected, source }).catch((error: unknown) => error);
    for (let times = 0; times < 20; times++) expect(await unknown('anyone')).toMatchObject({ reason: 'key-unknown' });
    expect(fetches).toHaveLength(1 + 2);
    clock.advanceSync(15_000);
    for (let times = 0; times < 20; times++) await unknown('anyone');
    expect(fetches).toHaveLength(1 + 3);
    for (let times = 0; times < 20; times++) await unknown('token-endpoint');
    expect(fetches).toHaveLength(1 + 3 + 10);
  });

  it('IT-22: fetches for a wrong signature once in half a minute', async () => {
    const { keys, clock, fetches } = keySetOf(() => Promise.resolve(setOf(one)));
    const forged = signed({ ...two, kid: 'one' });
    for (let times = 0; times < 10; times++)
      await expect(keys.verify(forged, expected)).rejects.toMatchObject({ reason: 'signature' });
    expect(fetches).toHaveLength(2);
    clock.advanceSync(30_000);
    await expect(keys.verify(forged, expected)).rejects.toBeInstanceOf(JwsError);
    expect(fetches).toHaveLength(3);
  });

  it('IT-23: without any key tries once a second, tells each failure, and believes nothing', async () => {
    const { keys, clock, fetches, told } = keySetOf(() => Promise.reject(new Error('away')));
    for (let times = 0; times < 10; times++)
      await expect(keys.verify(signed(one), expected)).rejects.toBeInstanceOf(KeySetError);
    expect(fetches).toHaveLength(1);
    clock.advanceSync(1_000);
    await expect(keys.verify(signed(one), expected)).rejects.toBeInstanceOf(KeySetError);
    expect(told).toHaveLength(2);
  });

  it('IT-18: tries at most four keys for one token', async () => {
    const many = Array.from({ length: 5 }, () => createSigningKey({ alg: 'ES256', kid: 'one' }));
    const four = keySetOf(() => Promise.resolve(setOf(...many.slice(2), one)));
    expect((await four.keys.verify(signed(one), expected)).claims).toEqual({ sub: 'alice' });
    const five = keySetOf(() => Promise.resolve(setOf(...many.slice(1), one)));
    await expect(five.keys.verify(signed(one), expected)).rejects.toMatchObject({ reason: 'key-unknown' });
  });

  it('IT-28: looks for no key when the kind of the token is wrong', async () => {
    const { keys, fetches } = keySetOf(() => Promise.resolve(setOf(one)));

    await expect(keys.verify(signed(one, { typ: 'at+jwt' }), expected)).rejects.toMatchObject({ reason: 'token-type' });
    expect(fetches).toHaveLength(0);
    expect((await keys.verify(signed(one, { typ: 'application/JWT' }), expected)).type).toBe('jwt');
  });
});

describe('usableKeysFrom', () => {
  const rsa = (bits: number, changes: object = {}) => ({
    kty: 'RSA',
    e: 'AQAB',
    n: Buffer.from([...Array(bits / 8)].map((_, at) => (at === 0 ? 0x80 : 1))).toString('base64url'),
    ...changes,
  });
  const point = { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' };

  it.each<[string, object, readonly string[] | undefined]>([
    ['an RSA key of 2048 bits', rsa(2048), ['RS256', 'PS256']],
    ['one for PS256', rsa(2048, { alg: 'PS256' }), ['PS256']],
    ['one for another algorithm', rsa(2048, { alg: 'RS512' }), undefined],
    ['an RSA key of 2040 bits', rsa(2040), undefined],
    ['an RSA key of 1024 bits', rsa(1024), undefined],
    [
      'one of 1024 bits behind zeros',
      { ...rsa(1024), n: Buffer.concat([Buffer.alloc(256), Buffer.alloc(128, 0x81)]).toString('base64url') },
      undefined,
    ],
    ['an RSA key of 16384 bits', rsa(16_384), undefined],
    ['one without modulus', { kty: 'RSA', e: 'AQAB' }, undefined],
    ['a key on P-256', point, ['ES256']],
    ['a key on P-384', { ...point, crv: 'P-384' }, undefined],
    ['an Ed25519 key', { kty: 'OKP', crv: 'Ed25519', x: 'AA' }, ['EdDSA', 'Ed25519']],
    ['one for EdDSA', { kty: 'OKP', crv: 'Ed25519', x: 'AA', alg: 'EdDSA' }, ['EdDSA', 'Ed25519']],
    ['an Ed448 key', { kty: 'OKP', crv: 'Ed448', x: 'AA' }, undefined],
    ['an RSA key that says EdDSA', rsa(2048, { alg: 'EdDSA' }), undefined],
    ['a symmetric key', { kty: 'oct', k: 'AAAA' }, undefined],
    ['a key for encryption', { ...point, use: 'enc' }, undefined],
    ['a key that signs only', { ...point, key_ops: ['sign'] }, undefined],
    ['a key that verifies', { ...point, use: 'sig', key_ops: ['verify'] }, ['ES256']],
    ['a key with its private half', { ...point, d: 'AA' }, undefined],
    ['a key whose name is a number', { ...point, kid: 1 }, undefined],
  ])('IT-20, IT-24: %s', (_case, key, algorithms) => {
    expect(usableKeysFrom({ keys: [key] })?.[0]?.algorithms).toEqual(algorithms);
  });

  it('IT-24: is nothing of what is no key set', () => {
    for (const set of [
      {},
      { keys: {} },
      { keys: [] },
      { keys: [null, 1, 'x', []] },
      { keys: Array(129).fill(point) },
    ]) {
      expect(usableKeysFrom(set)).toBeUndefined();
    }
    expect(usableKeysFrom({ keys: [null, point] })).toHaveLength(1);
  });
});

describe('parseJws', () => {
  it('IT-29: has one reason or another for every text that is no token', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[A-Za-z0-9_.=-]{0,80}$/)), (text) => {
        expect(() => parseJws(text, ['ES256'])).toThrow(JwsError);
      }),
    );
    expect(parseJws(signed(one), ['ES256']).claims).toEqual({ sub: 'alice' });
  });

  it('IT-29: takes no second spelling of the same bytes', () => {
    const token = signed(one);
    expect(parseJws(token, ['ES256']).kid).toBe('one');
    const [header = '', payload = '', signature = ''] = token.split('.');
    for (const other of [
      `${header}=.${payload}.${signature}`,
      `${header}.${payload}.${signature}=`,
      `${header}.${payload}.${signature} `,
      `${header}.${payload}.${signature.slice(0, -1)}${signature.endsWith('A') ? 'B' : '-'}`,
      `${token}.`,
      `.${token}`,
    ]) {
      expect(() => parseJws(other, ['ES256'])).toThrow(JwsError);
    }
  });

  it('IT-16: is refused when it is longer than any ID token', () => {
    const token = signed(one, { x: 'x'.repeat(64 * 1024) });

    expect(() => parseJws(token, ['ES256'])).toThrow('token-too-large');
  });
});

describe('TokenBucket', () => {
  it('IT-22: is spent at once and comes back with time, never beyond its size', () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket({ capacity: 3, refillMs: 1_000, clock });
    const take = () => Array.from({ length: 5 }, () => bucket.take()).filter(Boolean).length;

    expect(take()).toBe(3);
    clock.advanceSync(999);
    expect(take()).toBe(0);
    clock.advanceSync(1);
    expect(take()).toBe(1);
    clock.advanceSync(60_000);
    expect(take()).toBe(3);
  });
});
