/**
 * The orders of the demo, each person's apart from the other's.
 *
 * Nothing is kept beyond the process. It checks what an order is, not who asks:
 * every question names the subject whose book it is.
 *
 * @module
 */

import { alice, bob } from './people.ts';

/** One order, as the API shows it. */
export interface Order {
  readonly id: string;
  readonly item: string;
  readonly quantity: number;
  readonly status: 'open' | 'packed' | 'sent';
  /** RFC 3339, UTC. */
  readonly created_at: string;
}

/** What a new order needs: an item of 1 to 80 characters, a whole quantity from 1 to 99. */
export interface NewOrder {
  readonly item: string;
  readonly quantity: number;
}

/** Orders one person may have; a demo left running should not grow without end. */
const mostOrders = 100;

const seeds: ReadonlyMap<string, readonly Order[]> = new Map([
  [
    alice.sub,
    [
      { id: '1001', item: 'Winter coat, navy', quantity: 1, status: 'sent', created_at: '2026-10-02T08:15:00Z' },
      { id: '1004', item: 'Umbrella', quantity: 2, status: 'packed', created_at: '2026-11-11T17:42:00Z' },
      { id: '1007', item: 'Wool scarf', quantity: 3, status: 'open', created_at: '2026-11-20T12:05:00Z' },
    ],
  ],
  [
    bob.sub,
    [
      { id: '1002', item: 'Bowler hat', quantity: 1, status: 'sent', created_at: '2026-10-14T10:30:00Z' },
      { id: '1005', item: 'Leather gloves', quantity: 2, status: 'open', created_at: '2026-11-18T09:00:00Z' },
    ],
  ],
]);

const firstNewId = 1008;

/** All orders of all people. */
export class OrderBook {
  readonly #orders = new Map(seeds);
  #nextId = firstNewId;

  /** The orders of one person, oldest first. A subject nobody knows has none. */
  of(sub: string): readonly Order[] {
    return this.#orders.get(sub) ?? [];
  }

  /** One order, if it is this person's. Somebody else's is as absent as one that never was. */
  find(sub: string, id: string): Order | undefined {
    return this.of(sub).find((order) => order.id === id);
  }

  /** Writes an order down; `undefined` says that the person has as many as they may have. */
  add(sub: string, { item, quantity }: NewOrder): Order | undefined {
    const orders = this.of(sub);
    if (orders.length >= mostOrders) return undefined;
    const order: Order = {
      id: String(this.#nextId),
      item,
      quantity,
      status: 'open',
      created_at: `${new Date().toISOString().slice(0, 19)}Z`,
    };
    this.#nextId += 1;
    this.#orders.set(sub, [...orders, order]);
    return order;
  }
}

/** Reads a new order from parsed JSON, or says in one sentence what is wrong with it. */
export function parseNewOrder(value: unknown): NewOrder | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'The body must be a JSON object.';
  // Any non-null object that is no array has string keys with values we know nothing of yet.
  const { item, quantity, ...others } = value as Readonly<Record<string, unknown>>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return 'Only item and quantity are known.';
  if (typeof item !== 'string' || item.trim() === '' || item.trim().length > 80) {
    return 'item must be a text of 1 to 80 characters.';
  }
  if (typeof quantity !== 'number' || !Number.isInteger(quantity) || quantity < 1 || quantity > 99) {
    return 'quantity must be a whole number from 1 to 99.';
  }
  return { item: item.trim(), quantity };
}
