/**
 * Finds where the frames of a WebSocket end, over bytes that come in any pieces
 * (RFC 6455, 5.2). A frame of ours may stand at such a border and nowhere else:
 * inside a frame it would be taken for data.
 *
 * It reads lengths, not content, and keeps nothing but where it stands: a frame of
 * any size costs the same. Compressed frames have the same borders.
 *
 * @module
 */

const closeOpcode = 0x8;
/** A length of 64 bits beyond what a number counts exactly: such a frame never ends in practice, and has no border here. */
const endless = Number.POSITIVE_INFINITY;

/** Follows the frames of one direction. */
export class FrameBorders {
  /** Bytes of the header that have come, of at most 14. */
  readonly #header = new Uint8Array(14);
  #headerLength = 0;
  /** Bytes of the payload that are still to come; 0 while a header is read. */
  #payloadLeft = 0;
  #isClose = false;
  #isClosed = false;

  /** Whether all that has passed ends with a whole frame. Nothing yet is a border too. */
  get isAtBorder(): boolean {
    return this.#headerLength === 0 && this.#payloadLeft === 0;
  }

  /** Whether a whole close frame has passed: nobody may send a frame behind it (RFC 6455, 5.5.1). */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Takes the next bytes. Returns how many of them end with the first border, or `undefined` when there is none in them. */
  pass(chunk: Uint8Array): number | undefined {
    let first: number | undefined;
    let at = 0;
    while (at < chunk.length) {
      at = this.#payloadLeft > 0 ? this.#skip(chunk, at) : this.#readHeader(chunk, at);
      if (!this.isAtBorder) continue;
      this.#isClosed ||= this.#isClose;
      first ??= at;
    }
    return first;
  }

  #skip(chunk: Uint8Array, at: number): number {
    const taken = Math.min(this.#payloadLeft, chunk.length - at);
    this.#payloadLeft -= taken;
    return at + taken;
  }

  #readHeader(chunk: Uint8Array, at: number): number {
    let next = at;
    while (next < chunk.length && this.#headerLength < this.#neededLength()) {
      this.#header[this.#headerLength++] = chunk[next++] ?? 0;
    }
    if (this.#headerLength === this.#neededLength()) this.#beginPayload();
    return next;
  }

  /** The length of the header, as far as the bytes that have come tell. */
  #neededLength(): number {
    if (this.#headerLength < 2) return 2;
    const second = this.#header[1] ?? 0;
    const size = second & 0x7f;
    return 2 + (size === 127 ? 8 : size === 126 ? 2 : 0) + (second & 0x80 ? 4 : 0);
  }

  #beginPayload(): void {
    const view = new DataView(this.#header.buffer);
    const size = view.getUint8(1) & 0x7f;
    this.#payloadLeft = size === 127 ? lengthOf(view.getBigUint64(2)) : size === 126 ? view.getUint16(2) : size;
    this.#isClose = (view.getUint8(0) & 0x0f) === closeOpcode;
    this.#headerLength = 0;
  }
}

function lengthOf(length: bigint): number {
  return length > BigInt(Number.MAX_SAFE_INTEGER) ? endless : Number(length);
}

/** What a close frame says. */
export interface Farewell {
  /** RFC 6455, 7.4: 1001 going away; 4000 to 4999 are the application's. */
  readonly code: number;
  /** At most 123 bytes. */
  readonly reason: string;
}

/** A close frame. With `mask` it is one of a client, which must mask (RFC 6455, 5.3). */
export function closeFrame({ code, reason }: Farewell, mask?: Uint8Array): Buffer {
  const text = Buffer.from(reason);
  const payload = Buffer.alloc(2 + text.length);
  payload.writeUInt16BE(code);
  text.copy(payload, 2);
  if (mask === undefined) return Buffer.concat([Buffer.from([0x80 | closeOpcode, payload.length]), payload]);
  for (let at = 0; at < payload.length; at++) payload[at] = (payload[at] ?? 0) ^ (mask[at % 4] ?? 0);
  return Buffer.concat([Buffer.from([0x80 | closeOpcode, 0x80 | payload.length]), mask, payload]);
}
