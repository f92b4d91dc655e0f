/**
 * Two workers beside one: what a request costs then, and how it is shared.
 *
 * @module
 */

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sendLoad } from './load/upstream.ts';
import { median, timesOf } from './measure.ts';
import { claimcheckSettings, runClaimcheck, signInAt } from './peers/claimcheck.ts';
import type { Place } from './place.ts';
import { usageOf } from './process-tree.ts';
import { requestsFor } from './requests.ts';
import { uninterrupted } from './scheduling.ts';

/** What came of it. */
export interface WorkersMeasured {
  /** CPU in µs of the process tree for each request, with one process and with two workers. */
  readonly oneUs: number;
  readonly twoUs: number;
  /** How many times the CPU of one process two workers take, each round beside its own. */
  readonly times: number;
  /** The part of the requests that each of the two answered, 0 to 1, for each start. */
  readonly shares: readonly number[];
  /** Whether callers and upstream let those that are measured run on (bench/scheduling.ts). */
  readonly isUninterrupted: boolean;
}

const small = { method: 'GET', path: '/api/small' } as const;
/** One process differs from the next by a few per cent for as long as it lives. */
const starts = 3;
const rounds = 9;

/** Starts one process and two workers, a few times, and lets them take turns. */
export async function measureWorkers(place: Place): Promise<WorkersMeasured> {
  const { result, isUninterrupted } = await uninterrupted([place.upstreamPid], () => measureByTurns(place));
  return { ...result, isUninterrupted };
}

async function measureByTurns(place: Place): Promise<Omit<WorkersMeasured, 'isUninterrupted'>> {
  const settings = { one: await claimcheckSettings(place), two: await claimcheckSettings(place) };
  const callers = { one: await signInAt(place, settings.one), two: await signInAt(place, settings.two) };
  const us = { one: [] as number[], two: [] as number[] };
  const shares: number[] = [];
  for (let start = 0; start < starts; start++) {
    const log = join(place.directory, `${settings.two.client.port}.log`);
    const logged = statSync(log).size;
    const one = await runClaimcheck(place, settings.one);
    const two = await runClaimcheck(place, { ...settings.two, env: { ...settings.two.env, WORKERS: '2' } });
    const round = async (which: 'one' | 'two', count: number) => {
      const { pid } = which === 'one' ? one : two;
      const { port } = settings[which].client;
      const requests = requestsFor(small, { port, callers: callers[which] });
      const before = usageOf(pid).cpuMs;
      const order = { port, requests, connections: 64, durationMs: 1_000, longestMs: 60_000, count };
      const { completed } = await sendLoad(order);
      return ((usageOf(pid).cpuMs - before) * 1000) / completed;
    };
    try {
      await round('one', 40_000);
      await round('two', 80_000); // 40 000 for each, before which an interpreter is measured
      for (let turn = 0; turn < rounds; turn++) {
        us.one.push(await round('one', 8_000));
        us.two.push(await round('two', 8_000));
      }
    } finally {
      await Promise.all([one.stop(), two.stop()]);
    }
    shares.push(...sharesIn(readFileSync(log).subarray(logged)));
  }
  return { oneUs: median(us.one), twoUs: median(us.two), times: timesOf(us.two, us.one), shares };
}

// Each line of several workers says which of them wrote it.
function sharesIn(log: Buffer): readonly number[] {
  const counts = new Map<string, number>();
  for (const line of log.toString().split('\n')) {
    const pid = line.includes('"kind":"I"') ? /"pid":(\d+)/.exec(line)?.[1] : undefined;
    if (pid !== undefined) counts.set(pid, (counts.get(pid) ?? 0) + 1);
  }
  if (counts.size !== 2) throw new Error(`${counts.size} workers answered, not two`);
  const all = [...counts.values()].reduce((sum, own) => sum + own, 0);
  return [...counts.values()].map((own) => own / all);
}
