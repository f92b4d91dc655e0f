/**
 * A service behind Claimcheck: orders, each person's own, for whoever brings an
 * access token.
 *
 * It is plain node:http and knows nothing of Claimcheck, cookies or sessions. It
 * checks every token itself and every order's owner: a gateway in front is no
 * reason to trust what comes from it.
 *
 * @module
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Caller, createAccessTokenCheck, type TokenCheck, type TokenPolicy } from './access-token-check.ts';
import { closeServer, listenOnLoopback } from './loopback.ts';
import { OrderBook, parseNewOrder } from './order-book.ts';
import { type Answer, json, problem, refusal } from './orders-answers.ts';

/** Where to listen and whose tokens are good. */
export interface OrdersApiOptions extends TokenPolicy {
  /** Default 0, a free port. Always on 127.0.0.1. */
  readonly port?: number;
  /** Gets one line for each request; default silence. */
  readonly log?: (line: string) => void;
}

/** One request that was answered. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  /** The caller, if the token was good. */
  readonly sub: string | undefined;
  /** `jti` of the token, if it was good: shows that a new token came. */
  readonly tokenId: string | undefined;
}

/** A running orders API. */
export interface OrdersApi {
  readonly url: string;
  /** What was asked and answered so far, oldest first; the latest thousand. */
  readonly requests: readonly SeenRequest[];
  close(): Promise<void>;
}

const mostBodyBytes = 4096;
const mostRequests = 1000;

/** Starts it. Rejects with Node's `EADDRINUSE` error if the port is taken. */
export async function startOrdersApi(options: OrdersApiOptions): Promise<OrdersApi> {
  const check = createAccessTokenCheck(options);
  const book = new OrderBook();
  const requests: SeenRequest[] = [];

  const server = createServer(async (request, response) => {
    const outcome = await answer(request, { check, book });
    send(response, outcome.answer);
    requests.push(seen(request, outcome));
    if (requests.length > mostRequests) requests.shift();
    options.log?.(`${request.method} ${request.url} ${outcome.answer.status}`);
  });
  const port = await listenOnLoopback(server, options.port ?? 0);

  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: async () => {
      const closed = closeServer(server);
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Parts {
  readonly check: (request: IncomingMessage) => Promise<TokenCheck>;
  readonly book: OrderBook;
}

interface Outcome {
  readonly answer: Answer;
  readonly caller?: Caller;
}

async function answer(request: IncomingMessage, { check, book }: Parts): Promise<Outcome> {
  try {
    const token = await check(request);
    if ('refused' in token) return { answer: refusal(token.refused) };
    return { answer: await route(request, { book, caller: token.caller }), caller: token.caller };
  } catch {
    // Nothing about the cause leaves the service; the request list shows the 500.
    return { answer: problem(500, 'Something went wrong here.') };
  }
}

interface Call {
  readonly book: OrderBook;
  readonly caller: Caller;
}

async function route(request: IncomingMessage, call: Call): Promise<Answer> {
  const { pathname } = new URL(request.url ?? '/', 'http://orders.invalid');
  const reads = request.method === 'GET' || request.method === 'HEAD';
  if (pathname === '/orders') {
    if (reads) return listOrders(call);
    return request.method === 'POST' ? placeOrder(request, call) : methodRefused('GET, HEAD, POST');
  }
  const [, id] = /^\/orders\/(\d{1,12})$/.exec(pathname) ?? [];
  if (id === undefined) return problem(404, 'There is no such resource.');
  return reads ? showOrder(id, call) : methodRefused('GET, HEAD');
}

function methodRefused(allow: string): Answer {
  return { ...problem(405, 'This method is not supported here.'), headers: { Allow: allow } };
}

function listOrders({ book, caller }: Call): Answer {
  return caller.scopes.has('orders.read') ? json(200, { orders: book.of(caller.sub) }) : refusal('orders.read');
}

function showOrder(id: string, { book, caller }: Call): Answer {
  if (!caller.scopes.has('orders.read')) return refusal('orders.read');
  const order = book.find(caller.sub, id);
  // 404, not 403: whoever guesses numbers does not learn which ones exist.
  return order ? json(200, order) : problem(404, 'There is no such order.');
}

async function placeOrder(request: IncomingMessage, { book, caller }: Call): Promise<Answer> {
  if (!caller.scopes.has('orders.write')) return refusal('orders.write');
  if (!/^application\/json *(;|$)/i.test(request.headers['content-type'] ?? '')) {
    return problem(415, 'Send application/json.');
  }
  const text = await readBody(request);
  if (text === undefined)
    return { ...problem(413, 'An order is shorter than that.'), headers: { Connection: 'close' } };
  const parsed = parseNewOrder(parseJson(text));
  if (typeof parsed === 'string') return problem(422, parsed);
  const order = book.add(caller.sub, parsed);
  if (!order) return problem(409, 'You have as many orders as the demo keeps.');
  return { ...json(201, order), headers: { Location: `/orders/${order.id}` } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Told as "must be a JSON object", like everything else that is none.
    return undefined;
  }
}

/** The body as text; `undefined` when it is longer than an order can be. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // A request yields Buffers as long as nobody calls setEncoding, which nobody does here.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, { status, headers, contentType, body }: Answer): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(bytes);
}

function seen(request: IncomingMessage, { answer: { status }, caller }: Outcome): SeenRequest {
  const { method = '', url = '' } = request;
  return { method, url, status, sub: caller?.sub, tokenId: caller?.tokenId };
}
