/**
 * The body of one call, from the client's first byte on.
 *
 * A call is given to a line once its body has begun: a connection must not belong to
 * a call for as long as a client likes to say nothing, since what the upstream writes
 * on it in that time, or its end, would be taken for the answer.
 *
 * @module
 */

import type { Readable } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import type { InboundRequest } from '../http/inbound.ts';
import type { KeptBody } from './kept-body.ts';
import type { Route } from './routes.ts';
import { Upload } from './upload.ts';

/** What it is made from. */
export interface CallBodyParts {
  readonly request: InboundRequest;
  readonly route: Route;
  readonly clock: Clock;
  /** Gets a copy of it, and is it when the call is sent once more. */
  readonly kept: KeptBody | undefined;
}

/** Told of its beginning. */
export interface CallBodyEvents {
  /** Its first bytes are there, or it has ended without any. */
  onBegun(): void;
  /** The client sends too much, or too slowly, or no more. Also told when the body is on its way. */
  onFailed(error: Error): void;
}

/** The body of a call that has one. */
export class CallBody {
  readonly #kept: KeptBody | undefined;
  readonly #upload: Upload;

  constructor({ request, route, clock, kept }: CallBodyParts) {
    const { maxBody, timeoutMs, minUploadRate: minRate } = route;
    this.#kept = kept;
    this.#upload = new Upload(request, { maxBody, timeoutMs, minRate, clock, kept });
  }

  /** Begins to read it. */
  begin({ onBegun, onFailed }: CallBodyEvents): void {
    this.#upload.on('error', onFailed).once('readable', onBegun);
  }

  /** What is sent: the client's bytes as they come, or all of them where they were kept. */
  get content(): Readable | Buffer {
    return this.#kept?.bytes ?? this.#upload;
  }

  /** Reads no more of it. */
  drop(): void {
    this.#upload.destroy();
  }
}
