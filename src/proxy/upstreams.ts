/**
 * The door to undici: connections to upstreams, made once and bounded.
 *
 * No redirects, no decompression, no proxy from the environment: `Client` has none
 * of them. HTTP/2 is off, since what exchange.ts says of reuse and truncation
 * holds for HTTP/1.1.
 *
 * @module
 */

import { Client, type Dispatcher } from 'undici';
import type { Clock } from '../base/clock.ts';
import { ProblemError } from '../errors.ts';
import { DpopNonces } from '../keys/dpop-nonces.ts';
import { type Carrier, LineQueue, type QueueLimits, type Waiting } from './line-queue.ts';

/** undici's handle on a request that was sent. */
export type Controller = Dispatcher.DispatchController;

/** A request that wants to be sent, and what is told of its way. */
export interface Outgoing extends Dispatcher.DispatchHandler, Waiting {
  /** The request as undici takes it. Asked for once each time it is sent. */
  dispatchOptions(): Dispatcher.DispatchOptions;
  /** Whether it has ended, well or not. */
  readonly isOver: boolean;
  /** It has a connection and is sent now. */
  onLine(line: Line): void;
}

/** What is opened and kept for one upstream. */
export interface UpstreamLimits extends QueueLimits {
  readonly connectTimeoutMs: number;
  /** Bytes of an answer's header. */
  readonly maxHeaderSize: number;
  /** An idle connection is closed after this, unless the upstream names another time. */
  readonly idleTimeoutMs: number;
}

/** Limits that serve most deployments. */
export const usualLimits: UpstreamLimits = {
  connections: 16,
  mostConnections: 512,
  mostWaiting: 2048,
  longestWaitMs: 5_000,
  connectTimeoutMs: 5_000,
  maxHeaderSize: 32 * 1024,
  idleTimeoutMs: 4_000,
};

/** The connections to one upstream, and those who wait for one. */
export type Upstream = LineQueue<Outgoing>;

/** All upstreams, by origin. */
export class Upstreams {
  readonly #clock: Clock;
  readonly #limits: UpstreamLimits;
  /** What each wants in proofs of possession. */
  readonly nonces = new DpopNonces();
  readonly #byOrigin = new Map<string, Upstream>();
  #isClosed = false;

  constructor(clock: Clock, limits: Partial<UpstreamLimits> = {}) {
    this.#clock = clock;
    this.#limits = { ...usualLimits, ...limits };
  }

  /** The upstream at an origin. Origins come from routes, so there are few. Throws `overloaded` when all is closed. */
  at(origin: string): Upstream {
    const known = this.#byOrigin.get(origin);
    if (known) return known;
    if (this.#isClosed) throw new ProblemError('overloaded');
    const made = new LineQueue<Outgoing>({
      clock: this.#clock,
      limits: this.#limits,
      open: (free) => new Line(this.#clientFor(origin), free),
    });
    this.#byOrigin.set(origin, made);
    return made;
  }

  /**
   * A connection of its own, for what never gives it back: a WebSocket. It waits in
   * no queue and is bounded by who counts WebSockets. Throws `overloaded` as above.
   */
  apart(origin: string): Pick<Upstream, 'send' | 'cancel'> {
    if (this.#isClosed) throw new ProblemError('overloaded');
    return {
      send: (outgoing) => {
        const client = this.#clientFor(origin);
        // An answer instead of an upgrade leaves a connection that nobody will use.
        const line = new Line(client, () => void client.close());
        line.send(outgoing);
      },
      cancel: () => undefined, // it never waits
    };
  }

  /**
   * Forgets the upstreams that no route leads to any more. What is under way there goes
   * on, and its connections are closed once they have been idle.
   */
  keepOnly(origins: ReadonlySet<string>): void {
    for (const origin of this.#byOrigin.keys()) if (!origins.has(origin)) this.#byOrigin.delete(origin);
  }

  /** Breaks every connection. Call it when no request is under way any more; what still is or comes ends as overloaded. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#byOrigin.values()].map((upstream) => upstream.close()));
  }

  #clientFor(origin: string): Client {
    const { connectTimeoutMs, maxHeaderSize, idleTimeoutMs } = this.#limits;
    return new Client(origin, {
      pipelining: 1,
      allowH2: false,
      connectTimeout: connectTimeoutMs,
      maxHeaderSize,
      keepAliveTimeout: idleTimeoutMs,
      strictContentLength: true,
    });
  }
}

/** One connection and what it has done. undici opens it again when it was closed. */
export class Line implements Carrier<Outgoing> {
  readonly #client: Client;
  /** Answers that have begun on the connection as it stands. 0: it is fresh. */
  answers = 0;

  constructor(client: Client, free: () => void) {
    this.#client = client;
    client.on('connect', () => {
      this.answers = 0;
    });
    // Told when undici has seen to it that nothing unasked-for waits on the connection, or has closed it.
    client.on('drain', free);
  }

  /** THE ONE CALL that sends a request to an upstream. */
  send(outgoing: Outgoing): boolean {
    outgoing.onLine(this);
    this.#client.dispatch(outgoing.dispatchOptions(), outgoing);
    // undici tells of a request that it refuses at once by an error alone, and of one that it began by `drain` too.
    return !outgoing.isOver || this.#client.stats.size > 0;
  }

  close(): Promise<void> {
    return this.#client.destroy();
  }
}
