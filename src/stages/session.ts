/**
 * express-session, mounted for the auth routes that sign in and out, and the
 * carrier that they are given.
 *
 * It does what it is good at: an unguessable id, a signed cookie, a new id at each
 * sign-in. Sessions themselves are opened by session/sessions.ts, here as elsewhere.
 * API calls never come here, so no answer of an upstream can carry the cookie.
 *
 * A request without a session writes nothing and is set no cookie.
 *
 * @module
 */

import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import session, { type CookieOptions } from 'express-session';
import { randomToken } from '../base/random.ts';
import { ProblemError } from '../errors.ts';
import type { Frontend } from '../http/frontend.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { SessionCarrier } from '../session/carrier.ts';
import { ExpressSessionStore } from '../session/express-store.ts';
import type { OpenedSession } from '../session/session.ts';
import type { Sessions } from '../session/sessions.ts';
import type { SessionBeginning } from '../session/sign-in.ts';
import type { SessionMount } from './sign-in.ts';

/** What the mount is made from. All of one frontend. */
export interface SessionMountParts {
  readonly frontend: Frontend;
  readonly keys: KeyRing;
  readonly sessions: Sessions;
}

/** Mounts express-session for one frontend. */
export function sessionMount({ frontend, keys, sessions }: SessionMountParts): SessionMount<SessionCarrier> {
  const cookie = cookieOf(frontend);
  const store = new ExpressSessionStore(sessions, cookie);
  const carried = new WeakMap<IncomingMessage, SessionCarrier>();
  const run = session({
    name: frontend.cookies.session,
    secret: keys.cookieKeys as string[], // express-session reads the list at each request and never writes to it
    store,
    genid: () => randomToken(256),
    resave: false,
    saveUninitialized: false,
    rolling: false,
    cookie,
  });
  const middleware: RequestHandler = (request, response, next) => {
    // express-session sets a Secure cookie only on a request that is secure. PUBLIC_URL alone says whether browsers see https.
    Object.defineProperty(request, 'secure', { value: frontend.secure, configurable: true });
    run(request, response, (failure?: unknown) => {
      if (failure !== undefined) return next(storeProblem(failure));
      // It goes on without a session when its store is away. Nobody is signed out by that.
      if (request.session === undefined) return next(new ProblemError('store-unavailable'));
      carried.set(request, new ExpressCarrier({ request, response, store, removal: () => sessions.removedCookie() }));
      next();
    });
  };
  return {
    middleware,
    carrierOf(message) {
      const carrier = carried.get(message);
      if (carrier === undefined) throw new Error('this route is not mounted with a session');
      return carrier;
    },
  };
}

// No maxAge: the cookie goes with the browser, and the server alone decides when a session ends.
function cookieOf({ secure }: Frontend): CookieOptions {
  return { path: '/', httpOnly: true, secure, sameSite: 'strict' };
}

interface CarrierParts {
  readonly request: Request;
  readonly response: Response;
  readonly store: ExpressSessionStore;
  /** The field that deletes the cookie. */
  readonly removal: () => string;
}

class ExpressCarrier implements SessionCarrier {
  readonly #parts: CarrierParts;

  constructor(parts: CarrierParts) {
    this.#parts = parts;
  }

  async start(beginning: SessionBeginning): Promise<OpenedSession> {
    const { request, response, store } = this.#parts;
    try {
      store.expectEnd(request.sessionID, request.session.isStored ? 'replaced' : undefined);
      await settled((done) => request.session.regenerate(done));
      const secret = request.sessionID;
      onceSent(response, store.announce(secret, beginning));
      await settled((done) => request.session.save(done));
      request.session.isStored = true;
      return await store.begunUnder(secret);
    } catch (failure) {
      this.#detach();
      throw failure;
    }
  }

  async drop(): Promise<void> {
    const { request, response, store, removal } = this.#parts;
    store.expectEnd(request.sessionID, undefined);
    await settled((done) => request.session.destroy(done)); // takes req.session away
    response.appendHeader('Set-Cookie', removal());
  }

  // Without req.session express-session sets no cookie and saves nothing when the answer ends.
  #detach(): void {
    Reflect.set(this.#parts.request, 'session', undefined);
  }
}

// express-session saves once more when the answer ends, so what was announced stands until then.
function onceSent(response: Response, task: () => void): void {
  if (response.destroyed) task();
  else response.once('close', task);
}

function settled(begin: (done: (failure?: unknown) => void) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    begin((failure) => (failure ? reject(failure) : resolve()));
  });
}

function storeProblem(failure: unknown): ProblemError {
  return failure instanceof ProblemError ? failure : new ProblemError('store-unavailable', { cause: failure });
}
