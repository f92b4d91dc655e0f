/**
 * One HTTP exchange of the scripted browser, with all its bytes kept.
 *
 * Every request has its own connection unless the agent keeps it alive. No
 * header is added here: what a test sees sent is what browser.ts decided.
 *
 * @module
 */

import { type Agent, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { within } from './eventually.ts';
import { type Fields, firstOf, valuesOf } from './http-bytes.ts';
import { hostOf, isLoopback } from './sites.ts';

/** A request as it is sent. */
export interface WireRequest {
  readonly url: URL;
  readonly method: string;
  /** In the order they are sent. */
  readonly headers: Fields;
  readonly body: Buffer | undefined;
}

/** Where and how a request is sent. */
export interface Wire {
  /** Where an origin is really reached; the URL itself unless it stands here. */
  readonly reach: ReadonlyMap<string, URL>;
  /** Certificates to trust, PEM. */
  readonly ca: string | undefined;
  readonly agents: { readonly http: Agent; readonly https: Agent };
  readonly limitMs: number;
  /** Told of every byte received, head and framing included. */
  readonly onBytes: (chunk: Buffer) => void;
}

/** An answer whose body may still be coming. */
export class WireResponse {
  readonly status: number;
  /** In the order and spelling of the wire. */
  readonly headers: Fields;
  /** Resolves when the body is complete; rejects when it is cut off. */
  readonly ended: Promise<void>;
  readonly #message: IncomingMessage;
  readonly #chunks: Buffer[] = [];

  /** Made by {@link send}. */
  constructor(message: IncomingMessage) {
    const raw = message.rawHeaders;
    this.status = message.statusCode ?? 0;
    this.headers = raw.flatMap((name, index) => (index % 2 ? [] : [[name, raw[index + 1] ?? ''] as const]));
    this.#message = message;
    message.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    this.ended = new Promise((resolve, reject) => {
      message.on('end', resolve);
      message.on('error', reject);
      message.on('close', () => (message.complete ? resolve() : reject(new Error('the answer was cut off'))));
    });
    // Whoever waits for the end is told; for the others a cut is no failure.
    this.ended.catch(() => undefined);
  }

  /** What has come of the body. */
  get body(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** The first value of a header. */
  header(name: string): string | undefined {
    return firstOf(this.headers, name);
  }

  /** All values of a header. */
  all(name: string): readonly string[] {
    return valuesOf(this.headers, name);
  }

  /** Leaves: closes the connection before the end. */
  abort(): void {
    this.#message.destroy();
  }
}

/** Sends the request and resolves when the headers of the final answer are there. Rejects when nobody answers in time. */
export async function send(request: WireRequest, wire: Wire): Promise<WireResponse> {
  const target = wire.reach.get(request.url.origin) ?? request.url;
  const isTls = target.protocol === 'https:';
  const outgoing = (isTls ? requestHttps : requestHttp)({
    host: addressOf(target),
    port: target.port || (isTls ? 443 : 80),
    servername: isIP(hostOf(request.url)) === 0 ? hostOf(request.url) : '', // an address is no server name (RFC 6066, 3)
    method: request.method,
    path: `${request.url.pathname}${request.url.search}`,
    headers: request.headers.flat(),
    setHost: false,
    agent: isTls ? wire.agents.https : wire.agents.http,
    ...(wire.ca === undefined ? {} : { ca: wire.ca }),
  });
  outgoing.on('socket', (socket) => listen(socket, wire.onBytes));
  const answered = new Promise<WireResponse>((resolve, reject) => {
    outgoing.on('response', (message) => resolve(new WireResponse(message)));
    outgoing.on('upgrade', (message, socket) => {
      socket.destroy();
      resolve(new WireResponse(message));
    });
    outgoing.on('error', reject);
  });
  outgoing.end(request.body);
  try {
    return await within(wire.limitMs, { work: answered, what: `${request.method} ${request.url}` });
  } catch (error) {
    outgoing.destroy();
    throw error;
  }
}

const listening = new WeakSet<Socket>();

function listen(socket: Socket, onBytes: (chunk: Buffer) => void): void {
  if (listening.has(socket)) return;
  listening.add(socket);
  socket.on('data', onBytes);
}

/** Servers of tests listen on 127.0.0.1, whatever loopback name the page uses. */
function addressOf(url: URL): string {
  const host = hostOf(url);
  return isLoopback(url) && host.endsWith('localhost') ? '127.0.0.1' : host;
}
