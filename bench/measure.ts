/**
 * Measures CPU per request and latency of peers that run, by turns.
 *
 * @module
 */

import type { LoadResult } from './load/load-order.ts';
import { sendLoad } from './load/upstream.ts';
import type { Peer, RunningPeer } from './peers/peer.ts';
import { usageOf } from './process-tree.ts';
import { type Call, requestsFor } from './requests.ts';

/** A peer that runs. */
export interface Contestant {
  readonly peer: Peer;
  readonly running: RunningPeer;
}

/** How long and how hard. */
export interface Effort {
  readonly rounds: number;
  /** The least time of a round, in ms. */
  readonly durationMs: number;
  /** The least number of answers in a round. */
  readonly count: number;
  /** The least number of answers before the first round: a compiler has to have seen everything. */
  readonly warmUp: number;
  readonly connections: number;
  /** Requests a second; as fast as answers come without it. */
  readonly rate?: number;
}

/** One figure of one peer, from the rounds. */
export interface Measured {
  readonly name: string;
  /** Microseconds of CPU of the process tree for each request; the median of the rounds. */
  readonly cpuUs: number;
  /** The same, round by round. */
  readonly cpuRounds: readonly number[];
  readonly requestsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly rssBytes: number;
}

/** When a round ends that does not come to its count, in ms. */
const longestMs = 30_000;

interface Round extends LoadResult {
  readonly cpuUs: number;
  readonly rssBytes: number;
}

/** The middle of what was measured. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * How many times the CPU of `right` that of `left` is: the median of the rounds, each compared with the one that
 * stood beside it, so that it matters little that a machine grows slower or faster meanwhile.
 */
export function timesOf(left: readonly number[], right: readonly number[]): number {
  return median(left.map((us, round) => us / (right[round] ?? Number.NaN)));
}

/**
 * Warms each up, then lets them take turns, so that what else the machine does falls on all alike.
 * A peer that answers nothing any more, or with something else than 200, is left out from then on
 * and named; where it is `own` the run ends, also when a connection ended that the others may open anew.
 */
export async function measure(
  contestants: readonly Contestant[],
  { call, effort, own }: { readonly call: Call; readonly effort: Effort; readonly own: Peer },
): Promise<readonly Measured[]> {
  const rounds = new Map(contestants.map(({ peer }) => [peer, [] as Round[]]));
  const attempt = async ({ peer, running }: Contestant, count: number): Promise<void> => {
    try {
      rounds
        .get(peer)
        ?.push(await measureOnce(running, { call, effort: { ...effort, count }, mayReopen: peer !== own }));
    } catch (error) {
      if (peer === own || !(error instanceof Error)) throw error;
      rounds.delete(peer);
      process.stdout.write(`${peer.name} is left out of this: ${error.message}\n`);
    }
  };
  const counts = [effort.warmUp, ...Array.from({ length: effort.rounds }, () => effort.count)];
  for (const count of counts) {
    for (const contestant of contestants) if (rounds.has(contestant.peer)) await attempt(contestant, count);
  }
  return [...rounds].map(([peer, [, ...measured]]) => summary(peer.name, measured));
}

interface RoundOrder {
  readonly call: Call;
  readonly effort: Effort;
  readonly mayReopen: boolean;
}

async function measureOnce(running: RunningPeer, what: RoundOrder): Promise<Round> {
  const before = usageOf(running.pid);
  const result = await load(running, what);
  const after = usageOf(running.pid);
  return { ...result, cpuUs: ((after.cpuMs - before.cpuMs) * 1000) / result.completed, rssBytes: after.rssBytes };
}

function load(running: RunningPeer, { call, effort, mayReopen }: RoundOrder) {
  const { durationMs, count, connections, rate } = effort;
  const requests = requestsFor(call, running);
  return sendLoad({
    port: running.port,
    requests,
    durationMs,
    count,
    longestMs,
    connections,
    mayReopen,
    ...(rate === undefined ? {} : { rate }),
  });
}

function summary(name: string, rounds: readonly Round[]): Measured {
  const of = (pick: (round: Round) => number) => median(rounds.map(pick));
  const cpu = rounds.map(({ cpuUs }) => cpuUs);
  return {
    name,
    cpuUs: median(cpu),
    cpuRounds: cpu,
    requestsPerSecond: of(({ completed, elapsedMs }) => (completed * 1000) / elapsedMs),
    p50: of(({ p50 }) => p50),
    p99: of(({ p99 }) => p99),
    rssBytes: of(({ rssBytes }) => rssBytes),
  };
}
