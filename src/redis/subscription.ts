/**
 * One channel, listened to on a connection of its own.
 *
 * After a break node-redis subscribes again by itself; only the first subscription
 * is made here. What was published meanwhile is lost, which the listener is told.
 *
 * @module
 */

import type { Secret } from '../base/secret.ts';
import { causeOf, KeptConnection, type RedisClient, type RedisLog } from './connection.ts';

/** What is listened to, and who listens. */
export interface SubscriptionOptions {
  readonly channel: string;
  readonly url: Secret;
  readonly timeoutMs: number;
  readonly log: RedisLog;
  readonly onMessage: (message: string) => void;
  /** Called when messages may have been missed. */
  readonly onGap: () => void;
}

/** Listens until it is closed. */
export class Subscription {
  readonly #options: SubscriptionOptions;
  readonly #connection: KeptConnection;
  #subscribed: RedisClient | undefined = undefined;
  #wasUp = false;

  constructor(options: SubscriptionOptions) {
    const { channel, log } = options;
    this.#options = options;
    this.#connection = new KeptConnection({
      ...options,
      onReady: (client) => this.#listen(client),
      onDown: (cause) => log.warn('messages of other instances are not heard', { channel, cause: causeOf(cause) }),
    });
  }

  /** Stops listening. */
  close(): void {
    this.#connection.close();
  }

  #listen(client: RedisClient): void {
    if (this.#wasUp) this.#guarded(() => this.#options.onGap());
    this.#wasUp = true;
    if (client === this.#subscribed) return;
    const { channel, log, onMessage } = this.#options;
    client
      .subscribe(channel, (message) => this.#guarded(() => onMessage(message)))
      .then(
        () => {
          this.#subscribed = client;
        },
        // A broken connection is made again and asks again; a refusal (ACL) must be seen by the operator.
        (cause: unknown) => log.warn('a channel cannot be listened to', { channel, cause: causeOf(cause) }),
      );
  }

  // What a listener throws must not reach the reader of the connection, which would lose its place in the stream.
  #guarded(task: () => void): void {
    try {
      task();
    } catch (cause) {
      this.#options.log.warn('a listener failed', { channel: this.#options.channel, cause: causeOf(cause) });
    }
  }
}
