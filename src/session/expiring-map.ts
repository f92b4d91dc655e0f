/**
 * A map whose entries end, with a bound on how many it holds.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import { ProblemError } from '../errors.ts';

interface Entry<Value> {
  readonly value: Value;
  readonly expiresAt: number;
}

/** Entries by name, each until its own end. */
export class ExpiringMap<Value> {
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #clock: Clock;
  readonly #most: number;

  constructor({ clock, most }: { readonly clock: Clock; readonly most: number }) {
    this.#clock = clock;
    this.#most = most;
  }

  /** How many entries are held, those that ended unseen included. */
  get size(): number {
    return this.#entries.size;
  }

  /** What lives under `name`. */
  get(name: string): Value | undefined {
    return this.#living(name)?.value;
  }

  /** The end of what lives under `name`, ms. */
  endOf(name: string): number | undefined {
    return this.#living(name)?.expiresAt;
  }

  /** The names of what lives. */
  names(): readonly string[] {
    return [...this.#entries.keys()].filter((name) => this.#living(name) !== undefined);
  }

  /** Puts an entry. A new one in a full map is `store-unavailable`, as in a Redis without memory left: nobody is signed out for it. */
  set(name: string, value: Value, { expiresAt }: { readonly expiresAt: number }): void {
    if (!this.#entries.has(name) && this.#entries.size >= this.#most) {
      this.sweep();
      if (this.#entries.size >= this.#most) {
        throw new ProblemError('store-unavailable', {
          cause: new Error(`the memory store holds ${this.#most} entries`),
        });
      }
    }
    this.#entries.set(name, { value, expiresAt });
  }

  /** Takes an entry out. `false` if none lived there. */
  delete(name: string): boolean {
    const lived = this.#living(name) !== undefined;
    this.#entries.delete(name);
    return lived;
  }

  /** Takes out what has ended. */
  sweep(): void {
    const now = this.#clock.now();
    for (const [name, { expiresAt }] of this.#entries) if (expiresAt <= now) this.#entries.delete(name);
  }

  /** Takes out everything. */
  clear(): void {
    this.#entries.clear();
  }

  #living(name: string): Entry<Value> | undefined {
    const entry = this.#entries.get(name);
    return entry !== undefined && entry.expiresAt > this.#clock.now() ? entry : undefined;
  }
}
