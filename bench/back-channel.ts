/**
 * `npm run bench:back-channel`: how long a back-channel logout takes with a thousand
 * and with a hundred thousand sessions in Redis, beside a PING measured between the
 * logouts; and how many bytes a session is there. `BENCH_SESSIONS` sets the number.
 *
 * A logout is one POST of a provider, on a connection of its own as providers do,
 * up to the answer: the token verified, the session gone on every instance.
 *
 * @module
 */

import { type Deployment, type Member, withDeployment } from './deployment.ts';
import { machineLines } from './report/machine.ts';

const few = 1_000;
const many = Number(process.env['BENCH_SESSIONS'] ?? 100_000);
const logouts = 1_000;
/** What the project asks of itself; absolute times hold for one machine only, so they are told and fail nothing. */
const goal = { p99Ms: 5, bytes: 5 * 1024 };

interface Times {
  readonly title: string;
  readonly logout: readonly number[];
  readonly ping: readonly number[];
}

process.exitCode = await withDeployment(async (deployment) => print(await run(deployment)));

async function run(deployment: Deployment): Promise<{ readonly times: readonly Times[]; readonly bytes: number }> {
  const first = await deployment.signIn(few + 3 * logouts);
  await measure(deployment, { title: 'warm-up', members: first.slice(0, logouts), by: 'sid' });
  const rows = [await measure(deployment, { title: `${few}, by sid`, members: first.slice(-logouts), by: 'sid' })];
  const before = await usedBytes(deployment);
  const crowd = await deployment.signIn(many, first.length);
  const bytes = ((await usedBytes(deployment)) - before) / crowd.length;
  for (const [by, from] of [
    ['sid', 0],
    ['sub', logouts],
  ] as const) {
    const members = crowd.slice(from, from + logouts);
    rows.push(await measure(deployment, { title: `${many}, by ${by}`, members, by }));
  }
  const others = crowd.slice(2 * logouts).slice(0, logouts);
  if ((await countLiving(deployment, others)) !== others.length)
    throw new Error('a session that nobody named has ended');
  return { times: rows, bytes };
}

/** One logout after the other, a PING between. Throws when one of them ended nothing. */
async function measure(
  deployment: Deployment,
  { title, members, by }: { readonly title: string; readonly members: readonly Member[]; readonly by: 'sid' | 'sub' },
): Promise<Times> {
  const { redis, provider, origin } = deployment;
  const uri = `${origin}/backchannel-logout`;
  if ((await countLiving(deployment, members)) !== members.length) throw new Error('a session was not written');
  const tokens = members.map((member) => provider.logoutToken({ [by]: member[by] }));
  const [logout, ping]: [number[], number[]] = [[], []];
  for (const token of tokens) {
    ping.push(await timeOf(() => redis.cli('PING')));
    logout.push(
      await timeOf(async () => {
        const { status } = await provider.deliverLogoutToken(uri, token);
        if (status !== 200) throw new Error(`a logout token was answered with ${status}`);
      }),
    );
  }
  const left = await countLiving(deployment, members);
  if (left !== 0) throw new Error(`${members.length} logouts left ${left} sessions alive`);
  return { title, logout, ping };
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function countLiving({ redis }: Pick<Deployment, 'redis'>, members: readonly Member[]): Promise<number> {
  return Number(await redis.cli('EXISTS', ...members.map(({ id }) => `cc:{${id}}:session`)));
}

async function usedBytes({ redis }: Pick<Deployment, 'redis'>): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.cli('INFO', 'memory'))?.[1]);
}

function print({ times, bytes }: { readonly times: readonly Times[]; readonly bytes: number }): void {
  const lines = [
    ...machineLines().map((line) => `- ${line}`),
    '',
    '| sessions | logout p50 ms | logout p99 ms | PING p50 ms | PING p99 ms | p99 to p99 |',
    '|---|--:|--:|--:|--:|--:|',
    ...times.map(({ title, logout, ping }) => {
      const cells = [logout, ping].flatMap((all) => [50, 99].map((share) => percentile(all, share).toFixed(2)));
      const ratio = (percentile(logout, 99) / percentile(ping, 99)).toFixed(1);
      return `| ${[title, ...cells, ratio].join(' | ')} |`;
    }),
    '',
    `- bytes of a session in Redis, its three keys and two entries in indexes: ${bytes.toFixed(0)} (goal ${goal.bytes})`,
    `- goal: p99 of a logout below ${goal.p99Ms} ms`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * share) / 100) - 1)] ?? Number.NaN;
}
