/**
 * What is new in a session between two readings of it, and which sessions ended a
 * moment ago.
 *
 * @module
 */

import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../base/clock.ts';
import type { EndReason, OpenedSession } from './session.ts';

/** The newer of two readings of one session. They come from several places, and not always in order. */
export function newestOf(known: OpenedSession, seen: OpenedSession): OpenedSession {
  const gained = seen.tokensVersion - known.tokensVersion || seen.version - known.version || seen.seenAt - known.seenAt;
  return gained > 0 ? seen : known;
}

/** What is to be told of a newer reading. Activity is not: it is nobody's news. */
export function changesBetween(
  before: OpenedSession,
  after: OpenedSession,
): readonly ('refreshed' | 'claims-changed')[] {
  const isRefreshed = after.tokensVersion > before.tokensVersion;
  // Counts of writes are not compared: the same claims under another key are no news.
  const isChanged = !isDeepStrictEqual(after.identity.claims, before.identity.claims);
  return [...(isRefreshed ? ['refreshed' as const] : []), ...(isChanged ? ['claims-changed' as const] : [])];
}

const rememberedMs = 60_000;
const mostRemembered = 10_000;

/** Sessions that ended lately, for whoever opened one just before and looks for it just after. */
export class RecentEnds {
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #ends = new Map<string, { readonly reason: EndReason; readonly at: number }>();

  constructor(clock: Pick<Clock, 'elapsed'>) {
    this.#clock = clock;
  }

  /** Remembers one for a minute, or until ten thousand others have ended. */
  add(id: string, reason: EndReason): void {
    const at = this.#clock.elapsed();
    for (const [oldest, end] of this.#ends) {
      if (this.#ends.size < mostRemembered && at - end.at < rememberedMs) break;
      this.#ends.delete(oldest);
    }
    this.#ends.set(id, { reason, at });
  }

  /** Why it ended; `undefined` for one that is not known to have ended. */
  reasonOf(id: string): EndReason | undefined {
    return this.#ends.get(id)?.reason;
  }
}
