/**
 * Gathers lines and hands them on in blocks, at the latest after a second: one
 * write for each line is dear, and so is one string that grows by each (it is made
 * anew to be measured).
 *
 * @module
 */

import type { Cancel, Clock } from '../base/clock.ts';

/** Where blocks go. */
export interface BlockWriter {
  write(block: string): unknown;
  /** Lets go at once of what it has taken. */
  flushSync(): void;
}

/** What lines are gathered with. */
export interface LineBlocksParts {
  readonly target: BlockWriter;
  readonly clock: Pick<Clock, 'after'>;
  /** Bytes of a block; only a line that is longer makes a longer one. */
  readonly mostBytes: number;
}

/** How long a line waits for others, in ms. */
const longestWaitMs = 1_000;

/** Takes lines, each with its line end. */
export class LineBlocks {
  readonly #parts: LineBlocksParts;
  #lines: string[] = [];
  /** Of all lines together: at most as many as bytes. */
  #characters = 0;
  #cancel: Cancel | undefined;

  constructor(parts: LineBlocksParts) {
    this.#parts = parts;
  }

  write(line: string): void {
    if (this.#characters + line.length > this.#parts.mostBytes) this.#handOn();
    this.#lines.push(line);
    this.#characters += line.length;
    this.#cancel ??= this.#parts.clock.after(longestWaitMs, () => this.#handOn());
  }

  /** Writes what is still gathered. Returns when it has left the process. */
  flushSync(): void {
    this.#handOn();
    this.#parts.target.flushSync();
  }

  #handOn(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#lines.length === 0) return;
    const lines = this.#lines;
    this.#lines = [];
    this.#characters = 0;
    const { target, mostBytes } = this.#parts;
    const block = lines.join('');
    // Measured once for all: nearly every line is plain ASCII.
    if (Buffer.byteLength(block) <= mostBytes) target.write(block);
    else for (const part of partsOf(lines, mostBytes)) target.write(part);
  }
}

function* partsOf(lines: readonly string[], mostBytes: number): Generator<string> {
  let part = '';
  let bytes = 0;
  for (const line of lines) {
    const more = Buffer.byteLength(line);
    if (part !== '' && bytes + more > mostBytes) {
      yield part;
      [part, bytes] = ['', 0];
    }
    part += line;
    bytes += more;
  }
  yield part;
}
