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

interface Line<Request> {
  readonly carrier: Carrier<Request>;
  isTaken: boolean;
}

/** The lines to one place, and those who wait for one, first come first served. */
export class LineQueue<Request extends Waiting> {
  readonly #parts: QueueParts<Request>;
  readonly #lines: Line<Request>[] = [];
  /** Last used first: the others get the chance to close. */
  readonly #idle: Line<Request>[] = [];
  /** With the instant of arrival. */
  readonly #waiting = new Map<Request, number>();
  readonly #allowance: LineAllowance;
  #isTicking = false;
  #isClosed = false;

  constructor(parts: QueueParts<Request>) {
    this.#parts = parts;
    this.#allowance = new LineAllowance(parts.limits);
  }

  /** Sends the request now, or as soon as there is a line for it. */
  send(request: Request): void {
    if (this.#isClosed || this.#waiting.size >= this.#parts.limits.mostWaiting) request.onOverloaded();
    else if (this.#taken < this.#allowance.lines) this.#sendOn(this.#idle.pop() ?? this.#open(), request);
    else {
      this.#waiting.set(request, this.#parts.clock.elapsed());
      this.#tickSoon();
    }
  }

  /** Forgets a request that waits. Harmless when it does not. */
  cancel(request: Request): void {
    this.#waiting.delete(request);
  }

  /** How many lines are in use and may be, and how many requests wait for one. */
  get load(): { readonly taken: number; readonly allowed: number; readonly waiting: number } {
    return { taken: this.#taken, allowed: this.#allowance.lines, waiting: this.#waiting.size };
  }

  /** Closes all lines; who waits is told. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const waiting = [...this.#waiting.keys()];
    this.#waiting.clear();
    for (const request of waiting) request.onOverloaded();
    await Promise.all(this.#lines.map(({ carrier }) => carrier.close()));
  }

  get #taken(): number {
    return this.#lines.length - this.#idle.length;
  }

  #open(): Line<Request> {
    const line: Line<Request> = { carrier: this.#parts.open(() => this.#free(line)), isTaken: false };
    this.#lines.push(line);
    return line;
  }

  #sendOn(line: Line<Request>, request: Request): void {
    line.isTaken = true;
    if (!line.carrier.send(request)) this.#free(line);
  }

  #free(line: Line<Request>): void {
    if (!line.isTaken) return;
    line.isTaken = false;
    this.#allowance.turned();
    this.#idle.push(line);
    this.#sendWaiting();
  }

  #sendWaiting(): void {
    for (const request of this.#waiting.keys()) {
      if (this.#taken >= this.#allowance.lines) return;
      this.#waiting.delete(request);
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
    this.#allowance.look({ now: this.#parts.clock.elapsed(), taken: this.#taken, waiting: this.#waiting.size });
    this.#sendWaiting();
    this.#isTicking = this.#waiting.size > 0 || this.#allowance.lines > this.#parts.limits.connections;
    if (this.#isTicking) this.#tickLater();
  }

  #shed(): void {
    const oldest = this.#parts.clock.elapsed() - this.#parts.limits.longestWaitMs;
    for (const [request, since] of this.#waiting) {
      if (since > oldest) return;
      this.#waiting.delete(request);
      request.onOverloaded();
    }
  }
}
