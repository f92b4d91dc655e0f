/**
 * Asks sentinels where a master is, all of them, and listens to what they say of it.
 *
 * They are believed by the epoch of their answer: a sentinel that was cut off from the
 * others goes on naming the old master, with the old epoch. No sentinel in reach means
 * that the last master named stays the master.
 *
 * @module
 */

import type { Cancel, Clock } from '../base/clock.ts';
import type { Place } from '../config/redis-url.ts';
import { type Access, causeOf, type RedisLog } from './connection.ts';
import { nameOf, RedisNode } from './node.ts';

/** Which sentinels, about which master, and who is told. */
export interface SentinelGroupOptions {
  readonly places: readonly Place[];
  readonly masterName: string;
  readonly access: Access;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: RedisLog;
  /** Told where the master is, after each answer. */
  readonly onMaster: (place: Place) => void;
}

interface Answer {
  readonly place: Place;
  readonly epoch: number;
}

/** A switch is announced; this is for announcements that were missed. */
const askEveryMs = 1_000;

/** A group of sentinels, asked until it is closed. */
export class SentinelGroup {
  readonly #options: SentinelGroupOptions;
  readonly #nodes: readonly RedisNode[];
  readonly #answers = new Map<RedisNode, Answer>();
  readonly #complaints = new Map<RedisNode, string>();
  readonly #listening = new WeakSet<RedisNode>();
  #cancel: Cancel;

  constructor(options: SentinelGroupOptions) {
    this.#options = options;
    this.#nodes = options.places.map((place) => this.#open(place));
    this.#cancel = options.clock.after(askEveryMs, () => this.#tick());
  }

  /** Asks all sentinels in reach now. */
  consult(): void {
    for (const node of this.#nodes) if (node.isUp) this.#ask(node);
  }

  /** Closes the connections to all sentinels. */
  close(): void {
    this.#cancel();
    for (const node of this.#nodes) node.close();
  }

  #open(place: Place): RedisNode {
    const { log } = this.#options;
    const node: RedisNode = new RedisNode({
      ...this.#options,
      place,
      onReady: () => this.#welcome(node),
      onDown: (cause) => {
        this.#answers.delete(node);
        log.warn('a sentinel cannot be reached', { sentinel: nameOf(place), cause: causeOf(cause) });
      },
    });
    return node;
  }

  // node-redis subscribes again by itself when the connection is made again.
  #welcome(node: RedisNode): void {
    this.#ask(node);
    if (this.#listening.has(node)) return;
    this.#listening.add(node);
    node
      .listen('+switch-master', () => this.#ask(node))
      .catch((cause: unknown) => {
        this.#listening.delete(node);
        this.#warn(node, cause);
      });
  }

  #ask(node: RedisNode): void {
    node
      .ask('SENTINEL MASTER', (send) => send(['SENTINEL', 'MASTER', this.#options.masterName]))
      .then((reply) => this.#take(node, reply))
      .catch((cause: unknown) => this.#warn(node, cause));
  }

  #take(node: RedisNode, reply: unknown): void {
    const answer = answerIn(reply);
    if (answer === undefined) {
      this.#warn(node, new Error('the answer names no master'));
      return;
    }
    this.#answers.set(node, answer);
    this.#complaints.delete(node);
    const [best] = [...this.#answers.values()].sort((one, other) => other.epoch - one.epoch);
    if (best !== undefined) this.#options.onMaster(best.place);
  }

  #warn(node: RedisNode, cause: unknown): void {
    const { log, masterName } = this.#options;
    this.#answers.delete(node);
    const fields = { sentinel: nameOf(node.place), master: masterName, cause: causeOf(cause) };
    // It is asked every second: told once for each news.
    if (this.#complaints.get(node) === fields.cause) return;
    this.#complaints.set(node, fields.cause);
    log.warn('a sentinel does not name the master', fields);
  }

  #tick(): void {
    this.consult();
    this.#cancel = this.#options.clock.after(askEveryMs, () => this.#tick());
  }
}

/** Where the master is, by an answer to `SENTINEL MASTER`; `undefined` when it does not say. */
export function placeOfMaster(reply: unknown): Place | undefined {
  return answerIn(reply)?.place;
}

// A map of texts: in RESP3 an object, a Map or a flat list, as the client pleases.
function answerIn(reply: unknown): Answer | undefined {
  const fields = new Map(pairsOf(reply).map(([name, value]) => [String(name), String(value)]));
  const [host = '', port = '', epoch = ''] = ['ip', 'port', 'config-epoch'].map((name) => fields.get(name));
  const isWhole = host !== '' && /^\d+$/.test(port) && /^\d+$/.test(epoch);
  return isWhole ? { place: { host, port: Number(port) }, epoch: Number(epoch) } : undefined;
}

function pairsOf(reply: unknown): readonly (readonly [unknown, unknown])[] {
  if (reply instanceof Map) return [...reply.entries()];
  if (!Array.isArray(reply)) return typeof reply === 'object' && reply !== null ? Object.entries(reply) : [];
  return reply.flatMap((name, at) => (at % 2 === 0 ? [[name, reply[at + 1]] as const] : []));
}
