/**
 * A request that came in, and what is known of it so far.
 *
 * The types grow with the knowledge: {@link InboundRequest}, {@link ClearedRequest},
 * {@link AuthenticatedRequest}, {@link AuthorizedRequest}. Each is made in one
 * place only, so a function that asks for the last cannot be reached by a request
 * that skipped the guards, the session or the token.
 *
 * @module
 */

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ForwardedProto } from './client-address.ts';
import type { Frontend } from './frontend.ts';
import type { ReplyHeaders } from './reply-headers.ts';
import type { RequestRecord } from './request-record.ts';

/** P page, A auth route, I API call, U upgrade, O operations. */
export type Kind = 'P' | 'A' | 'I' | 'U' | 'O';

/** What a request that asks for another protocol brings along. */
export interface UpgradeSocket {
  readonly socket: Socket;
  /** What the client sent behind the handshake. */
  readonly head: Buffer;
}

/** A request as Node gives it. For an upgrade the response was made by us and writes to the socket. */
export interface Incoming {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly upgrade: UpgradeSocket | undefined;
}

/** What is known of a request before it was read. */
export interface Opening {
  readonly id: string;
  /** By `Clock.elapsed`. */
  readonly startedAt: number;
  readonly record: RequestRecord;
}

/** A request, read once and made unambiguous. Made by the stage `receive`. */
export interface InboundRequest {
  /** Names this request in logs, in the audit trail and in error answers; chosen by us, never by the client. */
  readonly id: string;
  readonly kind: Kind;
  readonly frontend: Frontend;
  /** One of the known methods, in upper case. */
  readonly method: string;
  /** The path as it was received, which is also its canonical form: everything else was refused. */
  readonly path: string;
  /** The query as it was received, with its `?`, or empty. */
  readonly search: string;
  /** The nearest address that no trusted proxy of ours has; without zone, IPv4 when mapped. */
  readonly clientAddress: string;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site`, `-Mode`, `-Dest`, as sent. */
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
  readonly fetchDest: string | undefined;
  /** What a trusted proxy says that the browser spoke; `undefined` when the peer is none. */
  readonly forwardedProto: ForwardedProto | undefined;
  /** As Node joined them. No decision but those of the fields here may be based on them. */
  readonly headers: IncomingHttpHeaders;
  /** The raw value of the session cookie, there once at the most. */
  readonly sessionCookie: string | undefined;
  /** What the stages want on whatever answer is sent. */
  readonly replyHeaders: ReplyHeaders;
  /** What will be logged of it. */
  readonly record: RequestRecord;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  /** Present on kind U. */
  readonly upgrade: UpgradeSocket | undefined;
}

declare const clearedBy: unique symbol;
declare const authenticatedBy: unique symbol;
declare const authorizedBy: unique symbol;

/** A request that every guard of its kind let through. Made by the pipeline alone. */
export type ClearedRequest = InboundRequest & { readonly [clearedBy]: 'guards' };

/** What is known of a session outside of session/. */
export interface SessionFacts {
  /** The hash under which the session lies in the store; of no use as a cookie. */
  readonly id: string;
  readonly subject: string;
}

/** A cleared request with the session of its person. Made by `sessions.open`. */
export interface AuthenticatedRequest<Session extends SessionFacts = SessionFacts> {
  readonly request: ClearedRequest;
  readonly session: Session;
  readonly [authenticatedBy]: 'session';
}

/** A token as it goes to an upstream. */
export interface Credential {
  /** Scheme and token. */
  readonly authorization: string;
  /** A new proof that it is ours, for one request (RFC 9449, 7.1); `undefined` for a bearer token. */
  readonly prove?: ((of: ProvenRequest) => string) | undefined;
}

/** What a proof says of the request it goes with. */
export interface ProvenRequest {
  readonly method: string;
  readonly url: string;
  /** The upstream's, where it has given one. */
  readonly nonce: string | undefined;
  /** The instant, ms. */
  readonly now: number;
}

/** A request that may go to its upstream. Made by `tokens.attach`, or by {@link publicRequest} for a public route. */
export interface AuthorizedRequest {
  readonly request: ClearedRequest;
  /** The session it belongs to; `undefined` on a public route. */
  readonly session: SessionFacts | undefined;
  /** The value of `Authorization` for the upstream; `undefined` where the route sends no token. */
  readonly authorization: string | undefined;
  /** Makes the proof that goes beside it; `undefined` where none does. */
  readonly prove: Credential['prove'];
  readonly [authorizedBy]: 'token';
}

/** For the pipeline: notes that all guards let `request` through. */
export function clear(request: InboundRequest): ClearedRequest {
  return request as ClearedRequest; // the brand exists for the compiler only
}

/** For `sessions.open`: `session` was opened with the cookie of `request`. */
export function authenticate<Session extends SessionFacts>(
  request: ClearedRequest,
  session: Session,
): AuthenticatedRequest<Session> {
  return { request, session } as AuthenticatedRequest<Session>; // as above
}

/** For `tokens.attach`: the request may go on with `credential`, or without where that is what the route says. */
export function authorize(authenticated: AuthenticatedRequest, credential: Credential | undefined): AuthorizedRequest {
  return withCredential(authenticated, credential);
}

/** For a route with `access: public`: nobody is asked who it is, and no token of a person goes with it; the client's own may. */
export function publicRequest(request: ClearedRequest, credential?: Credential): AuthorizedRequest {
  return withCredential({ request, session: undefined }, credential);
}

function withCredential(
  { request, session }: Pick<AuthorizedRequest, 'request' | 'session'>,
  { authorization, prove }: Partial<Credential> = {},
): AuthorizedRequest {
  return { request, session, authorization, prove } as AuthorizedRequest; // as above
}
