/**
 * SIGTERM at every stage of a process' life: whatever was accepted is answered, and
 * the end comes in time.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually, within } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { ServerProcess } from '../support/processes.ts';
import { openRaw } from '../support/raw.ts';
import { dawdle } from '../support/slowness.ts';
import { call, Traffic, tallyOf } from '../support/traffic.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { commonEnv, type Deployment, type Person, startDeployment } from './deployment.ts';

const whole = '{"whole":true}';
const part = Buffer.alloc(64 * 1024, 'claimcheck ');
const parts = 20;

let upstream: Upstream;
let deployment: Deployment | undefined;

/** A second for the whole of it. */
async function* slowly() {
  for (let count = 0; count < parts; count++) {
    yield part;
    await dawdle(50);
  }
}

beforeEach(async () => {
  upstream = await startUpstream(
    async ({ target }) => {
      if (target === '/slow') return { chunks: slowly() };
      await dawdle(300);
      return { headers: [['Content-Type', 'application/json']], body: whole };
    },
    { atHead: ({ target }) => (target === '/never' ? 'hang' : undefined) },
  );
});

afterEach(async () => {
  await deployment?.[Symbol.asyncDispose]();
  await upstream.stop();
  deployment = undefined;
});

async function deploy(env: Readonly<Record<string, string>> = {}): Promise<{ at: Deployment; person: Person }> {
  deployment = await startDeployment({ env: { API_UPSTREAM: upstream.origin, ...env } });
  return { at: deployment, person: await deployment.signIn() };
}

const port = (at: Deployment) => at.instance.port();

/** How it ended, and how long after `began`. */
async function endOf(process: ServerProcess, { began, limitMs }: { began: number; limitMs: number }) {
  const ended = await within(limitMs, { work: process.ended, what: 'the end of the process' });
  return { ...ended, tookMs: performance.now() - began };
}

describe('a process that is told to end', () => {
  it('TL-11: under steady traffic, answers every call that it took', async () => {
    const { at, person } = await deploy();
    const callers = Array.from({ length: 40 }, () => person);
    const traffic = new Traffic({ callers, ports: [port(at)], path: '/api/x', everyMs: 5 });
    await eventually(() => traffic.outcomes.length >= 100, 10_000);

    const began = performance.now();
    at.instance.signal('SIGTERM');
    const end = await endOf(at.instance, { began, limitMs: 20_000 });
    const seen = await traffic.stop();

    const answered = seen.filter(({ status }) => status !== 'broken');
    // A connection that never came to be, or that was never accepted, took no call.
    const refused = seen.filter(
      ({ fault, wasReused }) => fault === 'ECONNREFUSED' || (fault === 'ECONNRESET' && !wasReused),
    );
    console.log(`${answered.length} answered, ${refused.length} refused; ended after ${Math.round(end.tookMs)} ms`);
    expect(tallyOf(answered)).toEqual({ 200: answered.length });
    expect(answered.filter(({ body }) => body !== whole)).toEqual([]);
    expect(answered.length + refused.length).toBe(seen.length);
    expect(upstream.requests).toHaveLength(answered.length);
    expect(traffic.since(began).some(({ status }) => status === 200)).toBe(true);
    expect(end).toMatchObject({ code: 0, signal: null });
  });

  it('TL-11: with a download, an upload and a call under way, ends them in good order and is not ready meanwhile', async () => {
    const { at, person } = await deploy();
    const caller = { port: port(at), caller: person };
    const download = call({ ...caller, path: '/api/slow' });
    const length = 100_000;
    using uploading = await openRaw(port(at), { methods: ['POST'] });
    uploading.write(
      [
        'POST /api/up HTTP/1.1',
        `Host: ${person.host}`,
        `Cookie: ${person.cookie}`,
        `X-CSRF-Token: ${person.csrfToken}`,
        `Origin: ${at.origin}`,
        `Content-Length: ${length}`,
        '\r\n',
      ].join('\r\n'),
    );
    uploading.write(Buffer.alloc(10_000, 'x'));
    const waiting = call({ ...caller, path: '/api/x' });
    await eventually(() => upstream.begun.length === 3);

    const began = performance.now();
    at.instance.signal('SIGTERM');
    await eventually(async () => (await at.ops(at.instance, '/readyz')).status === 503, 1_000);
    for (let sent = 10_000; sent < length; sent += 10_000) {
      uploading.write(Buffer.alloc(10_000, 'x'));
      await dawdle(50);
    }

    expect(await waiting).toMatchObject({ status: 200, body: whole });
    expect(await download).toMatchObject({ status: 200 });
    expect((await download).body).toHaveLength(parts * part.length);
    const { final } = await uploading.waitFor((result) => result.final.some(({ complete }) => complete));
    expect(final[0]?.status).toBe(200);
    expect(final[0]?.header('connection')).toBe('close');
    expect(upstream.last.body).toHaveLength(length);
    expect(await endOf(at.instance, { began, limitMs: 10_000 })).toMatchObject({ code: 0, signal: null });
  });

  it('TL-11: with a call that never ends, ends within its limit all the same', async () => {
    const { at, person } = await deploy({ SHUTDOWN_TIMEOUT: '2s' });
    const stuck = call({ port: port(at), caller: person, path: '/api/never' });
    await eventually(() => upstream.begun.length === 1);

    const began = performance.now();
    at.instance.signal('SIGTERM');
    const end = await endOf(at.instance, { began, limitMs: 10_000 });

    expect(end).toMatchObject({ code: 0, signal: null });
    expect(end.tookMs).toBeGreaterThan(1_500);
    expect(end.tookMs).toBeLessThan(4_000);
    expect((await stuck).status).toBe('broken');
  });
});

