/**
 * Keys of sessions and the proofs made with them, looked at by the checks of RFC
 * 9449, 4.3; and the nonces that servers want in them.
 */

import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { derivedDpopKey, dpopKeyIf, dpopKeyOf, randomDpopKey } from '../../../src/keys/dpop-key.ts';
import { asksForNonce, DpopNonces } from '../../../src/keys/dpop-nonces.ts';

const now = Date.parse('2026-11-24T12:00:00.900Z');
const url = 'https://orders.internal:8443/v2/a%20b?c=d#e';

describe('a proof', () => {
  it('CA-14: says what RFC 9449 asks for, is signed by the key in it, and says nothing else', async () => {
    const key = dpopKeyOf(randomDpopKey());
    const proof = key.proof({ method: 'POST', url, accessToken: 'a.b-c', nonce: 'n', now });
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: ['ES256'],
      currentDate: new Date(now),
    });
    expect(payload).toEqual({
      jti: expect.stringMatching(/^[\w-]{22}$/),
      htm: 'POST',
      htu: 'https://orders.internal:8443/v2/a%20b',
      iat: Math.floor(now / 1000),
      ath: createHash('sha256').update('a.b-c').digest('base64url'),
      nonce: 'n',
    });
    expect(Object.keys(protectedHeader).toSorted()).toEqual(['alg', 'jwk', 'typ']);
    expect(Object.keys(protectedHeader.jwk ?? {}).toSorted()).toEqual(['crv', 'kty', 'x', 'y']);
    expect(await calculateJwkThumbprint(protectedHeader.jwk ?? {})).toBe(key.thumbprint);
  });

  it('CA-14: has a name of its own each time, and leaves out what there is none of', async () => {
    const key = dpopKeyOf(randomDpopKey());
    const proofs = Array.from({ length: 2_000 }, () => key.proof({ method: 'GET', url, now }));
    const claims = proofs.map((proof) => JSON.parse(Buffer.from(proof.split('.')[1] ?? '', 'base64url').toString()));
    expect(new Set(claims.map(({ jti }) => jti)).size).toBe(2_000);
    expect(Object.keys(claims[0]).toSorted()).toEqual(['htm', 'htu', 'iat', 'jti']);
    for (const proof of proofs.slice(0, 20)) await jwtVerify(proof, EmbeddedJWK, { currentDate: new Date(now) });
  });
});

describe('a key', () => {
  it('CA-12, CA-16: is the same for the same secret and another for another, and is never its secret', () => {
    const [one, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    expect(derivedDpopKey(one)).toBe(derivedDpopKey(one));
    expect(derivedDpopKey(one)).not.toBe(derivedDpopKey(other));
    expect(derivedDpopKey(one)).not.toBe(one.toString('base64url'));
    expect(derivedDpopKey(one)).toMatch(/^[\w-]{43}$/);
    expect(new Set(Array.from({ length: 500 }, randomDpopKey)).size).toBe(500);
  });

  it('is one for the same text, and none for none; a text that is no key is refused', () => {
    const text = randomDpopKey();
    expect(dpopKeyOf(text)).toBe(dpopKeyOf(text));
    expect(dpopKeyIf(undefined)).toBeUndefined();
    for (const wrong of ['', 'AA', Buffer.alloc(32, 0xff).toString('base64url')])
      expect(() => dpopKeyOf(wrong)).toThrow();
  });
});

describe('nonces', () => {
  it('CA-15: are kept for each origin, the latest', () => {
    const nonces = new DpopNonces();
    expect(nonces.for('https://a.test/x')).toBeUndefined();
    expect(nonces.note('https://a.test/x', 'first')).toBe(true);
    expect(nonces.note('https://a.test/y?z', 'second')).toBe(true);
    expect(nonces.note('https://a.test:8443/x', 'third')).toBe(true);
    expect(nonces.for('https://a.test/z')).toBe('second');
    expect(nonces.for('https://a.test:8443/')).toBe('third');
    expect(nonces.for('http://a.test/')).toBeUndefined();
  });

  it.each([[undefined], [''], ['a b'], ['a"b'], ['a\\b'], ['ä'], ['x'.repeat(513)], [['a', 'b']]])(
    'CA-15: are not taken from %j, and the one before stays',
    (said) => {
      const nonces = new DpopNonces();
      nonces.note('https://a.test', 'before');
      expect(nonces.note('https://a.test', said)).toBe(false);
      expect(nonces.for('https://a.test')).toBe('before');
    },
  );

  it('CA-15: of a thousand servers are not all kept', () => {
    const nonces = new DpopNonces();
    for (let at = 0; at < 1_000; at++) nonces.note(`https://a${at}.test`, 'n');
    expect(nonces.for('https://a0.test')).toBeUndefined();
    expect(nonces.for('https://a999.test')).toBe('n');
  });

  it.each([
    ['DPoP error="use_dpop_nonce"', true],
    ['dPoP algs="ES256", error = use_dpop_nonce', true],
    ['Bearer realm="x", DPOP error="use_dpop_nonce", error_description="y"', true],
    [['Bearer', 'DPoP error="use_dpop_nonce"'], true],
    ['Bearer error="use_dpop_nonce"', false],
    ['DPoP error="invalid_token"', false],
    ['XDPoP error="use_dpop_nonce"', false],
    ['', false],
    [undefined, false],
  ])('PX-15: are asked for by %j: %j', (challenge, isAsked) => {
    expect(asksForNonce(challenge)).toBe(isAsked);
  });

  it('PX-15: are not asked for by a word that only begins so, nor by a challenge that takes long to read', () => {
    expect(asksForNonce('DPoP error="use_dpop_nonces"')).toBe(false);
    expect(asksForNonce('DPoP error="use_dpop_nonce_2"')).toBe(false);
    const before = performance.now();
    expect(asksForNonce('dpop error '.repeat(5_000))).toBe(false);
    expect(performance.now() - before).toBeLessThan(200);
  });
});
