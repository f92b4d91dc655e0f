/**
 * A client that writes bytes to a socket, for requests that no HTTP library sends.
 *
 * It sends exactly what it is given, in as many steps as the test likes, and
 * reads every answer that comes back, also those nobody asked for.
 *
 * @module
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { eventually, pause, within } from './eventually.ts';
import { type RawResponse, readResponses } from './raw-responses.ts';

/** What is known of the connection besides the bytes. */
export interface RawOptions {
  /** Address to connect to; 127.0.0.1 unless told otherwise. */
  readonly host?: string;
  /** When to stop waiting; 5 s unless told otherwise. What has come by then is the result. */
  readonly timeoutMs?: number;
  /** Done when so many final answers (not 1xx) are complete. Without it: when the server closes, or is quiet for `quietMs` after an answer. */
  readonly responses?: number;
  /** How long without a byte counts as the end when an answer has come; 150 ms unless told otherwise. */
  readonly quietMs?: number;
  /** Methods of the requests in their order, where one of them is HEAD or CONNECT: their answers have no body. Read from the bytes unless given. */
  readonly methods?: readonly string[];
  /** Speak TLS with these options. */
  readonly tls?: ConnectionOptions;
}

/** What came back. */
export interface RawResult {
  /** All bytes, one character each. */
  readonly text: string;
  /** Every complete answer; the last may be incomplete (`complete: false`). */
  readonly responses: readonly RawResponse[];
  /** The answers that are not 1xx. */
  readonly final: readonly RawResponse[];
  /** Has the server closed the connection (also by a reset)? */
  readonly closed: boolean;
}

/** Connects to the port, writes the bytes, and gives all that came back. */
export async function rawRequest(port: number, bytes: string | Buffer, options: RawOptions = {}): Promise<RawResult> {
  const raw = await openRaw(port, { ...options, methods: options.methods ?? methodsIn(bytes) });
  try {
    raw.write(bytes);
    await untilDone(raw, options);
    return raw.result();
  } finally {
    raw.destroy();
  }
}

/** Opens a connection for step-by-step writes. Close it with `destroy()` or `await using`. */
export async function openRaw(port: number, options: RawOptions = {}): Promise<RawConnection> {
  const host = options.host ?? '127.0.0.1';
  const socket = options.tls ? connectTls({ host, port, ...options.tls }) : connect({ host, port });
  const opened = once(socket, options.tls ? 'secureConnect' : 'connect');
  await within(options.timeoutMs ?? 5_000, { work: opened, what: `a connection to port ${port}` });
  return new RawConnection(socket, options);
}

/** An open connection. */
export class RawConnection {
  /** The socket itself, for what the methods here do not offer. */
  readonly socket: Socket;
  readonly #methods: readonly string[] | undefined;
  readonly #chunks: Buffer[] = [];
  #sent = '';
  #closed = false;
  #ended = false;
  #lastByteAt = performance.now();

  /** Use {@link openRaw}, which waits until the connection stands. */
  constructor(socket: Socket, options: RawOptions) {
    this.socket = socket;
    this.#methods = options.methods;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#lastByteAt = performance.now();
      this.#chunks.push(chunk);
    });
    socket.on('end', () => {
      this.#ended = true;
    });
    socket.on('close', () => {
      this.#closed = true;
    });
    // A reset shows as closed; which error it was makes no difference to any test.
    socket.on('error', () => {
      this.#closed = true;
    });
  }

  /** Has the server ended its side, or the connection been reset? */
  get closed(): boolean {
    return this.#closed || this.#ended;
  }

  /** How long ago the last byte came, in ms. */
  get quietForMs(): number {
    return performance.now() - this.#lastByteAt;
  }

  /** Writes the bytes at once; a string is one byte a character. `false` when the server does not take them as fast. */
  write(bytes: string | Buffer): boolean {
    const chunk = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    this.#sent += chunk.toString('latin1');
    return !this.socket.destroyed && this.socket.write(chunk);
  }

  /** Writes one byte each `everyMs`, as a client that wants to hold a connection does. Stops when the server closes. */
  async drip(bytes: string, everyMs: number): Promise<void> {
    for (const byte of bytes) {
      if (this.closed) return;
      this.write(byte);
      await pause(everyMs);
    }
  }

  /** All that came, one character a byte. */
  received(): string {
    return this.bytes().toString('latin1');
  }

  /** All that came. */
  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** The answers so far. */
  responses(): readonly RawResponse[] {
    const methods = this.#methods ?? methodsIn(this.#sent);
    return readResponses(this.bytes(), { methods, ended: this.closed });
  }

  /** What came until now, with the answers read from it. */
  result(): RawResult {
    const responses = this.responses();
    const final = responses.filter(({ status }) => status >= 200 || status === 101);
    return { text: this.received(), responses, final, closed: this.closed };
  }

  /** Waits until the predicate holds for what has come. Rejects after `limitMs`. */
  async waitFor(predicate: (result: RawResult) => boolean, limitMs = 5_000): Promise<RawResult> {
    await eventually(() => predicate(this.result()), limitMs);
    return this.result();
  }

  /** Stops reading: the server's writes pile up in the buffers of the system. */
  stopReading(): void {
    this.socket.pause();
  }

  /** Reads again. */
  readOn(): void {
    this.socket.resume();
  }

  /** Ends our side (FIN) and reads on. */
  end(): void {
    this.socket.end();
  }

  /** Breaks the connection with a reset (RST), as a crashed client does. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Closes the connection. */
  destroy(): void {
    this.socket.destroy();
  }

  /** For `using`: closes the connection at the end of the block. */
  [Symbol.dispose](): void {
    this.destroy();
  }
}

async function untilDone(
  raw: RawConnection,
  { timeoutMs = 5_000, responses, quietMs = 150 }: RawOptions,
): Promise<void> {
  const isDone = (): boolean => {
    if (raw.closed) return true;
    const complete = completeAnswers(raw);
    if (complete === 'garbage') return raw.quietForMs >= quietMs;
    return responses === undefined ? complete > 0 && raw.quietForMs >= quietMs : complete >= responses;
  };
  await eventually(isDone, timeoutMs).catch((late: unknown) => late); // the time limit is an outcome: the result tells what came by then
}

/** Bytes that are no answer end the waiting; reading the result then says what they were. */
function completeAnswers(raw: RawConnection): number | 'garbage' {
  try {
    return raw.result().final.filter((response) => response.complete).length;
  } catch {
    return 'garbage';
  }
}

/** The methods of the request lines found in the bytes. */
function methodsIn(bytes: string | Buffer): readonly string[] {
  const lines = bytes.toString('latin1').matchAll(/(?:^|\r?\n)([A-Z]+) \S+ HTTP\/\d/g);
  return [...lines].map(([, method = '']) => method);
}
