import { describe, expect, it } from 'vitest';
import { Comparisons } from '../../../src/session/comparisons.ts';

/** A queue whose comparisons end when the test says so. */
function slowQueue() {
  const begun: string[] = [];
  const ends: PromiseWithResolvers<void>[] = [];
  const comparisons = new Comparisons((cookie) => {
    const end = Promise.withResolvers<void>();
    begun.push(cookie);
    ends.push(end);
    return end.promise;
  });
  const settle = async (how: 'resolve' | 'reject') => {
    ends.shift()?.[how](new Error('the store is away') as never);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { begun, comparisons, settle };
}

const named = (count: number, from = 0) => Array.from({ length: count }, (_none, n) => `cookie ${from + n}`);

describe('comparisons ahead of the end', () => {
  it('begin in the order in which they were asked for, whoever asks meanwhile', async () => {
    const { begun, comparisons, settle } = slowQueue();
    for (const cookie of named(20)) comparisons.ask(cookie);

    for (let n = 0; n < 12; n++) {
      comparisons.ask(`cookie ${20 + n}`);
      await settle('resolve');
    }

    expect(begun).toEqual(named(20));
  });

  it('stand once in the queue, and can be asked for again when they are done, well or not', async () => {
    const { begun, comparisons, settle } = slowQueue();
    for (const cookie of ['a', 'b', 'a', 'b']) comparisons.ask(cookie);
    expect(begun).toEqual(['a', 'b']);

    await settle('reject');
    for (const cookie of ['a', 'b']) comparisons.ask(cookie);

    expect(begun).toEqual(['a', 'b', 'a']);
  });
});
