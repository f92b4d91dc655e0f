/**
 * The headers that stages want on an answer, before it is known who answers.
 *
 * Kept as one flat list of names and values, since that is the form in which
 * Node writes them fastest. Names are added once each by construction.
 *
 * @module
 */

import type { ServerResponse } from 'node:http';

/** A growing flat list: name, value, name, value. */
export class ReplyHeaders {
  readonly #flat: string[];

  /** @param initial A flat list that is copied. */
  constructor(initial: readonly string[] = []) {
    this.#flat = initial.slice();
  }

  add(name: string, value: string): void {
    this.#flat.push(name, value);
  }

  addAll(flat: readonly string[]): void {
    for (const item of flat) this.#flat.push(item);
  }

  /** The flat list itself: the caller may go on adding to it and hand it to `writeHead`. */
  get flat(): string[] {
    return this.#flat;
  }

  /** Sets them on a response whose other headers are set one by one, as Express and its packages do. */
  applyTo(response: ServerResponse): void {
    for (let at = 0; at + 1 < this.#flat.length; at += 2) {
      response.setHeader(this.#flat[at] as string, this.#flat[at + 1] as string); // both inside the list's bounds
    }
  }
}
