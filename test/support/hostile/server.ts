/**
 * The HTTP side of the provider: takes a request in, logs it, lets its endpoint
 * answer, applies the switches, delivers.
 *
 * @module
 */

import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Answer, dressAnswer, errorAnswer, fieldsOf } from './answer.ts';
import { answerAuthorize } from './authorize.ts';
import { deliver, resetConnection, unprocessedAnswer } from './delivery.ts';
import { type Fault, faultFor } from './fault.ts';
import type { Endpoint, Recording } from './log.ts';
import { createEndSession, type Delivered } from './logout.ts';
import { answerJwks, answerMetadata } from './metadata.ts';
import { answerPar } from './par.ts';
import { recordRequest } from './recording.ts';
import { answerIntrospect, answerRevoke, answerUserinfo } from './resource.ts';
import type { AnswerRequest, ProviderState } from './state.ts';
import { answerToken } from './token.ts';

/** How the provider listens. */
export interface ListenOptions {
  /** Makes it https. */
  readonly tls?: TlsOptions | undefined;
  /** A fixed port; a free one by default. */
  readonly port?: number | undefined;
}

/** TLS of the provider. */
export interface TlsOptions {
  readonly key: string;
  readonly cert: string;
  /** `true` asks clients for a certificate, of any authority; what it is worth is decided by its thumbprint. */
  readonly clientCertificates?: boolean | undefined;
}

interface Route {
  readonly methods: readonly string[];
  readonly answer: AnswerRequest;
}

function routesFor(delivered: Delivered[]): Readonly<Record<Endpoint, Route>> {
  const notFound: AnswerRequest = () => errorAnswer('not_found', { status: 404 });
  return {
    metadata: { methods: ['GET'], answer: answerMetadata },
    authorize: { methods: ['GET', 'POST'], answer: answerAuthorize },
    par: { methods: ['POST'], answer: answerPar },
    token: { methods: ['POST'], answer: answerToken },
    refresh: { methods: ['POST'], answer: answerToken },
    jwks: { methods: ['GET'], answer: answerJwks },
    userinfo: { methods: ['GET', 'POST'], answer: answerUserinfo },
    revoke: { methods: ['POST'], answer: answerRevoke },
    introspect: { methods: ['POST'], answer: answerIntrospect },
    endSession: { methods: ['GET', 'POST'], answer: createEndSession(delivered) },
    unknown: { methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], answer: notFound },
  };
}

/** What a fault does before the request is processed: waits, or ends it here. Answers whether it ended, and with the fault that is left. */
async function beforeProcessing(
  response: ServerResponse,
  fault: Fault | undefined,
): Promise<{ ended: boolean; fault: Fault | undefined }> {
  if (fault?.kind === 'hold' && fault.at === 'before-processing') {
    await fault.until;
    return beforeProcessing(response, fault.next);
  }
  const instead = unprocessedAnswer(fault);
  if (instead) await deliver(response, { answer: instead });
  const isEarly = (fault?.kind === 'hang' || fault?.kind === 'reset') && fault.at === 'before-processing';
  if (isEarly && fault.kind === 'reset') resetConnection(response);
  return { ended: instead !== undefined || isEarly, fault };
}

/** Waits where the answer is held back, and goes on with the fault behind. The request was processed, whatever that fault is. */
async function afterProcessing(fault: Fault | undefined): Promise<Fault | undefined> {
  if (fault?.kind !== 'hold') return fault;
  await fault.until;
  return afterProcessing(fault.next);
}

async function answerHonestly(
  recording: Recording,
  { state, route }: { state: ProviderState; route: Route },
): Promise<Answer> {
  if (!route.methods.includes(recording.method)) {
    return errorAnswer('invalid_request', {
      status: 405,
      reason: 'method',
      headers: { allow: route.methods.join(', ') },
    });
  }
  return route.answer(recording, state);
}

function createListener(
  state: ProviderState,
  delivered: Delivered[],
): (incoming: IncomingMessage, response: ServerResponse) => Promise<void> {
  const routes = routesFor(delivered);
  return async (incoming, response) => {
    const request = await recordRequest(incoming, state);
    response.setHeader('date', new Date(state.now() * 1000).toUTCString());
    response.on('close', () => {
      request.cut = !response.writableFinished;
    });
    const by = state.script[request.endpoint];
    const early = await beforeProcessing(response, faultFor(by.fault, request));
    if (early.ended) return;
    const honest = await answerHonestly(request, { state, route: routes[request.endpoint] });
    const answer = fieldsOf(honest, { by, request });
    if (answer.json && (request.endpoint === 'token' || request.endpoint === 'refresh')) state.issued.take(answer.json);
    const fault = await afterProcessing(early.fault);
    const held = unprocessedAnswer(fault) ?? dressAnswer(answer, { by, request });
    await deliver(response, { answer: held, fault });
  };
}

/** A fault in the provider itself or in a switch of a test: 500 with the text, so that it is seen, and never a silent hang. */
function reportFailure(response: ServerResponse, error: unknown): void {
  const text = `the hostile provider failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  process.emitWarning(text);
  if (response.headersSent) response.destroy();
  else response.writeHead(500, { 'content-type': 'text/plain' }).end(text);
}

/** Makes the server; it listens after `listen`. */
export function createProviderServer(tls: TlsOptions | undefined): Server {
  if (!tls) return createServer();
  const { key, cert, clientCertificates = false } = tls;
  return createTlsServer({ key, cert, requestCert: clientCertificates, rejectUnauthorized: false });
}

/** Listens on 127.0.0.1 and answers with the port. */
export async function listen(server: Server, port = 0): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  // `as`: a server that listens on TCP has an AddressInfo.
  return (server.address() as AddressInfo).port;
}

/** Lets the server answer for a provider. What clients answered to logout tokens is added to `delivered`. */
export function serve(server: Server, { state, delivered }: { state: ProviderState; delivered: Delivered[] }): void {
  const answer = createListener(state, delivered);
  const listener: RequestListener = (incoming, response) => {
    answer(incoming, response).catch((error: unknown) => reportFailure(response, error));
  };
  server.on('request', listener);
}
