/**
 * Reads a request once and makes it unambiguous: path, host, address, cookie,
 * framing. What could be read in two ways is refused (design rule 1).
 *
 * It runs for every request and for every event of Node that brings one, upgrades
 * and `Expect` included. It answers nothing and decides nothing beyond "can this
 * be read": who may do what is the guards' work.
 *
 * @module
 */

import type { IncomingMessage } from 'node:http';
import type { ErrorCode } from '../errors.ts';
import { clientAddressFrom, forwardedProtoFrom, type TrustedProxies } from './client-address.ts';
import { readCookies } from './cookies.ts';
import { faultOfFraming } from './framing.ts';
import type { Frontend } from './frontend.ts';
import { faultOfHeaderLines } from './header-lines.ts';
import { Hosts } from './host.ts';
import type { InboundRequest, Incoming, Kind, Opening } from './inbound.ts';
import { carriesAccessToken, parseTarget, type Target } from './path.ts';
import { ReplyHeaders } from './reply-headers.ts';

/** What a request is read with. Made once. */
export interface ReceiverParts {
  readonly frontends: readonly Frontend[];
  readonly trustedProxies: TrustedProxies;
}

/** Why a request cannot be read. */
export interface Refusal {
  readonly code: ErrorCode;
  /** A word of a closed set for the operator; never text of the request. */
  readonly detail: string;
  /** What it seems to be, for the form of the answer. No more is known. */
  readonly kind: Kind;
  /** Whom it was sent to; `undefined` where that was not read, or names nobody here. */
  readonly frontend?: Frontend | undefined;
}

/** Whether it was refused. */
export function isRefusal(result: InboundRequest | Refusal): result is Refusal {
  return 'code' in result;
}

/** TRACE and CONNECT are not among them (RFC 9110, 9.3.8: TRACE would show what we attach). */
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Reads requests. */
export class Receiver {
  readonly #hosts: Hosts;
  readonly #trustedProxies: TrustedProxies;

  constructor({ frontends, trustedProxies }: ReceiverParts) {
    this.#hosts = new Hosts(frontends);
    this.#trustedProxies = trustedProxies;
  }

  /** The request, or why it cannot be read. The record learns of neither: that is the stage's part. */
  read(opening: Opening, from: Incoming): InboundRequest | Refusal {
    const { message } = from;
    const { headers } = message;
    const raw = message.url ?? '';
    const fault = faultOfMessage(message);
    if (fault !== undefined) return refusal(from, fault);
    const frontend = this.#hosts.find(headers.host);
    if (typeof frontend === 'string') return refusal(from, { code: hostCodes[frontend], detail: frontend });
    const target = parseTarget(raw);
    if (typeof target === 'string') {
      const code = target === 'target-too-long' ? 'uri-too-long' : 'request-ambiguous';
      return refusal(from, { code, detail: target, frontend });
    }
    const asked = kindOf(target.path, frontend);
    const kind = from.upgrade === undefined ? asked : 'U';
    const isToApi = asked === 'I';
    if (isToApi && carriesAccessToken(target.search)) {
      return refusal(from, { code: 'token-in-request', detail: 'access-token-in-query', frontend });
    }
    const cookies = readCookies(headers.cookie, frontend.cookies);
    if (cookies.isRepeated) {
      return refusal(from, { code: 'request-ambiguous', detail: 'repeated-cookie', frontend });
    }
    return this.#inbound({ opening, from, frontend, target, kind, sessionCookie: cookies.session });
  }

  #inbound({ opening, from, frontend, target, kind, sessionCookie }: Read): InboundRequest {
    const { message, response, upgrade } = from;
    const { headers } = message;
    const trusted = this.#trustedProxies;
    const peer = message.socket.remoteAddress;
    const forwardedFor = single(headers['x-forwarded-for']);
    const forwardedProto = single(headers['x-forwarded-proto']);
    return {
      id: opening.id,
      kind,
      frontend,
      method: message.method ?? '',
      path: target.path,
      search: target.search,
      clientAddress: clientAddressFrom({ peer, forwardedFor, trusted }),
      origin: headers.origin,
      fetchSite: single(headers['sec-fetch-site']),
      fetchMode: single(headers['sec-fetch-mode']),
      fetchDest: single(headers['sec-fetch-dest']),
      forwardedProto: forwardedProtoFrom({ peer, forwardedProto, trusted }),
      headers,
      sessionCookie,
      replyHeaders: new ReplyHeaders(['X-Request-Id', opening.id]),
      record: opening.record,
      message,
      response,
      upgrade,
    };
  }
}

interface Read {
  readonly opening: Opening;
  readonly from: Incoming;
  readonly frontend: Frontend;
  readonly target: Target;
  readonly kind: Kind;
  readonly sessionCookie: string | undefined;
}

type Fault = Omit<Refusal, 'kind'>;

const hostCodes = {
  'host-missing': 'request-ambiguous',
  'host-ambiguous': 'request-ambiguous',
  'host-unknown': 'host-unknown',
} as const;

/** Which column of the pipeline's table a path belongs to. Case-sensitive, as every comparison of paths. */
export function kindOf(path: string, { paths }: Frontend): Kind {
  if (path === '/api' || path.startsWith('/api/')) return 'I';
  if (path === '/.well-known/jwks.json') return 'A';
  for (const name in paths) if (paths[name as keyof typeof paths] === path) return 'A'; // the names of the paths, by `for in`
  return path.startsWith(`${paths.sessions}/`) ? 'A' : 'P';
}

function faultOfMessage(message: IncomingMessage): Fault | undefined {
  const lines = faultOfHeaderLines(message.rawHeaders);
  if (lines !== undefined) {
    return { code: lines === 'header-count' ? 'headers-too-large' : 'request-ambiguous', detail: lines };
  }
  if (!methods.has(message.method ?? '')) return { code: 'method-unknown', detail: 'method' };
  const { expect } = message.headers;
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    return { code: 'expectation-failed', detail: 'expect' };
  }
  const framing = faultOfFraming(message);
  return framing === undefined ? undefined : { code: 'request-ambiguous', detail: framing };
}

function refusal({ message, upgrade }: Incoming, fault: Fault): Refusal {
  const seemsApi = /^\/api(?:[/?]|$)/.test(message.url ?? '');
  return { ...fault, kind: upgrade ? 'U' : seemsApi ? 'I' : 'P' };
}

// Node joins all but Set-Cookie; a list would be a change of its behaviour, and then nothing is believed.
function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
