/**
 * The ends of a call that no socket brings about reliably: undici's side is
 * played by hand.
 *
 * @module
 */

import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { LoopTurn, type Turn } from '../../../src/base/turn.ts';
import { ProblemError } from '../../../src/errors.ts';
import { createFrontend } from '../../../src/http/frontend.ts';
import type { AuthorizedRequest } from '../../../src/http/inbound.ts';
import { ReplyHeaders } from '../../../src/http/reply-headers.ts';
import { RequestRecord } from '../../../src/http/request-record.ts';
import { DpopNonces } from '../../../src/keys/dpop-nonces.ts';
import { Exchange } from '../../../src/proxy/exchange.ts';
import type { Renew } from '../../../src/proxy/exchange-parts.ts';
import { Routes } from '../../../src/proxy/routes.ts';
import type { Line, Outgoing, Way } from '../../../src/proxy/upstreams.ts';
import type { Controller } from '../../../src/proxy/wire/connection.ts';
import { ManualClock } from '../../support/clock.ts';
import { routeOf } from '../../support/hop.ts';

class ResponseStub extends EventEmitter {
  readonly req = { socket: { destroy: () => undefined } };
  writableFinished = false;
  destroyed = false;
  readonly written: unknown[] = [];

  writeHead(status: number, flat: readonly string[]): void {
    if (flat.some((item) => item.includes('\x01'))) throw new TypeError('a character that is not allowed');
    this.written.push(status);
  }

