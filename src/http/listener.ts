/**
 * A listening port: Node's server, set to read strictly, with every event of it
 * that can end a request led to the same place.
 *
 * `Expect`, upgrades and CONNECT have events of their own in Node; a control that
 * listened to `request` alone would be skipped by them (design rule 6).
 *
 * @module
 */

import { createServer, type Server, type ServerOptions, ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import { pause } from '../base/clock.ts';
import type { ErrorCode } from '../errors.ts';
import { discardRest } from './discard.ts';
import type { Incoming } from './inbound.ts';
import { answerOn, onClientError, type ParserRefusal, type Refusals, refuse } from './parser-refusals.ts';
import { StalledReaders } from './stalled-readers.ts';

/** A certificate chain and its key, both PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** What a port that speaks TLS shows: to who names none of `byName`, the certificate itself. */
export interface ListenerTls extends Certificate {
  /** By host name in lower case, as it is asked for (RFC 6066, 3). */
  readonly byName?: ReadonlyMap<string, Certificate>;
}

/** What a port is opened with. */
export interface ListenerOptions {
  readonly host: string;
  /** 0 lets the system choose a free one. */
  readonly port: number;
  /** `undefined` for plain http. */
  readonly tls?: ListenerTls | undefined;
  readonly clock: Clock;
  /** How long a client may take nothing of what waits for it, in ms; 120 s unless told otherwise. */
  readonly readerTimeoutMs?: number | undefined;
}

/** Where a port leads what comes in. */
export interface ListenerEvents {
  onRequest(from: Incoming): void;
  /** Told of what Node's parser refused; it is answered here. */
  onRefused(code: ErrorCode, refusal: ParserRefusal): void;
}

const strict: ServerOptions = {
  maxHeaderSize: 16 * 1024,
  insecureHTTPParser: false,
  // Most requests have no body; a stream for each that says so is a twentieth of a call.
  optimizeEmptyRequests: true,
  // A missing or doubled Host is refused by us, with a log line.
  requireHostHeader: false,
  headersTimeout: 15_000,
  // A long upload is no fault; between two chunks it has the time limit of its route.
  requestTimeout: 0,
  // Longer than the 60 s of common balancers, so that it is not us who close a connection they are about to use.
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
  // Every other protocol is ignored, and the request answered as it is (RFC 9110, 7.8): no h2c past the guards.
  shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
};

/** The part of the time to end in which requests are still taken, each with `Connection: close`: 500 ms of 20 s. */
const partOfLimitToRead = 40;

/** One listening port. */
export class Listener {
  readonly #server: Server | TlsServer;
  readonly #options: ListenerOptions;
  readonly #connections = new Set<Socket>();
  readonly #upgraded = new Set<Socket>();
  readonly #stalled: StalledReaders;
  #contexts: ReadonlyMap<string, SecureContext> = new Map();
  #draining = false;

  constructor(options: ListenerOptions, events: ListenerEvents) {
    this.#options = options;
    const { clock, readerTimeoutMs: limitMs = 120_000 } = options;
    this.#stalled = new StalledReaders({ connections: this.#connections, apart: this.#upgraded, clock, limitMs });
    this.#server = options.tls ? this.#tlsServer(options.tls) : createServer(strict);
    const refusals: Refusals = { onRefused: events.onRefused, clock: options.clock };
    const onRequest = (from: Incoming) => {
      if (this.#draining) from.response.shouldKeepAlive = false;
      events.onRequest(from);
    };
    const answer = (message: Incoming['message'], response: ServerResponse) => {
      if (announcesBody(message)) {
        (message.socket as Asked)[lastWithBody] = response;
        response.once('finish', () => discardRest({ message }, options.clock));
      }
      onRequest({ message, response, upgrade: undefined });
    };
    this.#server.on(options.tls ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.#connections.add(socket);
      socket.once('close', () => this.#connections.delete(socket));
    });
    this.#server.on('request', answer).on('checkContinue', answer).on('checkExpectation', answer);
    this.#server.on('upgrade', (message, duplex, head) => {
      const socket = duplex as Socket; // Node gives a net.Socket unless somebody emits the event by hand
      // Node has taken its own listener off; without one a reset would end the process.
      socket.on('error', () => socket.destroy());
      // Sent before the answer to an earlier request: that answer still owns the socket.
      if (answerOn(socket) !== undefined) return refuse(socket, 'request-ambiguous', refusals);
      this.#upgraded.add(socket);
      socket.once('close', () => this.#upgraded.delete(socket));
      onRequest({ message, response: responseOn(message, socket), upgrade: { socket, head } });
    });
    this.#server.on('connect', (_message, socket) => {
      socket.on('error', () => socket.destroy()); // as above
      refuse(socket, 'method-unknown', refusals);
    });
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      onClientError(error, socket, { ...refusals, response: (socket as Asked)[lastWithBody] });
    });
  }

  // Without a context of the name, Node shows the one of the server, which setSecureContext replaces.
  #tlsServer(tls: ListenerTls): TlsServer {
    this.#contexts = contextsOf(tls);
    const options = { ...strict, ...contextOf(tls), ALPNProtocols: ['http/1.1'] };
    if (this.#contexts.size === 0) return createTlsServer(options);
    return createTlsServer({
      ...options,
      SNICallback: (name, done) => done(null, this.#contexts.get(name.toLowerCase())),
    });
  }

  /** Opens the port. Rejects, with what to do, when it cannot be had. */
  async listen(): Promise<number> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, this.#options)));
      this.#server.listen(port, host, resolve);
    });
    this.#stalled.begin();
    return (this.#server.address() as AddressInfo).port; // a TCP port, since it listens on one
  }

  /**
   * Reads other certificates, and gives what shows them to every connection that is made
   * from then on; those that are open stay as they are. Throws when TLS cannot use one, or
   * the port speaks plain http.
   */
  prepareCertificate(tls: ListenerTls): () => void {
    const server = this.#server;
    if (!('setSecureContext' in server)) throw new Error('this port speaks plain http');
    const options = contextOf(tls);
    createSecureContext(options);
    const contexts = contextsOf(tls);
    return () => {
      server.setSecureContext(options);
      this.#contexts = contexts;
    };
  }

  /**
   * Closes the port: no new connections, `Connection: close` on what is still
   * answered, and after `limitMs` an end to what has not ended by itself. What was
   * upgraded ends at once: it has no end of its own, and its client connects again.
   */
  async close(limitMs: number): Promise<void> {
    this.#draining = true;
    for (const socket of this.#connections) endAfterAnswer(socket);
    // What has reached us is read first: a connection that looks idle may have a request on its way.
    await pause(this.#options.clock, limitMs / partOfLimitToRead);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    for (const socket of this.#upgraded) socket.destroySoon();
    await Promise.race([closed, pause(this.#options.clock, limitMs)]);
    this.#server.closeAllConnections();
    this.#stalled.end();
  }
}

function contextsOf({ byName = new Map() }: ListenerTls): ReadonlyMap<string, SecureContext> {
  return new Map([...byName].map(([name, certificate]) => [name, createSecureContext(contextOf(certificate))]));
}

function contextOf({ cert, key }: Certificate) {
  return { cert, key, minVersion: 'TLSv1.2' } as const;
}

function announcesBody({ headers }: Incoming['message']): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

function responseOn(message: Incoming['message'], socket: Socket): ServerResponse {
  const response = new ServerResponse(message);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  socket.on('drain', () => response.emit('drain')); // Node has taken its own listener off
  response.once('finish', () => socket.destroySoon());
  return response;
}

/** The answer to the last request with a body that came on a connection. */
const lastWithBody = Symbol('last with a body');

interface Asked extends Duplex {
  [lastWithBody]?: ServerResponse;
}

// Node would leave the connection open behind an answer that was asked for before the end was: its client would send the
// next request, and all would wait for the limit. Where "keep-alive" was said already the connection is closed all the same.
function endAfterAnswer(socket: Socket): void {
  const answer = answerOn(socket);
  if (answer === undefined) return;
  if (answer.headersSent) answer.once('finish', () => socket.destroySoon());
  else answer.shouldKeepAlive = false;
}

function listenError(error: NodeJS.ErrnoException, { host, port }: ListenerOptions): Error {
  const advice: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} on ${host} is taken. End what listens there, or choose another with PORT or OPS_PORT.`,
    EACCES: `Port ${port} on ${host} needs more rights. Choose one above 1023 with PORT or OPS_PORT.`,
    EADDRNOTAVAIL: `This machine has no address ${host}. Correct HOST or OPS_HOST.`,
  };
  return new Error(advice[error.code ?? ''] ?? `Port ${port} on ${host} cannot be opened (${error.code}).`, {
    cause: error,
  });
}
