/**
 * A sign-out at one of three processes, and the same cookie at the two others, which
 * hold the session in memory: how long they go on serving it, and when the person's
 * event streams are told.
 */

import { type ClientRequest, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Member } from '../support/entrance.ts';
import { eventually } from '../support/eventually.ts';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { call, type Outcome } from '../support/traffic.ts';

const rounds = 150;
const limitMs = 100;
const streamLimitMs = 500;

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet();
}, 240_000);

afterAll(() => fleet.close());

const portOf = (instance: number) => fleet.instances[instance % 3]?.port() ?? 0;

/** An event stream, and when it said that the session has ended (by `performance.now`). */
interface Stream {
  readonly text: () => string;
  readonly endedAt: () => number | undefined;
  close(): void;
}

function openStream({ cookie, host }: Member, instance: number): Promise<Stream> {
  return new Promise((resolve, reject) => {
    let text = '';
    let endedAt: number | undefined;
    const headers = { Cookie: cookie, Host: host, Accept: 'text/event-stream', 'Sec-Fetch-Site': 'same-origin' };
    const sent: ClientRequest = request({
      ...{ host: '127.0.0.1', port: portOf(instance), path: '/session/events', agent: false, headers },
    });
    sent.on('response', (answer) => {
      answer.on('data', (bytes: Buffer) => {
        text += bytes.toString();
        if (text.includes('event: ended')) endedAt ??= performance.now();
        if (text.includes('event: state'))
          resolve({ text: () => text, endedAt: () => endedAt, close: () => sent.destroy() });
      });
      answer.on('error', () => undefined); // its end is looked for in the text
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** Somebody whose session every process holds in memory. */
async function warmed(round: number): Promise<{ readonly member: Member; readonly csrfToken: string }> {
  const member = await fleet.signIn(`person-${round}`, round);
  const { body } = await call({ port: portOf(round), caller: member, path: '/session' });
  for (let turn = 0; turn < 6; turn++) {
    expect((await fleet.call(member, { instance: turn })).status).toBe(200);
  }
  return { member, csrfToken: (JSON.parse(body) as { csrf_token: string }).csrf_token };
}

async function signOut({ member, csrfToken }: Awaited<ReturnType<typeof warmed>>, instance: number): Promise<number> {
  const { status } = await call({
    ...{ port: portOf(instance), caller: member, path: '/logout?local=true', method: 'POST' },
    headers: { 'X-CSRF-Token': csrfToken, 'Sec-Fetch-Site': 'same-origin' },
  });
  expect(status).toBe(204);
  return performance.now();
}

/** Calls again and again until two in a row were refused; gives all of them. `begun` hears of the first answer. */
async function untilRefused(member: Member, instance: number, begun: () => void): Promise<readonly Outcome[]> {
  const seen = [await fleet.call(member, { instance })];
  begun();
  while (seen.slice(-2).filter(({ status }) => status === 401).length < 2) {
    seen.push(await fleet.call(member, { instance }));
    if (seen.length > 10_000) throw new Error('a session that was signed out is served for ever');
  }
  return seen;
}

const percentile = (values: readonly number[], share: number) =>
  [...values].sort((one, other) => one - other)[Math.ceil(values.length * share) - 1] ?? Number.NaN;

describe('a sign-out at one of three processes', () => {
  it('LO-01, LO-26: is refused by the others from 100 ms on, and told to event streams within half a second', {
    timeout: 300_000,
  }, async () => {
    /** For each of the other processes: how long after the sign-out's answer the last call began that was served; 0 for none. */
    const servedMs: number[] = [];
    const toldMs: number[] = [];
    let calls = 0;
    for (let round = 0; round < rounds; round++) {
      const person = await warmed(round);
      const others = [round + 1, round + 2];
      const streams = await Promise.all(others.map((instance) => openStream(person.member, instance)));

      // The others are called all the time, so that a call meets every moment of it: before it, too.
      const begun = others.map(() => Promise.withResolvers<void>());
      const calling = Promise.all(
        others.map((at, nth) => untilRefused(person.member, at, () => begun[nth]?.resolve())),
      );
      await Promise.race([calling, Promise.all(begun.map(({ promise }) => promise))]);
      const signedOutAt = await signOut(person, round);
      expect((await fleet.call(person.member, { instance: round })).status).toBe(401);
      const seen = await calling;

      for (const outcomes of seen) {
        const served = outcomes.filter(({ status }) => status === 200);
        expect(outcomes.filter(({ status }) => status !== 200 && status !== 401)).toEqual([]);
        // It was served until then, and once refused it is refused for good.
        expect(outcomes[0]?.status).toBe(200);
        expect(outcomes.slice(served.length).map(({ status }) => status)).toEqual([401, 401]);
        calls += outcomes.length;
        servedMs.push(Math.max(0, ...served.map(({ at }) => at - signedOutAt)));
      }
      await eventually(() => streams.every(({ endedAt }) => endedAt() !== undefined), 5_000);
      for (const stream of streams) {
        expect(stream.text()).toContain('signed-out');
        toldMs.push(Math.max(0, (stream.endedAt() ?? Number.NaN) - signedOutAt));
        stream.close();
      }
    }
    const late = servedMs.filter((ms) => ms > 0).length;
    console.log(
      `${rounds} sign-outs, ${calls} calls at the two other processes: in ${late} of ${servedMs.length} cases a call was served that had begun after, the last of them ` +
        `${percentile(servedMs, 0.99).toFixed(1)} ms (p99); streams told after ${percentile(toldMs, 0.5).toFixed(1)} ms ` +
        `(median), ${percentile(toldMs, 0.99).toFixed(1)} ms (p99)`,
    );
    expect(percentile(servedMs, 0.99)).toBeLessThan(limitMs);
    expect(percentile(toldMs, 0.99)).toBeLessThan(streamLimitMs);
  });

  it('LO-01: leaves another session of the same person alone (the control)', async () => {
    const [one, other] = [await warmed(1_000), await warmed(1_000)];
    await signOut(one, 0);

    for (const instance of [0, 1, 2]) {
      expect((await fleet.call(one.member, { instance })).status).toBe(401);
      expect((await fleet.call(other.member, { instance })).status).toBe(200);
    }
  });
});
