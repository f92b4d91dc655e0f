import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { deriveKey, KeyRing } from '../../../src/keys/key-ring.ts';

const secretOf = (fill: number, bytes = 32) => new Secret(Buffer.alloc(bytes, fill).toString('base64url'));
const [first, second] = [secretOf(1), secretOf(2)];
const ringOf = (secrets: readonly Secret[], frontendId = 'main') => new KeyRing({ secrets, frontendId });

/** HKDF-SHA256 as RFC 5869 writes it down, for one block of output. */
function hkdfByHand(material: Buffer, info: string): Buffer {
  const extracted = createHmac('sha256', Buffer.alloc(32)).update(material).digest();
  return createHmac('sha256', extracted)
    .update(info)
    .update(Buffer.from([1]))
    .digest();
}

describe('a key ring', () => {
  it('derives each key by HKDF-SHA256, with its use and frontend in the info', () => {
    const { active } = ringOf([first]);
    const material = Buffer.alloc(32, 1);

    expect(active.seal).toEqual(hkdfByHand(material, 'claimcheck:seal:main'));
    expect(active.card).toEqual(hkdfByHand(material, 'claimcheck:card:main'));
    expect(active.index).toEqual(hkdfByHand(material, 'claimcheck:index:main'));
    expect(active.cookie).toEqual(hkdfByHand(material, 'claimcheck:cookie:main').toString('base64url'));
    expect(active.id).toHaveLength(4);
  });

  it('SE-16: has no key in common with another use, frontend or secret', () => {
    const keysOf = ({ active }: KeyRing) => [active.cookie, active.seal, active.card, active.index].map(String);
    const all = [ringOf([first]), ringOf([first], 'other'), ringOf([second])].flatMap(keysOf);

    expect(new Set(all).size).toBe(12);
  });

  it('CK-10: signs with the first entry and finds every one by its id', () => {
    const ring = ringOf([first, second]);

    expect(ring.active).toEqual(ringOf([first]).active);
    expect(ring.entries.map(({ cookie }) => cookie)).toEqual(ring.cookieKeys);
    for (const entry of ring.entries) expect(ring.find(Buffer.from(entry.id))).toBe(entry);
    expect(ring.find(ringOf([secretOf(3)]).active.id)).toBeUndefined();
  });

  it('TS-06: rotates in the same list, so that whoever holds it sees the new keys', () => {
    const ring = ringOf([first]);
    const held = ring.cookieKeys;

    ring.replace([second, first]);

    expect(ring.cookieKeys).toBe(held);
    expect(held).toEqual([ringOf([second]).active.cookie, ringOf([first]).active.cookie]);
  });

  it('TS-06: has another list of entries after each replacement, and the same one until then', () => {
    const ring = ringOf([first]);
    const { entries } = ring;

    const swap = ring.prepare([second, first]);
    expect(() => ring.replace([])).toThrow();
    expect(ring.entries).toBe(entries);
    swap();

    expect(ring.entries).not.toBe(entries);
    expect(ring.entries).toHaveLength(2);
  });

  it.each([
    ['no secret', []],
    ['a short one', [secretOf(1), secretOf(2, 31)]],
    ['the same twice', [secretOf(1), secretOf(1)]],
  ])('refuses %s, and stays as it was', (_case, secrets) => {
    expect(() => ringOf(secrets)).toThrow();
    const ring = ringOf([first]);
    expect(() => ring.replace(secrets)).toThrow();
    expect(ring.active).toEqual(ringOf([first]).active);
  });

  it('never shows a secret in its refusal', () => {
    const short = Buffer.alloc(16, 9).toString('base64url');

    expect(() => deriveKey(new Secret(short), { label: 'x', frontendId: 'main' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(short) }),
    );
  });
});
