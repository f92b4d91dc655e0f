/**
 * One upstream: its breaker, its addresses, its connections, and those who wait
 * for one.
 *
 * An address that failed is tried in the background until it takes a connection;
 * then some of the connections to the others are closed when they are free, so
 * that it gets its share again.
 *
 * @module
 */

import { isIP } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { UpstreamAddress, UpstreamConfig } from '../config/config.ts';
import { ProblemError } from '../errors.ts';
import { type Address, Addresses, type Resolve } from './addresses.ts';
import { Breaker, type Outcome } from './breaker.ts';
import { type Dialed, Dialer } from './dial.ts';
import type { CallLine } from './line.ts';
import { LineQueue } from './line-queue.ts';
import type { Outgoing, UpstreamLimits, Way } from './upstreams.ts';

/** What happened to an upstream: it is no longer asked, or is again; or one of its addresses goes, or is back. */
export interface UpstreamChange {
  /** Host and port, as in the routes. */
  readonly upstream: string;
  readonly what: 'breaker' | 'address';
  readonly state: 'failed' | 'recovered';
  /** How many of its addresses are down now; 0 where it has only one. */
  readonly addressesDown: number;
}

/** What an upstream is made with. */
export interface UpstreamParts {
  readonly clock: Clock;
  readonly limits: UpstreamLimits;
  readonly report: (change: UpstreamChange) => void;
  readonly resolve: Resolve;
  /** Makes a line, which calls `free` each time it has become free. */
  readonly open: (free: () => void) => CallLine;
}

/** The way to one origin. */
export class Upstream implements Way {
  readonly #parts: UpstreamParts;
  readonly #queue: LineQueue<Outgoing>;
  readonly #breaker: Breaker;
  readonly #addresses: Addresses;
  #settings: UpstreamConfig;
  #dialer: Dialer;
  #isLeft = false;

  constructor(settings: UpstreamConfig, parts: UpstreamParts) {
    const { clock, limits, resolve, open } = parts;
    this.#parts = parts;
    this.#settings = settings;
    this.#queue = new LineQueue<Outgoing>({ clock, limits, open });
    this.#breaker = new Breaker({ clock, limits: limits.breaker, onChange: (state) => this.#onBreaker(state) });
    this.#addresses = new Addresses(addressesOf(settings), {
      clock,
      resolve: (host) => (isIP(host) === 0 ? resolve(host) : Promise.resolve([host])),
      onChange: (address, state) => this.#onAddress(address, state),
    });
    this.#dialer = this.#dialerFor(settings);
  }

  /** As `URL.origin`. */
  get origin(): string {
    return this.#settings.origin;
  }

  /** How many connections are in use and may be, and how many requests wait for one. */
  get load(): LineQueue<Outgoing>['load'] {
    return this.#queue.load;
  }

  /** Why the breaker would let no request through now, if it would not. */
  get refusal(): ProblemError | undefined {
    return this.#breaker.admits ? undefined : this.#refusal();
  }

  /** Whether the breaker lets a request through. One that it does not is told so. */
  admits(outgoing: Outgoing): boolean {
    outgoing.pass ??= this.#breaker.admit();
    if (outgoing.pass !== undefined) return true;
    outgoing.onRefused(this.#refusal());
    return false;
  }

  /** Sends the request, now or as soon as there is a connection; or tells it that it is not sent. */
  send(outgoing: Outgoing): void {
    if (this.admits(outgoing)) this.#queue.send(outgoing);
  }

  /** Forgets a request that waits. Harmless when it does not. */
  cancel(outgoing: Outgoing): void {
    this.#queue.cancel(outgoing);
  }

  settle(outgoing: Outgoing, outcome: Outcome): void {
    const { pass, line } = outgoing;
    if (pass === undefined) return;
    outgoing.pass = undefined;
    const address = line?.address;
    if (address !== undefined && outcome === 'success') this.#addresses.succeeded(address);
    else if (address !== undefined && outcome === 'failure') this.#addresses.failed(address);
    this.#breaker.settle(pass, outcome);
  }

  /** For a line: a connection to one of the addresses. */
  dial(): Promise<Dialed> {
    return this.#dialer.dial();
  }

  /** Uses other certificates and addresses for what is opened from now on, and closes what was opened before when it is free. */
  replaceSettings(settings: UpstreamConfig): void {
    if (fingerprint(settings) === fingerprint(this.#settings)) return;
    this.#settings = settings;
    this.#addresses.replace(addressesOf(settings));
    this.#dialer = this.#dialerFor(settings);
    this.#queue.retire(1);
  }

  /** No route leads here any more: nothing is tried in the background. */
  leave(): void {
    this.#isLeft = true;
  }

  /** Breaks every connection. */
  close(): Promise<void> {
    this.#isLeft = true;
    return this.#queue.close();
  }

  #dialerFor(settings: UpstreamConfig): Dialer {
    const { clock, limits } = this.#parts;
    return new Dialer({ settings, addresses: this.#addresses, clock, timeoutMs: limits.connectTimeoutMs });
  }

  #refusal(): ProblemError {
    return new ProblemError('upstream-failing', { headers: { 'Retry-After': String(this.#breaker.retryAfter) } });
  }

  #onBreaker(state: UpstreamChange['state']): void {
    this.#report('breaker', state);
    if (state === 'failed') this.#queue.turnAway((outgoing) => outgoing.onRefused(this.#refusal()));
  }

  // One address alone is tried by calls: there is nobody to spare from it.
  #onAddress(address: Address, state: UpstreamChange['state']): void {
    if (this.#addresses.count < 2) return;
    this.#report('address', state);
    if (state === 'recovered') this.#queue.retire(1 / this.#addresses.count);
    else this.#probeLater(address);
  }

  #report(what: UpstreamChange['what'], state: UpstreamChange['state']): void {
    const { host } = new URL(this.#settings.origin);
    const addressesDown = this.#addresses.count < 2 ? 0 : this.#addresses.down.length;
    this.#parts.report({ upstream: host, what, state, addressesDown });
  }

  #probeLater(address: Address): void {
    const { clock } = this.#parts;
    clock.after(Math.max(0, address.retryAt - clock.elapsed()), () => void this.#probe(address));
  }

  async #probe(address: Address): Promise<void> {
    if (this.#isLeft || !this.#addresses.down.includes(address)) return;
    await this.#dialer.probe(address);
    if (this.#addresses.down.includes(address)) this.#probeLater(address);
  }
}

function addressesOf({ origin, addresses }: UpstreamConfig): readonly UpstreamAddress[] {
  if (addresses.length > 0) return addresses;
  const { hostname, port, protocol } = new URL(origin);
  const usual = protocol === 'https:' ? 443 : 80;
  return [{ host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? usual : Number(port) }];
}

function fingerprint({ key, ...rest }: UpstreamConfig): string {
  return JSON.stringify([rest, key?.reveal()]);
}
