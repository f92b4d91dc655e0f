/**
 * Finds the end of an HTTP answer with as little work as possible: for answers of
 * servers that behave, under load.
 *
 * @module
 */

const headEnd = Buffer.from('\r\n\r\n');
const lastChunk = Buffer.from('\r\n0\r\n\r\n');

/** Reads the answers of one connection, one at a time. */
export class AnswerReader {
  /** Of the answer that was last complete. */
  status = 0;
  #left = -1;
  #isChunked = false;
  #tail: Buffer = Buffer.alloc(0);

  /** Takes what came. `true` when it completes an answer. */
  take(chunk: Buffer): boolean {
    if (this.#isChunked) return this.#takeChunked(chunk);
    if (this.#left >= 0) return this.#takeCounted(chunk.length);
    const bytes = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk]);
    const end = bytes.indexOf(headEnd);
    this.#tail = end < 0 ? bytes : Buffer.alloc(0);
    if (end < 0) return false;
    const head = bytes.toString('latin1', 0, end);
    this.status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined && /\r\ntransfer-encoding: *chunked/i.test(head)) {
      this.#isChunked = true;
      return this.#takeChunked(bytes.subarray(end + 2));
    }
    this.#left = Number(length ?? 0);
    return this.#takeCounted(bytes.length - end - 4);
  }

  #takeCounted(bytes: number): boolean {
    this.#left -= bytes;
    if (this.#left > 0) return false;
    this.#left = -1;
    return true;
  }

  #takeChunked(chunk: Buffer): boolean {
    const bytes = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk]);
    const isWhole = bytes.subarray(-lastChunk.length).equals(lastChunk);
    this.#tail = isWhole ? Buffer.alloc(0) : Buffer.from(bytes.subarray(-lastChunk.length));
    this.#isChunked = !isWhole;
    return isWhole;
  }
}
