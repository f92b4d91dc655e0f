/**
 * `npm run bench:scale`: the same calls with a thousand and with a million sessions
 * in Redis. CPU for each request may differ by a fifth, no more.
 *
 * The others are copies of a session that was signed in, under hashes of their own:
 * nobody could open them, and nobody asks for them; they are what Redis holds.
 *
 * @module
 */

import { budget } from './budget.ts';
import { withPeers } from './contest.ts';
import { type Contestant, measure } from './measure.ts';
import { claimcheck } from './peers/claimcheck.ts';
import type { Place } from './place.ts';

const signedIn = 200;
const total = 1_000_000;
const atOnce = 10_000;

/** `{hash}` of a session that exists, then from and to: its keys are copied to hashes made of numbers. */
const copies = `
for i = ARGV[2], ARGV[3] do
  local h = string.format('{bench%038d}', i)
  for _, kind in ipairs({'session', 'tokens', 'card'}) do
    redis.call('COPY', 'cc:' .. ARGV[1] .. ':' .. kind, 'cc:' .. h .. ':' .. kind)
  end
end
return redis.call('DBSIZE')`;

process.exitCode = await withPeers([claimcheck], {
  sessions: signedIn,
  work: async ({ place, contestants }) => {
    const few = await cpuOf(contestants);
    await fill(place);
    const many = await cpuOf(contestants);
    const difference = Math.abs(many / few - 1);
    process.stdout.write(
      `CPU for each request: ${few.toFixed(1)} µs with ${signedIn} sessions, ${many.toFixed(1)} µs with ${total} more: ` +
        `${(difference * 100).toFixed(1)} % apart\n`,
    );
    return difference <= budget.millionSessions.mostDifference ? 0 : 1;
  },
});

async function cpuOf(contestants: readonly Contestant[]): Promise<number> {
  const [measured] = await measure(contestants, {
    own: claimcheck,
    call: { method: 'GET', path: '/api/small' },
    effort: { rounds: 5, durationMs: 2_000, count: 10_000, warmUp: 40_000, connections: 64 },
  });
  return measured?.cpuUs ?? Number.NaN;
}

async function fill(place: Place): Promise<void> {
  const keys = (await place.redis.cli('KEYS', 'cc:{*}:session')).split('\n');
  const hash = /\{[^}]+\}/.exec(keys[0] ?? '')?.[0];
  if (hash === undefined) throw new Error('there is no session to copy');
  for (let from = 1; from <= total; from += atOnce) {
    await place.redis.cli('EVAL', copies, 0, hash, from, from + atOnce - 1);
  }
  const inRedis = Number(await place.redis.cli('DBSIZE'));
  if (inRedis < 2 * total) throw new Error(`only ${inRedis} keys are in Redis`);
  process.stdout.write(`${inRedis} keys in Redis\n`);
}
