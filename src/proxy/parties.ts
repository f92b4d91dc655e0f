/**
 * Who waits for a line and who holds some: each party with its requests, first come
 * first served, and the parties that wait in the order of their turns.
 *
 * Arrays and not maps: nearly every call of a busy proxy passes through here, and a
 * map that shrinks and grows leaves old tables behind, which keep what was in them.
 *
 * @module
 */

/** A request that waits. */
export interface Waiter<Request> {
  readonly request: Request;
  /** The instant of its arrival. */
  readonly since: number;
}

/** One that takes lines: a session, or a network. */
export interface Party<Request> {
  readonly name: string;
  /** How many lines it holds. */
  held: number;
  /** The oldest first. */
  readonly waiting: Fifo<Waiter<Request>>;
  /** Whether it stands in the order of turns. */
  hasTurn: boolean;
}

/** Whether a party may have another line. */
export type MayHold<Request> = (party: Party<Request>) => boolean;

/** First in, first out, without a copy for each. */
export class Fifo<Item> {
  #items: (Item | undefined)[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  get first(): Item | undefined {
    return this.#items[this.#head];
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  shift(): Item | undefined {
    const item = this.#items[this.#head];
    if (this.#head === this.#items.length) return undefined;
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#items.length) this.#reset();
    else if (this.#head >= 64 && this.#head * 2 >= this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Takes out the first item of which `is` holds. */
  take(is: (item: Item) => boolean): Item | undefined {
    for (let at = this.#head; at < this.#items.length; at++) {
      const item = this.#items[at] as Item; // between head and end all are there
      if (!is(item)) continue;
      this.#items.splice(at, 1);
      return item;
    }
    return undefined;
  }

  *[Symbol.iterator](): Iterator<Item> {
    for (let at = this.#head; at < this.#items.length; at++) yield this.#items[at] as Item; // as above
  }

  #reset(): void {
    this.#items.length = 0;
    this.#head = 0;
  }
}

/** So many parties without a line and without a request are remembered at least; then they are forgotten together. */
const mostIdle = 1_000;

/** The parties of one queue. */
export class Parties<Request extends { readonly party: string }> {
  readonly #byName = new Map<string, Party<Request>>();
  /** Of each that waits once. */
  readonly #turns = new Fifo<Party<Request>>();
  #waitingCount = 0;
  #mostParties = mostIdle;

  /** How many requests wait. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  /** How many parties are remembered. */
  get known(): number {
    return this.#byName.size;
  }

  /** The party of this name. */
  of(name: string): Party<Request> {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    if (this.#byName.size >= this.#mostParties) this.#forgetIdle();
    const made: Party<Request> = { name, held: 0, waiting: new Fifo(), hasTurn: false };
    this.#byName.set(name, made);
    return made;
  }

  /** Has a request of `party` wait behind its others. */
  wait(party: Party<Request>, waiter: Waiter<Request>): void {
    party.waiting.push(waiter);
    this.#waitingCount += 1;
    if (!party.hasTurn) this.#giveTurn(party);
  }

  /** The next that waits and whose party may have a line. The party's next turn comes after those of all others. */
  next(mayHold: MayHold<Request>): { readonly party: Party<Request>; readonly request: Request } | undefined {
    for (let left = this.#turns.size; left > 0; left--) {
      const party = this.#turns.shift();
      if (party === undefined) return undefined;
      party.hasTurn = false;
      const waiter = mayHold(party) ? this.#shift(party) : undefined;
      if (party.waiting.size > 0) this.#giveTurn(party);
      if (waiter !== undefined) return { party, request: waiter.request };
    }
    return undefined;
  }

  /** Takes a request out that waits; `false` when it does not. */
  cancel(request: Request): boolean {
    const waiting = this.#byName.get(request.party)?.waiting;
    if (waiting?.take((waiter) => waiter.request === request) === undefined) return false;
    this.#waitingCount -= 1;
    return true;
  }

  /** How many wait whose parties may have a line. */
  countEntitled(mayHold: MayHold<Request>): number {
    let count = 0;
    for (const party of this.#turns) if (mayHold(party)) count += party.waiting.size;
    return count;
  }

  /** Takes out those who came at `instant` or before, oldest first of each party. */
  takeUntil(instant: number): readonly Request[] {
    const taken: Request[] = [];
    for (const party of this.#turns) {
      for (
        let first = party.waiting.first;
        first !== undefined && first.since <= instant;
        first = party.waiting.first
      ) {
        this.#shift(party);
        taken.push(first.request);
      }
    }
    return taken;
  }

  #shift(party: Party<Request>): Waiter<Request> | undefined {
    const waiter = party.waiting.shift();
    if (waiter !== undefined) this.#waitingCount -= 1;
    return waiter;
  }

  #giveTurn(party: Party<Request>): void {
    party.hasTurn = true;
    this.#turns.push(party);
  }

  #forgetIdle(): void {
    this.#dropTurns();
    for (const [name, { held, waiting, hasTurn }] of this.#byName) {
      if (held === 0 && waiting.size === 0 && !hasTurn) this.#byName.delete(name);
    }
    this.#mostParties = Math.max(mostIdle, 2 * this.#byName.size); // so that a look at all comes seldom
  }

  // Who left has its turn until somebody is served: while no line comes free such turns would grow without end.
  #dropTurns(): void {
    for (let left = this.#turns.size; left > 0; left--) {
      const party = this.#turns.shift();
      if (party === undefined) return;
      party.hasTurn = false;
      if (party.waiting.size > 0) this.#giveTurn(party);
    }
  }
}
