/**
 * Two workers beside one: what a request costs then, and how it is shared.
 *
 * @module
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sendLoad } from './load/upstream.ts';
import { median, timesOf } from './measure.ts';
import { claimcheckSettings, runClaimcheck, signInAt } from './peers/claimcheck.ts';
import type { Place } from './place.ts';
import { usageOf } from './process-tree.ts';
import { requestsFor } from './requests.ts';

/** What came of it. */
export interface WorkersMeasured {
  /** CPU in µs of the process tree for each request, with one process and with two workers. */
  readonly oneUs: number;
  readonly twoUs: number;
  /** How many times the CPU of one process two workers take, each round beside its own. */
  readonly times: number;
  /** The part of the requests that each of the two answered, 0 to 1. */
  readonly shares: readonly number[];
}

const small = { method: 'GET', path: '/api/small' } as const;
const rounds = 9;

/** Starts one process and two workers with the same sessions, and lets them take turns. */
export async function measureWorkers(place: Place): Promise<WorkersMeasured> {
  const settings = { one: await claimcheckSettings(place), two: await claimcheckSettings(place) };
  const callers = { one: await signInAt(place, settings.one), two: await signInAt(place, settings.two) };
  const one = await runClaimcheck(place, settings.one);
  const two = await runClaimcheck(place, { ...settings.two, env: { ...settings.two.env, WORKERS: '2' } });
  try {
    const round = async (which: 'one' | 'two', count: number) => {
      const { pid } = which === 'one' ? one : two;
      const { port } = settings[which].client;
      const requests = requestsFor(small, { port, callers: callers[which] });
      const before = usageOf(pid).cpuMs;
      const order = { port, requests, connections: 64, durationMs: 1_000, longestMs: 60_000, count };
      const { completed } = await sendLoad(order);
      return ((usageOf(pid).cpuMs - before) * 1000) / completed;
    };
    for (const which of ['one', 'two'] as const) await round(which, 40_000);
    const us = { one: [] as number[], two: [] as number[] };
    for (let turn = 0; turn < rounds; turn++) {
      us.one.push(await round('one', 8_000));
      us.two.push(await round('two', 8_000));
    }
    const shares = sharesIn(place, settings.two.client.port);
    return { oneUs: median(us.one), twoUs: median(us.two), times: timesOf(us.two, us.one), shares };
  } finally {
    await Promise.all([one.stop(), two.stop()]);
  }
}

// Each line of several workers says which of them wrote it.
function sharesIn({ directory }: Place, port: number): readonly number[] {
  const counts = new Map<string, number>();
  for (const line of readFileSync(join(directory, `${port}.log`), 'utf8').split('\n')) {
    const pid = line.includes('"kind":"I"') ? /"pid":(\d+)/.exec(line)?.[1] : undefined;
    if (pid !== undefined) counts.set(pid, (counts.get(pid) ?? 0) + 1);
  }
  const all = [...counts.values()].reduce((sum, own) => sum + own, 0);
  return [...counts.values()].map((own) => own / all);
}
