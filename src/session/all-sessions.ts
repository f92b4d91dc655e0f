/**
 * Everybody's sessions of one frontend, found by walking through the store.
 *
 * Several frontends, and servers of other deployments, may share a Redis: whose a
 * session is says its card, which only the keys of its own frontend open. What they
 * do not open is neither counted nor ended.
 *
 * Holds the names of one step at a time, however many sessions there are.
 *
 * @module
 */

import type { KeyRing } from '../keys/key-ring.ts';
import type { Redis } from '../redis/client.ts';
import { everyCard, openCard, sessionOfPart } from './seal.ts';
import type { SessionReports } from './session-reports.ts';
import type { Sessions } from './sessions.ts';

/** What they are found and ended with. All of one frontend. */
export interface AllSessionsParts {
  readonly redis: Pick<Redis, 'keysLike' | 'commands'>;
  readonly keys: KeyRing;
  readonly sessions: Pick<Sessions, 'end'>;
  readonly reports: Pick<SessionReports, 'unreadable'>;
}

/** Ends at a time. A master without a replica takes 200 ms for as many. */
const mostAtOnce = 128;

/** Everybody's sessions. All of it throws `store-unavailable`. */
export class AllSessions {
  readonly #parts: AllSessionsParts;

  constructor(parts: AllSessionsParts) {
    this.#parts = parts;
  }

  /**
   * How many there are. While the store grows or shrinks one may be counted twice.
   * A card that was damaged is nobody's: it is reported and not counted.
   */
  async count(): Promise<number> {
    const { reports } = this.#parts;
    let count = 0;
    for await (const ids of this.#walk((id) => reports.unreadable(id, { part: 'card', reason: 'not-authentic' }))) {
      count += ids.length;
    }
    return count;
  }

  /** Ends them, and tells after each round how many of it lived. May be repeated when it failed half-way. */
  async end(onEnded: (count: number) => void): Promise<void> {
    for await (const ids of this.#walk(() => undefined)) {
      for (let at = 0; at < ids.length; at += mostAtOnce) {
        const round = ids.slice(at, at + mostAtOnce).map((id) => this.#parts.sessions.end(id, 'revoked'));
        const outcomes = await Promise.allSettled(round);
        onEnded(outcomes.filter((each) => each.status === 'fulfilled' && each.value).length);
        const failed = outcomes.find((each) => each.status === 'rejected');
        if (failed !== undefined) throw failed.reason;
      }
    }
  }

  async *#walk(onDamaged: (id: string) => void): AsyncGenerator<readonly string[]> {
    const { redis, keys } = this.#parts;
    for await (const names of redis.keysLike(everyCard)) {
      if (names.length === 0) continue;
      const cards = await redis.commands(names.map((name) => ['GET', name]));
      yield names.flatMap((name, at) => {
        const [id, card] = [sessionOfPart(name), cards[at]];
        if (id === undefined || !Buffer.isBuffer(card)) return []; // it ended meanwhile
        const { fault } = openCard(card, { id, keys });
        if (fault === 'not-authentic') onDamaged(id);
        return fault === undefined ? [id] : [];
      });
    }
  }
}
