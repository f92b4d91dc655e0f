/**
 * Holds what was measured against budget.json. Ratios only: an absolute time says
 * more of the machine than of the program.
 *
 * @module
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Measured, timesOf } from './measure.ts';

interface Limit {
  readonly relation: 'at most' | 'cheaper by';
  readonly must: number;
  readonly goal: number;
  /** What no change may fall behind, while the must is not met: where we are, with room for a busy machine. */
  readonly regression?: number;
}

/** What budget.json says. */
export interface Budget {
  readonly against: Readonly<Record<string, Limit>>;
  readonly redisCommandsPerWarmRequest: { readonly must: number };
  /** CPU for each request beside one process, and the least part of the requests of each. */
  readonly twoWorkers: { readonly mostTimes: number; readonly leastShare: number };
  readonly millionSessions: { readonly mostDifference: number };
}

/** One line of the budget, decided. */
export interface Verdict {
  /** What it is held against. */
  readonly against: string;
  /** Our CPU over theirs for `at most`, theirs over ours for `cheaper by`. */
  readonly ratio: number;
  readonly limit: Limit;
  readonly isMet: boolean;
  readonly isGoal: boolean;
  /** Whether it is no worse than the bound for changes; the must where there is none. */
  readonly isKept: boolean;
}

/** The budget as it is in the repository. */
export const budget = JSON.parse(readFileSync(join(import.meta.dirname, 'budget.json'), 'utf8')) as Budget; // our own file

/** Decides every line whose peer was measured. Throws when Claimcheck was not. */
export function judge(measured: readonly Measured[], { against }: Budget = budget): readonly Verdict[] {
  const ours = measured.find(({ name }) => name === 'claimcheck');
  if (ours === undefined) throw new Error('Claimcheck was not measured');
  return Object.entries(against).flatMap(([name, limit]) => {
    const theirs = measured.find((peer) => peer.name === name);
    return theirs === undefined ? [] : [verdictOn({ name, limit, ours: ours.cpuRounds, theirs: theirs.cpuRounds })];
  });
}

interface Pair {
  readonly name: string;
  readonly limit: Limit;
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
}

function verdictOn({ name, limit, ours, theirs }: Pair): Verdict {
  const isFloor = limit.relation === 'at most';
  const ratio = isFloor ? timesOf(ours, theirs) : timesOf(theirs, ours);
  // A ratio that is no number meets nothing.
  const reaches = (bound: number) => (isFloor ? ratio <= bound : ratio >= bound);
  return {
    ...{ against: name, ratio, limit },
    isMet: reaches(limit.must),
    isGoal: reaches(limit.goal),
    isKept: reaches(limit.regression ?? limit.must),
  };
}

/** `must met, goal missed: 3.42 times nginx (at most 3.7, goal 3)` */
export function verdictText({ against, ratio, limit, isMet, isGoal }: Verdict): string {
  const state = isGoal ? 'goal met' : mustText(isMet);
  const said =
    limit.relation === 'at most' ? `${ratio.toFixed(2)} times the CPU of` : `${ratio.toFixed(2)} times cheaper than`;
  const bounds =
    limit.relation === 'at most'
      ? `at most ${limit.must}, goal ${limit.goal}`
      : `at least ${limit.must}, goal ${limit.goal}`;
  return `${state}: ${said} ${against} (${bounds})`;
}

/** What Claimcheck is held to by itself. */
export interface OwnFigures {
  readonly commandsPerWarmRequest: number;
  readonly workers: { readonly times: number; readonly shares: readonly number[] };
}

/** The lines of the budget that name no peer, each as a text. */
export function judgeOwn(
  { commandsPerWarmRequest, workers: { times, shares } }: OwnFigures,
  { redisCommandsPerWarmRequest: { must }, twoWorkers: { mostTimes, leastShare } }: Budget = budget,
): readonly { readonly text: string; readonly isMet: boolean }[] {
  const isShared = shares.every((share) => share >= leastShare);
  return [
    {
      isMet: commandsPerWarmRequest <= must,
      text: `${commandsPerWarmRequest.toFixed(4)} Redis commands for each warm request (at most ${must})`,
    },
    { isMet: times <= mostTimes, text: `${times.toFixed(2)} times the CPU with two workers (at most ${mostTimes})` },
    { isMet: isShared, text: `of two workers each answers its share (at least ${leastShare * 100} %)` },
  ].map(({ isMet, text }) => ({ isMet, text: `${mustText(isMet)}: ${text}` }));
}

function mustText(isMet: boolean): string {
  return isMet ? 'must met' : 'MUST MISSED';
}
