/**
 * A service behind the proxy that writes down every byte and answers as told.
 *
 * It speaks HTTP/1.1 on bare sockets: what it records is what was on the wire,
 * and what it answers may be wrong in any way. By default it echoes.
 *
 * @module
 */

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket, type TlsOptions } from 'node:tls';
import { eventually } from './eventually.ts';
import { type Answer, writeAnswer } from './upstream-answers.ts';
import { readRequests, type UpstreamRequest } from './upstream-connection.ts';

/** Decides the answer to a whole request. */
export type Script = (request: UpstreamRequest) => Answer | Promise<Answer>;

/** What is not said by the script. */
export interface UpstreamOptions {
  /** Asked when the headers are there. An answer given here is sent at once, before the body has arrived. */
  readonly atHead?: (request: UpstreamRequest) => Answer | undefined;
  /** Speak TLS; `requestCert` and `ca` make it mutual. */
  readonly tls?: TlsOptions;
  /** Answer `Expect: 100-continue` with 100; true unless told otherwise. */
  readonly sendContinue?: boolean;
  /** The port to listen on, for an upstream that comes back; a free one unless told otherwise. */
  readonly port?: number;
}

/** 200 with method, target and headers as JSON. */
export const echo: Script = ({ method, target, headers, body }) => ({
  headers: [['Content-Type', 'application/json']],
  body: JSON.stringify({ method, target, headers, body: body.toString() }),
});

/** Starts an upstream on a free port of 127.0.0.1. */
export async function startUpstream(script: Script = echo, options: UpstreamOptions = {}): Promise<Upstream> {
  const upstream = new Upstream(script, options);
  await upstream.listen(options.port ?? 0);
  return upstream;
}

/** A running upstream and what it has seen. */
export class Upstream {
  /** Every whole request, in the order of arrival. */
  readonly requests: UpstreamRequest[] = [];
  /** Requests whose headers have come; those still arriving are here and not in `requests`. */
  readonly begun: UpstreamRequest[] = [];
  /** Bytes that were no request, or one that never became whole. */
  readonly faults: { readonly bytes: Buffer; readonly reason: string }[] = [];
  /** How many connections were made in all. */
  connections = 0;
  /** Told the common name in the certificate of each peer that shows one. */
  onPeer: (commonName: string) => void = () => undefined;
  /** Decides the answers; may be exchanged while running. */
  script: Script;
  readonly #options: UpstreamOptions;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #bytes: (() => Buffer)[] = [];

  /** Use {@link startUpstream}, which waits until it listens. */
  constructor(script: Script, options: UpstreamOptions) {
    this.script = script;
    this.#options = options;
    const accept = (socket: Socket): void => this.#accept(socket);
    this.#server = options.tls ? createTlsServer(options.tls, accept) : createServer(accept);
    this.#server.on('tlsClientError', (error: Error) =>
      this.faults.push({ bytes: Buffer.alloc(0), reason: String(error) }),
    );
  }

  /** Begins to listen. */
  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** The port it listens on. */
  get port(): number {
    const { port } = this.#server.address() as AddressInfo; // a TCP listener has no other kind of address
    return port;
  }

  /** `http://127.0.0.1:port`, or https. */
  get origin(): string {
    return `${this.#options.tls ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  /** How many connections are open now. */
  get openSockets(): number {
    return this.#open.size;
  }

  /** The requests whose peer closed before the answer was written. */
  get abortedRequests(): readonly UpstreamRequest[] {
    return this.begun.filter((request) => request.isAborted);
  }

  /** The last whole request; throws when there was none. */
  get last(): UpstreamRequest {
    const request = this.requests.at(-1);
    if (!request) throw new Error('the upstream has received no request');
    return request;
  }

  /** Every byte of every connection, in the order the connections were made. */
  get bytes(): Buffer {
    return Buffer.concat(this.#bytes.map((read) => read()));
  }

  /** Waits for `count` whole requests in all. */
  async received(count: number, limitMs = 5_000): Promise<readonly UpstreamRequest[]> {
    await eventually(() => this.requests.length >= count, limitMs);
    return this.requests;
  }

  /** Forgets what was recorded, not the open connections. */
  forget(): void {
    this.requests.length = 0;
    this.begun.length = 0;
    this.faults.length = 0;
    this.#bytes.length = 0;
  }

  /** Writes on every open connection what nobody asked for. */
  say(bytes: string): void {
    for (const socket of this.#open) socket.write(bytes);
  }

  /** Breaks every open connection. */
  dropConnections(): void {
    for (const socket of this.#open) socket.destroy();
  }

  /** Stops listening and breaks every connection. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.dropConnections();
    await once(this.#server, 'close');
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #accept(socket: Socket): void {
    const number = ++this.connections;
    this.#open.add(socket);
    socket.setNoDelay(true);
    const peer = socket instanceof TLSSocket ? socket.getPeerCertificate().subject?.CN : undefined;
    if (peer !== undefined) this.onPeer([peer].flat().join());
    socket.on('close', () => this.#open.delete(socket));
    const early = new Map<UpstreamRequest, Promise<boolean>>();
    const read = readRequests(socket, {
      number,
      events: {
        onHead: (request) => {
          this.begun.push(request);
          const answer = this.#options.atHead?.(request);
          if (answer) early.set(request, this.#answer(socket, { request, answer }));
          else this.#continue(socket, request);
        },
        onRequest: async (request) => {
          this.requests.push(request);
          return early.get(request) ?? this.#answer(socket, { request, answer: await this.script(request) });
        },
        onFault: (bytes, reason) => this.faults.push({ bytes: Buffer.from(bytes), reason }),
      },
    });
    this.#bytes.push(read);
  }

  #continue(socket: Socket, request: UpstreamRequest): void {
    const expects = request.header('expect')?.toLowerCase() === '100-continue';
    if (expects && this.#options.sendContinue !== false) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
  }

  async #answer(socket: Socket, { request, answer }: { request: UpstreamRequest; answer: Answer }): Promise<boolean> {
    const goesOn = await writeAnswer(socket, { answer, method: request.method });
    // What ends the connection on purpose is an answer too; a hang is not, so the peer's leaving is noted.
    if (answer !== 'hang' && !request.isAborted) request.markAnswered();
    return goesOn;
  }
}
