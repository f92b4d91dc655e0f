/**
 * Our own requests to the authorization server.
 *
 * One request, one answer, or a named reason why there is none: no redirect is
 * followed, nothing is decompressed, the whole answer has one time limit and one
 * size limit (CB-25). Plain http is spoken on a loopback name only.
 *
 * How an answer is read stands in back-channel-answer.ts, what it means is
 * decided in provider.ts.
 *
 * @module
 */

import { createSecureContext } from 'node:tls';
import { Agent, type Dispatcher } from 'undici';
import type { Clock } from '../base/clock.ts';
import { isLoopbackName } from '../base/loopback.ts';
import type { Secret } from '../base/secret.ts';
import {
  type Answer,
  BackChannelError,
  type BackChannelFault,
  type Endpoint,
  maxBytesOf,
  type RawAnswer,
  readAnswer,
} from './back-channel-answer.ts';

/** A request, as openid-client makes them. */
export interface Question {
  readonly endpoint: Endpoint;
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

/** What the channel is made from. */
export interface BackChannelOptions {
  /** For the whole answer, from asking to its last byte. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Further certificate authorities to trust, PEM; the system's by default. */
  readonly certificateAuthorities?: string | undefined;
  readonly client?: { readonly certificate?: ClientCertificate | undefined } | undefined;
}

/** What the client shows in the TLS handshake (RFC 8705). */
export interface ClientCertificate {
  /** The chain, PEM. */
  readonly chain: string;
  /** Its key, PEM. */
  readonly key: Secret;
}

/** Asks the authorization server. One for each process; connections are kept and shared. */
export class BackChannel {
  readonly #options: BackChannelOptions;
  #agent: Agent;

  constructor(options: BackChannelOptions) {
    this.#options = options;
    this.#agent = agentFor(options, options.client?.certificate);
  }

  /** Gives what shows another certificate from then on. What is under way ends on its own connections. Throws when it cannot be used. */
  prepareCertificate(certificate: ClientCertificate | undefined): () => void {
    // TLS would say so at the first connection only.
    if (certificate !== undefined) createSecureContext({ cert: certificate.chain, key: certificate.key.reveal() });
    return () => {
      const old = this.#agent;
      this.#agent = agentFor(this.#options, certificate);
      void old.close(); // resolves when the last of them has ended
    };
  }

  /** The answer, whatever its status. Throws {@link BackChannelError} and nothing else. */
  async ask(question: Question): Promise<Answer> {
    const url = URL.parse(question.url);
    if (url === null || !isSecure(url)) throw new BackChannelError('insecure-endpoint', { sent: false });
    const exchange = new Exchange(maxBytesOf(question.endpoint));
    const cancel = this.#options.clock.after(this.#options.timeoutMs, () => exchange.fail('deadline'));
    try {
      this.#agent.dispatch(
        {
          origin: url.origin,
          path: url.pathname + url.search,
          // The library's own type, which names the same methods that we are asked for.
          method: question.method as Dispatcher.HttpMethod,
          headers: { ...question.headers, 'accept-encoding': 'identity', 'user-agent': 'claimcheck' },
          body: question.body ?? null,
        },
        exchange,
      );
      return readAnswer(question.endpoint, await exchange.outcome);
    } finally {
      cancel();
    }
  }

  /** Ends what is under way and closes all connections. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

function agentFor(
  { timeoutMs, certificateAuthorities }: BackChannelOptions,
  certificate: ClientCertificate | undefined,
): Agent {
  return new Agent({
    connections: 32,
    pipelining: 1,
    allowH2: false,
    // Shorter than any server's own: a request on a connection that is just being closed is lost, and a refresh token with it.
    keepAliveTimeout: 2_000,
    keepAliveMaxTimeout: 2_000,
    headersTimeout: 0, // the time limit is ours, over all of it
    bodyTimeout: 0,
    connect: {
      timeout: timeoutMs,
      ...(certificateAuthorities === undefined ? {} : { ca: certificateAuthorities }),
      ...(certificate === undefined ? {} : { cert: certificate.chain, key: certificate.key.reveal() }),
    },
  });
}

/** Whether requests may go there: https, or http to this machine. */
export function isSecure(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackName(url.hostname));
}

/** Collects one answer, and knows whether the request was ever written. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly outcome: Promise<RawAnswer>;
  readonly #settle: PromiseWithResolvers<RawAnswer>;
  readonly #maxBytes: number;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #head: Omit<RawAnswer, 'body'> | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #failed: BackChannelError | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#settle = Promise.withResolvers();
    this.outcome = this.#settle.promise;
  }

  /** Gives up for `reason`, and makes sure that nothing is written from now on. */
  fail(reason: BackChannelFault, cause?: unknown): void {
    if (this.#failed) return;
    this.#failed = new BackChannelError(reason, { sent: this.#controller !== undefined, cause });
    this.#settle.reject(this.#failed);
    this.#controller?.abort(this.#failed);
  }

  // Called right before the first byte is written.
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#failed) controller.abort(this.#failed);
    else this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (status < 200) return;
    this.#head = { status, headers: joined(headers) };
    if (status >= 300 && status < 400) this.fail('redirect');
    else if (isEncoded(this.#head.headers)) this.fail('encoded');
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > this.#maxBytes) this.fail('too-large');
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#head) this.#settle.resolve({ ...this.#head, body: Buffer.concat(this.#chunks) });
    else this.fail('connection');
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail('connection', error);
  }
}

function joined(headers: Readonly<Record<string, string | string[] | undefined>>): Readonly<Record<string, string>> {
  const entries = Object.entries(headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')] as const);
  return Object.fromEntries(entries);
}

function isEncoded(headers: Readonly<Record<string, string>>): boolean {
  const encoding = (headers['content-encoding'] ?? '').trim().toLowerCase();
  return encoding !== '' && encoding !== 'identity';
}
