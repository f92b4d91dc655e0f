/**
 * Attack: bodies that never end, a byte now and then, to take every connection of
 * an upstream from everybody else.
 *
 * @module
 */

import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Hop, startHop } from '../support/hop.ts';
import { openRaw, type RawConnection, rawRequest } from '../support/raw.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function start(timeoutMs: number): Promise<{ readonly hop: Hop; readonly upstream: Upstream }> {
  const upstream = await startUpstream(() => ({ body: 'ok' }));
  const routes = [{ access: 'public', token: 'none', timeoutMs, minUploadRate: 240 }] as const;
  const hop = await startHop(upstream.origin, { routes, trustedProxies: ['127.0.0.1'] });
  closing.push(
    () => hop.close(),
    () => upstream.stop(),
  );
  return { hop, upstream };
}

const head = (client: string, line: string) => `${line} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: ${client}\r\n`;

async function drippingFrom(client: string, { port }: Hop): Promise<RawConnection> {
  const raw = await openRaw(port);
  closing.unshift(() => raw.destroy());
  raw.write(`${head(client, 'POST /api/upload')}Content-Length: 1000000\r\n\r\nx`);
  return raw;
}

function ask(client: string, { port }: Hop) {
  return rawRequest(port, `${head(client, 'GET /api/x')}\r\n`, { responses: 1 });
}

describe('bodies that drip', () => {
  it('PX-29: two thousand of them, of twenty clients, leave connections for a normal request', async () => {
    const { hop, upstream } = await start(60_000);
    for (let at = 0; at < 2_000; at += 100)
      await Promise.all(Array.from({ length: 100 }, (_item, of) => drippingFrom(`203.0.113.${of % 20}`, hop)));
    const { load } = hop.upstreams.at(upstream.origin);
    await eventually(() => upstream.begun.length >= 300, 10_000);
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask('198.51.100.7', hop)));

    expect(answers.map(({ final }) => final[0]?.status)).toEqual([200, 200, 200, 200, 200]);
    expect(load.allowed).toBeLessThanOrEqual(512);
    expect(upstream.begun.length).toBeLessThan(512);
  }, 30_000);

  it.each([
    ['one client', () => '203.0.113.1'],
    ['one network of IPv6, each from an address of its own,', (at: number) => `2001:db8:0:7::${at.toString(16)}`],
  ])('PX-29: of %s take no more than a quarter of the connections', async (_who, addressOf) => {
    const { hop, upstream } = await start(60_000);
    await Promise.all(Array.from({ length: 300 }, (_item, at) => drippingFrom(addressOf(at), hop)));
    await eventually(() => upstream.begun.length >= 128, 10_000);
    expect((await ask('198.51.100.7', hop)).final[0]?.status).toBe(200);

    expect(upstream.begun.length).toBe(128 + 1);
  });

  it('PX-29: are ended with 408 when they are slower than the route allows, and no one else is', async () => {
    const { hop, upstream } = await start(500);
    const slow = await drippingFrom('203.0.113.1', hop);
    const fast = await drippingFrom('203.0.113.2', hop);
    void slow.drip('x'.repeat(200), 50);
    void fast.drip(Array.from({ length: 20 }, () => 'x'.repeat(100)).join(''), 0);
    const steady = feed(fast);
    closing.push(() => steady.stop());
    const { final } = await slow.waitFor((result) => result.final.length === 1);
    expect(final[0]?.status).toBe(408);
    expect(fast.result().final).toEqual([]);
    steady.stop();

    await eventually(() => upstream.begun.length === 2 && upstream.abortedRequests.length >= 1, 2_000);
    expect((await ask('203.0.113.1', hop)).final[0]?.status).toBe(200);
  });
});

/** Keeps a body coming, at some kilobytes a second, for twenty seconds at most. */
function feed(raw: RawConnection): { stop(): void } {
  let goesOn = true;
  void (async () => {
    for (let times = 0; goesOn && times < 250; times++) await raw.drip('y'.repeat(40), 2);
  })();
  return {
    stop: () => {
      goesOn = false;
    },
  };
}