  flushHeaders(): void {
    this.written.push('head');
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

class ControllerStub {
  readonly told: string[] = [];

  abort(): void {
    this.told.push('abort');
  }

  pause(): void {
    this.told.push('pause');
  }

  resume(): void {
    this.told.push('resume');
  }
}

const dead = () => Object.assign(new Error('gone'), { code: 'ECONNRESET' });

interface StartOptions {
  readonly method?: string;
  readonly answers?: number;
  readonly renew?: Renew;
  /** Ends at once unless told otherwise. */
  readonly turn?: Turn;
}

const atOnce: Turn = { atEnd: (task) => task.run(), atNextEnd: (task) => task.run() };

function start({ turn: ended = atOnce, ...options }: StartOptions = {}) {
  const response = new ResponseStub();
  const sent: Outgoing[] = [];
  const line = {
    answers: options.answers ?? 0,
    send: (outgoing: Outgoing) => sent.push(outgoing) > 0,
  } as unknown as Line; // what an exchange does with it
  const upstream = {
    send: (outgoing: Outgoing) => {
      outgoing.onLine(line);
      sent.push(outgoing);
    },
    cancel: () => undefined,
    settle: () => undefined,
  } as unknown as Way; // as above
  const [route] = [new Routes([routeOf('http://h.test')]).find('/api/x')];
  if (!route) throw new Error('the route was not found');
  const request = {
    clientAddress: '127.0.0.1',
    method: options.method ?? 'GET',
    path: '/api/x',
    search: '',
    headers: {},
    frontend: createFrontend({ id: 'f', publicUrl: 'http://localhost', authBasePath: '', trustedOrigins: [] }),
    replyHeaders: new ReplyHeaders(['X-Request-Id', 'r-1']),
    record: new RequestRecord(),
    message: { complete: true },
    response: response as unknown as ServerResponse,
  };
  const authorized = { request, authorization: 'Bearer a' } as unknown as AuthorizedRequest; // what an exchange looks at
  const outcome: { resolved: boolean; rejected: unknown } = { resolved: false, rejected: undefined };
  const exchange = new Exchange(
    {
      authorized,
      route,
      upstream,
      nonces: new DpopNonces(),
      limits: { clock: new ManualClock(), turn: ended, readerTimeoutMs: 1_000 },
      renew: options.renew,
    },
    {
      resolve: () => {
        outcome.resolved = true;
      },
      reject: (error) => {
        outcome.rejected = error;
      },
    },
  );
  exchange.start();
  const begin = (): ControllerStub & Controller => {
    const controller = new ControllerStub();
    exchange.onRequestStart(controller as unknown as Controller); // as above
    return controller as unknown as ControllerStub & Controller;
  };
  return { exchange, response, sent, begin, outcome, request, authorized };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('Exchange', () => {
  it('PX-14: sends GET once more when a used connection dies, and not a third time', () => {
    const { exchange, sent, begin, outcome } = start({ answers: 1 });
    exchange.onResponseError(begin(), dead());
    expect([sent.length, outcome.rejected]).toEqual([2, undefined]);

    exchange.onResponseError(begin(), dead());
    expect(sent).toHaveLength(2);
    expect(outcome.rejected).toMatchObject({ code: 'upstream-unreachable' });
  });

  it('PX-14: sends once more also when the second connection cannot be made, and then gives up', () => {
    const { exchange, sent, begin, outcome } = start({ answers: 1 });
    exchange.onResponseError(begin(), dead());
    exchange.onResponseError(undefined, dead()); // before it was begun: undici has no controller for it

    expect(sent).toHaveLength(2);
    expect(outcome.rejected).toMatchObject({ code: 'upstream-unreachable' });
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('PX-14: sends %s once', (method) => {
    const { exchange, sent, begin, outcome } = start({ method, answers: 1 });
    exchange.onResponseError(begin(), dead());

    expect(sent).toHaveLength(1);
    expect(outcome.rejected).toMatchObject({ code: 'upstream-unreachable' });
  });

  it('PX-30: ends a request that begins after its client has left', () => {
    const { response, begin, outcome } = start();
    response.destroy();

    expect(outcome.resolved).toBe(true);
    expect(begin().told).toEqual(['abort']);
  });

  it('PX-30: sends nothing for a client that leaves, or is refused, before the turn ends', async () => {
    const left = start({ turn: new LoopTurn() });
    const refused = start({ turn: new LoopTurn() });
    const kept = start({ turn: new LoopTurn() });
    left.response.destroy();
    refused.exchange.giveUp(new ProblemError('session-ended'));
    await turn();

    expect([left.outcome.resolved, refused.outcome.rejected]).toMatchObject([true, { code: 'session-ended' }]);
    expect([left, refused, kept].map(({ sent }) => sent.length)).toEqual([0, 0, 1]);
  });

  it('PX-30: ends a request whose client leaves while it runs', () => {
    const { response, begin, outcome } = start();
    const controller = begin();
    response.destroy();

    expect(outcome.resolved).toBe(true);
    expect(controller.told).toEqual(['abort']);
  });

  it('PX-30: leaves alone what has ended well', () => {
    const { response, begin, outcome } = start();
    const controller = begin();
    response.writableFinished = true;
    response.emit('close');

    expect(outcome.resolved).toBe(true);
    expect(controller.told).toEqual([]);
  });

  it('PX-13: asks for another token, and sends nothing when the client has left meanwhile', async () => {
    let answer: (authorized: AuthorizedRequest) => void = () => undefined;
    const { exchange, response, sent, begin, authorized } = start({
      renew: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    });
    const controller = begin();
    exchange.onResponseStart(controller, 401, { 'www-authenticate': 'Bearer error="invalid_token"' });
    expect(controller.told).toEqual(['pause']);
    response.destroy();
    answer(authorized);
    await turn();

    expect(sent).toHaveLength(1);
  });

  it('PX-13: fails as the renewal fails, and sends nothing of the refusal', async () => {
    const { exchange, response, begin, outcome } = start({
      renew: () => Promise.reject(new ProblemError('session-ended')),
    });
    const controller = begin();
    exchange.onResponseStart(controller, 401, { 'www-authenticate': 'Bearer error="invalid_token"' });
    await turn();

    expect(outcome.rejected).toMatchObject({ code: 'session-ended' });
    expect(controller.told).toEqual(['pause', 'abort']);
    expect(response.written).toEqual([]);
  });

  it('PX-13: overlooks the end of the request that it has replaced', async () => {
    const { exchange, sent, begin, outcome, authorized } = start({ renew: () => Promise.resolve(authorized) });
    const first = begin();
    exchange.onResponseStart(first, 401, { 'www-authenticate': 'Bearer error="invalid_token"' });
    await turn();
    expect(sent).toHaveLength(2);
    exchange.onResponseError(first, new Error('withdrawn'));

    expect(outcome.rejected).toBeUndefined();
  });

  it('ER-03: leaves nothing of an answer that cannot be written on the error answer', async () => {
    const { exchange, begin, outcome, request } = start();
    const controller = begin();
    exchange.onResponseStart(controller, 200, { 'x-any': 'a\x01b', 'content-type': 'text/html' });
    await turn();

    expect(outcome.rejected).toMatchObject({ code: 'upstream-unreachable' });
    expect(controller.told).toEqual(['abort']);
    expect(request.replyHeaders.flat).toEqual(['X-Request-Id', 'r-1']);
  });

  it('ER-08: refuses a status beyond 599', () => {
    const { exchange, begin, response } = start();
    const controller = begin();
    exchange.onResponseStart(controller, 600, {});

    expect(controller.told).toEqual(['abort']);
    expect(response.written).toEqual([]);
  });

  it('PX-30: breaks off an answer that has begun, and notes why', async () => {
    const { exchange, begin, outcome, response, request } = start();
    const controller = begin();
    exchange.onResponseStart(controller, 200, {});
    await turn();
    expect(response.written).toEqual([200, 'head']);
    exchange.onResponseError(controller, dead());

    expect(response.destroyed).toBe(true);
    expect(outcome).toEqual({ resolved: true, rejected: undefined });
    expect(request.record.code).toBe('upstream-unreachable');
  });
});
