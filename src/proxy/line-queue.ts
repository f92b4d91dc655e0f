/**
 * Few lines for many requests, and more of them only when that helps.
 *
 * A small number of connections that are all in use costs half the system calls
 * of a large number that are mostly idle. But a slow service, or sixteen open
 * event streams, must not stop everybody else: so when requests wait and the lines
 * do not turn over, more are opened, and taken back by and by.
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
  isTaken: boolean;
  /** For whom it was taken last. */
  party: string;
  /** It is closed when it is free again. */
  isRetired: boolean;
}

/** The lines to one place, and those who wait for one: parties by turns, and of each first come first served. */
export class LineQueue<Request extends Waiting> {
  readonly #parts: QueueParts<Request>;
  readonly #lines = new Set<Line<Request>>();
  /** Last used first: the others get the chance to close. */
  readonly #idle: Line<Request>[] = [];
  /** How many lines each party holds. */
  readonly #held = new Map<string, number>();
  /** By party, in the order of their turns; each with the instants of arrival. */
  readonly #waiting = new Map<string, Map<Request, number>>();
  #waitingCount = 0;
  readonly #allowance: LineAllowance;
  #isTicking = false;
  #isClosed = false;

  constructor(parts: QueueParts<Request>) {
    this.#parts = parts;
    this.#allowance = new LineAllowance(parts.limits);
  }

  /** Sends the request now, or as soon as there is a line for it. */
  send(request: Request): void {
    const { party } = request;
    if (this.#isClosed || !this.#mayWait(party)) request.onOverloaded();
    else if (this.#taken < this.#allowance.lines && this.#mayHold(party))
      this.#sendOn(this.#idle.pop() ?? this.#open(), request);
    else {
      const own = this.#waiting.get(party);
      if (own) own.set(request, this.#parts.clock.elapsed());
      else this.#waiting.set(party, new Map([[request, this.#parts.clock.elapsed()]]));
      this.#waitingCount++;
      this.#tickSoon();
    }
  }

  /** Forgets a request that waits. Harmless when it does not. */
  cancel(request: Request): void {
    const own = this.#waiting.get(request.party);
    if (!own?.delete(request)) return;
    this.#waitingCount--;
    if (own.size === 0) this.#waiting.delete(request.party);
  }

  /** How many lines are in use and may be, and how many requests wait for one. */
  get load(): { readonly taken: number; readonly allowed: number; readonly waiting: number } {
    return { taken: this.#taken, allowed: this.#allowance.lines, waiting: this.#waitingCount };
  }

  /** Closes lines as soon as they carry nothing, `share` of them (0 to 1); new ones take their place when they are needed. */
  retire(share: number): void {
    let left = Math.ceil(this.#lines.size * share);
    for (const line of [...this.#lines]) {
      if (left-- <= 0) return;
      line.isRetired = true;
      if (!line.isTaken) this.#remove(line);
    }
  }

  /** Sends everybody away who waits, and tells each by `tell`. */
  turnAway(tell: (request: Request) => void): void {
    const waiting = [...this.#waiting.values()].flatMap((own) => [...own.keys()]);
    this.#waiting.clear();
    this.#waitingCount = 0;
    for (const request of waiting) tell(request);
  }

  /** Closes all lines; who waits is told. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.turnAway((request) => request.onOverloaded());
    await Promise.all([...this.#lines].map(({ carrier }) => carrier.close()));
  }

  // The same thought for those who wait: a party may have as many there as there is room left.
  #mayWait(party: string): boolean {
    const { mostWaiting } = this.#parts.limits;
    if (this.#waitingCount === 0) return mostWaiting > 0;
    return (this.#waiting.get(party)?.size ?? 0) < mostWaiting - this.#waitingCount;
  }

  #mayHold(party: string): boolean {
    const { connections, mostConnections } = this.#parts.limits;
    const taken = this.#taken;
    return taken < connections || (this.#held.get(party) ?? 0) * freeToHeld < mostConnections - taken;
  }

  get #taken(): number {
    return this.#lines.size - this.#idle.length;
  }

  #open(): Line<Request> {
    const carrier = this.#parts.open(() => this.#free(line));
    const line: Line<Request> = { carrier, isTaken: false, party: '', isRetired: false };
    this.#lines.add(line);
    return line;
  }

  #sendOn(line: Line<Request>, request: Request): void {
    const { party } = request;
    line.isTaken = true;
    line.party = party;
    this.#held.set(party, (this.#held.get(party) ?? 0) + 1);
    if (!line.carrier.send(request)) this.#free(line);
  }

  #free(line: Line<Request>): void {
    if (!line.isTaken) return;
    line.isTaken = false;
    const held = this.#held.get(line.party) ?? 1;
    if (held > 1) this.#held.set(line.party, held - 1);
    else this.#held.delete(line.party);
    this.#allowance.turned();
    this.#idle.push(line);
    if (line.isRetired) this.#remove(line);
    if (this.#waitingCount > 0) this.#sendWaiting();
  }

  #remove(line: Line<Request>): void {
    this.#lines.delete(line);
    const at = this.#idle.indexOf(line);
    if (at >= 0) this.#idle.splice(at, 1);
    void line.carrier.close();
  }

  // Those who wait for their own lines alone would not be served by more of them; and that this does not help is no sign that
  // it would not help others.
  #countEntitled(): number {
    let count = 0;
    for (const [party, own] of this.#waiting) if (this.#mayHold(party)) count += own.size;
    return count;
  }

  // Who was served goes to the end, where the loop comes by again: parties take turns.
  #sendWaiting(): void {
    for (const [party, own] of this.#waiting) {
      if (this.#taken >= this.#allowance.lines) return;
      if (!this.#mayHold(party)) continue;
      const [request] = own.keys();
      this.#waiting.delete(party);
      if (request === undefined) continue;
      own.delete(request);
      this.#waitingCount--;
      if (own.size > 0) this.#waiting.set(party, own);
      this.#sendOn(this.#idle.pop() ?? this.#open(), request);
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
    this.#allowance.look({ now: this.#parts.clock.elapsed(), taken: this.#taken, waiting: this.#countEntitled() });
    this.#sendWaiting();
    this.#isTicking = this.#waitingCount > 0 || this.#allowance.lines > this.#parts.limits.connections;
    if (this.#isTicking) this.#tickLater();
  }

  #shed(): void {
    const oldest = this.#parts.clock.elapsed() - this.#parts.limits.longestWaitMs;
    for (const own of [...this.#waiting.values()]) {
      for (const [request, since] of own) {
        if (since > oldest) break;
        this.cancel(request);
        request.onOverloaded();
      }
    }
  }
}
