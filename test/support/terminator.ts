/**
 * A proxy that terminates TLS, as stands before the server in production, with the
 * mistakes that such proxies are configured with.
 *
 * @module
 */

import {
  request as ask,
  createServer as createPlainServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type RequestListener,
} from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TlsOptions } from 'node:tls';

/** What it does to requests and answers; everything as it should be by default. */
export interface Mistakes {
  /** Changes the headers of a request before it goes on. */
  request?: ((headers: IncomingHttpHeaders) => OutgoingHttpHeaders) | undefined;
  /** Changes the lines of `Set-Cookie`. */
  setCookie?: ((lines: readonly string[]) => readonly string[]) | undefined;
}

/** A running proxy. */
export interface Terminator {
  readonly port: number;
  /** Its mistakes, to be set by a test. */
  readonly mistakes: Mistakes;
  close(): Promise<void>;
}

/**
 * Starts one on `localhost`. It passes everything to the port that `target` gives, and says who asked and how.
 * Without `tls` it is one that stands behind it: it adds itself to what the first one said.
 */
export async function startTerminator(tls: TlsOptions | undefined, target: () => number): Promise<Terminator> {
  const mistakes: Mistakes = {};
  const answer: RequestListener = (message, response) => {
    const said =
      tls === undefined
        ? { 'x-forwarded-for': `${String(message.headers['x-forwarded-for'])}, 127.0.0.1` }
        : { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9' };
    const honest = { ...message.headers, ...said };
    const onward = ask(
      {
        host: '127.0.0.1',
        port: target(),
        path: message.url,
        method: message.method,
        headers: mistakes.request?.(honest) ?? honest,
      },
      (answered) => {
        const lines = answered.headers['set-cookie'] ?? [];
        const kept = mistakes.setCookie?.(lines) ?? lines;
        const { 'set-cookie': _all, ...others } = answered.headers;
        response.writeHead(
          answered.statusCode ?? 502,
          kept.length === 0 ? others : { ...others, 'set-cookie': [...kept] },
        );
        answered.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    message.pipe(onward);
  };
  const server = tls === undefined ? createPlainServer(answer) : createServer(tls, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port, // a socket of TCP has one
    mistakes,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
