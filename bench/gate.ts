/**
 * `npm run bench:gate`: the part of the bench that a change must pass, in a few
 * minutes: our CPU per request beside that of nginx and of the naive stack.
 *
 * @module
 */

import { redisServer } from '../test/support/programs.ts';
import { ensurePrograms } from '../tools/install-programs.ts';
import { judge, verdictText } from './budget.ts';
import { withPeers } from './contest.ts';
import { measure } from './measure.ts';
import { claimcheck } from './peers/claimcheck.ts';
import { nginx, nginxProgram } from './peers/nginx.ts';
import { naive } from './peers/node-rivals.ts';
import { rowsOf } from './report/table.ts';

/** Enough that no session is asked for twice in a row, few enough to sign in in a minute. */
const sessions = 1_000;

process.exitCode = await gate();

async function gate(): Promise<number> {
  const advice = ensurePrograms([redisServer, nginxProgram]);
  if (advice !== undefined) {
    process.stderr.write(`${advice}\n`);
    return 1;
  }
  const measured = await withPeers([nginx, naive, claimcheck], {
    sessions,
    work: ({ contestants }) =>
      measure(contestants, {
        call: { method: 'GET', path: '/api/small' },
        own: claimcheck,
        effort: { rounds: 9, durationMs: 1_000, count: 5_000, warmUp: 30_000, connections: 64 },
      }),
  });
  const verdicts = judge(measured);
  process.stdout.write(`\n${rowsOf(measured).join('\n')}\n\n${verdicts.map(verdictText).join('\n')}\n`);
  return verdicts.length === 2 && verdicts.every(({ isKept }) => isKept) ? 0 : 1;
}
