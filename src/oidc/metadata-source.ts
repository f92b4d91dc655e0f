/**
 * Keeps the metadata of the authorization server: fetched at start, again every
 * hour, and soon again after a failure. The last good one is used meanwhile.
 *
 * Without it nobody can sign in, and everything else works (design rule 4).
 *
 * @module
 */

import type { Cancel, Clock } from '../base/clock.ts';
import { randomFraction } from '../base/random.ts';
import { SingleFlight } from '../base/single-flight.ts';
import { ProblemError } from '../errors.ts';
import type { ProviderMetadata } from './metadata.ts';

/** What it is made from. */
export interface MetadataSourceOptions {
  /** One attempt, over the network. */
  readonly load: () => Promise<ProviderMetadata>;
  readonly clock: Clock;
  /** Told of every attempt: with the failure, or with `undefined`. */
  readonly onAttempt: (failure: unknown) => void;
}

const refreshMs = 60 * 60_000;
const firstPauseMs = 1_000;
const longestPauseMs = 60_000;

/** The metadata, as new as can be had. */
export class MetadataSource {
  readonly #options: MetadataSourceOptions;
  readonly #flights = new SingleFlight<void>();
  #current: ProviderMetadata | undefined;
  #failures = 0;
  #failure: unknown;
  #askedAt = Number.NEGATIVE_INFINITY;
  #cancel: Cancel = () => {};
  #closed = false;

  constructor(options: MetadataSourceOptions) {
    this.#options = options;
  }

  /** The last good metadata; `undefined` until there was one. */
  get current(): ProviderMetadata | undefined {
    return this.#current;
  }

  /** Makes the first attempt and goes on by itself. Does not throw: a server starts without its authorization server. */
  async start(): Promise<void> {
    await this.#attempt();
  }

  /**
   * The metadata, for somebody who cannot go on without. Where there is none yet an
   * attempt is made, at most one a second. Throws `provider-unreachable`.
   */
  async need(): Promise<ProviderMetadata> {
    const isDue = this.#options.clock.elapsed() - this.#askedAt >= firstPauseMs;
    if (this.#current === undefined && (isDue || this.#flights.size > 0)) await this.#attempt();
    if (this.#current === undefined) throw new ProblemError('provider-unreachable', { cause: this.#failure });
    return this.#current;
  }

  /** Ends the attempts. */
  close(): void {
    this.#closed = true;
    this.#cancel();
  }

  #attempt(): Promise<void> {
    return this.#flights.run('', () => this.#load());
  }

  async #load(): Promise<void> {
    const { load, clock, onAttempt } = this.#options;
    this.#cancel();
    this.#askedAt = clock.elapsed();
    try {
      this.#current = await load();
      this.#failures = 0;
      this.#failure = undefined;
    } catch (failure) {
      this.#failures += 1;
      this.#failure = failure;
    }
    onAttempt(this.#failure);
    if (!this.#closed) this.#cancel = clock.after(this.#pauseMs(), () => void this.#attempt());
  }

  // Spread by a fifth, so that many instances do not ask at once.
  #pauseMs(): number {
    const pause = this.#failures === 0 ? refreshMs : Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#failures - 1));
    return pause * (0.9 + 0.2 * randomFraction());
  }
}
