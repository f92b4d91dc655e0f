import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { randomToken } from '../../../src/base/random.ts';
import { Secret } from '../../../src/base/secret.ts';
import { KeyRing } from '../../../src/keys/key-ring.ts';
import { openCard, partName, SessionSeal, sealCard, sessionIdOf } from '../../../src/session/seal.ts';

const secretOf = () => new Secret(randomBytes(32).toString('base64url'));
const [oldest, newest] = [secretOf(), secretOf()];
const ringOf = (...secrets: readonly Secret[]) => new KeyRing({ secrets, frontendId: 'main' });
const keys = ringOf(newest);
const content = Buffer.from('{"who":"alice"}');
const place = { part: 'session', version: 3 } as const;
const sealFor = (secret: string, ring = keys, frontendId = 'main') =>
  new SessionSeal(secret, { keys: ring, frontendId });

describe('the name of a session in the store', () => {
  it('TS-04, SE-16: is a hash of frontend and secret, with the braces of its slot', () => {
    const secret = randomToken(256);

    const id = sessionIdOf('main', secret);

    expect(id).toBe(
      createHash('sha256')
        .update('main')
        .update(Buffer.from([0]))
        .update(secret)
        .digest('base64url'),
    );
    expect(id).not.toBe(sessionIdOf('other', secret));
    expect(partName(id, 'tokens')).toBe(`cc:{${id}}:tokens`);
  });
});

describe('a sealed part', () => {
  const secret = randomToken(256);
  const sealed = sealFor(secret).seal(content, place);

  it('opens for its session, part and version', () => {
    expect(sealFor(secret).open(sealed, place)).toEqual({ fault: undefined, content, isCurrent: true });
  });

  it('TS-03: shows nothing of its content and is never the same twice', () => {
    expect(sealed.includes('alice')).toBe(false);
    expect(sealFor(secret).seal(content, place)).not.toEqual(sealed);
  });

  it('TS-05: opens for no other session, part, version or frontend', () => {
    const faults = [
      sealFor(randomToken(256)).open(sealed, place),
      sealFor(secret).open(sealed, { part: 'tokens', version: 3 }),
      sealFor(secret).open(sealed, { part: 'session', version: 2 }),
      sealFor(secret).open(sealed, { part: 'session', version: 4 }),
      sealFor(secret, keys, 'other').open(sealed, place),
    ];

    expect(faults).toEqual(Array.from({ length: 5 }, () => ({ fault: 'not-authentic' })));
    expect(sealFor(secret).open(sealed, place)).toMatchObject({ content });
  });

  it('TS-03: does not open with the configuration alone, nor with the cookie alone', () => {
    const sameId = Buffer.from(sealed);
    ringOf(oldest).active.id.copy(sameId, 1);

    expect(sealFor(secret, ringOf(oldest)).open(sealed, place)).toEqual({ fault: 'unknown-key' });
    expect(sealFor(secret, ringOf(oldest)).open(sameId, place)).toEqual({ fault: 'not-authentic' });
    expect(sealFor(randomToken(256)).open(sealed, place)).toEqual({ fault: 'not-authentic' });
  });

  it('TS-06: opens under an older entry, and says that it is one', () => {
    const old = sealFor(secret, ringOf(oldest)).seal(content, place);
    const both = sealFor(secret, ringOf(newest, oldest));

    expect(both.open(old, place)).toEqual({ fault: undefined, content, isCurrent: false });
    expect(both.open(both.seal(content, place), place)).toMatchObject({ isCurrent: true });
    expect(sealFor(secret, ringOf(newest)).open(old, place)).toEqual({ fault: 'unknown-key' });
  });

  it('is refused with any bit of it changed, and cut anywhere', () => {
    const seal = sealFor(secret);
    const opened: string[] = [];
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      if (seal.open(changed, place).fault === undefined) opened.push(`bit ${bit}`);
    }
    for (let length = 0; length < sealed.length; length++) {
      if (seal.open(sealed.subarray(0, length), place).fault === undefined) opened.push(`length ${length}`);
    }

    expect(opened).toEqual([]);
    expect(seal.open(sealed, place).fault).toBeUndefined();
  });

  it('TS-06: 10 000 old ones after a rotation: none opens, none crashes', () => {
    const olds = Array.from({ length: 10_000 }, () => randomBytes(60 + (sealed.length % 7)));
    for (const old of olds) {
      old[0] = 1;
      newestId().copy(old, 1);
    }
    const seal = sealFor(secret);

    expect(olds.filter((old) => seal.open(old, place).fault !== 'not-authentic')).toEqual([]);
    expect(seal.open(sealed, place).fault).toBeUndefined();
  });

  it('keeps its secret out of every print', () => {
    const seal = sealFor(secret);

    expect(JSON.stringify(seal)).not.toContain(secret);
    expect(Object.values(seal)).toEqual([sessionIdOf('main', secret)]);
  });
});

function newestId(): Buffer {
  return ringOf(newest).active.id;
}

describe('a sealed card', () => {
  const [id, other] = [sessionIdOf('main', 'a'), sessionIdOf('main', 'b')];
  const card = sealCard(content, { id, keys });

  it('opens without the cookie of its session', () => {
    expect(openCard(card, { id, keys })).toEqual({ fault: undefined, content, isCurrent: true });
  });

  it('TS-05: opens for no other session and not as another part', () => {
    expect(openCard(card, { id: other, keys })).toEqual({ fault: 'not-authentic' });
    expect(sealFor('a').open(card, { part: 'session', version: 1 })).toEqual({ fault: 'not-authentic' });
    expect(openCard(card, { id, keys: ringOf(oldest) })).toEqual({ fault: 'unknown-key' });
  });
});
