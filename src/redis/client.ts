/**
 * The one door to Redis: commands, scripts and one channel, each with an end.
 *
 * Every command has our own deadline. When it passes, when the connection is away,
 * when the queue is full or Redis answers with an error, the caller gets
 * `ProblemError('store-unavailable')` with the cause. A deadline that passed means
 * that it is not known whether the command took place.
 *
 * A Redis that cannot be reached, at the start or later, ends nothing here: it is
 * tried again until {@link Redis.close}.
 *
 * @module
 */

import { ErrorReply } from 'redis';
import type { Clock } from '../base/clock.ts';
import { DeadlineError, withDeadline } from '../base/deadline.ts';
import type { Secret } from '../base/secret.ts';
import { ProblemError } from '../errors.ts';
import { causeOf, KeptConnection, type RedisClient, type RedisLog, silenceFactor } from './connection.ts';
import { type KeyListener, KeyTracking } from './key-tracking.ts';
import type { RedisScript } from './script.ts';
import { serverFaults } from './server-check.ts';
import { Subscription } from './subscription.ts';

/** One argument of a command. */
export type RedisArgument = string | Buffer;

/** What Redis answers; texts as bytes. */
export type RedisReply = Buffer | string | number | null | readonly RedisReply[];

/** How Redis is reached. */
export interface RedisOptions {
  readonly url: Secret;
  /** What a command may take, ms. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: RedisLog;
}

/** What Redis says of changed keys is relied on until it was silent for this many times what a command may take. */
const outOfTouchFactor = 4;

/** What a script runs on. */
export interface ScriptInput {
  /** All of one hash tag. */
  readonly keys: readonly string[];
  readonly values: readonly RedisArgument[];
}

/** Begins to connect, and goes on trying. Throws only when the URL is not one. */
export function connectRedis(options: RedisOptions): Redis {
  return new Redis(options);
}

/** A Redis server as the rest of the product sees it. */
export class Redis {
  readonly #options: RedisOptions;
  readonly #connection: KeptConnection;
  readonly #subscriptions = new Set<Subscription>();
  readonly #tracking = new KeyTracking();
  /** By `Clock.elapsed`: when it last said anything. */
  #heardAt = Number.NEGATIVE_INFINITY;
  /** By `Clock.elapsed`: since when nothing was answered although something was asked. */
  #silentSince: number | undefined = undefined;
  #underWay = 0;
  #faultsTold = '';

  /** Use {@link connectRedis}. */
  constructor(options: RedisOptions) {
    this.#options = options;
    this.#connection = new KeptConnection({
      url: options.url,
      timeoutMs: options.timeoutMs,
      tracking: this.#tracking,
      onReady: (client) => this.#welcome(client),
      onAlive: () => this.#heard(),
      onDown: (cause) => options.log.warn('redis cannot be reached', { cause: causeOf(cause) }),
    });
  }

  /** Sends one command. */
  command(...parts: readonly RedisArgument[]): Promise<RedisReply> {
    return this.#bounded(String(parts[0]), (client) => send(client, parts));
  }

  /** Sends commands together, in one write; gives the answers in their order. They are not one transaction. */
  commands(all: readonly (readonly RedisArgument[])[]): Promise<readonly RedisReply[]> {
    return this.#bounded(all.map(([name]) => String(name)).join(', '), (client) =>
      Promise.all(all.map((parts) => send(client, parts))),
    );
  }

  /** Runs a script, by its hash where Redis knows it. */
  run({ name, text, hash }: RedisScript, { keys, values }: ScriptInput): Promise<RedisReply> {
    const input = [String(keys.length), ...keys, ...values];
    return this.#bounded(`script ${name}`, (client) =>
      send(client, ['EVALSHA', hash, ...input]).catch((error: unknown) => {
        if (kindOf(error) !== 'NOSCRIPT') throw error;
        return send(client, ['EVAL', text, ...input]);
      }),
    );
  }

  /**
   * Calls `onMessage` for each message of `channel`, on a connection of its own.
   * `onGap` is called when messages may have been missed: the connection broke and is up again.
   */
  subscribe(channel: string, listeners: { onMessage(message: string): void; onGap(): void }): void {
    const { url, timeoutMs, log } = this.#options;
    this.#subscriptions.add(new Subscription({ channel, url, timeoutMs, log, ...listeners }));
  }

  /**
   * Calls `listener` for each change, by anybody, to a key that was read since its last
   * change; with `undefined` when changes may have been missed. Returns what stops it.
   */
  onKeyChanged(listener: KeyListener): () => void {
    return this.#tracking.onChanged(listener);
  }

  /**
   * Whether {@link onKeyChanged} can be relied on: Redis is connected and said something
   * lately. It is asked every `timeoutMs`, so silence is no accident; a connection that
   * is cut off without being closed tells of nothing.
   */
  get isInTouch(): boolean {
    const { clock, timeoutMs } = this.#options;
    return this.#connection.isUp && clock.elapsed() - this.#heardAt <= timeoutMs * outOfTouchFactor;
  }

  /** Whether it answers now. Does not throw. */
  ping(): Promise<boolean> {
    return this.command('PING').then(
      () => true,
      () => false,
    );
  }

  /** Closes all connections. What is under way is given the time of one command. */
  async close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.close();
    if (this.#underWay > 0) await this.ping();
    this.#connection.close();
  }

  async #bounded<Reply>(what: string, ask: (client: RedisClient) => Promise<Reply>): Promise<Reply> {
    const { clock, timeoutMs } = this.#options;
    const askedAt = clock.elapsed();
    this.#underWay += 1;
    try {
      const reply = await withDeadline(ask(this.#connection.client), { what, limitMs: timeoutMs, clock });
      this.#heard();
      return reply;
    } catch (cause) {
      if (cause instanceof DeadlineError) this.#missed(cause, askedAt);
      else if (cause instanceof ErrorReply) this.#heard();
      throw new ProblemError('store-unavailable', { cause });
    } finally {
      this.#underWay -= 1;
    }
  }

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

  #welcome(client: RedisClient): void {
    this.#heard();
    this.#options.log.info('redis is reached');
    this.#inspect(client).catch((cause: unknown) => {
      this.#tell([`whether this Redis is fit for sessions cannot be told: ${causeOf(cause)}`]);
    });
  }

  async #inspect(client: RedisClient): Promise<void> {
    const { clock, timeoutMs } = this.#options;
    const work = Promise.all([send(client, ['INFO', 'server']), send(client, ['INFO', 'memory'])]);
    const answers = await withDeadline(work, { what: 'INFO', limitMs: timeoutMs, clock });
    this.#tell(serverFaults(answers.join('\n')));
  }

  // Once for each news, not for each reconnection.
  #tell(faults: readonly string[]): void {
    const text = faults.join('; ');
    if (text !== this.#faultsTold) for (const fault of faults) this.#options.log.warn(`redis: ${fault}`);
    this.#faultsTold = text;
  }
}

function send(client: RedisClient, parts: readonly RedisArgument[]): Promise<RedisReply> {
  return client.sendCommand([...parts]) as Promise<RedisReply>; // what RESP3 can hold of the commands used here
}

// The first word of an error reply is its kind, by the protocol, and is meant for programs.
function kindOf(error: unknown): string | undefined {
  return error instanceof ErrorReply ? error.message.split(' ', 1)[0] : undefined;
}
