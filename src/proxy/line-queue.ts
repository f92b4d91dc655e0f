/**
 * Few lines for many requests, and more of them only when that helps.
 *
 * A fast service answers all that comes over a few connections, and a busy one is
 * slow to take in new ones. But a slow service, or as many open event streams, must
 * not stop everybody else: so when requests wait and the lines do not turn over,
 * more are opened, and taken back by and by.
 *
 * Requests wait here and not in the HTTP client, so that one whose caller has left
 * costs no connection, and the wait has an end.
 *
 * Nobody takes everything: beyond the first lines a party (a session, or a network
 * without one) gets another only while it holds less than a third of those that are
 * left. One alone comes to a quarter of all; many come to less each, and some are
 * always left for who holds none. Parties that wait are served by turns.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import { type AllowanceLimits, LineAllowance, windowMs } from './line-allowance.ts';
import { Parties, type Party } from './parties.ts';

/** A connection that carries one request at a time. */
export interface Carrier<Request> {
  /** Starts the request; `free` is called when the next one may come. `false`: it was refused before it began, the line is still free. */
  send(request: Request): boolean;
  close(): Promise<void>;
}

/** What waits. */
export interface Waiting {
  /** For whom it is: a session, or the network of a client without one. */
  readonly party: string;
  /** It gets no line: too many wait, or it has waited too long, or the queue is closed. */
  onOverloaded(): void;
}

/** How many lines there are and how long requests wait. */
export interface QueueLimits extends AllowanceLimits {
  readonly mostWaiting: number;
  readonly longestWaitMs: number;
}

/** What a queue works with. */
export interface QueueParts<Request> {
  readonly clock: Clock;
  readonly limits: QueueLimits;
  /** Makes a line, which calls `free` each time it has become free. */
  open(free: () => void): Carrier<Request>;
}

/** A party gets another line while it holds less than the free ones divided by this. */
const freeToHeld = 3;

interface Line<Request> {
  readonly carrier: Carrier<Request>;
  /** Who holds it, while it is taken. */
  party: Party<Request> | undefined;
  /** It is closed when it is free again. */
  isRetired: boolean;
}

/** The lines to one place, and those who wait for one: parties by turns, and of each first come first served. */
export class LineQueue<Request extends Waiting> {
  readonly #parts: QueueParts<Request>;
  readonly #lines = new Set<Line<Request>>();
  /** Last used first: the others get the chance to close. */
  readonly #idle: Line<Request>[] = [];
  readonly #parties = new Parties<Request>();
  readonly #allowance: LineAllowance;
  #isTicking = false;
  #isClosed = false;

  constructor(parts: QueueParts<Request>) {
    this.#parts = parts;
    this.#allowance = new LineAllowance(parts.limits);
  }

  /** Sends the request now, or as soon as there is a line for it. */
  send(request: Request): void {
    const party = this.#parties.of(request.party);
    if (this.#isClosed || !this.#mayWait(party)) request.onOverloaded();
    else if (this.#taken < this.#allowance.lines && this.#mayHold(party)) this.#sendOn(party, request);
    else {
      this.#parties.wait(party, { request, since: this.#parts.clock.elapsed() });
      this.#tickSoon();
    }
  }

  /** Forgets a request that waits. Harmless when it does not. */
  cancel(request: Request): void {
    this.#parties.cancel(request);
  }

  /** How many lines are in use and may be, and how many requests wait for one. */
  get load(): { readonly taken: number; readonly allowed: number; readonly waiting: number } {
    return { taken: this.#taken, allowed: this.#allowance.lines, waiting: this.#parties.waitingCount };
  }

  /** Closes lines as soon as they carry nothing, `share` of them (0 to 1); new ones take their place when they are needed. */
  retire(share: number): void {
    let left = Math.ceil(this.#lines.size * share);
    for (const line of [...this.#lines]) {
      if (left-- <= 0) return;
      line.isRetired = true;
      if (line.party === undefined) this.#remove(line);
    }
  }

  /** Sends everybody away who waits, and tells each by `tell`. */
  turnAway(tell: (request: Request) => void): void {
    for (const request of this.#parties.takeUntil(Number.POSITIVE_INFINITY)) tell(request);
  }

  /** Closes all lines; who waits is told. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.turnAway((request) => request.onOverloaded());
    await Promise.all([...this.#lines].map(({ carrier }) => carrier.close()));
  }

  // The same thought for those who wait: a party may have as many there as there is room left.
  #mayWait({ waiting }: Party<Request>): boolean {
    return waiting.size < this.#parts.limits.mostWaiting - this.#parties.waitingCount;
  }

  readonly #mayHold = ({ held }: Party<Request>): boolean => {
    const { connections, mostConnections } = this.#parts.limits;
    const taken = this.#taken;
    return taken < connections || held * freeToHeld < mostConnections - taken;
  };

  get #taken(): number {
    return this.#lines.size - this.#idle.length;
  }

  #open(): Line<Request> {
    const carrier = this.#parts.open(() => this.#free(line));
    const line: Line<Request> = { carrier, party: undefined, isRetired: false };
    this.#lines.add(line);
    return line;
  }

  #sendOn(party: Party<Request>, request: Request): void {
    const line = this.#idle.pop() ?? this.#open();
    line.party = party;
    party.held += 1;
    if (!line.carrier.send(request)) this.#free(line);
  }

  #free(line: Line<Request>): void {
    if (line.party === undefined) return;
    line.party.held -= 1;
    line.party = undefined;
    this.#allowance.turned();
    this.#idle.push(line);
    if (line.isRetired) this.#remove(line);
    if (this.#parties.waitingCount > 0) this.#sendWaiting();
  }

  #remove(line: Line<Request>): void {
    this.#lines.delete(line);
    const at = this.#idle.indexOf(line);
    if (at >= 0) this.#idle.splice(at, 1);
    void line.carrier.close();
  }

  #sendWaiting(): void {
    while (this.#taken < this.#allowance.lines) {
      const next = this.#parties.next(this.#mayHold);
      if (next === undefined) return;
      this.#sendOn(next.party, next.request);
    }
  }

  #tickSoon(): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    this.#allowance.begin(this.#parts.clock.elapsed());
    this.#tickLater();
  }

  #tickLater(): void {
    this.#parts.clock.after(windowMs, () => this.#tick());
  }

  #tick(): void {
    this.#shed();
    // Those who wait for their own lines alone would not be served by more of them; and that this does not help is no sign
    // that it would not help others.
    const waiting = this.#parties.countEntitled(this.#mayHold);
    this.#allowance.look({ now: this.#parts.clock.elapsed(), taken: this.#taken, waiting });
    this.#sendWaiting();
    this.#isTicking = this.#parties.waitingCount > 0 || this.#allowance.lines > this.#parts.limits.connections;
    if (this.#isTicking) this.#tickLater();
  }

  #shed(): void {
    const oldest = this.#parts.clock.elapsed() - this.#parts.limits.longestWaitMs;
    for (const request of this.#parties.takeUntil(oldest)) request.onOverloaded();
  }
}
