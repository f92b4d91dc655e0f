/**
 * Which master holds which slots, as a cluster tells it (`CLUSTER SLOTS`). Pure.
 *
 * @module
 */

import type { Place } from '../config/redis-url.ts';
import { nameOf } from './node.ts';
import { slotCount } from './slot.ts';

/** Masters by slot, as far as they are known. */
export class SlotMap {
  readonly #bySlot: (Place | undefined)[] = new Array<Place | undefined>(slotCount).fill(undefined);

  /** The map in an answer; `asked` stands in where a node does not know its own address. `undefined` when it is no map. */
  static read(reply: unknown, asked: Place): SlotMap | undefined {
    if (!Array.isArray(reply)) return undefined;
    const map = new SlotMap();
    for (const range of reply) {
      const [from, to, master] = Array.isArray(range) ? range : [];
      const place = placeIn(master, asked);
      if (!isSlot(from) || !isSlot(to) || place === undefined) return undefined;
      map.#bySlot.fill(place, from, to + 1);
    }
    return map;
  }

  /** The master of a slot; `undefined` when nobody has it. */
  masterOf(slot: number): Place | undefined {
    return this.#bySlot[slot];
  }

  /** Notes what a redirection said. Gives whether that is news. */
  move(slot: number, place: Place): boolean {
    if (!isSlot(slot) || isSame(this.#bySlot[slot], place)) return false;
    this.#bySlot[slot] = place;
    return true;
  }

  /** Whether some slot has another master, or one only here or there. */
  differsFrom(other: SlotMap): boolean {
    return this.#bySlot.some((place, slot) => !isSame(place, other.#bySlot[slot]));
  }

  /** Whether every slot has a master. */
  get isWhole(): boolean {
    return this.#bySlot.every((place) => place !== undefined);
  }

  /** Each master once. */
  get masters(): readonly Place[] {
    const places = this.#bySlot.filter((place) => place !== undefined);
    return [...new Map(places.map((place) => [nameOf(place), place])).values()];
  }
}

/** Where a redirection (`MOVED 3999 host:port`, `ASK …`) leads. An empty host is that of the server that was `asked`. */
export function redirectionIn(
  message: string,
  asked: Place,
): { readonly slot: number; readonly place: Place } | undefined {
  const [, slot, host, port] = /^(?:MOVED|ASK) (\d+) (\S*):(\d+)$/.exec(message) ?? [];
  if (slot === undefined || port === undefined) return undefined;
  return { slot: Number(slot), place: { host: host || asked.host, port: Number(port) } };
}

function placeIn(node: unknown, asked: Place): Place | undefined {
  const [host, port] = Array.isArray(node) ? node : [];
  if (typeof port !== 'number') return undefined;
  // Null, empty or `?`: the same address that was asked (CLUSTER SLOTS, "preferred endpoint").
  const name = host === null || host === undefined ? '' : String(host);
  return { host: name === '' || name === '?' ? asked.host : name, port };
}

function isSame(one: Place | undefined, other: Place | undefined): boolean {
  return one?.host === other?.host && one?.port === other?.port;
}

function isSlot(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < slotCount;
}
