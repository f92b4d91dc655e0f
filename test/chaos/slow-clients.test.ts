/**
 * 2 000 clients that are as slow as they can be, and people who only want their data:
 * these are all served, at nearly the cost of before.
 */

import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Served, startServed } from '../support/served.ts';
import { dawdle } from '../support/slowness.ts';
import { type Caller, Traffic, tallyOf } from '../support/traffic.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

const slowClients = 2_000;
/** Of these, who holds a connection to the upstream too: of those there are 512 (proxy/upstreams.ts), and others need some. */
const readers = 150;
const senders = 150;
const large = Buffer.alloc(256 * 1024, 'claimcheck ');
/** A tick is 10 ms wherever Linux runs on what we support (USER_HZ). */
const msOfTick = 10;

let upstream: Upstream;
let served: Served;
let caller: Caller;
/** Those who are slow: each may hold a part of the connections only (proxy/line-queue.ts). */
let slowPeople: readonly SlowPerson[];

interface SlowPerson extends Caller {
  readonly csrfToken: string;
}

beforeAll(async () => {
  upstream = await startUpstream(({ target }) => ({ body: target === '/large' ? large : '{"whole":true}' }));
  served = await startServed({ upstream: upstream.origin });
  caller = await person();
  slowPeople = await Promise.all(Array.from({ length: 12 }, person));
});

afterAll(async () => {
  await served.close();
  await upstream.stop();
});

async function person(): Promise<SlowPerson> {
  const browser = await served.signIn();
  const home = { from: `${served.origin}/` };
  const { csrf_token: csrfToken } = (await browser.fetch(`${served.origin}/session`, home)).json<{
    csrf_token: string;
  }>();
  const cookie = browser.cookieHeader(`${served.origin}/api/x`, home) ?? '';
  return { cookie, host: new URL(served.origin).host, csrfToken };
}

/** CPU time of the process so far, in ms: user and system (proc(5), fields 14 and 15). */
async function cpuMs(): Promise<number> {
  const stat = await readFile(`/proc/${served.server.pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * msOfTick;
}

/** 20 people for some seconds: what a request cost, and what became of them. */
async function measure(): Promise<{
  cpuPerRequest: number;
  tally: Readonly<Record<string, number>>;
  requests: number;
}> {
  const before = await cpuMs();
  const callers = Array.from({ length: 20 }, () => caller);
  const traffic = new Traffic({ callers, ports: [served.port], path: '/api/x', everyMs: 2 });
  await eventually(() => traffic.outcomes.length >= 8_000, 60_000);
  const outcomes = await traffic.stop();
  const cpuPerRequest = ((await cpuMs()) - before) / outcomes.length;
  return { cpuPerRequest, tally: tallyOf(outcomes), requests: outcomes.length };
}

const head = (request: string, { host, cookie }: Caller, ...lines: readonly string[]) =>
  [request, `Host: ${host}`, `Cookie: ${cookie}`, ...lines, ''].join('\r\n');

interface Kind {
  readonly begin: string;
  readonly drip: string;
}

/** How the one with this number begins, and what it drips: nothing when it does not read, a body, or a head that never ends. */
function kindOf(n: number): Kind {
  const slow = slowPeople[n % slowPeople.length];
  if (slow === undefined) throw new Error('nobody is signed in');
  const post = [`X-CSRF-Token: ${slow.csrfToken}`, `Origin: ${served.origin}`, 'Content-Length: 100000', ''];
  if (n < readers) return { begin: head('GET /api/large HTTP/1.1', slow, ''), drip: '' };
  if (n < readers + senders) return { begin: head('POST /api/up HTTP/1.1', slow, ...post), drip: 'x' };
  return { begin: head('GET /api/x HTTP/1.1', slow), drip: 'X' };
}

/** Opens them, and lets each drip a byte every 5 s or so, twice as often as tools for this do, until it is refused. */
class SlowClients {
  readonly sockets: readonly Socket[];
  readonly #dripping: Promise<void>;
  #isOver = false;

  constructor(count: number) {
    const clients = Array.from({ length: count }, (_, n) => {
      const { begin, drip } = kindOf(n);
      const socket = connect({ port: served.port, host: '127.0.0.1' });
      socket.on('error', () => socket.destroy());
      socket.once('connect', () => socket.write(begin));
      socket.pause();
      return { socket, drip };
    });
    this.sockets = clients.map(({ socket }) => socket);
    this.#dripping = this.#dripAll(clients);
  }

  get open(): number {
    return this.sockets.filter(({ readyState }) => readyState === 'open').length;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#dripping;
    for (const socket of this.sockets) socket.destroy();
  }

  // A hundredth of them every 50 ms, so that no second has a peak.
  async #dripAll(clients: readonly { readonly socket: Socket; readonly drip: string }[]): Promise<void> {
    for (let turn = 0; !this.#isOver; turn++) {
      for (let n = turn % 100; n < clients.length; n += 100) {
        const { socket, drip } = clients[n] ?? {};
        if (drip && socket?.readyState === 'open') socket.write(drip);
      }
      await dawdle(50);
    }
  }
}

describe('2 000 slow clients', () => {
  it('PX-29: take nothing from the others: each request is answered, at less than 1.3 times the CPU', async () => {
    await measure(); // what is run has been compiled before it is measured: here, and among the slow
    const alone = await measure();
    const slow = new SlowClients(slowClients);
    await eventually(() => slow.open === slowClients, 20_000);
    const held = () => upstream.begun.filter(({ target }) => target === '/large' || target === '/up').length;
    await eventually(() => held() === readers + senders, 20_000);

    const opened = slow.open;
    await measure();
    const among = await measure();
    await slow.stop();

    const factor = among.cpuPerRequest / alone.cpuPerRequest;
    const ms = (value: number) => `${value.toFixed(3)} ms`;
    console.log(
      `${opened} slow clients: ${ms(among.cpuPerRequest)} of CPU a request, ${ms(alone.cpuPerRequest)} without: factor ${factor.toFixed(2)}`,
    );
    expect(alone.tally).toEqual({ 200: alone.requests });
    expect(among.tally).toEqual({ 200: among.requests });
    expect(factor).toBeLessThan(1.3);
  });
});
