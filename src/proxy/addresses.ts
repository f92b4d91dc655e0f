/**
 * Where one upstream is reached, and which of its addresses answer.
 *
 * Health is seen from the connections that are made anyway: an address that takes
 * none, or whose calls die, comes last until it has taken one again. Nobody is
 * refused because of it: when all are down all are tried.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import type { UpstreamAddress } from '../config/config.ts';

/** An address and how it fares. */
export interface Address extends UpstreamAddress {
  /** Connections that stand or are being made. */
  open: number;
  /** Failures without a success between them. 0: it is healthy. */
  failures: number;
  /** When it is to be tried again, by `Clock.elapsed`. */
  retryAt: number;
}

/** Finds the IP addresses of a name. Rejects when there are none. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** How long what a name resolved to is used, in ms. Connections live longer; new ones follow the name. */
const resolvedMs = 1_000;

const firstRetryMs = 1_000;
const lastRetryMs = 30_000;

/** Failures of calls in a row, on connections that were made, before an address counts as down. */
const mostCallFailures = 3;

/** What addresses are found with. */
export interface AddressesParts {
  readonly clock: Clock;
  readonly resolve: Resolve;
  /** Told when an address goes down or is back. */
  readonly onChange: (address: Address, state: 'failed' | 'recovered') => void;
}

/** The addresses of one upstream. */
export class Addresses {
  readonly #parts: AddressesParts;
  #written: readonly UpstreamAddress[];
  #known: readonly Address[] = [];
  #knownSince = Number.NEGATIVE_INFINITY;
  #finding: Promise<readonly Address[]> | undefined;

  constructor(written: readonly UpstreamAddress[], parts: AddressesParts) {
    this.#written = written;
    this.#parts = parts;
  }

  /** Uses other addresses from now on; those that stay keep what is known of them. */
  replace(written: readonly UpstreamAddress[]): void {
    this.#written = written;
    this.#knownSince = Number.NEGATIVE_INFINITY;
  }

  /** All of them, looked up when that was done too long ago. Rejects when no name resolves. */
  async find(): Promise<readonly Address[]> {
    if (this.#parts.clock.elapsed() - this.#knownSince < resolvedMs) return this.#known;
    this.#finding ??= this.#look().finally(() => {
      this.#finding = undefined;
    });
    return this.#finding;
  }

  /** Those that are down. */
  get down(): readonly Address[] {
    return this.#known.filter(isDown);
  }

  /** How many there are. 0 before they were first looked for. */
  get count(): number {
    return this.#known.length;
  }

  /** A connection was made, or a call went well. */
  succeeded(address: Address): void {
    if (address.failures === 0) return;
    const wasDown = isDown(address);
    address.failures = 0;
    if (wasDown) this.#parts.onChange(address, 'recovered');
  }

  /** No connection could be made. */
  refused(address: Address): void {
    this.#note(address, Math.max(mostCallFailures, address.failures + 1));
  }

  /** A call failed on a connection to it. */
  failed(address: Address): void {
    this.#note(address, address.failures + 1);
  }

  #note(address: Address, failures: number): void {
    const wasDown = isDown(address);
    address.failures = failures;
    const waitMs = Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(10, Math.max(0, failures - mostCallFailures)));
    address.retryAt = this.#parts.clock.elapsed() + waitMs;
    if (!wasDown && isDown(address)) this.#parts.onChange(address, 'failed');
  }

  async #look(): Promise<readonly Address[]> {
    const written = this.#written;
    const found = await Promise.allSettled(written.map(({ host }) => this.#parts.resolve(host)));
    const all = new Map<string, Address>();
    for (const [at, result] of found.entries()) {
      const port = written[at]?.port ?? 0;
      for (const host of result.status === 'fulfilled' ? result.value : [])
        all.set(`${host} ${port}`, this.#knownAt(host, port) ?? { host, port, open: 0, failures: 0, retryAt: 0 });
    }
    const failure = found.find((result) => result.status === 'rejected');
    if (all.size === 0) throw failure?.reason ?? new Error('the name has no address');
    this.#known = [...all.values()];
    this.#knownSince = this.#parts.clock.elapsed();
    return this.#known;
  }

  #knownAt(host: string, port: number): Address | undefined {
    return this.#known.find((address) => address.host === host && address.port === port);
  }
}

/** The one to try first: healthy before others, then the one with fewest connections. */
export function bestOf(addresses: Iterable<Address>): Address | undefined {
  let best: Address | undefined;
  for (const each of addresses) if (best === undefined || comesBefore(each, best)) best = each;
  return best;
}

function comesBefore(left: Address, right: Address): boolean {
  const [leftRank, rightRank] = [rank(left), rank(right)];
  return leftRank === rightRank ? left.open < right.open : leftRank < rightRank;
}

function isDown({ failures }: Address): boolean {
  return failures >= mostCallFailures;
}

function rank(address: Address): number {
  return isDown(address) ? address.retryAt + 1 : 0;
}
