/**
 * What a note of rotation may hold: whoever reads it trusts nothing that stands there.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { rfc3339 } from '../../../src/base/clock.ts';
import { RedisRotationNotes } from '../../../src/oidc/rotation-notes.ts';

function read(stored: string | null) {
  const redis = { command: () => Promise.resolve(stored) };
  return new RedisRotationNotes(redis, { issuer: 'https://login.example', clientId: 'app' }).read();
}

describe('RedisRotationNotes', () => {
  it('reads what was written', async () => {
    const seen = await read('rotates 1767225600000');

    expect(seen).toEqual({ rotation: 'rotates', seenAt: 1_767_225_600_000 });
    expect(rfc3339(seen?.seenAt ?? 0)).toBe('2026-01-01T00:00:00Z');
  });

  it.each([
    null,
    '',
    'rotates',
    'rotates -1',
    'rotates Infinity',
    'rotates 1e300',
    'rotates 8640000000000001', // the first ms that no date has
    'rotates 0x10',
    'rotates 1.5',
    'constructor 1767225600000',
  ])('takes %j for nothing', async (stored) => {
    expect(await read(stored)).toBeUndefined();
  });
});
