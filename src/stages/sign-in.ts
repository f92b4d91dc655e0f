/**
 * The auth routes: path and method of each, and who answers it.
 *
 * Express carries them, since express-session does; each answer is a function
 * from the request to a {@link Reply}, in oidc/.
 *
 * @module
 */

import type { IncomingMessage } from 'node:http';
import express, { type RequestHandler } from 'express';
import { ProblemError } from '../errors.ts';
import type { Answer } from '../guards/step.ts';
import type { ClearedRequest } from '../http/inbound.ts';
import { failureReply } from '../http/problem.ts';
import { type Reply, sendReply, underWay } from '../http/reply.ts';

/** One route. `Carrier` is what writes the session cookie; only routes that say so have one. */
export interface SignInRoute<Carrier> {
  readonly method: 'get' | 'post' | 'delete';
  /** As Express matches it: `:name` stands for one segment. */
  readonly path: string;
  readonly writesSession: boolean;
  readonly answer: (request: ClearedRequest, carrier: () => Carrier) => Promise<Reply | typeof underWay>;
}

/** How express-session is mounted, and what is made of it. */
export interface SessionMount<Carrier> {
  readonly middleware: RequestHandler;
  carrierOf(message: IncomingMessage): Carrier;
}

/** Makes the stage. */
export function signInStage<Carrier>(routes: readonly SignInRoute<Carrier>[], mount: SessionMount<Carrier>): Answer {
  const asked = new WeakMap<IncomingMessage, ClearedRequest>();
  const requestOf = (message: IncomingMessage) => {
    const request = asked.get(message);
    if (!request) throw new Error('an auth route was reached past the pipeline');
    return request;
  };
  const app = express();
  app.disable('x-powered-by').disable('etag').enable('case sensitive routing').enable('strict routing');
  app.set('query parser', false);
  for (const { method, path, writesSession, answer } of routes) {
    app[method](path, ...(writesSession ? [mount.middleware] : []), async (message: IncomingMessage) => {
      const request = requestOf(message);
      const reply = await answer(request, () => mount.carrierOf(message));
      if (reply !== underWay) sendReply(request, reply);
    });
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    app.all(path, () => {
      throw new ProblemError('method-not-allowed', { headers: { Allow: allowed(routes, path) } });
    });
  }
  app.use(() => {
    throw new ProblemError('not-found');
  });
  app.use(((error, message, _response, _next) => {
    const request = requestOf(message);
    sendReply(request, failureReply(request, error));
  }) satisfies express.ErrorRequestHandler);
  return (request) => {
    asked.set(request.message, request);
    app(request.message, request.response);
  };
}

function allowed(routes: readonly SignInRoute<never>[], path: string): string {
  const methods = routes.filter((route) => route.path === path).map((route) => route.method.toUpperCase());
  return [...new Set([...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'])].join(', ');
}
