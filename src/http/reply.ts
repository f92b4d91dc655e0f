/**
 * An answer of ours as a value, and the one place that writes it.
 *
 * Answers of upstreams are streamed by proxy/forward.ts instead.
 *
 * @module
 */

import type { InboundRequest } from './inbound.ts';

/** An answer that we make ourselves. */
export interface Reply {
  readonly status: number;
  /** Beside those that the stages put on every answer. `Set-Cookie` may be a list. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Text is sent as it is; the type is in `headers`. */
  readonly body?: string | Uint8Array;
}

/** In place of a {@link Reply}: the answer has been begun and goes on by itself. */
export const underWay = 'under-way';

/** What an answer is written to. */
export type Answerable = Pick<InboundRequest, 'method' | 'response' | 'replyHeaders'>;

/** An answer with a JSON body that nobody may store. */
export function jsonReply(status: number, body: unknown, headers: Reply['headers'] = {}): Reply {
  return {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store', ...headers },
    body: JSON.stringify(body),
  };
}

/** 303 with an empty body: the method becomes GET, whatever it was (RFC 9110, 15.4.4; RFC 9700, 4.12). */
export function redirectReply(location: string, headers: Reply['headers'] = {}): Reply {
  return { status: 303, headers: { Location: location, 'Cache-Control': 'no-store', ...headers } };
}

/**
 * Writes the answer, unless one has been begun.
 *
 * Headers that Express packages set on the response, the session cookie above
 * all, are kept: they are merged by Node when the head is written.
 */
export function sendReply(request: Answerable, reply: Reply): void {
  const { response, replyHeaders } = request;
  if (response.headersSent || response.destroyed) return;
  const body = reply.body ?? '';
  replyHeaders.applyTo(response);
  for (const [name, value] of Object.entries(reply.headers ?? {})) {
    if (name === 'Set-Cookie') for (const cookie of [value].flat()) response.appendHeader(name, cookie);
    else response.setHeader(name, value as string | string[]); // Node copies the list, it does not write to it
  }
  if (reply.status !== 204 && reply.status !== 304) response.setHeader('Content-Length', Buffer.byteLength(body));
  response.writeHead(reply.status);
  response.end(request.method === 'HEAD' ? undefined : body);
}
