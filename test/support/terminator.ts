/**
 * A proxy that terminates TLS, as stands before the server in production, with the
 * mistakes that such proxies are configured with.
 *
 * @module
 */

import { request as ask, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
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

/** Starts one on `localhost`. It passes everything to the port that `target` gives, and says who asked and how. */
export async function startTerminator(tls: TlsOptions, target: () => number): Promise<Terminator> {
  const mistakes: Mistakes = {};
  const server = createServer(tls, (message, response) => {
    const honest = { ...message.headers, 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9' };
    const onward = ask(
      {
        host: '127.0.0.1',
        port: target(),
        path: message.url,
        method: message.method,
        headers: mistakes.request?.(honest) ?? honest,
      },
      (answer) => {
        const lines = answer.headers['set-cookie'] ?? [];
        const kept = mistakes.setCookie?.(lines) ?? lines;
        const { 'set-cookie': _all, ...others } = answer.headers;
        response.writeHead(
          answer.statusCode ?? 502,
          kept.length === 0 ? others : { ...others, 'set-cookie': [...kept] },
        );
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    message.pipe(onward);
  });
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
