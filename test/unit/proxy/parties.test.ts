/**
 * Who waits for a line, and whose turn it is.
 *
 * @module
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fifo, Parties } from '../../../src/proxy/parties.ts';

interface Request {
  readonly party: string;
  readonly name: string;
}

describe('Fifo', () => {
  it('does what an array does, for any order of calls', () => {
    const calls = fc.array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom('shift', 'take')), {
      maxLength: 400,
    });
    fc.assert(
      fc.property(calls, (sequence) => {
        const fifo = new Fifo<number>();
        const array: number[] = [];
        for (const call of sequence) {
          if (typeof call === 'number') {
            fifo.push(call);
            array.push(call);
          } else if (call === 'shift') expect(fifo.shift()).toBe(array.shift());
          else {
            const at = array.indexOf(3);
            expect(fifo.take((item) => item === 3)).toBe(at < 0 ? undefined : 3);
            if (at >= 0) array.splice(at, 1);
          }
          expect([fifo.size, fifo.first, ...fifo]).toEqual([array.length, array[0], ...array]);
        }
      }),
    );
  });

  it('moves up when many were taken from the front', () => {
    const fifo = new Fifo<number>();
    for (let item = 0; item < 1_000; item++) fifo.push(item);
    for (let item = 0; item < 990; item++) expect(fifo.shift()).toBe(item);
    fifo.push(1_000);

    expect([...fifo]).toEqual([990, 991, 992, 993, 994, 995, 996, 997, 998, 999, 1_000]);
  });
});

function waiting(...names: readonly string[]) {
  const parties = new Parties<Request>();
  const requests = names.map((name) => ({ name, party: name.charAt(0) }));
  for (const [since, request] of requests.entries()) parties.wait(parties.of(request.party), { request, since });
  const drain = (mayHold = (_party: { readonly name: string }) => true) => {
    const order: string[] = [];
    for (let next = parties.next(mayHold); next !== undefined; next = parties.next(mayHold)) {
      order.push(next.request.name);
    }
    return order;
  };
  return { parties, requests, drain };
}

describe('Parties', () => {
  it('PX-29: serves parties by turns, and of each first come first served', () => {
    expect(waiting('a1', 'a2', 'a3', 'b1', 'c1', 'b2').drain()).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  });

  it('passes over who may not have a line, and forgets nobody', () => {
    const { parties, drain } = waiting('a1', 'b1', 'a2', 'b2');

    expect(drain(({ name }) => name === 'b')).toEqual(['b1', 'b2']);
    expect(parties.waitingCount).toBe(2);
    expect(parties.countEntitled(({ name }) => name === 'a')).toBe(2);
    expect(drain()).toEqual(['a1', 'a2']);
    expect(parties.waitingCount).toBe(0);
  });

  it('gives a party one turn, also when its last request was cancelled and it waits again', () => {
    const { parties, requests, drain } = waiting('a1', 'b1', 'b2');
    const [a1] = requests;
    if (a1 === undefined) throw new Error('there is no request');
    expect([parties.cancel(a1), parties.cancel(a1)]).toEqual([true, false]);
    parties.wait(parties.of('a'), { request: { name: 'a2', party: 'a' }, since: 9 });
    parties.wait(parties.of('a'), { request: { name: 'a3', party: 'a' }, since: 9 });

    expect(drain()).toEqual(['a2', 'b1', 'a3', 'b2']);
  });

  it('PX-29: takes out who has waited for too long', () => {
    const { parties, drain } = waiting('a1', 'b1', 'a2', 'b2');

    expect(parties.takeUntil(2).map(({ name }) => name)).toEqual(['a1', 'a2', 'b1']);
    expect(parties.waitingCount).toBe(1);
    expect(drain()).toEqual(['b2']);
  });

  it('forgets parties that hold nothing and wait for nothing, and only these', () => {
    const parties = new Parties<Request>();
    const holder = parties.of('holder');
    holder.held = 1;
    for (let count = 0; count < 5_000; count++) parties.of(`party ${count}`);

    expect(parties.of('holder')).toBe(holder);
    expect(parties.known).toBeLessThan(1_100);
  });

  it('PX-29: forgets parties that left while no line came free, and keeps the turns of those who wait', () => {
    const { parties, drain } = waiting('a1', 'b1');
    for (let count = 0; count < 5_000; count++) {
      const request = { name: `${count}`, party: `party ${count}` };
      parties.wait(parties.of(request.party), { request, since: count + 10 });
      if (count % 2 === 0) expect(parties.cancel(request)).toBe(true);
      else expect(parties.takeUntil(count + 10).map(({ name }) => name)).toContain(`${count}`);
      if (count === 1) {
        for (const name of ['b2', 'a2']) {
          const back = { name, party: name.charAt(0) };
          parties.wait(parties.of(back.party), { request: back, since: 9_000 });
        }
      }
    }

    expect(parties.known).toBeLessThan(1_100);
    expect(drain()).toEqual(['a2', 'b2']);
  });
});
