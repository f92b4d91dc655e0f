/**
 * A state is claimed once, also when the store answers late, twice or not at all.
 */

import { describe, expect, it } from 'vitest';
import { ProblemError } from '../../../src/errors.ts';
import { type OnceLedger, StateClaims } from '../../../src/oidc/state-claims.ts';

type Mode = 'answers' | 'refuses' | 'takes place unanswered';

/** A ledger as the store's contract has it, that can fail in both ways. */
class Ledger implements OnceLedger {
  readonly used = new Map<string, string>();
  calls = 0;
  mode: Mode = 'answers';

  async claimOnce(_kind: 'state', value: string, { id }: { readonly id: string }): Promise<boolean> {
    this.calls += 1;
    await Promise.resolve();
    if (this.mode === 'refuses') throw new ProblemError('store-unavailable');
    const first = this.used.get(value) ?? id;
    this.used.set(value, first);
    if (this.mode === 'takes place unanswered') throw new ProblemError('store-unavailable');
    return first === id;
  }

  async wasClaimed(_kind: 'state', value: string): Promise<boolean> {
    return this.used.has(value);
  }
}

const outcomesOf = async (claims: readonly Promise<boolean>[]) =>
  (await Promise.allSettled(claims)).map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'away'));

describe('StateClaims', () => {
  it('CB-02, CB-03: gives a state to one of many callers, and to nobody later', async () => {
    const ledger = new Ledger();
    const claims = new StateClaims(ledger);
    const outcomes = await outcomesOf(Array.from({ length: 50 }, () => claims.claim('state')));

    expect(outcomes.filter((outcome) => outcome === true)).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === false)).toHaveLength(49);
    expect(await claims.claim('state')).toBe(false);
    expect(await claims.claim('another')).toBe(true);
    expect(await claims.wasClaimed('state')).toBe(true);
    expect(await claims.wasClaimed('third')).toBe(false);
  });

  it('CB-03: gives a state to one of three instances', async () => {
    const ledger = new Ledger();
    const instances = [1, 2, 3].map(() => new StateClaims(ledger));
    const outcomes = await outcomesOf(
      Array.from({ length: 60 }, (_, index) => (instances[index % 3] as StateClaims).claim('state')),
    );

    expect(outcomes.filter((outcome) => outcome === true)).toHaveLength(1);
  });

  it.each<Mode>(['refuses', 'takes place unanswered'])(
    'CB-26: when the store %s, the same callback works afterwards, once',
    async (mode) => {
      const ledger = new Ledger();
      const claims = new StateClaims(ledger);
      ledger.mode = mode;
      expect(await outcomesOf(Array.from({ length: 50 }, () => claims.claim('state')))).toEqual(Array(50).fill('away'));
      expect(ledger.calls).toBe(1);

      ledger.mode = 'answers';
      const outcomes = await outcomesOf(Array.from({ length: 50 }, () => claims.claim('state')));
      expect(outcomes.filter((outcome) => outcome === true)).toHaveLength(1);
      expect(await claims.claim('state')).toBe(false);
    },
  );

  it('CB-26: another instance does not get what was perhaps claimed here', async () => {
    const ledger = new Ledger();
    const [here, there] = [new StateClaims(ledger), new StateClaims(ledger)];
    ledger.mode = 'takes place unanswered';
    await outcomesOf([here.claim('state')]);
    ledger.mode = 'answers';

    expect(await there.claim('state')).toBe(false);
    expect(await here.claim('state')).toBe(true);
  });

  it('LS-28: remembers a bounded number of claims without an answer', async () => {
    const ledger = new Ledger();
    const claims = new StateClaims(ledger);
    ledger.mode = 'takes place unanswered';
    for (let index = 0; index < 1_001; index++) await outcomesOf([claims.claim(`state-${index}`)]);
    ledger.mode = 'answers';

    expect(await claims.claim('state-0')).toBe(false);
    expect(await claims.claim('state-1000')).toBe(true);
  });
});
