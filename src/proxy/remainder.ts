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

  /** `false` when it is too much. */
  takes({ length }: Buffer): boolean {
    this.#bytes += length;
    return this.#bytes <= mostBytes;
  }
}
