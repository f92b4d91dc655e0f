/**
 * What Node's parser refuses: answered in bytes by hand, since there is no response
 * object, or it must not be trusted any more.
 *
 * @module
 */

import { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import { catalogue, type ErrorCode, problemOf } from '../errors.ts';
import type { Incoming } from './inbound.ts';

/** What is known of bytes that Node's parser refused. */
export interface ParserRefusal {
  /** The parser's own code, or ours. Holds nothing of the request. */
  readonly detail: string;
  /** The request whose body they are part of, while that has no answer. */
  readonly message?: Incoming['message'] | undefined;
}

type BodyRefusals = Refusals & { readonly response: ServerResponse | undefined };

/** For Node's `clientError`: answers what was refused, unless its request has an answer. */
export function onClientError(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  { response, ...refusals }: BodyRefusals,
): void {
  const message = response?.req.complete === false ? response.req : undefined;
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') socket.destroy();
  else if (message === undefined || response?.headersSent !== true) {
    const code = parserCodes.get(error.code ?? '') ?? 'request-ambiguous';
    refuse(socket, code, { ...refusals, detail: error.code, message });
  }
  // Part of the body of a request that has its answer and its line in the log: there is no second of either.
  else if (response.writableFinished) letGo(socket, refusals);
  else socket.destroy();
}

const parserCodes: ReadonlyMap<string, ErrorCode> = new Map([
  ['HPE_HEADER_OVERFLOW', 'headers-too-large'],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 'body-too-large'],
  ['HPE_INVALID_METHOD', 'method-unknown'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'request-timeout'],
]);

/** Who is told, and what is known. */
export interface Refusals {
  onRefused(code: ErrorCode, refusal: ParserRefusal): void;
  readonly clock: Clock;
  readonly detail?: string | undefined;
  readonly message?: Incoming['message'] | undefined;
}

/** How long a client may take to close after a refusal, in ms. Node has no timer for such a socket any more. */
const lingerMs = 5_000;

/** Answers with a code of the catalogue and ends the connection. */
export function refuse(socket: Duplex, code: ErrorCode, { onRefused, clock, detail, message }: Refusals): void {
  onRefused(code, { detail: detail ?? code, message });
  if (!socket.writable || belongsToAnother(socket)) {
    socket.destroy();
    return;
  }
  const { status, title, source } = catalogue[code];
  const body = JSON.stringify(problemOf(code, 'none'));
  socket.write(
    `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nX-Error-Source: ${source}\r\nConnection: close\r\n\r\n${body}`,
  );
  letGo(socket, { clock });
}

// What is left unread would turn the end into a reset, and take the answer with it.
function letGo(socket: Duplex, { clock }: Pick<Refusals, 'clock'>): void {
  socket.end();
  socket.resume();
  const cancel = clock.after(lingerMs, () => socket.destroy());
  socket.once('close', cancel);
}

/** The answer that is under way on this connection. Node keeps it under a name of its own. */
export function answerOn(socket: Duplex): ServerResponse | undefined {
  const answer = '_httpMessage' in socket ? socket._httpMessage : undefined;
  return answer instanceof ServerResponse ? answer : undefined;
}

/** Whether a refusal written now would be read as the answer to an earlier request, or as a part of it. */
function belongsToAnother(socket: Duplex): boolean {
  const answer = answerOn(socket);
  return answer !== undefined && (answer.headersSent || answer.req.complete);
}
