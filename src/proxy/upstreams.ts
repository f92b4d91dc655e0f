/**
 * All upstreams, and the lines to them, bounded.
 *
 * No redirects, no decompression, no proxy from the environment: neither kind of line
 * has them. HTTP/2 is off, since what exchange.ts says of reuse and truncation, and
 * line-queue.ts of lines, holds for HTTP/1.1 (docs/decisions/0016).
 *
 * @module
 */

import { lookup } from 'node:dns/promises';
import type { Clock } from '../base/clock.ts';
import { LoopTurn, type Turn } from '../base/turn.ts';
import type { UpstreamConfig } from '../config/config.ts';
import { ProblemError } from '../errors.ts';
import { DpopNonces } from '../keys/dpop-nonces.ts';
import type { Address, Resolve } from './addresses.ts';
import { type BreakerLimits, type Outcome, type Pass, usualBreakerLimits } from './breaker.ts';
import { CallLine } from './line.ts';
import type { QueueLimits, Waiting } from './line-queue.ts';
import { UpgradeLine } from './upgrade-line.ts';
import { Upstream, type UpstreamChange } from './upstream.ts';
import type { Controller, RequestEvents } from './wire/connection.ts';
import type { WireRequest } from './wire/wire-request.ts';

/** A request as it goes out: for undici as well, which asks for WebSockets. */
export interface OutgoingOptions extends WireRequest {
  readonly headers: string[];
  readonly headersTimeout?: number;
  readonly bodyTimeout?: number;
  readonly upgrade?: string;
}

/** A connection and what it has done. */
export interface Line {
  send(outgoing: Outgoing): boolean;
  /** Answers that have begun on the connection as it stands. 0: it is fresh. */
  answers: number;
  /** Where it leads as it stands; `undefined` while it does not. */
  readonly address: Address | undefined;
}

/** A request that wants to be sent, and what is told of its way. */
export interface Outgoing extends RequestEvents, Waiting {
  /** The request as it is sent. Asked for once each time. */
  dispatchOptions(): OutgoingOptions;
  onResponseError(controller: Controller | undefined, error: Error): void;
  /** Whether it has ended, well or not. */
  readonly isOver: boolean;
  /** Given by the breaker when it is first sent; given back by {@link Way.settle}. */
  pass: Pass | undefined;
  /** The connection it was sent on last. */
  readonly line: Line | undefined;
  /** It has a connection and is sent now. */
  onLine(line: Line): void;
  /** It is not sent, since the upstream is not asked at present. */
  onRefused(problem: ProblemError): void;
}

/** What a request does with an upstream. */
export interface Way {
  send(outgoing: Outgoing): void;
  cancel(outgoing: Outgoing): void;
  /** What became of a request that was let through; once for each. */
  settle(outgoing: Outgoing, outcome: Outcome): void;
}

/** What is opened and kept for one upstream. */
export interface UpstreamLimits extends QueueLimits {
  /** For all its addresses together, in ms. */
  readonly connectTimeoutMs: number;
  /** Bytes of an answer's header. */
  readonly maxHeaderSize: number;
  /** An idle connection is closed after this, unless the upstream names another time. */
  readonly idleTimeoutMs: number;
  readonly breaker: BreakerLimits;
}

/** Limits that serve most deployments. */
export const usualLimits: UpstreamLimits = {
  connections: 64,
  mostConnections: 512,
  mostWaiting: 2048,
  longestWaitMs: 5_000,
  connectTimeoutMs: 5_000,
  maxHeaderSize: 32 * 1024,
  idleTimeoutMs: 4_000,
  breaker: usualBreakerLimits,
};

/** How often idle connections are looked at, ms. */
const lookMs = 1_000;

/** What the set of upstreams may be made with. */
export interface UpstreamsOptions extends Partial<UpstreamLimits> {
  /** Those of which more is said than a URL. */
  readonly settings?: readonly UpstreamConfig[];
  /** Told when an upstream or one of its addresses goes or comes. */
  readonly report?: (change: UpstreamChange) => void;
  /** The system's own unless told otherwise. */
  readonly resolve?: Resolve;
}

