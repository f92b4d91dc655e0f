/**
 * The header of the outbound request, built from nothing.
 *
 * What a browser sent is looked up by name in a closed list; no list of bad names
 * exists that one could forget a spelling of (design rule 2). What is said about
 * the client, the host and the person is ours alone.
 *
 * Left out on purpose: `Cookie` always; `Origin`, `Referer` and `Sec-Fetch-*`,
 * since where a call comes from has been decided here and an upstream that
 * decides again would refuse our own page; `Expect`, which is answered at our edge.
 *
 * @module
 */

import type { AuthorizedRequest, InboundRequest } from '../http/inbound.ts';

/** What of a browser's header goes on to an upstream, value untouched. */
export const passedOn = [
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'content-digest',
  'content-encoding',
  'content-language',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-event-id',
  'pragma',
  'prefer',
  'priority',
  'range',
  'repr-digest',
  'user-agent',
  'x-requested-with',
] as const;

/** RFC 9110, 7.6.3: a pseudonym, since our own host name says nothing to an upstream. */
const via = '1.1 claimcheck';

/**
 * Name and value by turns. Framing and `Host` are not among them: they follow
 * from the body and from the upstream's address. Host and scheme of the public
 * side are those of the configuration, whatever the request's `Host` said.
 */
export function outboundHeaders({ request, authorization }: AuthorizedRequest): string[] {
  const { headers, frontend, clientAddress } = request;
  const flat: string[] = [];
  for (const name of passedOn) {
    const value = headers[name];
    if (typeof value === 'string') flat.push(name, value);
  }
  addTrace(flat, request);
  const node = clientAddress.includes(':') ? `"[${clientAddress}]"` : clientAddress;
  const proto = frontend.secure ? 'https' : 'http';
  flat.push('via', via, 'x-request-id', request.id, 'x-forwarded-for', clientAddress);
  flat.push('x-forwarded-host', frontend.host, 'x-forwarded-proto', proto);
  flat.push('forwarded', `for=${node};host="${frontend.host}";proto=${proto}`); // RFC 7239, 4
  if (authorization !== undefined) flat.push('authorization', authorization);
  return flat;
}

const traceParent = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const traceState = /^[\x20-\x7e]{1,512}$/;

/**
 * W3C Trace Context, 2.3 and 3.2: a well-formed trace goes on with its state; where there is none, or one that is
 * malformed, ours begins, without a state. Its id is the request's own, so that spans and log lines meet.
 */
function addTrace(flat: string[], { id, headers: { traceparent, tracestate } }: InboundRequest): void {
  if (typeof traceparent !== 'string' || !traceParent.test(traceparent)) {
    flat.push('traceparent', traceOf(id));
    return;
  }
  flat.push('traceparent', traceparent);
  if (typeof tracestate === 'string' && traceState.test(tracestate)) flat.push('tracestate', tracestate);
}

// Both ids are random since the request's is; 01: whoever asked us records what came of it.
function traceOf(requestId: string): string {
  return `00-${requestId}-${requestId.slice(16)}-01`;
}
