/**
 * WebSockets through the proxy: an upstream that speaks them or does not, and a
 * peer that opens them as a page would.
 *
 * @module
 */

import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import type { Browser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import type { Script } from '../support/upstream.ts';
import type { UpstreamRequest } from '../support/upstream-connection.ts';
import type { World } from '../support/world.ts';

/** The rules file of these worlds. */
export const rulesFor = (origin: string): string => `
routes:
  - { path: /api/live, upstream: "${origin}/live", websocket: true, methods: [GET, POST], timeout: 2s }
  - { path: /api/scoped, upstream: "${origin}", websocket: true, scopes: [orders.delete] }
  - { path: /api/public, upstream: "${origin}", websocket: true, access: public }
  - { path: /api/plain, upstream: "${origin}" }
`;

const server = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0] ?? false });

/** What Node's parser would have made of a recorded request, as far as `ws` looks at it. */
function messageOf({ method, headers }: UpstreamRequest) {
  const fields = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
  return { method, headers: fields };
}

/** A script that accepts, and hands the server's side to `onSocket`; it echoes unless told otherwise. */
export function speaking(onSocket: (socket: WebSocket, raw: Socket) => void = echoes): Script {
  return (request) => ({
    upgrade: (raw) => {
      const message = messageOf(request);
      // The library looks at method and headers alone.
      server.handleUpgrade(message as never, raw, Buffer.alloc(0), (socket) => onSocket(socket, raw));
    },
  });
}

function echoes(socket: WebSocket): void {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
}

/** A socket as its page sees it. */
export interface PageSocket {
  readonly socket: WebSocket;
  readonly received: string[];
  /** `undefined` while it is open. */
  closeCode(): number | undefined;
  /** The status of an answer that was no 101. */
  status(): number | undefined;
  /** Fields of that answer, as Node names them. */
  headers(): IncomingHttpHeaders;
  body(): string;
}

/** How it differs from a page of ours. */
export interface OpenOptions {
  readonly origin?: string | undefined;
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** 13 unless told otherwise. */
  readonly version?: number;
}

/** Begins to open one; nothing is waited for. */
export function connectTo(
  world: World,
  path: string,
  { browser, ...options }: OpenOptions & { browser?: Browser } = {},
) {
  const origin = 'origin' in options ? options.origin : world.origin;
  const cookie = browser?.cookieHeader(world.origin + path, { from: `${world.origin}/` });
  const socket = new WebSocket(`ws://127.0.0.1:${world.port}${path}`, [...(options.protocols ?? [])], {
    ...(origin === undefined ? {} : { origin }),
    protocolVersion: options.version ?? 13,
    // Version 8 calls it otherwise.
    headers: {
      ...(options.version ? { Origin: world.origin } : {}),
      Host: new URL(world.origin).host,
      ...(cookie ? { Cookie: cookie } : {}),
      ...options.headers,
    },
  });
  return watched(socket);
}

/** Opens one and waits until it stands. */
export async function openSocket(
  world: World,
  path: string,
  options: Parameters<typeof connectTo>[2],
): Promise<PageSocket> {
  const page = connectTo(world, path, options);
  await eventually(() => page.socket.readyState === WebSocket.OPEN || page.status() !== undefined);
  if (page.status() !== undefined) throw new Error(`no WebSocket: ${page.status()} ${page.body()}`);
  return page;
}

function watched(socket: WebSocket): PageSocket {
  const received: string[] = [];
  let code: number | undefined;
  let status: number | undefined;
  let headers: IncomingHttpHeaders = {};
  let body = '';
  socket.on('message', (data) => received.push(String(data)));
  socket.on('close', (closedWith) => {
    code = closedWith;
  });
  socket.on('error', () => undefined);
  socket.on('unexpected-response', (_request, response) => {
    headers = response.headers;
    response.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    response.on('end', () => {
      status = response.statusCode;
    });
  });
  return { socket, received, closeCode: () => code, status: () => status, headers: () => headers, body: () => body };
}
