/**
 * A cluster: the master of each slot is asked about the keys that lie in it, and
 * followed when slots move or a replica takes over.
 *
 * node-redis' own cluster client is not used: while one master is away it can neither
 * be opened nor learn the new map, so that the other masters are out of reach, too
 * (docs/decisions/0013). Here every master is a kept connection of its own.
 *
 * @module
 */

import type { Cancel } from '../base/clock.ts';
import type { Place } from '../config/redis-url.ts';
import type { Confirmed } from './confirmer.ts';
import { causeOf } from './connection.ts';
import { kindOf, nameOf, type Question, RedisNode, type RedisReply, type Send } from './node.ts';
import { slotOf } from './slot.ts';
import { redirectionIn, SlotMap } from './slot-map.ts';
import { isAnswering, type RedisTopology, ReplicatedMaster, type Subject, type TopologyOptions } from './topology.ts';

/** Some nodes of a cluster, and who wants to know of it. */
export interface ClusterOptions extends TopologyOptions {
  /** Asked for the map until masters are known, and when none of them is in reach. */
  readonly seeds: readonly Place[];
}

interface Redirected {
  readonly parts: Parameters<Send>[0];
  readonly isAsking: boolean;
}

/** Between two readings of the map, ms: while all is well, and while something is amiss. */
const readEveryMs = { calm: 1_000, amiss: 100 } as const;

