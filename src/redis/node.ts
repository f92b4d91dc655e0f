/**
 * One Redis server as commands see it: a kept connection, an end for each question,
 * and an eye on silence. Knows nothing of other servers.
 *
 * @module
 */

import { ErrorReply } from 'redis';
import type { Clock } from '../base/clock.ts';
import { DeadlineError, withDeadline } from '../base/deadline.ts';
import type { Place } from '../config/redis-url.ts';
import { type Access, KeptConnection, silenceFactor } from './connection.ts';
import type { KeyTracking } from './key-tracking.ts';

/** One argument of a command. */
export type RedisArgument = string | Buffer;

/** What Redis answers; texts as bytes. */
export type RedisReply = Buffer | string | number | null | readonly RedisReply[];

/** Sends one command. Rejects with what node-redis rejects with. */
export type Send = (parts: readonly RedisArgument[]) => Promise<RedisReply>;

/** One or more commands that get their answers in one go. */
export type Question<Reply> = (send: Send) => Promise<Reply>;

/** What all connections of a topology have in common. */
export interface Link {
  readonly access: Access;
  /** What a question may take, ms. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** A server, and who wants to know how it is. */
export interface NodeOptions extends Link {
  readonly place: Place;
  /** Told of changes to what is read there; none where nothing is read that is held. */
  readonly tracking?: KeyTracking | undefined;
  readonly onReady: (node: RedisNode) => void;
  readonly onDown: (cause: unknown) => void;
}

/** What a server says of changed keys is relied on until it was silent for this many times what a question may take. */
const outOfTouchFactor = 4;

/** A server that is kept in reach until it is closed. */
export class RedisNode {
  readonly place: Place;
  readonly #options: NodeOptions;
  readonly #connection: KeptConnection;
  /** By `Clock.elapsed`: when it last said anything. */
  #heardAt = Number.NEGATIVE_INFINITY;
  /** By `Clock.elapsed`: since when nothing was answered although something was asked. */
  #silentSince: number | undefined = undefined;

  constructor(options: NodeOptions) {
    this.place = options.place;
    this.#options = options;
    this.#connection = new KeptConnection({
      ...options,
      onReady: () => {
        this.#heard();
        options.onReady(this);
      },
      onAlive: () => this.#heard(),
    });
  }

  /** Whether it is connected and owes no answer for too long. */
  get isUp(): boolean {
    return this.#connection.isUp && this.#silentSince === undefined;
  }

  /**
   * Whether it would have told of changed keys: it is connected and said something lately.
   * It is asked every `timeoutMs`, so silence is no accident; a connection that is cut
   * off without being closed tells of nothing.
   */
  get isInTouch(): boolean {
    const { clock, timeoutMs } = this.#options;
    return this.#connection.isUp && clock.elapsed() - this.#heardAt <= timeoutMs * outOfTouchFactor;
  }

  /** Asks, and rejects with a {@link DeadlineError} when no answer comes in time. Rejects at once while it is away. */
  async ask<Reply>(what: string, question: Question<Reply>): Promise<Reply> {
    const { clock, timeoutMs } = this.#options;
    const askedAt = clock.elapsed();
    try {
      const reply = await withDeadline(question(this.#send), { what, limitMs: timeoutMs, clock });
      this.#heard();
      return reply;
    } catch (cause) {
      if (cause instanceof DeadlineError) this.#missed(cause, askedAt);
      else if (cause instanceof ErrorReply) this.#heard();
      throw cause;
    }
  }

  /** Calls `onMessage` for each message of `channel`, for as long as this node lives. */
  async listen(channel: string, onMessage: (message: string) => void): Promise<void> {
    await this.#connection.client.subscribe(channel, onMessage);
  }

  /** Closes for good. What is under way fails. */
  close(): void {
    this.#connection.close();
  }

  readonly #send: Send = (parts) => this.#connection.client.sendCommand([...parts]) as Promise<RedisReply>; // what RESP3 can hold of the commands used here

  #heard(): void {
    this.#heardAt = this.#options.clock.elapsed();
    this.#silentSince = undefined;
  }

  #missed(cause: DeadlineError, askedAt: number): void {
    const { clock, timeoutMs } = this.#options;
    this.#silentSince ??= askedAt;
    if (clock.elapsed() - this.#silentSince < timeoutMs * silenceFactor) return;
    this.#silentSince = undefined;
    this.#connection.renew(cause);
  }
}

/** The first word of an error reply: its kind, by the protocol, and meant for programs. `undefined` for other errors. */
export function kindOf(error: unknown): string | undefined {
  return error instanceof ErrorReply ? error.message.split(' ', 1)[0] : undefined;
}

/** A place as one word, `host:port`. */
export function nameOf({ host, port }: Place): string {
  return `${host}:${port}`;
}
