/**
 * What is measured of Claimcheck alone, or of it and nginx: streams, cold sessions,
 * starts, memory.
 *
 * @module
 */

import { sendLoad } from './load/upstream.ts';
import type { Contestant } from './measure.ts';
import { claimcheckSettings, runClaimcheck } from './peers/claimcheck.ts';
import type { RunningPeer } from './peers/peer.ts';
import type { Place } from './place.ts';
import { usageOf } from './process-tree.ts';
import { requestsFor } from './requests.ts';
import { fanOut } from './streams.ts';
import { echo } from './web-sockets.ts';

const small = { method: 'GET', path: '/api/small' } as const;
const gigabyte = { method: 'GET', path: '/api/gigabyte' } as const;

/** Runs them one by one; a sentence each. */
export async function factsOf(place: Place, contestants: readonly Contestant[]): Promise<readonly string[]> {
  const compared = contestants.filter(({ peer }) => ['nginx', 'claimcheck'].includes(peer.name));
  const facts: string[] = [];
  for (const { peer, running } of compared) {
    const { cpuMs, peakMb } = await streamGigabyte(running);
    facts.push(
      `${peer.name}: 1 GB through one connection in ${cpuMs.toFixed(0)} ms of CPU, ${peakMb.toFixed(0)} MB resident after it`,
    );
    const { cpuUs, events } = await fanOut(running, { count: 64, durationMs: 4_000 });
    facts.push(`${peer.name}: 64 event streams, ${events} events, ${cpuUs.toFixed(1)} µs of CPU for each`);
    const echoes = await echo(running, { count: 64, durationMs: 4_000 });
    facts.push(
      `${peer.name}: 64 WebSockets, ${echoes.messages} messages there and back, ${echoes.cpuUs.toFixed(1)} µs of CPU for each`,
    );
  }
  facts.push(`claimcheck: ${(await coldStartMs(place)).toFixed(0)} ms from the start of the process to its open port`);
  return facts;
}

/** Long enough that each session that is held is compared with Redis once, in ms. */
const cycleMs = 26_000;

/** Redis commands for each request of sessions that are held in memory. */
export async function commandsPerWarmRequest(place: Place, running: RunningPeer): Promise<number> {
  const requests = requestsFor(small, running);
  const order = { port: running.port, requests, connections: 16, longestMs: 60_000, durationMs: 0 };
  await sendLoad({ ...order, count: requests.length * 2 });
  const before = await place.redis.commandCount();
  const { completed } = await sendLoad({ ...order, durationMs: cycleMs, count: 5_000 });
  return ((await place.redis.commandCount()) - before) / completed;
}

/** CPU in µs of a request whose session is read and opened for the first time by a process that is warm otherwise. */
export async function coldSessionUs(place: Place, { port, callers, pid }: RunningPeer): Promise<number> {
  const half = Math.floor(callers.length / 2);
  const warm = requestsFor(small, { port, callers: callers.slice(0, half) });
  const cold = requestsFor(small, { port, callers: callers.slice(half) });
  const order = { port, connections: 16, longestMs: 60_000, durationMs: 0 };
  await sendLoad({ ...order, requests: warm, count: 30_000 });
  const reads = await place.redis.commandCount();
  const before = usageOf(pid).cpuMs;
  const { completed } = await sendLoad({ ...order, requests: cold, count: cold.length, once: true });
  if ((await place.redis.commandCount()) - reads < completed) throw new Error('the sessions were not cold');
  return ((usageOf(pid).cpuMs - before) * 1000) / completed;
}

async function streamGigabyte(running: RunningPeer): Promise<{ cpuMs: number; peakMb: number }> {
  const requests = requestsFor(gigabyte, running).slice(0, 1);
  const before = usageOf(running.pid);
  const order = { port: running.port, connections: 1, durationMs: 0, longestMs: 120_000 };
  await sendLoad({ ...order, requests, count: 1, once: true });
  const after = usageOf(running.pid);
  return { cpuMs: after.cpuMs - before.cpuMs, peakMb: after.rssBytes / 1024 ** 2 };
}

async function coldStartMs(place: Place): Promise<number> {
  const settings = await claimcheckSettings(place);
  const startedAt = performance.now();
  const program = await runClaimcheck(place, settings);
  const took = performance.now() - startedAt;
  await program.stop();
  return took;
}
