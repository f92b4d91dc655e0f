/**
 * The one master that a group of sentinels names, followed wherever they move it.
 *
 * node-redis' own Sentinel client is not used: it serves one command at a time for
 * each connection of its pool, waits a second between its attempts and lets commands
 * hang meanwhile. Here the master is one kept connection like any other, and the
 * sentinels only say where it is (docs/decisions/0013).
 *
 * @module
 */

import type { Place, RedisAddress } from '../config/redis-url.ts';
import type { Confirmed } from './confirmer.ts';
import type { Access } from './connection.ts';
import { kindOf, nameOf, type Question, type RedisNode } from './node.ts';
import { SentinelGroup } from './sentinel-group.ts';
import { isAnswering, type RedisTopology, ReplicatedMaster, type Subject, type TopologyOptions } from './topology.ts';

/** Kinds of error by which a server says that it is not the master, or not yet. */
const notMaster = new Set(['READONLY', 'MASTERDOWN', 'LOADING']);

/** Where sentinels are and how they are asked. */
export interface SentinelOptions extends TopologyOptions {
  readonly address: RedisAddress;
  /** What opens the sentinels' own door. */
  readonly sentinelAccess: Access;
}

/** The topology of a master under sentinels. */
export class SentinelMaster implements RedisTopology {
  readonly #options: SentinelOptions;
  readonly #group: SentinelGroup;
  readonly #listeners = new Set<() => void>();
  #master: ReplicatedMaster | undefined = undefined;

  constructor(options: SentinelOptions) {
    const { address, sentinelAccess, timeoutMs, clock, log } = options;
    this.#options = options;
    this.#group = new SentinelGroup({
      places: address.places,
      masterName: address.masterName,
      access: sentinelAccess,
      timeoutMs,
      clock,
      log,
      onMaster: (place) => this.#follow(place),
    });
  }

  ask<Reply>({ what }: Subject, question: Question<Reply>): Promise<Reply> {
    return this.#watched((master) => master.node.ask(what, question));
  }

  confirm<Reply>(_subject: Subject, question: Question<Reply>): Promise<Confirmed<Reply>> {
    return this.#watched((master) => master.confirmer.run(question));
  }

  groupOf(): number {
    return 0;
  }

  async ping(): Promise<boolean> {
    return this.#master !== undefined && (await isAnswering(this.#master.node));
  }

  get isInTouch(): boolean {
    return this.#master?.node.isInTouch ?? false;
  }

  masters(): readonly RedisNode[] {
    if (this.#master === undefined) throw new Error('no sentinel has named a master yet');
    return [this.#master.node];
  }

  listeningPlaces(): readonly Place[] {
    return this.#master === undefined ? [] : [this.#master.node.place];
  }

  onMoved(listener: () => void): void {
    this.#listeners.add(listener);
  }

  close(): void {
    this.#group.close();
    this.#master?.close();
  }

  async #watched<Reply>(task: (master: ReplicatedMaster) => Promise<Reply>): Promise<Reply> {
    if (this.#master === undefined) throw new Error('no sentinel has named a master yet');
    try {
      return await task(this.#master);
    } catch (cause) {
      if (notMaster.has(kindOf(cause) ?? '')) this.#group.consult();
      throw cause;
    }
  }

  // The old master is dropped at once, answers under way included: what it still takes is lost when it is demoted.
  #follow(place: Place): void {
    const before = this.#master;
    if (before !== undefined && nameOf(before.node.place) === nameOf(place)) return;
    if (before !== undefined) this.#options.log.info('redis has another master', { master: nameOf(place) });
    this.#master = new ReplicatedMaster(place, this.#options);
    before?.close();
    this.#options.tracking.lost(); // what the old master said last need not be what the new one holds
    for (const listener of this.#listeners) listener();
  }
}
