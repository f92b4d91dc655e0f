/**
 * Upstreams that fail: the next address, the breaker, and everybody else.
 *
 * @module
 */

import { afterEach, describe, expect, it } from 'vitest';
import type { UpstreamConfig } from '../../src/config/config.ts';
import type { UpstreamChange } from '../../src/proxy/upstream.ts';
import { eventually } from '../support/eventually.ts';
import { type HopOptions, startHop } from '../support/hop.ts';
import { freePort } from '../support/ports.ts';
import { rawRequest } from '../support/raw.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { type Script, startUpstream, type Upstream } from '../support/upstream.ts';
import type { Answer } from '../support/upstream-answers.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function upstreamOf(script: Script, port?: number): Promise<Upstream> {
  const upstream = await startUpstream(script, port === undefined ? {} : { port });
  closing.push(() => upstream.stop());
  return upstream;
}

async function hopBefore(origin: string, options: HopOptions = {}) {
  const hop = await startHop(origin, options);
  closing.unshift(() => hop.close());
  return hop;
}

async function send(port: number, line = 'GET /api/x', body = '') {
  const length = body === '' ? '' : `Content-Length: ${body.length}\r\n`;
  const { final } = await rawRequest(port, `${line} HTTP/1.1\r\nHost: localhost\r\n${length}\r\n${body}`, {
    responses: 1,
  });
  const [answer] = final;
  if (!answer) throw new Error('there was no answer');
  return answer;
}

const origin = 'http://orders.test';

function reachedAt(...ports: readonly number[]): UpstreamConfig {
  const nothing = { serverName: undefined, authorities: undefined, certificate: undefined, key: undefined };
  return { origin, addresses: ports.map((port) => ({ host: '127.0.0.1', port })), ...nothing };
}

const say =
  (word: string): Script =>
  () => ({ body: word });

describe('an upstream with several addresses', () => {
  it('PX-31: is reached at the next when one takes no connection, for a POST too, and nothing is sent twice', async () => {
    const [gone, alive] = [await freePort(), await upstreamOf(say('alive'))];
    const hop = await hopBefore(origin, { limits: { settings: [reachedAt(gone, alive.port)] } });
    const answer = await send(hop.port, 'POST /api/x', 'once');

    expect([answer.status, answer.text()]).toEqual([200, 'alive']);
    expect(alive.requests.map((request) => request.text())).toEqual(['once']);
  });

  it('ER-08: is a 502 when none takes one', async () => {
    const hop = await hopBefore(origin, { limits: { settings: [reachedAt(await freePort(), await freePort())] } });

    expect((await send(hop.port)).status).toBe(502);
  });

  it('shares its calls among them', async () => {
    const both = [await upstreamOf(() => 'hang'), await upstreamOf(() => 'hang')];
    const hop = await hopBefore(origin, { limits: { settings: [reachedAt(...both.map(({ port }) => port))] } });
    for (let at = 0; at < 8; at++) void send(hop.port).catch(() => undefined);
    await eventually(() => both.reduce((sum, { begun }) => sum + begun.length, 0) === 8);

    expect(both.map(({ begun }) => begun.length)).toEqual([4, 4]);
  });

  it('PX-31: gets one back that was away, without a call that fails for it', async () => {
    const away = await freePort();
    const steady = await upstreamOf(say('steady'));
    const changes: UpstreamChange[] = [];
    const limits = {
      settings: [reachedAt(away, steady.port)],
      report: (change: UpstreamChange) => changes.push(change),
    };
    const hop = await hopBefore(origin, { limits });
    expect((await send(hop.port)).text()).toBe('steady');
    expect(changes).toEqual([{ upstream: 'orders.test', what: 'address', state: 'failed', addressesDown: 1 }]);
    await upstreamOf(say('back'), away);
    const heard = new Set<string>();
    await eventually(async () => heard.add((await send(hop.port)).text()).has('back'), 10_000);

    expect(changes.at(-1)).toMatchObject({ state: 'recovered', addressesDown: 0 });
    expect(hop.records.every(({ code }) => code === undefined)).toBe(true);
  });

  it('GW-15: is whatever its name resolves to, one that is dead included', async () => {
    const alive = await upstreamOf(say('alive'));
    const named = `http://orders.test:${alive.port}`;
    const asked: string[] = [];
    const resolve = async (host: string) => {
      asked.push(host);
      return ['127.0.0.99', '127.0.0.1'];
    };
    const hop = await hopBefore(named, { limits: { resolve } });

    expect((await send(hop.port)).text()).toBe('alive');
    expect(asked).toEqual(['orders.test']);
  });
});

