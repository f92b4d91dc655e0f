/**
 * The page from another server: a development server with hot reload over
 * WebSocket, or an asset host.
 *
 * http-proxy-middleware forwards; what it may forward is decided before it runs:
 * request headers are built from an allowlist, and none of our cookies, nor any
 * other, goes with them. The upstream's own headers that would speak for us are
 * removed.
 *
 * @module
 */

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { createProxyMiddleware, type Plugin } from 'http-proxy-middleware';
import { ProblemError } from '../errors.ts';
import type { Answer } from '../guards/step.ts';
import type { ClearedRequest, InboundRequest } from '../http/inbound.ts';
import { failureReply } from '../http/problem.ts';
import { sendReply } from '../http/reply.ts';

const passedOn = [
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'content-length',
  'content-type',
  'if-modified-since',
  'if-none-match',
  'origin',
  'pragma',
  'range',
  'referer',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'user-agent',
];

const passedOnWithUpgrade = [
  'connection',
  'upgrade',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
];

/** What an upstream may not say in our name. */
const removed = [
  'access-control-allow-credentials',
  'access-control-allow-origin',
  'alt-svc',
  'clear-site-data',
  'nel',
  'report-to',
  'server',
  'set-cookie',
  'strict-transport-security',
  'via',
  'www-authenticate',
  'x-powered-by',
];

/** The two ways to the server of the page. */
export interface PageUpstream {
  readonly answer: Answer;
  /** Takes over the socket of an upgrade that the guards let through. */
  upgrade(request: ClearedRequest, socket: Duplex, head: Buffer): void;
}

/** Makes the way to the server at `url`. */
export function pageFromUpstream(url: string): PageUpstream {
  const asked = new WeakMap<IncomingMessage, InboundRequest>();
  const proxy = createProxyMiddleware<IncomingMessage, ServerResponse>({
    target: url,
    changeOrigin: true,
    proxyTimeout: 120_000,
    ejectPlugins: true,
    plugins: [hygiene(asked)],
  });
  return {
    answer: (request) => {
      if (request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'POST') {
        throw new ProblemError('method-not-allowed', { headers: { Allow: 'GET, HEAD, POST' } });
      }
      asked.set(request.message, request);
      request.replyHeaders.applyTo(request.response);
      request.message.headers = only(request.headers, passedOn);
      return proxy(request.message, request.response, (error?: unknown) => {
        throw error ?? new ProblemError('not-found');
      });
    },
    upgrade: (request, socket, head) => {
      request.message.headers = only(request.headers, [...passedOn, ...passedOnWithUpgrade]);
      proxy.upgrade(request.message, socket as never, head); // a net.Socket, typed wider by Node's event
    },
  };
}

function only(headers: IncomingHttpHeaders, names: readonly string[]): IncomingHttpHeaders {
  return Object.fromEntries(names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));
}

// A WebSocket has no half-closed state: whichever side goes first, without this the other would stay open for ever.
function endTogether(left: Duplex, right: Duplex): void {
  for (const [one, other] of [
    [left, right],
    [right, left],
  ] as const) {
    one.once('end', () => other.end());
    one.once('close', () => other.destroy());
  }
}

function hygiene(asked: WeakMap<IncomingMessage, InboundRequest>): Plugin<IncomingMessage, ServerResponse> {
  return (server) => {
    server.on('proxyRes', (answer) => {
      for (const name of removed) delete answer.headers[name];
    });
    server.on('error', (error, message, target) => {
      const request = message && asked.get(message);
      if (request && !request.response.headersSent) {
        sendReply(request, failureReply(request, new ProblemError('upstream-unreachable', { cause: error })));
      } else {
        target?.destroy();
      }
    });
    server.on('proxyReqWs', (proxyRequest, _message, socket) => {
      socket.once('close', () => proxyRequest.destroy());
      const clean = ({ headers }: IncomingMessage) => {
        for (const name of removed) delete headers[name];
      };
      proxyRequest.prependListener('upgrade', clean).prependListener('response', clean);
      proxyRequest.once('upgrade', (_answer, upstreamSocket) => endTogether(socket, upstreamSocket));
    });
    server.on('econnreset', (_error, _message, target) => {
      target?.destroy();
    });
  };
}
