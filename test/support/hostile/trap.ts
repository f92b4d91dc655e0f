/**
 * A host nobody may visit: redirects, `jku` headers and distributed claims of the
 * hostile provider point here. A test asserts that it saw nothing.
 *
 * What it serves is meant to work for a client that does come: the attacker's key
 * set verifies the attacker's tokens, so a client that follows is really fooled.
 *
 * @module
 */

import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that should not have been made. */
export interface TrapHit {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

/** What came in at the host nobody may visit, and what it would hand out. */
export interface Trap {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string;
  readonly hits: readonly TrapHit[];
  /** TCP connections, those that never sent a byte included. */
  readonly connections: number;
  /** Serves JSON (an object) or text at a path; other paths get 200 and `{}`. */
  serve(path: string, body: object | string): void;
  /** Forgets hits, connections and what was served. */
  reset(): void;
  close(): Promise<void>;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

/** Starts a trap on a free port. */
export async function startTrap(): Promise<Trap> {
  const hits: TrapHit[] = [];
  const served = new Map<string, object | string>();
  let connections = 0;
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request;
    hits.push({ method, url, authorization: headers.authorization, body: await textOf(request) });
    const body = served.get(url) ?? {};
    const isText = typeof body === 'string';
    response.writeHead(200, { 'content-type': isText ? 'text/plain' : 'application/json' });
    response.end(isText ? body : JSON.stringify(body));
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // `as`: a server that listens on TCP has an AddressInfo.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    hits,
    get connections() {
      return connections;
    },
    serve: (path, body) => void served.set(path, body),
    reset() {
      hits.length = 0;
      connections = 0;
      served.clear();
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
