/**
 * One call that asks an upstream for a WebSocket, and the 101 that a browser gets
 * for it.
 *
 * @module
 */

import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { ProblemError } from '../errors.ts';
import type { InboundRequest } from '../http/inbound.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeParts, Settle } from './exchange-parts.ts';
import { type Acceptance, acceptOf, handshakeFields, readAcceptance } from './handshake.ts';
import type { OutgoingOptions } from './upstreams.ts';
import type { Controller } from './wire/connection.ts';

/** What an upstream chose with a 101 that is one. */
export type Accepted = Exclude<Acceptance, { readonly fault: string }>;

/** How it is told what became of the call. */
export interface SettleUpgrade extends Settle {
  /** The upstream's connection speaks WebSocket from now on, and belongs to whoever is told. */
  onOpen(socket: Duplex, accepted: Accepted): void;
}

/** What undici tells of a 101: its handle, the status, the header, and the connection, which is nobody's from now on. */
type UpgradeFields = [Controller, number, IncomingHttpHeaders, Duplex];

/** A call that asks for a WebSocket. Answers other than a proper 101 are treated as those of every call. */
export class UpgradeExchange extends Exchange {
  readonly #asked: IncomingHttpHeaders;
  readonly #settle: SettleUpgrade;
  /** How long the upstream may say nothing, ms: undici looks after it. */
  readonly #timeoutMs: number;

  constructor(parts: ExchangeParts, settle: SettleUpgrade) {
    super(parts, settle);
    this.#asked = parts.authorized.request.headers;
    this.#settle = settle;
    this.#timeoutMs = parts.route.timeoutMs;
  }

  override dispatchOptions(): OutgoingOptions {
    const options = super.dispatchOptions();
    options.headers.push(...handshakeFields(this.#asked));
    return {
      ...options,
      body: null,
      upgrade: 'websocket',
      headersTimeout: this.#timeoutMs,
      bodyTimeout: this.#timeoutMs,
    };
  }

  onRequestUpgrade(...[, , headers, socket]: UpgradeFields): void {
    this.proof.noteNonce(headers);
    const accepted = readAcceptance(this.#asked, headers);
    if (this.isOver || 'fault' in accepted) {
      socket.on('error', () => socket.destroy()); // undici has taken its own listener off
      socket.destroy();
      if ('fault' in accepted) this.giveUp(unusable(accepted.fault));
      return;
    }
    this.handOver(); // first: what follows ends the response, which would break the call off
    this.#settle.onOpen(socket, accepted);
  }
}

function unusable(fault: string): ProblemError {
  return new ProblemError('upstream-unreachable', { cause: new Error(`no WebSocket: ${fault}`) });
}

/** Sends the 101. Its head is ours, in every field; behind it the connection speaks another protocol, and the request is over. */
export function sendSwitch({ response, headers, replyHeaders, upgrade }: InboundRequest, accepted: Accepted): void {
  const flat = [...replyHeaders.flat, 'Connection', 'Upgrade', 'Upgrade', 'websocket'];
  flat.push('Sec-WebSocket-Accept', acceptOf(headers['sec-websocket-key'] ?? ''));
  if (accepted.protocol !== undefined) flat.push('Sec-WebSocket-Protocol', accepted.protocol);
  if (accepted.extensions !== undefined) flat.push('Sec-WebSocket-Extensions', accepted.extensions);
  response.writeHead(101, flat);
  response.flushHeaders();
  if (upgrade !== undefined) response.detachSocket(upgrade.socket);
  response.emit('close');
}
