/**
 * What the session store in memory must do beside the contract.
 */

import { describe, expect, it } from 'vitest';
import { codeOf } from '../../src/errors.ts';
import { MemorySessionStore } from '../../src/session/memory-store.ts';
import { ManualClock } from '../support/clock.ts';
import { newSession } from './session-store.ts';

describe('the memory store', () => {
  it('is bounded: a session too many is an outage for its sign-in and ends nobody', async () => {
    const clock = new ManualClock();
    const store = new MemorySessionStore({ clock, mostSessions: 2 });
    const now = clock.now();
    const [first, second, third] = [1, 2, 3].map(() => newSession({ seenAt: now, expiresAt: now + 1_000 }));
    if (!first || !second || !third) throw new Error('three were made');
    await store.create(first);
    await store.create(second);

    const refusal = await store.create(third).catch(codeOf);
    expect(refusal).toBe('store-unavailable');
    expect(await store.read(first.id)).toBeDefined();

    await clock.advance(1_000);
    expect(await store.create({ ...third, expiresAt: clock.now() + 1_000 })).toBe(true);
    await store.close();
  });

  it('lets go of what has ended without being asked', async () => {
    const clock = new ManualClock();
    const store = new MemorySessionStore({ clock });
    expect(clock.pending).toBe(1);

    await clock.advance(60_000);

    expect(clock.pending).toBe(1);
    await store.close();
    expect(clock.pending).toBe(0);
  });
});
