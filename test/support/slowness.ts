/**
 * The slowness of a peer that a test plays: a reader that stalls, a service that
 * takes its time. Not for waiting until something has happened: `eventually` does that.
 *
 * @module
 */

import { pause } from './eventually.ts';

/** Does nothing for so long, as a slow peer would. */
export function dawdle(ms: number): Promise<void> {
  return pause(ms);
}
