/**
 * A copy of a small body, held while it is not known whether the call must be sent
 * once more.
 *
 * @module
 */

import { hasBody } from '../http/framing.ts';
import type { InboundRequest } from '../http/inbound.ts';

/** Bytes that are held of one call: more than the JSON that a page sends, and little for each of many calls. */
const mostBytes = 16 * 1024;

/** What came of a body so far, as long as that is little. */
export class KeptBody {
  #chunks: Buffer[] = [];
  #size = 0;
  #isWhole = false;

  /** One for a body that is not known to be too long; `undefined` where there is none to keep. */
  static for({ headers }: Pick<InboundRequest, 'headers'>): KeptBody | undefined {
    const isSmall = Number(headers['content-length'] ?? 0) <= mostBytes;
    return hasBody(headers) && isSmall ? new KeptBody() : undefined;
  }

  /** All of it; `undefined` while more may come, and where it was too long. */
  get bytes(): Buffer | undefined {
    return this.#isWhole && this.#size <= mostBytes ? Buffer.concat(this.#chunks) : undefined;
  }

  /** Takes what came; lets go of everything once it is too much. */
  take(chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size <= mostBytes) this.#chunks.push(chunk);
    else this.#chunks = [];
  }

  /** Nothing more comes. */
  end(): void {
    this.#isWhole = true;
  }
}
