/**
 * What comes of an answer that nobody sees. Some of it is taken in order to keep the
 * connection; much of it costs more than another connection.
 *
 * @module
 */

const mostBytes = 64 * 1024;

/** Takes it in and throws it away. */
export class Remainder {
  #bytes = 0;

  /** Takes a chunk, and is done with it. */
  write({ length }: Buffer): 'done' | 'too much' {
    this.#bytes += length;
    return this.#bytes <= mostBytes ? 'done' : 'too much';
  }
}
