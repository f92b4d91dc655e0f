/**
 * One channel, listened to on a connection of its own, wherever the topology says that
 * it can be heard.
 *
 * After a break node-redis subscribes again by itself; only the first subscription to
 * each server is made here. What was published meanwhile is lost, which the listener
 * is told.
 *
 * @module
 */

import type { Place } from '../config/redis-url.ts';
import { type Access, causeOf, KeptConnection, type RedisClient, type RedisLog } from './connection.ts';
import { nameOf } from './node.ts';
import type { RedisTopology } from './topology.ts';

/** What is listened to, and who listens. */
export interface SubscriptionOptions {
  readonly channel: string;
  readonly topology: RedisTopology;
  readonly access: Access;
  readonly timeoutMs: number;
  readonly log: RedisLog;
  readonly onMessage: (message: string) => void;
  /** Called when messages may have been missed. */
  readonly onGap: () => void;
}

/** Listens until it is closed. */
export class Subscription {
  readonly #options: SubscriptionOptions;
  #connection: KeptConnection | undefined = undefined;
  #place: Place | undefined = undefined;
  #subscribed: RedisClient | undefined = undefined;
  #wasUp = false;
  #isClosed = false;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    options.topology.onMoved(() => this.#follow());
    this.#follow();
  }

  /** Stops listening. */
  close(): void {
    this.#isClosed = true;
    this.#connection?.close();
  }

  // Stays where it is while that is a good place; else goes on to the one that follows.
  #follow(): void {
    if (this.#isClosed) return;
    const places = this.#options.topology.listeningPlaces();
    const here = this.#place === undefined ? -1 : places.map(nameOf).indexOf(nameOf(this.#place));
    if (here >= 0 && (places.length === 1 || !this.#connection?.isDown)) return;
    const next = places[(here + 1) % places.length];
    if (next !== undefined) this.#move(next);
  }

  #move(place: Place): void {
    const { channel, log } = this.#options;
    this.#connection?.close();
    this.#place = place;
    this.#connection = new KeptConnection({
      ...this.#options,
      place,
      onReady: (client) => this.#listen(client),
      onDown: (cause) => log.warn('messages of other instances are not heard', { channel, cause: causeOf(cause) }),
    });
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
