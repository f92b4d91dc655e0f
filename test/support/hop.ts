/**
 * The hop alone: a server that reads requests and forwards them, with nobody to
 * sign in.
 *
 * Made of the product's own parts and its table; who calls is decided by a word
 * in place of a session: `token` is what each call gets, or `undefined` for none.
 *
 * @module
 */

import { type Clock, systemClock } from '../../src/base/clock.ts';
import type { RouteConfig } from '../../src/config/config.ts';
import { ProblemError } from '../../src/errors.ts';
import { TrustedProxies } from '../../src/http/client-address.ts';
import { createFrontend, type Frontend } from '../../src/http/frontend.ts';
import {
  type AuthorizedRequest,
  authenticate,
  authorize,
  type ClearedRequest,
  type InboundRequest,
  type Incoming,
  type Opening,
  publicRequest,
} from '../../src/http/inbound.ts';
import { Listener } from '../../src/http/listener.ts';
import { isRefusal, Receiver, type Refusal } from '../../src/http/receive-request.ts';
import { RequestRecord } from '../../src/http/request-record.ts';
import { arrange, compile, type Entry, type Stages } from '../../src/pipeline.ts';
import type { Renew } from '../../src/proxy/exchange-parts.ts';
import { Forwarder, type WhenEnded } from '../../src/proxy/forward.ts';
import type { IsSignedInAs } from '../../src/proxy/instead.ts';
import { Routes } from '../../src/proxy/routes.ts';
import { Upstreams, type UpstreamsOptions } from '../../src/proxy/upstreams.ts';
import { receiveStage } from '../../src/stages/receive.ts';

/** How a hop differs from the usual one. */
export interface HopOptions {
  /** Beside or instead of the usual members; `path` is `/api` and `upstream.path` empty unless told otherwise. */
  readonly routes?: readonly Partial<RouteConfig>[];
  /** `http://localhost` unless told otherwise. */
  readonly publicUrl?: string;
  readonly trustedProxies?: readonly string[];
  /** The access token of whoever calls; `attached-token` unless told otherwise. */
  readonly token?: string | undefined;
  readonly limits?: UpstreamsOptions;
  readonly isSignedInAs?: IsSignedInAs;
  readonly readerTimeoutMs?: number;
  readonly renew?: (authorized: AuthorizedRequest) => Promise<string | undefined>;
  readonly clock?: Clock;
  /** What stands around the forwarding of each call; nothing unless told otherwise. */
  readonly around?: (authorized: AuthorizedRequest, forward: (whenEnded?: WhenEnded) => Promise<void>) => Promise<void>;
  /** What other stages would have put on every answer. */
  readonly replyHeaders?: readonly string[];
}

