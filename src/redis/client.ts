/**
 * The one door to Redis: commands, scripts and channels, each with an end, whether there is
 * one server, a master under Sentinel, or a cluster.
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

import type { Clock } from '../base/clock.ts';
import type { Secret } from '../base/secret.ts';
import { ProblemError } from '../errors.ts';
import { accessTo, openTopology } from './choose-topology.ts';
import { type Access, causeOf, type RedisLog } from './connection.ts';
import { type KeyListener, KeyTracking } from './key-tracking.ts';
import {
  kindOf,
  nameOf,
  type Question,
  type RedisArgument,
  type RedisNode,
  type RedisReply,
  type Send,
} from './node.ts';
import { scanKeys } from './scan.ts';
import type { RedisScript } from './script.ts';
import { serverFaults } from './server-check.ts';
import { keyOf } from './slot.ts';
import { Subscription } from './subscription.ts';
import type { RedisTopology } from './topology.ts';
import { UnconfirmedWrites } from './unconfirmed.ts';

/** How Redis is reached. */
export interface RedisOptions {
  /** In one of the forms of config/redis-url.ts. */
  readonly url: Secret;
  /** What a command may take, ms. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: RedisLog;
}

/** What a script runs on. */
export interface ScriptInput {
  /** All of one hash tag. */
  readonly keys: readonly string[];
  readonly values: readonly RedisArgument[];
}

/** A script that outlives the loss of a master, and what it runs on. */
export interface ConfirmedInput extends ScriptInput {
  /** Run on the next master in its place. Such writes are remembered apart: however many, they displace none of the others. */
  readonly inPlace?: RedisScript | undefined;
}

/** Begins to connect, and goes on trying. Throws only when the URL is not one. */
export function connectRedis(options: RedisOptions): Redis {
  return new Redis(options);
}

/** One or more Redis servers as the rest of the product sees them. */
export class Redis {
  readonly #options: RedisOptions;
  readonly #access: Access;
  readonly #topology: RedisTopology;
  readonly #tracking = new KeyTracking();
  readonly #subscriptions = new Set<Subscription>();
  readonly #unconfirmed = { plain: new UnconfirmedWrites(), inPlace: new UnconfirmedWrites() };
  readonly #faultsTold = new Map<string, string>();
  #underWay = 0;

