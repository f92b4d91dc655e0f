/**
 * `claimcheck sessions end --all`: everybody's sessions of a frontend, after the
 * operator has said how many that is.
 *
 * @module
 */

import type { OperatorSessions } from '../session/operator-sessions.ts';
import type { Surface } from './command.ts';

/** How it was asked for. */
export interface AskedEndOfAll {
  /** How many the operator says there are; `undefined` when that was not said. */
  readonly confirmed: number | undefined;
  /** The command line, without the number. */
  readonly again: string;
  readonly surface: Pick<Surface, 'operator' | 'write' | 'complain'>;
}

/** 0 when they were ended; 2 when nobody's was, for want of the right number; 3 when there was nothing to end. */
export async function endAll(
  store: Pick<OperatorSessions, 'countAll' | 'endAll'>,
  { confirmed, again, surface: { operator, write, complain } }: AskedEndOfAll,
): Promise<number> {
  const found = await store.countAll();
  if (found > 0 && (confirmed === undefined || !isConfirmed(found, confirmed))) {
    const wrong = confirmed === undefined ? '' : `--confirm ${confirmed} is not the number of sessions there are now. `;
    complain(`${wrong}Nobody's session was ended. This would end ${found}; to do so: ${again} --confirm ${found}`);
    return 2;
  }
  const count = found === 0 ? 0 : await store.endAll(operator);
  write(`ended ${count}`);
  return count === 0 ? 3 : 0;
}

/**
 * Whether the number that was said is the number that was found. From a hundred on, one
 * in a hundred may have come or gone since: where many sign in, no number stands still
 * for long enough to be repeated, and an end of all must be possible there too.
 */
function isConfirmed(found: number, confirmed: number): boolean {
  return Math.abs(confirmed - found) <= Math.floor(found / 100);
}
