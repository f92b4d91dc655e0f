/**
 * Makes connections to one upstream: to the address that fares best, then to the
 * next. Nothing has been sent before one stands, so trying another is safe for
 * every method.
 *
 * TLS is 1.2 or newer and the certificate must be for the upstream's own name,
 * whichever address it is reached at.
 *
 * @module
 */

import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { buildConnector } from 'undici';
import type { Clock } from '../base/clock.ts';
import { withDeadline } from '../base/deadline.ts';
import type { UpstreamConfig } from '../config/config.ts';
import { type Address, type Addresses, bestOf } from './addresses.ts';
import { lendingReads, readDirectly, type Taker } from './lent-buffer.ts';

/** What is dialled with. */
export interface DialParts {
  readonly settings: UpstreamConfig;
  readonly addresses: Addresses;
  readonly clock: Clock;
  /** For finding them, and then for all addresses together, in ms. */
  readonly timeoutMs: number;
}

/** A connection that stands. */
export interface Dialed {
  readonly socket: Socket;
  readonly address: Address;
  /** From now on what is read goes to `take`, and the socket has no data of its own. */
  readWith(take: Taker): void;
}

/** An address took too long. */
class DialTimeout extends Error {
  override readonly name = 'DialTimeout';
  readonly code = 'ETIMEDOUT';
}

type Connector = ReturnType<typeof buildConnector>;

/** Dials one upstream with one set of certificates; for others make another. */
export class Dialer {
  readonly #parts: DialParts;
  readonly #connect: Connector;
  readonly #url: URL;

  constructor(parts: DialParts) {
    this.#parts = parts;
    this.#url = new URL(parts.settings.origin);
    const reading = { onread: lendingReads() }; // handed on to `net.connect` and `tls.connect`
    this.#connect = buildConnector({
      allowH2: false,
      timeout: 0,
      ...reading,
      ...tlsOptions(parts.settings, this.#url),
    });
  }

  /** A connection to the first address that takes one. Rejects with the failure of the last, or with a `DeadlineError` when no address is found in time. */
  async dial(): Promise<Dialed> {
    const { addresses, clock, timeoutMs } = this.#parts;
    // The look-up itself goes on, for whoever dials next.
    const found = await withDeadline(addresses.find(), { what: 'the look-up of a name', limitMs: timeoutMs, clock });
    const left = new Set(found);
    const limitMs = timeoutMs / left.size;
    let failure: unknown;
    for (let address = bestOf(left); address !== undefined; address = bestOf(left)) {
      left.delete(address);
      try {
        return await this.#connectTo(address, limitMs);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  // Counted from the start, so that many who dial at once do not all choose the same.
  async #connectTo(address: Address, limitMs: number): Promise<Dialed> {
    address.open++;
    try {
      const socket = await this.#reach(address, limitMs);
      socket.once('close', () => address.open--);
      this.#parts.addresses.succeeded(address);
      return { socket, address, readWith: (take) => readDirectly(socket, take) };
    } catch (error) {
      address.open--;
      this.#parts.addresses.refused(address);
      throw error;
    }
  }

  /** Whether an address takes a connection; nothing is sent on it. What is learnt is noted. */
  async probe(address: Address): Promise<void> {
    try {
      const socket = await this.#reach(address, this.#parts.timeoutMs);
      socket.destroy();
      this.#parts.addresses.succeeded(address);
    } catch {
      this.#parts.addresses.refused(address);
    }
  }

  #reach({ host, port }: Address, limitMs: number): Promise<Socket> {
    const { protocol, host: name } = this.#url;
    return new Promise((resolve, reject) => {
      const options = { hostname: host, host: name, protocol, port: String(port) };
      // undici gives back the socket it works on, which its types do not tell
      const socket = this.#connect(options, (error, made) => {
        cancel();
        if (made) resolve(made);
        else reject(error);
      }) as unknown as Socket;
      const cancel = this.#parts.clock.after(limitMs, () => socket.destroy(new DialTimeout('no connection in time')));
    });
  }
}

function tlsOptions(
  { serverName, authorities, certificate, key }: UpstreamConfig,
  { protocol, hostname }: URL,
): object {
  if (protocol !== 'https:') return {};
  const name = serverName ?? hostname.replace(/^\[|\]$/g, '');
  return {
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true, // whatever NODE_TLS_REJECT_UNAUTHORIZED says
    servername: isIP(name) === 0 ? name : '',
    checkServerIdentity: (_host: string, peer: Parameters<typeof checkServerIdentity>[1]) =>
      checkServerIdentity(name, peer),
    ...(authorities === undefined ? {} : { ca: authorities }),
    ...(certificate === undefined ? {} : { cert: certificate, key: key?.reveal() }),
  };
}