/** All upstreams, by origin. */
export class Upstreams {
  readonly #clock: Clock;
  /** One for all: what is given to a line in it is sent when the sockets have been looked at once more. */
  readonly turn: Turn = new LoopTurn();
  readonly #options: UpstreamsOptions;
  readonly #limits: UpstreamLimits;
  /** What each wants in proofs of possession. */
  readonly nonces = new DpopNonces();
  readonly #byOrigin = new Map<string, Upstream>();
  #settings: ReadonlyMap<string, UpstreamConfig>;
  /** Lines with a connection. */
  readonly #open = new Set<CallLine>();
  #isLooking = false;
  #isClosed = false;

  constructor(clock: Clock, options: UpstreamsOptions = {}) {
    this.#clock = clock;
    this.#options = options;
    this.#limits = { ...usualLimits, ...options };
    this.#settings = byOrigin(options.settings ?? []);
  }

  /** The upstream at an origin. Origins come from routes, so there are few. Throws `overloaded` when all is closed. */
  at(origin: string): Upstream {
    const known = this.#byOrigin.get(origin);
    if (known) return known;
    if (this.#isClosed) throw new ProblemError('overloaded');
    const { report = () => undefined, resolve = resolveByName } = this.#options;
    const made: Upstream = new Upstream(this.#settings.get(origin) ?? plainSettings(origin), {
      clock: this.#clock,
      limits: this.#limits,
      report,
      resolve,
      open: (free) => this.#lineTo(made, free),
    });
    this.#byOrigin.set(origin, made);
    return made;
  }

  /**
   * A connection of its own, for what never gives it back: a WebSocket. It waits in
   * no queue and is bounded by who counts WebSockets. Throws `overloaded` as above.
   */
  apart(origin: string): Way {
    const upstream = this.at(origin);
    return {
      send: (outgoing) => {
        if (!upstream.admits(outgoing)) return;
        const { maxHeaderSize } = this.#limits;
        new UpgradeLine({ origin: upstream.origin, dial: () => upstream.dial(), maxHeaderSize }).send(outgoing);
      },
      cancel: () => undefined, // it never waits
      settle: (outgoing, outcome) => upstream.settle(outgoing, outcome),
    };
  }

  /**
   * Takes over certificates, authorities and addresses that were read again. Where
   * they differ, new connections are made with the new ones and those that stand
   * are closed when they carry nothing any more; no call is broken.
   */
  replaceSettings(settings: readonly UpstreamConfig[]): void {
    this.#settings = byOrigin(settings);
    for (const [origin, upstream] of this.#byOrigin)
      upstream.replaceSettings(this.#settings.get(origin) ?? plainSettings(origin));
  }

  /**
   * Forgets the upstreams that no route leads to any more. What is under way there goes
   * on, and its connections are closed once they have been idle.
   */
  keepOnly(origins: ReadonlySet<string>): void {
    for (const [origin, upstream] of this.#byOrigin) {
      if (origins.has(origin)) continue;
      this.#byOrigin.delete(origin);
      upstream.leave();
    }
  }

  /** Breaks every connection. Call it when no request is under way any more; what still is or comes ends as overloaded. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#byOrigin.values()].map((upstream) => upstream.close()));
  }

  #lineTo(upstream: Upstream, free: () => void): CallLine {
    const { maxHeaderSize, idleTimeoutMs } = this.#limits;
    return new CallLine({
      clock: this.#clock,
      turn: this.turn,
      dial: () => upstream.dial(),
      free,
      onOpened: (line) => this.#watch(line),
      host: new URL(upstream.origin).host,
      maxHeaderSize,
      idleTimeoutMs,
    });
  }

  #watch(line: CallLine): void {
    this.#open.add(line);
    if (!this.#isLooking) this.#lookLater();
  }

  #lookLater(): void {
    this.#isLooking = this.#open.size > 0 && !this.#isClosed;
    if (this.#isLooking) this.#clock.after(lookMs, () => this.#closeIdle());
  }

  #closeIdle(): void {
    for (const line of this.#open) if (!line.closeIdle()) this.#open.delete(line);
    this.#lookLater();
  }
}

function byOrigin(settings: readonly UpstreamConfig[]): ReadonlyMap<string, UpstreamConfig> {
  return new Map(settings.map((each) => [each.origin, each]));
}

function plainSettings(origin: string): UpstreamConfig {
  const nothing = { serverName: undefined, authorities: undefined, certificate: undefined, key: undefined };
  return { origin, addresses: [], ...nothing };
}

async function resolveByName(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}
