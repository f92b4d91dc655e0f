/**
 * One Redis server, or one address behind which somebody else swaps servers.
 *
 * @module
 */

import type { Place } from '../config/redis-url.ts';
import type { Confirmed } from './confirmer.ts';
import { type Question, RedisNode } from './node.ts';
import { isAnswering, type RedisTopology, type Subject, type TopologyOptions } from './topology.ts';

/** The topology of one server. */
export class SingleServer implements RedisTopology {
  readonly #node: RedisNode;

  constructor(place: Place, options: TopologyOptions) {
    const { onMaster, onDown } = options;
    this.#node = new RedisNode({ ...options, place, onReady: onMaster, onDown: (cause) => onDown(place, cause) });
  }

  ask<Reply>({ what }: Subject, question: Question<Reply>): Promise<Reply> {
    return this.#node.ask(what, question);
  }

  /** There is no replica to wait for that could take over: what the server took is all there is. */
  async confirm<Reply>(subject: Subject, question: Question<Reply>): Promise<Confirmed<Reply>> {
    return { reply: await this.ask(subject, question), isConfirmed: true };
  }

  groupOf(): number {
    return 0;
  }

  ping(): Promise<boolean> {
    return isAnswering(this.#node);
  }

  get isInTouch(): boolean {
    return this.#node.isInTouch;
  }

  masters(): readonly RedisNode[] {
    return [this.#node];
  }

  listeningPlaces(): readonly Place[] {
    return [this.#node.place];
  }

  /** It never moves. */
  onMoved(): void {}

  close(): void {
    this.#node.close();
  }
}
