/**
 * Which of an upstream's addresses is tried first.
 *
 * @module
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { type Address, Addresses, bestOf } from '../../../src/proxy/addresses.ts';
import { ManualClock } from '../../support/clock.ts';

let clock: ManualClock;
let names: Record<string, readonly string[]>;
let changes: string[];
let addresses: Addresses;

beforeEach(() => {
  clock = new ManualClock();
  names = { 'orders.test': ['10.0.0.1', '10.0.0.2', '10.0.0.3'] };
  changes = [];
  addresses = new Addresses([{ host: 'orders.test', port: 8443 }], {
    clock,
    resolve: (host) => {
      const found = names[host];
      return found === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(found);
    },
    onChange: ({ host }, state) => changes.push(`${host} ${state}`),
  });
});

async function hosts(): Promise<readonly string[]> {
  const left = new Set(await addresses.find());
  const order: string[] = [];
  for (let best = bestOf(left); best !== undefined; best = bestOf(left)) {
    order.push(best.host);
    left.delete(best);
  }
  return order;
}

async function first(): Promise<Address> {
  const address = bestOf(await addresses.find());
  if (!address) throw new Error('there is no address');
  return address;
}

describe('the addresses of an upstream', () => {
  it('share connections: the one with fewest comes first', async () => {
    (await first()).open += 2;
    (await first()).open += 1;

    expect(await hosts()).toEqual(['10.0.0.3', '10.0.0.2', '10.0.0.1']);
  });

  it('PX-31: come last from the first connection that is refused, until one is made', async () => {
    const address = await first();
    addresses.refused(address);
    expect(await hosts()).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.1']);
    addresses.succeeded(address);

    expect(await hosts()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    expect(changes).toEqual(['10.0.0.1 failed', '10.0.0.1 recovered']);
  });

  it('PX-31: come last after three calls in a row that failed, not after three with a good one between', async () => {
    const address = await first();
    addresses.failed(address);
    addresses.failed(address);
    addresses.succeeded(address);
    addresses.failed(address);
    addresses.failed(address);
    expect(changes).toEqual([]);
    addresses.failed(address);

    expect(changes).toEqual(['10.0.0.1 failed']);
  });

  it('PX-31: are all tried when all are down, the one that has waited longest first', async () => {
    for (const address of await addresses.find()) {
      addresses.refused(address);
      await clock.advance(10);
    }

    expect(await hosts()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  });

  it('wait a second before they are tried again, then twice as long, and half a minute at most', async () => {
    const address = await first();
    const waits = Array.from({ length: 7 }, () => {
      addresses.refused(address);
      return address.retryAt - clock.elapsed();
    });

    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  it('follow the name after a second, and keep what is known of those that stay', async () => {
    addresses.refused(await first());
    names = { 'orders.test': ['10.0.0.1', '10.0.0.9'] };
    expect(await hosts()).toHaveLength(3);
    await clock.advance(1_000);

    expect(await hosts()).toEqual(['10.0.0.9', '10.0.0.1']);
  });

  it('ER-08: fail when the name has none, and not when one of two names has', async () => {
    addresses.replace([
      { host: 'gone.test', port: 1 },
      { host: 'orders.test', port: 2 },
    ]);
    expect(await hosts()).toHaveLength(3);
    addresses.replace([{ host: 'gone.test', port: 1 }]);

    await expect(addresses.find()).rejects.toThrow('ENOTFOUND');
  });
});
