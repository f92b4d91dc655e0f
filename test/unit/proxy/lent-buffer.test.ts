import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { lendingReads, readDirectly, type Taker } from '../../../src/proxy/lent-buffer.ts';

/** What Node does with a socket: a buffer when it is made, and one after each read. */
class SocketStub {
  readonly pushed: Buffer[] = [];
  readonly #reads: ReturnType<typeof lendingReads>;
  buffer: Uint8Array;

  constructor(reads: ReturnType<typeof lendingReads>, take?: Taker) {
    this.#reads = reads;
    this.buffer = reads.buffer();
    if (take !== undefined) readDirectly(this as unknown as Socket, take);
  }

  push(bytes: Buffer): boolean {
    this.pushed.push(bytes);
    return true;
  }

  read(text: string): void {
    const length = Buffer.from(this.buffer.buffer).write(text, this.buffer.byteOffset, 'latin1');
    this.#reads.callback.call(this as unknown as Socket, length, this.buffer);
    this.buffer = this.#reads.buffer();
  }
}

describe('a socket that is read into lent buffers', () => {
  it('PX-22: keeps its buffer while who takes the bytes is done with them, and gets another when not', () => {
    const taken: Buffer[] = [];
    const socket = new SocketStub(lendingReads(), (bytes) => {
      taken.push(bytes);
      return bytes.toString() !== 'kept';
    });
    const { buffer } = socket;

    for (const text of ['done', 'kept']) {
      expect(socket.buffer).toBe(buffer);
      socket.read(text);
    }
    const another = socket.buffer;
    socket.read('next');

    expect(another.buffer).not.toBe(buffer.buffer);
    expect(socket.buffer).toBe(another);
    expect(taken[1]?.toString()).toBe('kept');
  });

  it('keeps its buffer while nobody takes the bytes: they are copied for the stream', () => {
    const socket = new SocketStub(lendingReads());
    const { buffer } = socket;

    for (const text of ['one', 'two']) socket.read(text);

    expect(socket.buffer).toBe(buffer);
    expect(socket.pushed.map(String)).toEqual(['one', 'two']);
  });

  it('PX-22: shares it with none that is made meanwhile', () => {
    const reads = lendingReads();
    const made: SocketStub[] = [];
    const socket = new SocketStub(reads, () => {
      made.push(new SocketStub(reads));
      return true;
    });

    for (let n = 0; n < 3; n++) socket.read('bytes');

    expect(new Set([socket, ...made].map(({ buffer }) => buffer.buffer)).size).toBe(4);
  });
});
