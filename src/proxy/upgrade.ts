/**
 * WebSockets to upstreams: the handshake on a rebuilt request, its answer checked,
 * and the open ones counted, ended with their session, and ended with the process.
 *
 * The request goes the way of every call (exchange.ts): the same header, the same
 * renewal of a refused token, the same cleaning of an answer that is no 101. As
 * with calls, what comes in here is authorized already.
 *
 * @module
 */

import type { Duplex } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import { ProblemError } from '../errors.ts';
import { partyOf } from '../guards/party.ts';
import type { AuthorizedRequest, InboundRequest, UpgradeSocket } from '../http/inbound.ts';
import type { Renew } from './exchange-parts.ts';
import { faultOfHandshake } from './handshake.ts';
import type { IsSignedInAs } from './instead.ts';
import type { Route } from './routes.ts';
import type { SocketReports } from './socket-reports.ts';
import { goingAway, sessionOver, Tunnel } from './tunnel.ts';
import { type Accepted, sendSwitch, UpgradeExchange } from './upgrade-exchange.ts';
import type { Upstreams } from './upstreams.ts';

/** WebSockets at a time: of one session (of one network where nobody is signed in), and of this process. */
export interface SocketLimits {
  readonly perOwner: number;
  readonly inAll: number;
}

/** Twenty tabs with two sockets each, and some whose end was not seen yet. */
const usualLimits: SocketLimits = { perOwner: 50, inAll: 10_000 };
/** An upstream's answer that is no 101 has a reader with a time limit, as every answer; ms. */
const readerTimeoutMs = 120_000;

/** What they are made with. */
export interface UpgradesParts {
  readonly upstreams: Pick<Upstreams, 'apart' | 'nonces' | 'turn'>;
  readonly clock: Clock;
  readonly reports: SocketReports;
  /** Tells when the session of a request ends, with what its caller is told then, until the returned function is called. */
  readonly watch: (authorized: AuthorizedRequest, onEnded: (error: ProblemError) => void) => () => void;
  readonly renew?: Renew | undefined;
  readonly isSignedInAs?: IsSignedInAs | undefined;
  readonly limits?: Partial<SocketLimits> | undefined;
}

/**
 * Throws when a request is no handshake: `upgrade-refused` when there is no socket to hand over,
 * `websocket-version` (RFC 6455, 4.4: with the version that is spoken), `request-ambiguous`.
 */
export function checkHandshake(request: InboundRequest): void {
  if (request.upgrade === undefined) throw new ProblemError('upgrade-refused');
  const fault = faultOfHandshake(request);
  if (fault === undefined) return;
  request.record.detail = `handshake: ${fault}`;
  if (fault !== 'version') throw new ProblemError('request-ambiguous');
  throw new ProblemError('websocket-version', { headers: { 'Sec-WebSocket-Version': '13', Upgrade: 'websocket' } });
}

/** The WebSockets of one process. */
export class Upgrades {
  readonly #parts: UpgradesParts;
  readonly #limits: SocketLimits;
  readonly #open = new Set<Tunnel>();
  /** Opening ones included: a handshake that an upstream does not answer holds as much. */
  readonly #ofOwner = new Map<string, number>();
  #inAll = 0;
  #isClosing = false;
  #onEmpty: () => void = () => undefined;

  constructor(parts: UpgradesParts) {
    this.#parts = parts;
    this.#limits = { ...usualLimits, ...parts.limits };
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Opens one. Resolves when it stands, or when the upstream gave another answer and that was sent.
   *
   * Rejects with a `ProblemError` while nothing was sent: `too-many-websockets`, `overloaded`, `session-ended`,
   * `upstream-unreachable` (also for a 101 that is none), `upstream-timeout`.
   */
  async forward(authorized: AuthorizedRequest, route: Route): Promise<void> {
    const release = this.#reserve(authorized);
    let isOpen = false;
    try {
      isOpen = await this.#ask(authorized, { route, release });
    } finally {
      if (!isOpen) release();
    }
    this.#parts.reports.asked(route.path, isOpen ? 'opened' : 'answered');
  }

  /** Takes no more, tells each to connect again, and resolves when all have ended, within a second. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
    for (const tunnel of this.#open) tunnel.stop(goingAway);
    if (this.#open.size > 0) await empty;
  }

  #reserve(authorized: AuthorizedRequest): () => void {
    const owner = partyOf(authorized);
    const ofOwner = this.#ofOwner.get(owner) ?? 0;
    if (this.#isClosing || this.#inAll >= this.#limits.inAll) throw new ProblemError('overloaded');
    if (ofOwner >= this.#limits.perOwner) throw new ProblemError('too-many-websockets');
    this.#ofOwner.set(owner, ofOwner + 1);
    this.#inAll += 1;
    return () => {
      const left = (this.#ofOwner.get(owner) ?? 1) - 1;
      if (left === 0) this.#ofOwner.delete(owner);
      else this.#ofOwner.set(owner, left);
      this.#inAll -= 1;
    };
  }

  async #ask(
    authorized: AuthorizedRequest,
    { route, release }: { route: Route; release: () => void },
  ): Promise<boolean> {
    const { upstreams, clock, renew, isSignedInAs, watch } = this.#parts;
    const { request } = authorized;
    const { upgrade } = request;
    if (upgrade === undefined || request.response.destroyed || upgrade.socket.destroyed) return false;
    let tunnel: Tunnel | undefined;
    let ended: ProblemError | undefined;
    let exchange: UpgradeExchange | undefined;
    const stop = watch(authorized, (error) => {
      ended = error;
      if (tunnel !== undefined) tunnel.stop(sessionOver);
      else exchange?.giveUp(error);
    });
    try {
      if (ended !== undefined) throw ended;
      const upstream = upstreams.apart(route.upstream.origin);
      await new Promise<void>((resolve, reject) => {
        const limits = { clock, turn: upstreams.turn, readerTimeoutMs };
        const parts = { authorized, route, upstream, nonces: upstreams.nonces, renew, isSignedInAs, limits };
        const onOpen = (socket: Duplex, accepted: Accepted) => {
          tunnel = this.#tunnel({ authorized, upgrade, socket, accepted }, () => {
            stop();
            release();
          });
        };
        exchange = new UpgradeExchange(parts, { resolve, reject, onOpen });
        exchange.start();
      });
    } finally {
      if (tunnel === undefined) stop();
    }
    return tunnel !== undefined;
  }

  #tunnel({ authorized, upgrade, socket, accepted }: Opened, onClosed: () => void): Tunnel {
    const { clock, reports } = this.#parts;
    const openedAt = clock.elapsed();
    sendSwitch(authorized.request, accepted);
    const ends = { browser: upgrade.socket, upstream: socket, head: upgrade.head, clock };
    const tunnel: Tunnel = new Tunnel(ends, (report) => {
      this.#open.delete(tunnel);
      onClosed();
      reports.ended(authorized, { ...report, ms: clock.elapsed() - openedAt });
      if (this.#open.size === 0) this.#onEmpty();
    });
    this.#open.add(tunnel);
    reports.opened();
    if (this.#isClosing) tunnel.stop(goingAway);
    return tunnel;
  }
}

interface Opened {
  readonly authorized: AuthorizedRequest;
  readonly upgrade: UpgradeSocket;
  readonly socket: Duplex;
  readonly accepted: Accepted;
}