describe('a connection that was used before and dies', () => {
  it('PX-14: costs a GET nothing and a POST a 502, and neither is carried out twice', async () => {
    const upstream = await upstreamOf(({ target }) => (target === '/dies' ? 'reset' : { body: 'ok' }));
    const hop = await hopBefore(upstream.origin);
    expect((await send(hop.port)).status).toBe(200);
    expect((await send(hop.port, 'GET /api/dies')).status).toBe(502);
    expect(upstream.requests.map(({ target }) => target)).toEqual(['/x', '/dies', '/dies']);
    upstream.forget();
    expect((await send(hop.port)).status).toBe(200);
    expect((await send(hop.port, 'POST /api/dies', 'body')).status).toBe(502);

    expect(upstream.requests.map(({ target }) => target)).toEqual(['/x', '/dies']);
  });
});

describe('an upstream that keeps failing', () => {
  const failing = async (script: Script, options: HopOptions = {}) => {
    const [bad, good] = [await upstreamOf(script), await upstreamOf(say('good'))];
    const clock = new ShiftedClock();
    const changes: UpstreamChange[] = [];
    const upstream = { origin: good.origin, path: '' };
    const routes = [{ timeoutMs: 150 }, { path: '/api/good', upstream }];
    const limits = { report: (change: UpstreamChange) => changes.push(change) };
    const hop = await hopBefore(bad.origin, { routes, limits, clock, ...options });
    return { bad, hop, clock, changes };
  };

  it.each([
    ['takes too long', 504, (): Answer => 'hang'],
    ['breaks connections', 502, (): Answer => 'reset'],
    ['says that it cannot serve', 503, () => ({ status: 503 })],
  ] as const)('PX-31: since it %s, is not called for a while, and the others are', async (_how, status, script) => {
    const { bad, hop, changes } = await failing(script);
    const first = await Promise.all(Array.from({ length: 10 }, () => send(hop.port)));
    expect(first.map((answer) => answer.status)).toEqual(Array(10).fill(status));
    const calls = bad.begun.length;
    const refused = await send(hop.port, 'POST /api/x', 'body');

    expect([refused.status, refused.header('retry-after'), refused.header('x-error-source')]).toEqual([
      503,
      '5',
      'upstream',
    ]);
    expect(JSON.parse(refused.text())).toMatchObject({ code: 'upstream-failing' });
    expect(bad.begun).toHaveLength(calls);
    expect((await send(hop.port, 'GET /api/good/x')).text()).toBe('good');
    expect(changes).toEqual([
      { upstream: new URL(bad.origin).host, what: 'breaker', state: 'failed', addressesDown: 0 },
    ]);
  });

  it.each([
    ['404', { status: 404 }],
    ['500', { status: 500 }],
  ] as const)('PX-31: is called on while it answers, be it with %s', async (_status, answer) => {
    const { bad, hop } = await failing(() => answer);
    for (let at = 0; at < 15; at++) await send(hop.port);

    expect(bad.requests).toHaveLength(15);
  });

  it('PX-31: is tried with one call when its time is over, and called again by all when that goes well', async () => {
    const { bad, hop, clock } = await failing(() => ({ status: 503 }));
    for (let at = 0; at < 10; at++) await send(hop.port);
    clock.advance(5_000);
    let release = (): void => undefined;
    bad.script = () =>
      new Promise<Answer>((resolve) => {
        release = () => resolve({ body: 'back' });
      });
    const trial = send(hop.port);
    await bad.received(11);
    const beside = await send(hop.port);
    release();
    expect([beside.status, (await trial).status]).toEqual([503, 200]);
    bad.script = say('back');

    expect((await send(hop.port)).text()).toBe('back');
  });

  it('PX-31: tells those who wait for a connection at once', async () => {
    const { hop } = await failing(() => 'hang', {
      routes: [{ timeoutMs: 300 }],
      limits: { connections: 16, mostConnections: 16 },
    });
    const all = await Promise.all(Array.from({ length: 16 + 30 }, () => send(hop.port)));

    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([504, 503]));
  });

  it('PX-31: is not shut by clients who leave', async () => {
    const { bad, hop } = await failing(() => 'hang', { routes: [{ timeoutMs: 5_000 }] });
    for (let at = 1; at <= 12; at++) {
      const left = rawRequest(hop.port, 'GET /api/x HTTP/1.1\r\nHost: localhost\r\n\r\n', { timeoutMs: 60 });
      await bad.received(at);
      await left;
    }
    bad.script = say('still here');

    expect((await send(hop.port)).text()).toBe('still here');
  });
});
