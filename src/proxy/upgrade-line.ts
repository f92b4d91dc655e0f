/**
 * A connection for one request that asks for a WebSocket, by undici: it is used for
 * nothing before and nothing after.
 *
 * @module
 */

import { Client, type Dispatcher } from 'undici';
import type { Address } from './addresses.ts';
import type { Dialed } from './dial.ts';
import type { Line, Outgoing } from './upstreams.ts';

/** What it is made with. */
export interface UpgradeLineParts {
  readonly origin: string;
  readonly dial: () => Promise<Dialed>;
  readonly maxHeaderSize: number;
}

/** One request and its connection. */
export class UpgradeLine implements Line {
  readonly #client: Client;
  answers = 0;
  address: Address | undefined;

  constructor({ origin, dial, maxHeaderSize }: UpgradeLineParts) {
    const options = { pipelining: 1, allowH2: false, maxHeaderSize };
    this.#client = new Client(origin, {
      ...options,
      connect: (_options, callback) => {
        dial().then(
          ({ socket, address }) => {
            this.address = address;
            callback(null, socket);
          },
          (error: Error) => callback(error, null),
        );
      },
    });
    // An answer instead of an upgrade leaves a connection that nobody will use.
    this.#client.on('drain', () => void this.#client.close());
  }

  send(outgoing: Outgoing): boolean {
    outgoing.onLine(this);
    try {
      // What undici tells is what is told of every request, and of an upgrade.
      this.#client.dispatch(outgoing.dispatchOptions() as Dispatcher.DispatchOptions, outgoing);
    } catch (error) {
      outgoing.onResponseError(undefined, error as Error); // what we and undici throw are errors
    }
    return true;
  }
}