  /** Use {@link connectRedis}. */
  constructor(options: RedisOptions) {
    const { url, log } = options;
    this.#options = options;
    this.#access = accessTo(url);
    this.#topology = openTopology(url, {
      ...options,
      tracking: this.#tracking,
      access: this.#access,
      onMaster: (node) => this.#welcome(node),
      onConfirmer: () => this.#repeat(),
      onDown: (place, cause) => log.warn('redis cannot be reached', { server: nameOf(place), cause: causeOf(cause) }),
    });
  }

  /** Sends one command. */
  command(...parts: readonly RedisArgument[]): Promise<RedisReply> {
    return this.#bounded(() =>
      this.#topology.ask({ what: String(parts[0]), key: keyOf(parts) }, (send) => send(parts)),
    );
  }

  /**
   * Sends commands together, in one write for each server that holds their keys; gives
   * the answers in their order. They are not one transaction.
   */
  commands(all: readonly (readonly RedisArgument[])[]): Promise<readonly RedisReply[]> {
    return this.#bounded(async () => {
      const groups = Map.groupBy(all.keys(), (at) => this.#topology.groupOf(keyOf(all[at] ?? [])));
      const replies = new Array<RedisReply>(all.length).fill(null);
      await Promise.all([...groups.values()].map((places) => this.#together(all, { places, replies })));
      return replies;
    });
  }

  /**
   * The names of texts that match `pattern`, on every master, a few at a time; some may
   * come twice. Fails, as commands do, when some could have been missed.
   */
  async *keysLike(pattern: string): AsyncGenerator<readonly string[]> {
    try {
      yield* scanKeys({ topology: this.#topology, tracking: this.#tracking }, pattern);
    } catch (cause) {
      throw new ProblemError('store-unavailable', { cause });
    }
  }

  /** Runs a script, by its hash where Redis knows it. */
  run(script: RedisScript, input: ScriptInput): Promise<RedisReply> {
    return this.#bounded(() => this.#topology.ask(subjectOf(script, input), running(script, input)));
  }

  /**
   * Runs a script whose effect must outlive the loss of a master: under Sentinel and in a
   * cluster it waits up to 200 ms for one replica. When none has it, that is logged, the
   * answer is given all the same, and the script (or the one in its place) is run on the
   * next master. So it must be one that may come late, and twice.
   */
  runConfirmed(script: RedisScript, { inPlace, ...input }: ConfirmedInput): Promise<RedisReply> {
    return this.#bounded(async () => {
      const write = (by: RedisScript) => this.#topology.confirm(subjectOf(by, input), running(by, input));
      const { reply, isConfirmed } = await write(script);
      const list = inPlace === undefined ? this.#unconfirmed.plain : this.#unconfirmed.inPlace;
      const again = async () => (await write(inPlace ?? script)).isConfirmed;
      if (!isConfirmed) this.#remember(script.name, { again, list });
      return reply;
    });
  }

  /**
   * Calls `onMessage` for each message of `channel`, on a connection of its own.
   * `onGap` is called when messages may have been missed: the connection broke and is up again.
   */
  subscribe(channel: string, listeners: { onMessage(message: string): void; onGap(): void }): void {
    const { timeoutMs, log } = this.#options;
    const [topology, access] = [this.#topology, this.#access];
    this.#subscriptions.add(new Subscription({ channel, topology, access, timeoutMs, log, ...listeners }));
  }

  /**
   * Calls `listener` for each change, by anybody, to a key that was read since its last
   * change; with `undefined` when changes may have been missed, or keys lie on another
   * server from now on. Returns what stops it.
   */
  onKeyChanged(listener: KeyListener): () => void {
    return this.#tracking.onChanged(listener);
  }

  /**
   * Whether {@link onKeyChanged} can be relied on: every known master is connected and
   * said something within four times `timeoutMs`.
   */
  get isInTouch(): boolean {
    return this.#topology.isInTouch;
  }

  /** Whether every master answers now. Does not throw. */
  ping(): Promise<boolean> {
    return this.#topology.ping();
  }

  /** Closes all connections. What is under way is given the time of one command. */
  async close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.close();
    if (this.#underWay > 0) await this.ping();
    this.#topology.close();
  }

  async #bounded<Reply>(ask: () => Promise<Reply>): Promise<Reply> {
    this.#underWay += 1;
    try {
      return await ask();
    } catch (cause) {
      throw new ProblemError('store-unavailable', { cause });
    } finally {
      this.#underWay -= 1;
    }
  }

  async #together(all: readonly (readonly RedisArgument[])[], { places, replies }: Together): Promise<void> {
    const commands = places.map((at) => all[at] ?? []);
    const what = commands.map(([name]) => String(name)).join(', ');
    const answers = await this.#topology.ask({ what, key: keyOf(commands[0] ?? []) }, (send) =>
      Promise.all(commands.map(send)),
    );
    for (const [at, place] of places.entries()) replies[place] = answers[at] ?? null;
  }

  #remember(what: string, { again, list }: Unconfirmed): void {
    const { log } = this.#options;
    const wasRoom = list.add(again);
    log.warn('no replica has confirmed a write: it is made again on the next master', { what, waiting: list.size });
    if (!wasRoom) log.warn('an unconfirmed write was forgotten for a newer one', { what });
  }

  #repeat(): void {
    void this.#unconfirmed.plain.repeat();
    void this.#unconfirmed.inPlace.repeat();
  }

  #welcome(node: RedisNode): void {
    const server = nameOf(node.place);
    this.#options.log.info('redis is reached', { server });
    node
      .ask('INFO', (send) => Promise.all([send(['INFO', 'server']), send(['INFO', 'memory'])]))
      .then((answers) => this.#tell(server, serverFaults(answers.join('\n'))))
      .catch((cause: unknown) => {
        this.#tell(server, [`whether this Redis is fit for sessions cannot be told: ${causeOf(cause)}`]);
      });
  }

  // Once for each news, not for each reconnection.
  #tell(server: string, faults: readonly string[]): void {
    const text = faults.join('; ');
    if (text !== (this.#faultsTold.get(server) ?? '')) {
      for (const fault of faults) this.#options.log.warn(`redis: ${fault}`, { server });
    }
    this.#faultsTold.set(server, text);
  }
}

interface Unconfirmed {
  readonly again: () => Promise<boolean>;
  readonly list: UnconfirmedWrites;
}

interface Together {
  /** Where the commands of one server stand among all. */
  readonly places: readonly number[];
  readonly replies: RedisReply[];
}

function subjectOf(
  { name }: RedisScript,
  { keys }: ScriptInput,
): { readonly what: string; readonly key: string | undefined } {
  return { what: `script ${name}`, key: keys[0] };
}

function running({ text, hash }: RedisScript, { keys, values }: ScriptInput): Question<RedisReply> {
  const input = [String(keys.length), ...keys, ...values];
  return (send: Send) =>
    send(['EVALSHA', hash, ...input]).catch((error: unknown) => {
      if (kindOf(error) !== 'NOSCRIPT') throw error;
      return send(['EVAL', text, ...input]);
    });
}
