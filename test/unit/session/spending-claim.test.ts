/**
 * A claim that changes hands.
 *
 * @module
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemorySessionStore } from '../../../src/session/memory-store.ts';
import { ManualClock } from '../../support/clock.ts';
import { type SessionsAt, sessionsAt } from './sessions-at.ts';

let store: MemorySessionStore;
let at: SessionsAt;

beforeEach(() => {
  const clock = new ManualClock();
  store = new MemorySessionStore({ clock });
  at = sessionsAt({ store, clock });
});

afterEach(() => store.close());

describe('a claim', () => {
  it('RF-04: takes a claim over from nobody who moved it on between the look and the taking', async () => {
    const { session } = await at.signIn();
    const slow = { owner: 'slow', until: 1_000 };
    await at.sessions.beginSpending(session, slow);
    const seen = await at.sessions.reread(session);
    if (seen === undefined) throw new Error('the session is gone');
    const abandon = store.abandonSpending.bind(store);
    store.abandonSpending = async (...parameters) => {
      await at.sessions.extendSpending(session, { ...slow, until: 6_000 });
      return abandon(...parameters);
    };
    const mine = { owner: 'me', until: 2_000 };

    expect(await at.sessions.takeSpendingOver(seen, mine)).toBe('busy');
    store.abandonSpending = abandon;
    const moved = await at.sessions.reread(session);
    expect(moved?.spending).toEqual({ ...slow, until: 6_000 });
    expect(moved && (await at.sessions.takeSpendingOver(moved, mine))).toBe('begun');
  });
});
