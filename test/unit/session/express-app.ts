/**
 * An Express app with the session mount, on a real socket: sign-in, sign-out and a
 * route that does neither.
 *
 * @module
 */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { catalogue, codeOf } from '../../../src/errors.ts';
import type { SessionCarrier } from '../../../src/session/carrier.ts';
import type { OpenedSession } from '../../../src/session/session.ts';
import type { SessionBeginning } from '../../../src/session/sign-in.ts';
import { type SessionMountParts, sessionMount } from '../../../src/stages/session.ts';

/** What came of one request. */
export interface AppAnswer {
  readonly status: number;
  readonly setCookie: readonly string[];
  readonly text: string;
}

/** A running app. */
export interface SessionApp {
  /** Asks with this raw `Cookie` header, or none. */
  ask(path: string, cookie?: string): Promise<AppAnswer>;
  /** What `/sign-in` begins with, and what was begun last. */
  beginning: SessionBeginning;
  readonly begun: readonly OpenedSession[];
  close(): Promise<void>;
}

/** Starts an app over sessions of the test. */
export async function startSessionApp(parts: SessionMountParts, beginning: SessionBeginning): Promise<SessionApp> {
  const begun: OpenedSession[] = [];
  const state = { beginning };
  const mount = sessionMount(parts);
  const app = express();
  const signOut = async (carrier: SessionCarrier) => {
    const last = begun.at(-1);
    if (last !== undefined) await parts.sessions.end(last, 'signed-out');
    await carrier.drop();
  };
  const routes: Record<string, (carrier: SessionCarrier) => Promise<unknown>> = {
    '/sign-in': async (carrier) => begun.push(await carrier.start(state.beginning)),
    '/sign-out': signOut,
    '/in-and-out': async (carrier) => {
      begun.push(await carrier.start(state.beginning));
      await signOut(carrier);
    },
    '/nothing': async () => undefined,
  };
  for (const [path, act] of Object.entries(routes)) {
    app.get(path, mount.middleware, async (request, response) => {
      await act(mount.carrierOf(request));
      response.send('done');
    });
  }
  app.get('/not-mounted', (request, response) => {
    mount.carrierOf(request);
    response.send('done');
  });
  app.use(((error, _request, response, _next) => {
    if (!response.headersSent) response.status(catalogue[codeOf(error)].status).send(codeOf(error));
  }) satisfies express.ErrorRequestHandler);
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on a port, not on a path
  return {
    ask: async (path, cookie) => {
      const headers = cookie === undefined ? {} : { Cookie: cookie };
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
      return { status: answer.status, setCookie: answer.headers.getSetCookie(), text: await answer.text() };
    },
    get beginning() {
      return state.beginning;
    },
    set beginning(next) {
      state.beginning = next;
    },
    begun,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
