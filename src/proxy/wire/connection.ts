/**
 * One connection to an upstream, and the one request that it carries at a time.
 *
 * Bytes that nobody asked for break it: they must never be taken for the answer to the
 * next request. After a HEAD it is closed, since some servers send a body all the same.
 *
 * @module
 */

import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { type BodyEvents, RequestBody } from './request-body.ts';
import { requestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';
import { ResponseReader } from './response-reader.ts';
import { WireError } from './wire-error.ts';
import { headersOf, keptForMsIn, lengthOf, type WireRequest } from './wire-request.ts';

/** The handle on a request that was sent. */
export interface Controller {
  /** Ends it with `reason`, and the connection with it unless nothing was written yet. */
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

/** Told of one request. The last is `onResponseEnd` or `onResponseError`, and just one of them. */
export interface RequestEvents {
  /** It is about to be written. */
  onRequestStart(controller: Controller): void;
  /** Of a body: from now on the upstream is waited for, since all was sent or it takes no more for now; or it waits for more, having taken what was there. */
  onTurn?(whose: 'upstream' | 'ours'): void;
  /** The first byte of an answer is there, interim answers included. */
  onResponseStarted?(): void;
  onResponseStart?(controller: Controller, status: number, headers: ResponseHead['headers']): void;
  /** `true`: nothing refers to `chunk` any more; it will be read over. Otherwise it is the receiver's. */
  onResponseData?(controller: Controller, chunk: Buffer): boolean;
  onResponseEnd?(controller: Controller, trailers: object): void;
  /** Without a controller where it was never about to be written. */
  onResponseError?(controller: Controller | undefined, error: Error): void;
}

/** What a connection is made with. */
export interface ConnectionParts {
  readonly socket: Socket;
  /** As in `URL.host`. */
  readonly host: string;
  readonly maxHeadBytes: number;
  /** It carries nothing any more. */
  readonly onFree: () => void;
}

/** One connection. */
export class Connection {
  readonly #parts: ConnectionParts;
  readonly #reader: ResponseReader;
  #call: Call | undefined;
  #isBroken = false;
  /** The upstream sends nothing more. */
  #isEnded = false;
  /** What the upstream says of how long it keeps an idle connection, in ms. */
  keptForMs = Number.POSITIVE_INFINITY;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    const { socket, maxHeadBytes } = parts;
    const events = {
      onBegin: () => this.#call?.events.onResponseStarted?.(),
      onHead: (head: ResponseHead) => this.#onHead(head),
      onData: (chunk: Buffer) => this.#onData(chunk),
      onEnd: () => this.#onEnd(),
      onExcess: () => this.#break(),
    };
    this.#reader = new ResponseReader(events, { maxHeadBytes });
    socket.unref(); // the ports keep the process alive, and nothing else
    socket.on('error', (error) => this.#fail(error));
    socket.on('end', () => this.#onSocketEnd());
    socket.on('close', () => this.#onSocketClose());
  }

  /** Whether a request may be sent. */
  get isOpen(): boolean {
    return !this.#isBroken && !this.#parts.socket.destroyed;
  }

  /** Takes bytes of the upstream. `true`: nothing refers to them any more. */
  take(bytes: Buffer): boolean {
    try {
      return this.#reader.take(bytes);
    } catch (error) {
      this.#fail(error as Error); // a WireError
      return false;
    }
  }

  /** Sends a request. The connection carries none and {@link isOpen}; where it carries one, both fail. */
  send(request: WireRequest, events: RequestEvents): void {
    if (this.#call !== undefined) {
      this.destroy(); // a mistake of ours must not give one call the answer of another
      events.onResponseError?.(undefined, new WireError('destroyed', 'the connection carried a call'));
      return;
    }
    const call = new Call(this, { request, events });
    this.#call = call;
    events.onRequestStart(call);
    if (this.#call !== call) return; // it was taken back
    try {
      this.#write(call);
    } catch (error) {
      this.#fail(error as Error); // a WireError
    }
  }

  #write(call: Call): void {
    const { socket, host } = this.#parts;
    const { request } = call;
    const { body } = request;
    const length = lengthOf(request);
    const isChunked = body !== null && length === undefined;
    const head = requestHead({
      method: request.method,
      path: request.path,
      host,
      headers: headersOf(request),
      isChunked,
    });
    call.isWritten = true;
    this.#reader.expect(request.method);
    if (body instanceof Readable) {
      call.body = new RequestBody({ socket, body, head, length }, call);
      return;
    }
    if (body === null) {
      socket.write(head, 'latin1');
      call.isSent = true;
      return;
    }
    socket.cork();
    socket.write(head, 'latin1');
    socket.write(body);
    socket.uncork();
    call.onSent();
  }

  /** For its calls: ends one. */
  drop(call: Call, reason: Error): void {
    if (this.#call !== call) return;
    if (call.isWritten) {
      this.#fail(reason);
      return;
    }
    this.#call = undefined;
    call.events.onResponseError?.(call, reason);
    this.#parts.onFree();
  }

  /** For its calls: reads no more of the answer for now. */
  hold(call: Call): void {
    if (this.#call !== call) return;
    this.#reader.pause();
    this.#parts.socket.pause();
  }

  /** For its calls: reads on. */
  goOn(call: Call): void {
    if (this.#call !== call) return;
    try {
      this.#reader.resume();
    } catch (error) {
      this.#fail(error as Error); // a WireError
    }
    if (this.#call?.isPaused === true) return;
    if (this.#isEnded) this.#onSocketEnd();
    else this.#parts.socket.resume();
  }

  /** Breaks it. A request that it carries is told so. */
  destroy(): void {
    this.#fail(new WireError('destroyed', 'the connection was closed by us'));
  }

  #onHead({ status, headers, isReusable }: ResponseHead): void {
    const call = this.#call;
    if (call === undefined) return;
    call.isLast = !isReusable || call.request.method === 'HEAD';
    this.keptForMs = keptForMsIn(headers['keep-alive']);
    call.events.onResponseStart?.(call, status, headers);
  }

  #onData(chunk: Buffer): boolean {
    const call = this.#call;
    return call?.events.onResponseData?.(call, chunk) ?? false;
  }

  #onEnd(): void {
    const call = this.#call;
    if (call === undefined) return;
    this.#call = undefined;
    // An answer before the body was sent: what is left of the body would be taken for the next request, or hold it up.
    if (call.isLast || !call.isSent || this.#parts.socket.writableLength > 0) this.#break();
    call.stop();
    try {
      call.events.onResponseEnd?.(call, {});
    } finally {
      this.#parts.onFree();
    }
  }

  // What came before it may be held back still.
  #onSocketEnd(): void {
    this.#isEnded = true;
    if (this.#call?.isPaused === true) return;
    try {
      this.#reader.end();
    } catch (error) {
      this.#fail(error as Error); // a WireError
    }
    this.#break();
  }

  #onSocketClose(): void {
    if (this.#isEnded && this.#call?.isPaused === true) return;
    this.#fail(new WireError('closed', 'the connection was closed'));
  }

  #break(): void {
    this.#isBroken = true;
    this.#reader.stop();
    this.#parts.socket.destroy();
  }

  #fail(error: Error): void {
    const call = this.#call;
    this.#call = undefined;
    this.#break();
    if (call === undefined) return;
    call.stop();
    try {
      call.events.onResponseError?.(call, error);
    } finally {
      this.#parts.onFree();
    }
  }
}

/** A request that a connection carries. */
class Call implements Controller, BodyEvents {
  readonly #connection: Connection;
  readonly request: WireRequest;
  readonly events: RequestEvents;
  body: RequestBody | undefined;
  isWritten = false;
  isSent = false;
  isPaused = false;
  /** The connection is closed behind it. */
  isLast = false;

  constructor(connection: Connection, { request, events }: { request: WireRequest; events: RequestEvents }) {
    this.#connection = connection;
    this.request = request;
    this.events = events;
  }

  /** Sends no more of its body. */
  stop(): void {
    this.body?.stop();
    if (this.request.body instanceof Readable) this.request.body.destroy();
  }

  abort(reason: Error): void {
    this.#connection.drop(this, reason);
  }

  pause(): void {
    this.isPaused = true;
    this.#connection.hold(this);
  }

  resume(): void {
    this.isPaused = false;
    this.#connection.goOn(this);
  }

  onSent(): void {
    this.isSent = true;
    this.events.onTurn?.('upstream');
  }

  onFull(): void {
    this.events.onTurn?.('upstream');
  }

  onRoom(): void {
    this.events.onTurn?.('ours');
  }

  onFailed(error: Error): void {
    this.#connection.drop(this, error);
  }
}
