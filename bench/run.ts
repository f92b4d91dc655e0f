/**
 * `npm run bench`: every scenario with every peer that is here, a page and a plot
 * in bench/results/, and the budget. `BENCH_SESSIONS` sets how many people are
 * signed in at each peer.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { redisServer } from '../test/support/programs.ts';
import { ensurePrograms } from '../tools/install-programs.ts';
import { judge, judgeOwn, verdictText } from './budget.ts';
import { type Contest, withPeers } from './contest.ts';
import { coldSessionUs, commandsPerWarmRequest, factsOf } from './facts.ts';
import { type Effort, measure } from './measure.ts';
import { apacheMemory, apacheRedis } from './peers/apache.ts';
import { claimcheck } from './peers/claimcheck.ts';
import { nginx, nginxProgram } from './peers/nginx.ts';
import { expressOpenid, naive, proxyAlone } from './peers/node-rivals.ts';
import { oauth2Proxy } from './peers/oauth2-proxy.ts';
import { machineLines } from './report/machine.ts';
import { plotOf } from './report/plot.ts';
import { pageOf, type Section } from './report/table.ts';
import type { Call } from './requests.ts';
import { measureWorkers, type WorkersMeasured } from './workers.ts';

const peers = [nginx, claimcheck, proxyAlone, naive, expressOpenid, apacheRedis, apacheMemory, oauth2Proxy];
const sessions = Number(process.env['BENCH_SESSIONS'] ?? 1_000);
const results = join(import.meta.dirname, 'results');

const base: Effort = { rounds: 9, durationMs: 1_000, count: 4_000, warmUp: 30_000, connections: 64 };
const again: Effort = { ...base, rounds: 3, count: 3_000, warmUp: 3_000 };

interface Scenario {
  readonly title: string;
  readonly call: Call;
  readonly effort: Effort;
}

const scenarios: readonly Scenario[] = [
  { title: 'GET, 200 bytes of JSON', call: { method: 'GET', path: '/api/small' }, effort: base },
  { title: 'GET, 100 KB of JSON', call: { method: 'GET', path: '/api/large' }, effort: again },
  { title: 'POST, 10 KB', call: { method: 'POST', path: '/api/small', bodyBytes: 10 * 1024 }, effort: again },
  {
    title: 'GET, 200 bytes, 2 000 requests a second: latency',
    call: { method: 'GET', path: '/api/small' },
    effort: { ...again, rate: 2_000, warmUp: 2_000 },
  },
];

process.exitCode = await bench();

async function bench(): Promise<number> {
  const advice = ensurePrograms([redisServer, nginxProgram]);
  if (advice !== undefined) {
    process.stderr.write(`${advice}\n`);
    return 1;
  }
  return withPeers(peers, { sessions, work: runAll });
}

async function runAll({ place, contestants, skipped }: Contest): Promise<number> {
  const ours = contestants.find(({ peer }) => peer === claimcheck);
  if (ours === undefined) throw new Error('Claimcheck does not run');
  // First of all: afterwards no session is cold.
  const coldUs = await coldSessionUs(place, ours.running);
  const sections: Section[] = [];
  for (const { title, call, effort } of scenarios) {
    process.stdout.write(`${title}\n`);
    sections.push({ title, measured: await measure(contestants, { call, effort, own: claimcheck }) });
  }
  const commands = await commandsPerWarmRequest(place, ours.running);
  const facts = [
    `claimcheck: ${coldUs.toFixed(0)} µs of CPU for a request whose session is read and opened first`,
    ...(await factsOf(place, contestants)),
  ];
  const workers = await measureWorkers(place);
  facts.push(workersText(workers));
  const measured = sections[0]?.measured ?? [];
  const verdicts = judge(measured);
  const own = judgeOwn({ commandsPerWarmRequest: commands, workers });
  const said = [...verdicts.map(verdictText), ...own.map(({ text }) => text)];
  mkdirSync(results, { recursive: true });
  const machine = [...machineLines(), `${sessions} sessions at each peer, ${base.connections} connections`];
  writeFileSync(join(results, 'bench.md'), pageOf({ machine, sections, verdicts: said, facts, skipped }));
  writeFileSync(join(results, 'bench.svg'), plotOf(measured));
  process.stdout.write(`${said.join('\n')}\n${facts.join('\n')}\n`);
  return [...verdicts, ...own].every(({ isMet }) => isMet) ? 0 : 1;
}

function workersText({ oneUs, twoUs, times, shares, isUninterrupted }: WorkersMeasured): string {
  const [least, most] = [Math.min(...shares), Math.max(...shares)].map((share) => (share * 100).toFixed(0));
  const beside = isUninterrupted ? '' : ', and callers that interrupt them, since there is no chrt on the PATH';
  return (
    `claimcheck: ${twoUs.toFixed(1)} µs with two workers, ${oneUs.toFixed(1)} µs with one process${beside}: ` +
    `${times.toFixed(2)} times; of the requests each answered ${least} to ${most} %`
  );
}
