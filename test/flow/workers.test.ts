/**
 * Several workers behind one port, as one process tree: they share what must be one,
 * are added up, are replaced, are told to read again, and end in good order.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { eventually, within } from '../support/eventually.ts';
import { runProgram } from '../support/processes.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { type Served, type ServedOptions, startServed } from '../support/served.ts';
import { dawdle } from '../support/slowness.ts';
import { type Caller, call, Traffic, tallyOf } from '../support/traffic.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

let redis: RedisServer;
let upstream: Upstream;
let directory: string;

beforeAll(async () => {
  redis = await startRedis();
  directory = await mkdtemp(join(tmpdir(), 'claimcheck-workers-'));
  upstream = await startUpstream(async ({ target }) => {
    if (target === '/slow') await dawdle(300);
    return { headers: [['Content-Type', 'application/json']], body: '{"whole":true}' };
  });
});

afterAll(async () => {
  await upstream.stop();
  await redis.stop();
  await rm(directory, { recursive: true });
});

/** Two workers, ended with the test. */
async function serve(env: ServedOptions['env'] = {}): Promise<Served & AsyncDisposable> {
  const served = await startServed({
    upstream: upstream.origin,
    redisUrl: redis.url,
    env: { WORKERS: '2', LOG_LEVEL: 'info', ...env },
  });
  return { ...served, [Symbol.asyncDispose]: served.close };
}

function callerOf({ origin }: Served, browser: Browser): Caller {
  const cookie = browser.cookieHeader(`${origin}/api/x`, { from: `${origin}/` }) ?? '';
  return { cookie, host: new URL(origin).host };
}

interface Line {
  readonly pid: number;
  readonly message?: string;
  readonly event?: string;
  readonly kind?: string;
}

/** What was logged; throws where a line is not whole. */
function linesOf({ server }: Served): readonly Line[] {
  const whole = server.stdout().slice(0, server.stdout().lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line); // our own log
}

function workersOf(served: Served): readonly number[] {
  const started = linesOf(served).filter(({ event }) => event === 'server.started');
  return started.map(({ pid }) => pid);
}

/** The pids of both, when both have said so. */
function bothOf(served: Served): Promise<readonly number[]> {
  return eventually(() => {
    const pids = workersOf(served);
    if (pids.length < 2) throw new Error('not both yet');
    return pids;
  });
}

async function ops({ server }: Served, path: string): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await fetch(`http://127.0.0.1:${server.port('OPS_PORT')}${path}`);
  return { status: answer.status, text: await answer.text() };
}