/** The topology of a cluster. */
export class Cluster implements RedisTopology {
  readonly #options: ClusterOptions;
  readonly #masters = new Map<string, ReplicatedMaster>();
  readonly #seeds = new Map<string, RedisNode>();
  readonly #listeners = new Set<() => void>();
  #map = new SlotMap();
  #turn = 0;
  #isReading = false;
  #isClosed = false;
  #complaint = '';
  #cancel: Cancel = () => undefined;
  /** By `Clock.elapsed`: when the map is read next. */
  #dueAt = Number.POSITIVE_INFINITY;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#openSeeds();
    this.#plan();
  }

  ask<Reply>({ what, key }: Subject, question: Question<Reply>): Promise<Reply> {
    return this.#watched(() => {
      const { node } = this.#masterFor(key);
      return node.ask(what, (send) => question(this.#redirecting(node, send)));
    });
  }

  async confirm<Reply>(subject: Subject, question: Question<Reply>): Promise<Confirmed<Reply>> {
    try {
      return await this.#watched(() => this.#masterFor(subject.key).confirmer.run(question));
    } catch (cause) {
      if (kindOf(cause) !== 'MOVED' && kindOf(cause) !== 'ASK') throw cause;
      // The slot is on its way: the write goes after it, and who waits for a replica there is not known.
      return { reply: await this.ask(subject, question), isConfirmed: false };
    }
  }

  groupOf(key: string | undefined): number {
    return key === undefined ? -1 : slotOf(key);
  }

  async ping(): Promise<boolean> {
    if (!this.#map.isWhole) return false;
    const answers = await Promise.all([...this.#masters.values()].map(({ node }) => isAnswering(node)));
    return answers.every(Boolean);
  }

  get isInTouch(): boolean {
    const masters = [...this.#masters.values()];
    return masters.length > 0 && masters.every(({ node }) => node.isInTouch);
  }

  masters(): readonly RedisNode[] {
    if (!this.#map.isWhole) throw new Error('not every slot of the cluster has a known master');
    return [...this.#masters.values()].map(({ node }) => node);
  }

  /** Every node passes on every message; those in reach come first. */
  listeningPlaces(): readonly Place[] {
    const nodes = [...this.#masters.values()].map(({ node }) => node);
    const up = nodes.filter((node) => node.isUp);
    return (up.length > 0 ? up : nodes).map(({ place }) => place);
  }

  onMoved(listener: () => void): void {
    this.#listeners.add(listener);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
    for (const each of [...this.#masters.values(), ...this.#seeds.values()]) each.close();
  }

  #masterFor(key: string | undefined): ReplicatedMaster {
    const place = key === undefined ? this.listeningPlaces()[0] : this.#map.masterOf(slotOf(key));
    const master = place && this.#masters.get(nameOf(place));
    if (master === undefined) throw new Error('no master of the cluster is known for this key');
    return master;
  }

  // An error of any kind may mean that the map is old: it is read again soon, never more often than planned.
  async #watched<Reply>(task: () => Promise<Reply>): Promise<Reply> {
    try {
      return await task();
    } catch (cause) {
      this.#plan(readEveryMs.amiss);
      throw cause;
    }
  }

  #redirecting(node: RedisNode, send: Send): Send {
    return (parts) =>
      send(parts).catch((cause: unknown) => {
        const kind = kindOf(cause);
        if (!(cause instanceof Error) || (kind !== 'MOVED' && kind !== 'ASK')) throw cause;
        const target = redirectionIn(cause.message, node.place);
        if (target === undefined) throw cause;
        if (kind === 'MOVED' && this.#map.move(target.slot, target.place)) this.#options.tracking.lost();
        return this.#elsewhere(target.place, { parts, isAsking: kind === 'ASK' });
      });
  }

  #elsewhere(place: Place, { parts, isAsking }: Redirected): Promise<RedisReply> {
    const { node } = this.#open(place);
    this.#plan(readEveryMs.amiss);
    return node.ask('a redirected command', async (send) => {
      // ASKING holds for the next command only, so nothing may be written between the two.
      const [, reply] = await Promise.all([isAsking ? send(['ASKING']) : null, send(parts)]);
      return reply;
    });
  }

  #open(place: Place): ReplicatedMaster {
    const known = this.#masters.get(nameOf(place));
    if (known !== undefined) return known;
    const opened = new ReplicatedMaster(place, {
      ...this.#options,
      onMaster: (node) => {
        this.#options.onMaster(node);
        this.#tellMoved();
      },
      onDown: (where, cause) => {
        this.#options.onDown(where, cause);
        this.#plan();
      },
    });
    this.#masters.set(nameOf(place), opened);
    return opened;
  }

  #openSeeds(): void {
    const { onDown } = this.#options;
    for (const place of this.#options.seeds) {
      if (this.#seeds.has(nameOf(place))) continue;
      const onReady = () => void this.#read();
      this.#seeds.set(
        nameOf(place),
        new RedisNode({
          ...this.#options,
          place,
          tracking: undefined,
          onReady,
          onDown: (cause) => onDown(place, cause),
        }),
      );
    }
  }

  // The next reading. What is planned for an earlier moment stays, so that a stream of errors does not put it off.
  #plan(ms: number = this.#isCalm() ? readEveryMs.calm : readEveryMs.amiss): void {
    const dueAt = this.#options.clock.elapsed() + ms;
    if (this.#isClosed || dueAt >= this.#dueAt) return;
    this.#cancel();
    this.#dueAt = dueAt;
    this.#cancel = this.#options.clock.after(ms, () => this.#readInTime());
  }

  #readInTime(): void {
    this.#dueAt = Number.POSITIVE_INFINITY;
    void this.#read();
  }

  #isCalm(): boolean {
    return this.#map.isWhole && [...this.#masters.values()].every(({ node }) => node.isUp);
  }

  // One reading at a time, of one node after the other by turns, so that a node with an old map is not believed for long.
  async #read(): Promise<void> {
    if (this.#isReading || this.#isClosed) return;
    this.#isReading = true;
    const nodes = [...[...this.#masters.values()].map(({ node }) => node), ...this.#seeds.values()];
    const up = nodes.filter((node) => node.isUp);
    if (up.length === 0) this.#openSeeds();
    this.#turn += 1;
    const node = up[this.#turn % up.length];
    const map = node && (await this.#mapFrom(node));
    if (map !== undefined && map.masters.length > 0 && !this.#isClosed) this.#adopt(map);
    this.#isReading = false;
    this.#plan();
    this.#tellMoved();
  }

  // A refusal (no cluster, no right to ask) must be seen by the operator, once.
  async #mapFrom(node: RedisNode): Promise<SlotMap | undefined> {
    try {
      const map = SlotMap.read(await node.ask('CLUSTER SLOTS', (send) => send(['CLUSTER', 'SLOTS'])), node.place);
      this.#complaint = '';
      return map;
    } catch (failure) {
      const cause = causeOf(failure);
      if (cause !== this.#complaint) {
        this.#options.log.warn('the map of the cluster cannot be read', { server: nameOf(node.place), cause });
      }
      this.#complaint = cause;
      return undefined;
    }
  }

  #adopt(map: SlotMap): void {
    const isNews = map.differsFrom(this.#map);
    this.#map = map;
    const names = new Set(map.masters.map((place) => nameOf(place)));
    for (const place of map.masters) this.#open(place);
    for (const [name, master] of this.#masters) {
      if (names.has(name)) continue;
      this.#masters.delete(name);
      master.close();
    }
    if (isNews) this.#options.tracking.lost(); // keys of a slot that moved are told of elsewhere
    if (this.#seeds.size > 0 && this.#isCalm()) this.#closeSeeds();
  }

  #closeSeeds(): void {
    for (const seed of this.#seeds.values()) seed.close();
    this.#seeds.clear();
  }

  #tellMoved(): void {
    for (const listener of this.#listeners) listener();
  }
}
