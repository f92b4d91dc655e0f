/**
 * Starts peers side by side and ends them, whatever happens between.
 *
 * @module
 */

import type { Contestant } from './measure.ts';
import type { Peer } from './peers/peer.ts';
import { openPlace, type Place } from './place.ts';

/** The peers that take part, and why others do not. */
export interface Contest {
  readonly place: Place;
  readonly contestants: readonly Contestant[];
  readonly skipped: readonly string[];
}

/** Starts the peers, runs `work` with them, and ends them. Prints which are up. */
export async function withPeers<Result>(
  peers: readonly Peer[],
  { sessions, work }: { readonly sessions: number; readonly work: (contest: Contest) => Promise<Result> },
): Promise<Result> {
  const place = await openPlace({ sessions });
  const contestants: Contestant[] = [];
  const skipped: string[] = [];
  try {
    for (const peer of peers) {
      const reason = peer.missing();
      if (reason !== undefined) skipped.push(`${peer.name}: ${reason}`);
      else contestants.push({ peer, running: await peer.start(place) });
      process.stdout.write(reason === undefined ? `${peer.name} serves\n` : `${peer.name} is left out: ${reason}\n`);
    }
    return await work({ place, contestants, skipped });
  } finally {
    await Promise.all(contestants.map(({ running }) => running.stop()));
    await place.close();
  }
}
