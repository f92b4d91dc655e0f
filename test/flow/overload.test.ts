/**
 * An event loop that has too much to do: what comes is refused at once, in words, and
 * whoever asks after the health of the process is still told.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { dawdle } from '../support/slowness.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { startWorld, type World } from '../support/world.ts';

let upstream: Upstream;
let world: World;

beforeAll(async () => {
  upstream = await startUpstream();
  world = await startWorld({ upstream: upstream.origin });
});

afterAll(async () => {
  await world.close();
  await upstream.stop();
});

/** Keeps the loop busy for 600 ms again and again, until told to stop. The server shares the loop with us. */
async function keepBusy(state: { isOver: boolean }): Promise<void> {
  while (!state.isOver) {
    const end = performance.now() + 600;
    while (performance.now() < end);
    await dawdle(1);
  }
}

async function page(): Promise<{ status: number; retryAfter: string | null; text: string; policy: string | null }> {
  const answer = await fetch(`${world.origin}/`, { headers: { accept: 'text/html' } });
  const { headers, status } = answer;
  const [retryAfter, policy] = [headers.get('retry-after'), headers.get('content-security-policy')];
  return { status, retryAfter, text: await answer.text(), policy };
}

describe('a process with too much to do', () => {
  it('PX-29: refuses early with Retry-After, is still healthy, and takes requests again when it has time', async () => {
    expect((await page()).status).toBe(200);
    const state = { isOver: false };
    const busy = keepBusy(state);

    const refused = await eventually(async () => {
      const answer = await page();
      return answer.status === 503 && answer;
    }, 20_000);
    const health = await fetch(`${world.opsUrl}/healthz`);
    const calls = upstream.requests.length;
    const call = await fetch(`${world.origin}/api/x`);
    state.isOver = true;
    await busy;

    expect(refused).toMatchObject({ status: 503, retryAfter: '1', text: expect.stringContaining('overloaded') });
    expect(refused === false ? '' : refused.policy).toContain("default-src 'none'");
    expect(call.status).toBe(503);
    expect(upstream.requests).toHaveLength(calls);
    expect(health.status).toBe(200);
    await eventually(async () => (await page()).status === 200);
  });
});
