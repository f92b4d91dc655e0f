/**
 * A string that does not print.
 *
 * Settings and keys travel as {@link Secret}, so that a careless log line, error
 * message or JSON body shows `[secret]` and never the value.
 *
 * @module
 */

import { inspect } from 'node:util';

/** Holds a secret text; only {@link Secret.reveal} gives it out. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The text itself. Call it where the secret is used, and keep the result in no longer-lived place. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

/** A secret that another takes the place of while the process runs: whoever holds it sees the new one. */
export class RotatingSecret extends Secret {
  #current: Secret;

  constructor(first: Secret) {
    super(first.reveal());
    this.#current = first;
  }

  override reveal(): string {
    return this.#current.reveal();
  }

  /** Puts another in its place. */
  replace(next: Secret): void {
    this.#current = next;
  }
}
