import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PlannedKey, planAt } from '../../../src/oidc/client-key-plan.ts';

const times = { periodMs: 100, leadMs: 40 };
const key = (createdAt: number, withdrawnAt?: number): PlannedKey => ({ kid: `k${createdAt}`, createdAt, withdrawnAt });
const kidsAt = (keys: readonly PlannedKey[], now: number) => {
  const { signing, published, gone, isDue } = planAt(keys, { ...times, now });
  const kids = (list: readonly PlannedKey[]) => list.map(({ kid }) => kid);
  return { signing: signing?.kid, published: kids(published), gone: kids(gone), isDue };
};

describe('the plan of client keys', () => {
  it('CA-10: publishes a key, signs with it a lead time later, and publishes the one before as long again', () => {
    const keys = [key(0), key(100)];

    expect(kidsAt([], 0)).toEqual({ signing: undefined, published: [], gone: [], isDue: true });
    expect(kidsAt([key(0)], 0)).toEqual({ signing: 'k0', published: ['k0'], gone: [], isDue: false });
    expect(kidsAt([key(0)], 100)).toMatchObject({ signing: 'k0', isDue: true });
    expect(kidsAt(keys, 139)).toEqual({ signing: 'k0', published: ['k100', 'k0'], gone: [], isDue: false });
    expect(kidsAt(keys, 140)).toEqual({ signing: 'k100', published: ['k100', 'k0'], gone: [], isDue: false });
    expect(kidsAt(keys, 180)).toEqual({ signing: 'k100', published: ['k100'], gone: ['k0'], isDue: false });
  });

  it('CA-11: takes a withdrawn key out of both at once, and makes another when none is left', () => {
    expect(kidsAt([key(0), key(100, 150)], 150)).toEqual({
      signing: 'k0',
      published: ['k0'],
      gone: ['k100'],
      isDue: true,
    });
    expect(kidsAt([key(0, 10)], 10)).toMatchObject({ signing: undefined, published: [], isDue: true });
  });

  it('CA-10: whatever is made when, what signs was published for the lead time, and what signed still is', () => {
    const instants = fc.uniqueArray(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(instants, fc.integer({ min: 0, max: 1_200 }), (created, now) => {
        const keys = created.toSorted((a, b) => a - b).map((at) => key(at));
        const known = (at: number) => keys.filter(({ createdAt }) => createdAt <= at);
        const { signing, published } = planAt(known(now), { ...times, now });
        if (signing === undefined) return;
        const [first] = keys;
        expect(signing === first || signing.createdAt + times.leadMs <= now).toBe(true);
        // Whoever signed at any moment of the last lead time is still published: its assertions may be on their way.
        for (let at = Math.max(0, now - times.leadMs + 1); at <= now; at++) {
          const before = planAt(known(at), { ...times, now: at }).signing;
          if (before !== undefined) expect(published).toContain(before);
        }
      }),
    );
  });
});