/** The sum of a metric over its lines that carry all of `labels`. */
async function metric(served: Served, name: string, labels: readonly string[] = []): Promise<number> {
  const { text } = await ops(served, '/metrics');
  const lines = text.split('\n').filter((line) => line.startsWith(name) && labels.every((each) => line.includes(each)));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

function kill(pid: number | undefined): void {
  if (pid === undefined) throw new Error('there is no such worker');
  process.kill(pid, 'SIGKILL');
}

describe('two workers', () => {
  it('SE-12: serve the same session, each its part, and their metrics add up', async () => {
    await using served = await serve();
    const caller = callerOf(served, await served.signIn());
    const pids = await bothOf(served); // one serves before the other does

    // A connection each: workers share connections, so calls on a kept one all go to the same.
    const agent = new Agent({ keepAlive: false });
    const outcomes = [];
    for (let turn = 0; turn < 50; turn++) {
      const calls = Array.from({ length: 4 }, () => call({ port: served.port, caller, path: '/api/x', agent }));
      outcomes.push(...(await Promise.all(calls)));
    }

    expect(tallyOf(outcomes)).toEqual({ 200: 200 });
    expect(await metric(served, 'claimcheck_requests_total', ['kind="I"', 'status="2xx"'])).toBe(200);
    expect(await metric(served, 'claimcheck_request_seconds_count', ['kind="I"'])).toBe(200);
    expect(await metric(served, 'claimcheck_workers')).toBe(2);
    expect(await metric(served, 'claimcheck_store_up')).toBe(1);
    expect(await ops(served, '/healthz')).toMatchObject({ status: 200 });
    const calls = await eventually(() => {
      const found = linesOf(served).filter(({ kind }) => kind === 'I');
      return found.length === 200 && found;
    });
    if (calls === false) throw new Error('unreachable');
    const parts = pids.map((pid) => calls.filter((line) => line.pid === pid).length / 200);
    console.log(`parts of the requests: ${parts.join(', ')}`);
    for (const part of parts) {
      expect(part).toBeGreaterThan(0.35);
      expect(part).toBeLessThan(0.65);
    }
  });

  it('SE-12: one of which is killed, go on, with another in its place, and no sum falls', async () => {
    await using served = await serve();
    const caller = callerOf(served, await served.signIn());
    const [first, second] = await bothOf(served);
    const before = await Promise.all(
      Array.from({ length: 40 }, () => call({ port: served.port, caller, path: '/api/x' })),
    );
    expect(await metric(served, 'claimcheck_requests_total', ['kind="I"'])).toBe(before.length);

    kill(first);
    await eventually(() => linesOf(served).some(({ event }) => event === 'worker.died'));
    const after = await Promise.all(
      Array.from({ length: 40 }, () => call({ port: served.port, caller, path: '/api/x' })),
    );
    const pids = await eventually(() => workersOf(served).length === 3 && workersOf(served), 15_000);

    expect(tallyOf(after)).toEqual({ 200: 40 });
    expect(pids).toEqual([expect.any(Number), expect.any(Number), expect.any(Number)]);
    expect(new Set(pids || []).size).toBe(3);
    expect(pids).toContain(second);
    await eventually(async () => (await ops(served, '/readyz')).status === 200, 10_000);
    expect(await metric(served, 'claimcheck_requests_total', ['kind="I"'])).toBe(80);
    expect(await metric(served, 'claimcheck_worker_deaths_total')).toBe(1);
    expect(await metric(served, 'claimcheck_workers')).toBe(2);
  });

  it('that die five times in a minute end the server, with a line that says so', async () => {
    await using served = await serve();
    for (let deaths = 1; deaths <= 5; deaths++) {
      const started = await eventually(
        () => workersOf(served).length >= deaths + (deaths < 5 ? 1 : 0) && workersOf(served),
        15_000,
      );
      kill((started || [])[deaths - 1]);
    }

    const { code } = await within(30_000, { work: served.server.ended, what: 'the end' });

    expect(code).toBe(1);
    expect(served.server.stderr()).toContain('its workers died five times within a minute');
    expect(linesOf(served).filter(({ event }) => event === 'worker.died')).toHaveLength(5);
  });

  it('end when their primary is gone, so that no port is held by nobody', async () => {
    await using served = await serve();
    const pids = await bothOf(served);
    expect(pids.map(isAlive)).toEqual([true, true]);
    await served.server.kill();

    await eventually(() => pids.every((pid) => !isAlive(pid)));
    expect(pids.map(isAlive)).toEqual([false, false]);
  });

  it('GW-14: both read their secrets and routes again on SIGHUP, and neither when there is a fault', async () => {
    const rules = join(directory, 'rules.yaml');
    const route = (path: string) => `routes:\n  - path: ${path}\n    upstream: ${upstream.origin}\n`;
    await writeFile(rules, route('/api/old'));
    await using served = await serve({ API_UPSTREAM: undefined, RULES_FILE: rules });
    const caller = callerOf(served, await served.signIn());
    const tally = async (path: string) =>
      tallyOf(await Promise.all(Array.from({ length: 10 }, () => call({ port: served.port, caller, path }))));
    await bothOf(served);
    expect(await tally('/api/old/x')).toEqual({ 200: 10 });

    await writeFile(rules, 'routes: nothing');
    served.server.signal('SIGHUP');
    await eventually(() => linesOf(served).filter(({ event }) => event === 'config.reload-failed').length === 2);
    expect(await tally('/api/old/x')).toEqual({ 200: 10 });
    expect(await metric(served, 'claimcheck_config_reload_ok')).toBe(0);

    await writeFile(rules, route('/api/new'));
    served.server.signal('SIGHUP');
    await eventually(() => linesOf(served).filter(({ event }) => event === 'config.reloaded').length === 2);
    expect(await tally('/api/new/x')).toEqual({ 200: 10 });
    expect(await tally('/api/old/x')).toEqual({ 404: 10 });

    // Not what lies on the disk when it starts, which may be half written, but what its neighbour serves with.
    await writeFile(rules, 'routes: nothing');
    const [first] = await bothOf(served);
    kill(first);
    await eventually(() => workersOf(served).length === 3, 15_000);
    expect(await tally('/api/new/x')).toEqual({ 200: 10 });
    expect(await tally('/api/old/x')).toEqual({ 404: 10 });
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('told to end by %s under load, answer all they took', async (signal) => {
    await using served = await serve();
    const caller = callerOf(served, await served.signIn());
    await bothOf(served);
    const before = upstream.requests.length;
    const callers = Array.from({ length: 20 }, () => caller);
    const traffic = new Traffic({ callers, ports: [served.port], path: '/api/slow', everyMs: 5 });
    await eventually(() => traffic.outcomes.length >= 40, 10_000);

    const began = performance.now();
    served.server.signal(signal);
    await eventually(async () => (await ops(served, '/readyz')).status === 503, 1_000);
    const end = await within(20_000, { work: served.server.ended, what: 'the end' });
    const seen = await traffic.stop();

    const answered = seen.filter(({ status }) => status !== 'broken');
    const refused = seen.filter(
      ({ fault, wasReused }) => fault === 'ECONNREFUSED' || (fault === 'ECONNRESET' && !wasReused),
    );
    console.log(`${signal}: ${answered.length} answered, ${refused.length} refused`);
    expect(tallyOf(answered)).toEqual({ 200: answered.length });
    expect(answered.filter(({ body }) => body !== '{"whole":true}')).toEqual([]);
    expect(answered.length + refused.length).toBe(seen.length);
    expect(upstream.requests.length - before).toBe(answered.length);
    const late = traffic.since(began).filter(({ status }) => status === 200);
    expect(late.length).toBeGreaterThan(0);
    expect(late.every(({ headers }) => headers.connection === 'close')).toBe(true);
    expect(end).toEqual({ code: 0, signal: null });
    expect(served.server.stderr()).toBe('');
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

describe('workers that cannot be had', () => {
  it('SE-12: with sessions in memory are refused, in words', async () => {
    const { code, stderr } = await runProgram({
      entry: 'src/main.ts',
      env: { WORKERS: '2', SESSION_STORE: 'memory' },
    });

    expect(code).toBe(1);
    expect(stderr).toContain('WORKERS: must be 1 with SESSION_STORE=memory');
  });
});