interface Starting {
  readonly process: ServerProcess;
  readonly began: number;
}

async function spawn(): Promise<Starting> {
  const ports = { PORT: await freePort(), OPS_PORT: await freePort() };
  const issuer = `http://127.0.0.1:${await freePort()}`; // nobody there
  const env = commonEnv({ origin: `http://localhost:${ports.PORT}`, issuer });
  const began = performance.now();
  const process = await ServerProcess.spawn(
    { entry: 'src/main.ts', env: { ...env, SESSION_STORE: 'memory', API_UPSTREAM: upstream.origin } },
    ports,
  );
  return { process, began };
}

describe('a process that is told to end while it starts', () => {
  it.each([1, 2, 3])('TL-11: answers what it took as soon as its port was open (round %i)', async () => {
    const { process, began } = await spawn();
    const host = `localhost:${process.port()}`;
    await eventually(async () => {
      const socket = connect({ port: process.port(), host: '127.0.0.1' });
      await once(socket, 'connect');
      socket.destroy();
    }, 20_000);

    process.signal('SIGTERM');
    const { status, fault, wasReused } = await call({
      ...{ port: process.port(), path: '/', caller: { host, cookie: '' } },
    });

    expect(status === 200 || fault === 'ECONNREFUSED' || (fault === 'ECONNRESET' && !wasReused)).toBe(true);
    expect(await endOf(process, { began, limitMs: 20_000 })).toMatchObject({ code: 0, signal: null });
    expect(process.stderr()).toBe('');
  });

  it.each([0, 100, 200, 400, 800])('ends at once, and opens nothing, %i ms after its beginning', async (ms) => {
    const { process, began } = await spawn();
    await eventually(() => performance.now() - began >= ms);

    process.signal('SIGTERM');
    const end = await endOf(process, { began: performance.now(), limitMs: 20_000 });

    // Before it listens to signals there is nothing to end in good order.
    expect([end.code, end.signal]).toEqual(end.signal === null ? [0, null] : [null, 'SIGTERM']);
    expect(process.stderr()).toBe('');
  });
});
