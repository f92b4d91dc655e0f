/**
 * What the rest of the product needs not know of: how many Redis servers there are,
 * and which of them is asked. One file for each kind of topology makes one.
 *
 * @module
 */

import type { Place } from '../config/redis-url.ts';
import { type Confirmed, Confirmer } from './confirmer.ts';
import type { RedisLog } from './connection.ts';
import type { KeyTracking } from './key-tracking.ts';
import { type Link, type Question, RedisNode } from './node.ts';

/** What is asked about. */
export interface Subject {
  /** Named in errors. */
  readonly what: string;
  /** Decides which server is asked; `undefined`: any will do. */
  readonly key: string | undefined;
}

/** One or more Redis servers that hold the sessions together. */
export interface RedisTopology {
  /**
   * Asks the master that holds the key. Rejects when it is away, unknown, silent for
   * too long, or answers with an error; it does not wait for it to come back.
   */
  ask<Reply>(subject: Subject, question: Question<Reply>): Promise<Reply>;
  /** Like {@link ask}, for writes that must outlive their master. */
  confirm<Reply>(subject: Subject, question: Question<Reply>): Promise<Confirmed<Reply>>;
  /** Keys with the same number may be asked about in one question. */
  groupOf(key: string | undefined): number;
  /** Every master answers, and nothing lies on none. Does not throw. */
  ping(): Promise<boolean>;
  /** Whether every known master would have told of changed keys by now; false while none is known. */
  readonly isInTouch: boolean;
  /** Every master. Throws while some of them are not known. */
  masters(): readonly RedisNode[];
  /** Where messages can be listened to now, the best place first. */
  listeningPlaces(): readonly Place[];
  /** Calls `listener` when {@link listeningPlaces} may have changed. */
  onMoved(listener: () => void): void;
  /** Closes all connections. What is under way fails. */
  close(): void;
}

/** Who wants to know of the masters of a topology. */
export interface TopologyOptions extends Link {
  readonly log: RedisLog;
  /** Told of changed keys by every master, and by the topology when they lie elsewhere from now on. */
  readonly tracking: KeyTracking;
  /** A master is connected, for the first time or again. */
  readonly onMaster: (node: RedisNode) => void;
  /** Confirmed writes can be made again: on another master, or after a break. */
  readonly onConfirmer: () => void;
  readonly onDown: (place: Place, cause: unknown) => void;
}

/** A master with replicas: one connection for commands, and one for writes that are confirmed. */
export class ReplicatedMaster {
  readonly node: RedisNode;
  readonly confirmer: Confirmer;

  constructor(place: Place, options: TopologyOptions) {
    const { onMaster, onConfirmer, onDown } = options;
    this.node = new RedisNode({ ...options, place, onReady: onMaster, onDown: (cause) => onDown(place, cause) });
    // Its outages are those of the other connection, which tells of them. Nothing is read over it, so it tracks nothing.
    this.confirmer = new Confirmer(
      new RedisNode({ ...options, place, tracking: undefined, onReady: onConfirmer, onDown: () => undefined }),
    );
  }

  close(): void {
    this.node.close();
    this.confirmer.close();
  }
}

/** Whether a server answers. */
export function isAnswering(node: RedisNode): Promise<boolean> {
  return node
    .ask('PING', (send) => send(['PING']))
    .then(
      () => true,
      () => false,
    );
}
