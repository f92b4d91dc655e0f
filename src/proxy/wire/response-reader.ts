/**
 * Reads the answers of one connection, one after the other.
 *
 * It is told of each request that was sent, and tells of head, data and end. Bytes
 * behind an answer, or without a request, are told as `onExcess`: they must never be
 * taken for the answer to the next.
 *
 * @module
 */

import { type BodyEnd, checkField, type ResponseHead, readHead } from './response-head.ts';
import { WireError } from './wire-error.ts';

/** Told what comes. Any of them may {@link ResponseReader.stop} the reader. */
export interface ReaderEvents {
  /** The first bytes of an answer, interim ones included. */
  onBegin(): void;
  onHead(head: ResponseHead): void;
  /** `chunk` is part of what was taken. `true`: nothing refers to it any more. */
  onData(chunk: Buffer): boolean;
  onEnd(): void;
  /** More came than was asked for. */
  onExcess(): void;
}

const headEnd = '\r\n\r\n';
/** Interim answers before the answer; more of them are no HTTP that anybody needs. */
const mostInterim = 32;
/** The size of a chunk, and extensions that say nothing to us (RFC 9112, 7.1.1). */
const sizeLine =
  /^([0-9A-Fa-f]{1,12})(?:;[\w!#$%&'*+.^`|~-]+(?:=(?:[\w!#$%&'*+.^`|~-]+|"[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]*"))?)*$/;
/** Of a line that says the size of a chunk, and of all lines behind the last. */
const mostLineBytes = 4_096;
const none = Buffer.alloc(0);

type State = 'idle' | 'head' | 'counted' | 'close' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailers';

/** One connection's reader. */
export class ResponseReader {
  readonly #events: ReaderEvents;
  readonly #maxHeadBytes: number;
  #state: State = 'idle';
  #method = '';
  /** Of a head or a line that has not ended yet. */
  #held: Buffer = none;
  /** Bytes of the body, or of its chunk, that are still to come. */
  #left = 0;
  #interim = 0;
  #isStopped = false;
  #isPaused = false;
  /** What came and was not read, since it was paused. */
  #rest: Buffer = none;
  /** The answer is whole, and it was paused before that was told. */
  #isEndHeld = false;
  /** Whether nobody keeps anything of what is being taken. */
  #isDone = true;

  constructor(events: ReaderEvents, { maxHeadBytes }: { readonly maxHeadBytes: number }) {
    this.#events = events;
    this.#maxHeadBytes = maxHeadBytes;
  }

  /** A request was sent; its answer comes next. */
  expect(method: string): void {
    this.#method = method;
    this.#state = 'head';
    this.#interim = 0;
  }

  /** Reads nothing any more. */
  stop(): void {
    this.#isStopped = true;
    this.#held = none;
    this.#rest = none;
  }

  /** Tells nothing until {@link resume}, not even of what was taken already. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Goes on. Throws a {@link WireError}. */
  resume(): void {
    this.#isPaused = false;
    if (this.#isEndHeld) {
      this.#isEndHeld = false;
      this.#finish();
    }
    const rest = this.#rest;
    this.#rest = none;
    if (rest.length > 0) this.take(rest); // our own copy: whether it is kept does not matter
  }

  /** Takes what came. Throws a {@link WireError}. `true`: nothing refers to `bytes` any more. */
  take(bytes: Buffer): boolean {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    this.#rest = none;
    this.#isDone = true;
    let at = 0;
    while (at < all.length && !this.#isStopped && !this.#isPaused) {
      if (this.#state === 'idle') {
        this.#events.onExcess();
        return this.#isDone;
      }
      at = this.#step(all, at);
    }
    if (at < all.length && !this.#isStopped) this.#rest = Buffer.from(all.subarray(at));
    return this.#isDone;
  }

  /** The connection ended. Throws a {@link WireError} when an answer was not whole. */
  end(): void {
    if (this.#isStopped || this.#state === 'idle') return;
    if (this.#state !== 'close') throw new WireError('closed', 'the connection ended before the answer did');
    this.#finish();
  }

  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'head':
        return this.#takeHead(bytes, at);
      case 'counted':
      case 'chunk-data':
        return this.#takeCounted(bytes, at);
      case 'close':
        this.#giveOn(at === 0 ? bytes : bytes.subarray(at));
        return bytes.length;
      default:
        return this.#takeLine(bytes, at);
    }
  }

  #takeHead(bytes: Buffer, at: number): number {
    if (this.#held.length === 0 && this.#interim === 0) this.#events.onBegin();
    if (this.#isStopped) return at;
    const held = this.#held;
    const all = held.length === 0 ? bytes : Buffer.concat([held, bytes.subarray(at)]);
    const from = held.length === 0 ? at : 0;
    const end = all.indexOf(headEnd, Math.max(from, held.length - headEnd.length + 1), 'latin1');
    if ((end < 0 ? all.length : end) - from > this.#maxHeadBytes)
      throw new WireError('head-too-large', `a head of more than ${this.#maxHeadBytes} bytes`);
    if (end < 0) {
      this.#held = Buffer.from(all.subarray(from));
      return bytes.length;
    }
    this.#held = none;
    this.#begin(readHead(all.toString('latin1', from, end), this.#method));
    return end + headEnd.length - (held.length === 0 ? 0 : held.length - at);
  }

  #begin(head: ResponseHead): void {
    if (head.status === 101) throw new WireError('invalid', 'another protocol, which nobody asked for');
    if (head.status < 200) {
      this.#interim += 1;
      if (this.#interim > mostInterim) throw new WireError('invalid', 'interim answers without end');
      if (!head.isReusable) throw new WireError('invalid', 'an interim answer that says it is the last');
      return;
    }
    this.#state = stateFor(head.bodyEnd);
    this.#left = typeof head.bodyEnd === 'number' ? head.bodyEnd : 0;
    this.#events.onHead(head);
    if (this.#state === 'idle') this.#finish();
  }

  #takeCounted(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    const isLast = this.#left === 0;
    const isChunk = this.#state === 'chunk-data';
    if (isLast && isChunk) this.#state = 'chunk-end';
    this.#giveOn(bytes.subarray(at, end));
    if (isLast && !isChunk) this.#finish();
    return end;
  }

  #giveOn(chunk: Buffer): void {
    if (!this.#events.onData(chunk)) this.#isDone = false;
  }

  #takeLine(bytes: Buffer, at: number): number {
    const held = this.#held;
    const all = held.length === 0 ? bytes : Buffer.concat([held, bytes.subarray(at)]);
    const from = held.length === 0 ? at : 0;
    const end = all.indexOf('\n', from, 'latin1');
    if ((end < 0 ? all.length : end) - from > mostLineBytes)
      throw new WireError('invalid', 'a line between chunks without end');
    if (end < 0) {
      this.#held = Buffer.from(all.subarray(from));
      return bytes.length;
    }
    this.#held = none;
    if (end === from || all[end - 1] !== 13)
      throw new WireError('invalid', 'a line between chunks that ends with LF alone');
    this.#readLine(all.toString('latin1', from, end - 1));
    return end + 1 - (held.length === 0 ? 0 : held.length - at);
  }

  #readLine(line: string): void {
    if (this.#state === 'chunk-end') {
      if (line !== '') throw new WireError('invalid', 'a chunk that is longer than it said');
      this.#state = 'chunk-size';
    } else if (this.#state === 'trailers') {
      // What stands behind the body is read over: nobody was told of it before the answer began.
      if (line === '') this.#finish();
      else this.#left = this.#countTrailer(line);
    } else this.#beginChunk(line);
  }

  #beginChunk(line: string): void {
    const [, digits] = sizeLine.exec(line) ?? [];
    if (digits === undefined) throw new WireError('invalid', 'a chunk without a size');
    this.#left = Number.parseInt(digits, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk-data';
  }

  // `#left` counts their bytes here.
  #countTrailer(line: string): number {
    checkField(line);
    const bytes = this.#left + line.length;
    if (bytes > this.#maxHeadBytes) throw new WireError('head-too-large', 'trailers without end');
    return bytes;
  }

  #finish(): void {
    if (this.#isStopped) return;
    this.#state = 'idle';
    if (this.#isPaused) this.#isEndHeld = true;
    else this.#events.onEnd();
  }
}

function stateFor(bodyEnd: BodyEnd): State {
  if (bodyEnd === 'none' || bodyEnd === 0) return 'idle';
  if (bodyEnd === 'chunked') return 'chunk-size';
  return bodyEnd === 'close' ? 'close' : 'counted';
}
