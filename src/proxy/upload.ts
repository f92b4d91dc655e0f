/**
 * The body of a request on its way to an upstream.
 *
 * It stands between Node's message and the connection, which destroys the body of a
 * request that failed: the message itself would take the client's connection with
 * it, and the client its answer. Trailers end here, since nothing reads them.
 *
 * Bytes are counted and passed on, never looked at.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { Cancel, Clock } from '../base/clock.ts';
import { ProblemError } from '../errors.ts';
import type { KeptBody } from './kept-body.ts';

/** What bounds a body. */
export interface UploadLimits {
  /** Bytes; 0 for no limit. A longer body ends the stream with `body-too-large`. */
  readonly maxBody: number;
  /** Between two chunks of the client, in ms; 0 for no limit. A longer silence ends it with `request-timeout`. */
  readonly timeoutMs: number;
  /** Bytes a second, on average over `timeoutMs` or a little longer; 0 for no limit. A slower client ends it with `request-timeout`. */
  readonly minRate: number;
  readonly clock: Clock;
  /** Gets a copy. */
  readonly kept?: KeptBody | undefined;
}

/** The client's side of an exchange. */
export interface Client {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
}

/** A body that is read from the client as fast as the upstream takes it. */
export class Upload extends Readable {
  readonly #client: Client;
  readonly #limits: UploadLimits;
  #received = 0;
  #isReading = false;
  #lastChunkAt = 0;
  /** Of the window in which the rate is measured. */
  #windowAt = 0;
  #windowReceived = 0;
  #hadToWait = false;
  #cancelWatch: Cancel | undefined;

  constructor(client: Client, limits: UploadLimits) {
    super({ highWaterMark: 16 * 1024 }); // the message holds more of it already
    this.#client = client;
    this.#limits = limits;
  }

  override _read(): void {
    if (this.#isReading) {
      this.#lastChunkAt = this.#limits.clock.elapsed();
      this.#client.message.resume();
      return;
    }
    this.#isReading = true;
    const { message, response } = this.#client;
    // Only now, so a client that asked first sends nothing to a call that was refused (RFC 9110, 10.1.1).
    if (message.headers.expect !== undefined) response.writeContinue();
    message.on('data', this.#onData).on('end', this.#onEnd);
    this.#watch();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#cancelWatch?.();
    const { message } = this.#client;
    message.off('data', this.#onData).off('end', this.#onEnd);
    callback(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    const { maxBody, clock, kept } = this.#limits;
    this.#lastChunkAt = clock.elapsed();
    this.#received += chunk.length;
    kept?.take(chunk);
    if (maxBody > 0 && this.#received > maxBody) this.destroy(new ProblemError('body-too-large'));
    else if (!this.push(chunk)) {
      this.#hadToWait = true;
      this.#client.message.pause();
    }
  };

  readonly #onEnd = (): void => {
    this.#cancelWatch?.();
    this.#limits.kept?.end();
    this.push(null);
  };

  // One timer for the body, not one for each chunk. While the upstream is the slow one, its own limit counts.
  #watch(): void {
    const { clock, timeoutMs } = this.#limits;
    if (timeoutMs === 0) return;
    this.#lastChunkAt = clock.elapsed();
    this.#windowAt = this.#lastChunkAt;
    const look = (): void => {
      const left = this.#lastChunkAt + timeoutMs - clock.elapsed();
      if (this.#client.message.isPaused()) this.#cancelWatch = clock.after(timeoutMs, look);
      else if (left > 0 && !this.#isDripping()) this.#cancelWatch = clock.after(left, look);
      else this.destroy(new ProblemError('request-timeout'));
    };
    this.#cancelWatch = clock.after(timeoutMs, look);
  }

  // A byte now and then would hold a connection of the upstream for ever. Only where we read all the time is it the client who was slow.
  #isDripping(): boolean {
    const { clock, timeoutMs, minRate } = this.#limits;
    const tookMs = clock.elapsed() - this.#windowAt;
    if (tookMs < timeoutMs) return false;
    const isSlow = !this.#hadToWait && (this.#received - this.#windowReceived) * 1_000 < minRate * tookMs;
    this.#windowAt += tookMs;
    this.#windowReceived = this.#received;
    this.#hadToWait = false;
    return isSlow;
  }
}