/** A running hop and what it saw. */
export interface Hop {
  readonly port: number;
  readonly frontend: Frontend;
  readonly upstreams: Upstreams;
  /** The requests that were read, in their order. */
  readonly requests: readonly InboundRequest[];
  readonly refusals: readonly Refusal[];
  /** The records of all requests, refused ones included. */
  readonly records: readonly RequestRecord[];
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A route as the configuration would have it. */
export function routeOf(origin: string, changes: Partial<RouteConfig> = {}): RouteConfig {
  return {
    path: '/api',
    upstream: { origin, path: '' },
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    access: 'session',
    token: 'user',
    audience: undefined,
    scopes: [],
    timeoutMs: 5_000,
    maxBody: 0,
    minUploadRate: 0,
    setCookies: [],
    cache: false,
    maskErrors: false,
    websocket: false,
    ...changes,
  };
}

/** Starts a hop before the upstream at `origin`. */
export async function startHop(origin: string, options: HopOptions = {}): Promise<Hop> {
  const { clock = systemClock, limits, publicUrl = 'http://localhost', trustedProxies = [] } = options;
  const frontend = createFrontend({ id: 'hop', publicUrl, authBasePath: '', trustedOrigins: [] });
  const upstreams = new Upstreams(clock, limits);
  const seen = { requests: [] as InboundRequest[], records: [] as RequestRecord[] };
  const receiver = new WatchedReceiver({ frontends: [frontend], trustedProxies: new TrustedProxies(trustedProxies) });
  const routes = new Routes((options.routes ?? [{}]).map((changes) => routeOf(origin, changes)));
  const forwarder = new Forwarder({
    upstreams,
    clock,
    renew: renewFrom(options),
    isSignedInAs: options.isSignedInAs,
    ...readerLimit(options),
  });
  const stages = stagesOf({
    options,
    receiver,
    seen,
    answer: (request) => answer(request, { routes, forwarder, options }),
  });
  const run = compile(arrange(stages), stages);
  const { readerTimeoutMs } = options;
  const listener = new Listener(
    { host: '127.0.0.1', port: 0, clock, readerTimeoutMs },
    { onRequest: run, onRefused: () => undefined },
  );
  const port = await listener.listen();
  const close = async (): Promise<void> => {
    await listener.close(0);
    await upstreams.close();
  };
  return { port, frontend, upstreams, refusals: receiver.refusals, ...seen, close, [Symbol.asyncDispose]: close };
}

function readerLimit({ readerTimeoutMs }: HopOptions): { readonly readerTimeoutMs?: number } {
  return readerTimeoutMs === undefined ? {} : { readerTimeoutMs };
}

function renewFrom({ renew }: HopOptions): Renew | undefined {
  if (renew === undefined) return undefined;
  return async (authorized) => {
    const token = await renew(authorized);
    return token === undefined ? undefined : authorizedWith(authorized.request, token);
  };
}

function authorizedWith(request: ClearedRequest, token: string | undefined): AuthorizedRequest {
  const session = { id: 'session', subject: 'alice' };
  return authorize(
    authenticate(request, session),
    token === undefined ? undefined : { authorization: `Bearer ${token}` },
  );
}

/** Remembers what it refused. */
class WatchedReceiver extends Receiver {
  readonly refusals: Refusal[] = [];

  override read(opening: Opening, from: Incoming): InboundRequest | Refusal {
    const result = super.read(opening, from);
    if (isRefusal(result)) this.refusals.push(result);
    return result;
  }
}

interface Answering {
  readonly routes: Routes;
  readonly forwarder: Forwarder;
  readonly options: HopOptions;
}

function answer(request: ClearedRequest, { routes, forwarder, options }: Answering): Promise<void> {
  const route = routes.match(request);
  const token = 'token' in options ? options.token : 'attached-token';
  const authorized = route.access === 'public' ? publicRequest(request) : authorizedWith(request, token);
  const { around = (_authorized, forward) => forward() } = options;
  return around(authorized, (whenEnded) => forwarder.forward(authorized, route, whenEnded));
}

interface Staging {
  readonly options: HopOptions;
  readonly receiver: Receiver;
  readonly seen: { requests: InboundRequest[]; records: RequestRecord[] };
  readonly answer: (request: ClearedRequest) => Promise<void>;
}

function stagesOf({ options, receiver, seen, answer: api }: Staging): Stages & Entry {
  const next = (): 'next' => 'next';
  const receive = receiveStage({ receiver, refusalHeadersOf: () => [] });
  const nothingHere = (): never => {
    throw new ProblemError('not-found');
  };
  return {
    record: () => {
      const record = new RequestRecord();
      seen.records.push(record);
      return { id: hopRequestId(seen.records.length), startedAt: 0, record };
    },
    receive: (opening, from) => {
      const request = receive(opening, from);
      if (request === undefined) return undefined;
      request.replyHeaders.addAll(options.replyHeaders ?? []);
      seen.requests.push(request);
      return request;
    },
    securityHeaders: next,
    plainHttp: next,
    cors: next,
    overload: next,
    crossOrigin: next,
    signIn: nothingHere,
    api,
    page: nothingHere,
    upgrade: () => {
      throw new ProblemError('upgrade-refused');
    },
    operations: () => undefined,
  };
}

/** The id of the first request of a hop, the second and so on: as long as the product's, and the same each time. */
export function hopRequestId(count: number): string {
  return count.toString(16).padStart(32, '0');
}
