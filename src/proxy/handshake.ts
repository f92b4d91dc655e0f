/**
 * The opening handshake of a WebSocket (RFC 6455, 4): whether a browser's may go
 * on, what of it goes on, and whether the upstream's answer to it is one.
 *
 * Pure. A body was refused when the request was read (http/framing.ts); whether the caller may connect at all is decided elsewhere.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { InboundRequest } from '../http/inbound.ts';

/** Why a browser's handshake goes no further. A word of a closed set. */
export type HandshakeFault = 'version' | 'http-version' | 'key' | 'protocol' | 'extensions';

/** What of a request is looked at. */
export type HandshakeFacts = Pick<InboundRequest, 'headers'> & {
  readonly message: Pick<InboundRequest['message'], 'httpVersion'>;
};

/** 16 bytes as base64: the last digit before the padding carries two bits (RFC 6455, 4.1). */
const keyForm = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
/** RFC 9110, 5.6.2. Longer names are not names of protocols but what somebody hides in them. */
const protocolForm = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
const extensionForm =
  /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}(?:\s*;\s*[A-Za-z0-9_-]{1,64}(?:=(?:[A-Za-z0-9_-]{1,32}|"[A-Za-z0-9_-]{1,32}"))?)*$/;
const mostNames = 16;
/** RFC 6455, 1.3: what every server adds to the key. */
const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** What is wrong with a handshake, or `undefined`. */
export function faultOfHandshake({ headers, message }: HandshakeFacts): HandshakeFault | undefined {
  if (message.httpVersion !== '1.1') return 'http-version';
  if (headers['sec-websocket-version'] !== '13') return 'version';
  if (!keyForm.test(headers['sec-websocket-key'] ?? '')) return 'key';
  const protocols = namesIn(headers['sec-websocket-protocol']);
  if (protocols.length > mostNames || !protocols.every((name) => protocolForm.test(name))) return 'protocol';
  if (new Set(protocols).size < protocols.length) return 'protocol'; // RFC 6455, 4.1: each name once
  const extensions = namesIn(headers['sec-websocket-extensions']);
  return extensions.length > mostNames || !extensions.every((name) => extensionForm.test(name))
    ? 'extensions'
    : undefined;
}

const passedOn = [
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
] as const;

/** The fields of a handshake without fault, name and value by turns. `Upgrade` and `Connection` are the sender's to write. */
export function handshakeFields(headers: IncomingHttpHeaders): string[] {
  return passedOn.flatMap((name) => (headers[name] === undefined ? [] : [name, String(headers[name])]));
}

/** The answer a key asks for. */
export function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + acceptSuffix)
    .digest('base64');
}

/** What the upstream chose, or why its 101 is none. */
export type Acceptance =
  | { readonly protocol: string | undefined; readonly extensions: string | undefined }
  | { readonly fault: 'upgrade' | 'accept' | 'protocol' | 'extensions' };

/**
 * Reads the header of a 101: it must answer our key, and may choose only what the
 * browser offered (RFC 6455, 4.1). A browser that finds otherwise would close; a
 * proxy that does not look would have passed on whatever else it is.
 */
export function readAcceptance(asked: IncomingHttpHeaders, answer: IncomingHttpHeaders): Acceptance {
  if (lone(answer.upgrade)?.toLowerCase() !== 'websocket') return { fault: 'upgrade' };
  if (lone(answer['sec-websocket-accept']) !== acceptOf(asked['sec-websocket-key'] ?? '')) return { fault: 'accept' };
  const protocol = answer['sec-websocket-protocol'];
  if (protocol !== undefined && !namesIn(asked['sec-websocket-protocol']).includes(lone(protocol) ?? ''))
    return { fault: 'protocol' };
  const extensions = [answer['sec-websocket-extensions'] ?? []].flat().join(', ');
  const offered = namesIn(asked['sec-websocket-extensions']).map(extensionName);
  const isOffered = (chosen: string) => extensionForm.test(chosen) && offered.includes(extensionName(chosen));
  if (!namesIn(extensions).every(isOffered)) return { fault: 'extensions' };
  return { protocol: lone(protocol), extensions: extensions === '' ? undefined : extensions };
}

function namesIn(list: string | undefined): readonly string[] {
  return list === undefined || list === '' ? [] : list.split(',').map((name) => name.trim());
}

function extensionName(offer: string): string {
  return offer.split(';', 1)[0]?.trim() ?? '';
}

// Twice there is no telling which was meant.
function lone(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
