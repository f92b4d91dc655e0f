/**
 * A call whose body has not begun, or that is still on its way to a connection.
 *
 * @module
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import { ProblemError } from '../../../src/errors.ts';
import type { WhenEnded } from '../../../src/proxy/forward.ts';
import { eventually } from '../../support/eventually.ts';
import { type Hop, startHop } from '../../support/hop.ts';
import { openRaw, rawRequest } from '../../support/raw.ts';
import { startUpstream, type Upstream } from '../../support/upstream.ts';

const get = (path: string) => `GET /api/${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
const postHead = 'POST /api/p HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n';
const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';

/** How far the time has been set ahead, ms. */
let aheadMs: number;
const clock: Clock = { ...systemClock, elapsed: () => systemClock.elapsed() + aheadMs };
let upstream: Upstream;
let hop: Hop;
let origin: string;
/** What a look-up of the upstream's name waits for. */
let found: Promise<void>;
/** What is done when the session of the last call ends. */
let endSession: ((problem: ProblemError) => void) | undefined;

beforeEach(async () => {
  aheadMs = 0;
  found = Promise.resolve();
  endSession = undefined;
  upstream = await startUpstream(({ target }) => ({ body: `for ${target}` }));
  origin = `http://service.test:${upstream.port}`;
  const resolve = () => found.then(() => ['127.0.0.1']);
  const whenEnded: WhenEnded = (act) => {
    endSession = act;
  };
  hop = await startHop(origin, {
    clock,
    limits: { resolve, connections: 1, mostConnections: 1 },
    around: (_authorized, forward) => forward(whenEnded),
  });
});

afterEach(async () => {
  await hop.close();
  await upstream.stop();
});

const ask = async (path: string) => {
  const { final } = await rawRequest(hop.port, get(path), { responses: 1 });
  return final[0]?.text();
};

/** A client that has sent the head of a call with a body, and no more. */
async function dawdler() {
  const before = hop.requests.length;
  const client = await openRaw(hop.port);
  client.write(postHead);
  await eventually(() => hop.requests.length > before);
  return client;
}

/** Has the next connection wait until the returned function is called. */
function holdLookUps(): () => void {
  aheadMs += 1_000; // names are looked up anew
  let letGo = (): void => undefined;
  found = new Promise((resolve) => {
    letGo = resolve;
  });
  return letGo;
}

describe('a call whose body has not begun', () => {
  it.each<readonly [string, () => void]>([
    ['an answer comes that nobody asked for', () => upstream.say(evil)],
    ['it is closed', () => upstream.dropConnections()],
  ])('PX-22: has no connection, whatever becomes of the last: %s', async (_what, happens) => {
    expect(await ask('warm')).toBe('for /warm');
    const client = await dawdler();
    expect(hop.upstreams.at(origin).load.taken).toBe(0);
    happens();
    await eventually(() => upstream.openSockets === 0);
    client.write('half');
    const { final } = await client.waitFor((result) => result.final.length > 0);

    expect(final[0]?.text()).toBe('for /p');
    expect([upstream.connections, upstream.last.body.toString()]).toEqual([2, 'half']);
    client.destroy();
  });

  it('PX-29: keeps nobody waiting, and leaves nothing behind when its client goes', async () => {
    const clients = await Promise.all([dawdler(), dawdler(), dawdler()]);
    expect(await ask('other')).toBe('for /other');
    for (const client of clients) client.destroy();

    expect(await ask('last')).toBe('for /last');
    expect(upstream.begun.map(({ target }) => target)).toEqual(['/other', '/last']);
  });

  it('PX-31: is refused at once while the upstream is not asked, and its client told before it sends any', async () => {
    upstream.script = () => 'reset';
    for (let at = 0; at < 20; at++) await rawRequest(hop.port, get('x'), { responses: 1 });
    const client = await dawdler();
    const { final } = await client.waitFor((result) => result.final.length > 0);

    expect(final[0]?.status).toBe(503);
    expect(final[0]?.header('retry-after')).toMatch(/^\d+$/);
    client.destroy();
  });

  it('LO-26: is not sent when its session has ended meanwhile', async () => {
    const client = await dawdler();
    endSession?.(new ProblemError('session-ended'));
    const { final } = await client.waitFor((result) => result.final.length > 0);
    client.write('half');

    expect(final[0]?.status).toBe(401);
    expect(await ask('other')).toBe('for /other');
    expect(upstream.begun.map(({ target }) => target)).toEqual(['/other']);
    client.destroy();
  });
});

describe('a call whose connection is being made', () => {
  it('PX-22: that is left by its client gives its connection to nobody before it stands', async () => {
    await ask('warm');
    const leaver = await dawdler();
    upstream.dropConnections();
    await eventually(() => upstream.openSockets === 0);
    const letGo = holdLookUps();
    leaver.write('half');
    await eventually(() => hop.upstreams.at(origin).load.taken === 1);
    leaver.destroy();
    const others = [ask('b'), ask('c'), ask('d')];
    await eventually(() => hop.upstreams.at(origin).load.waiting === 3);
    letGo();

    expect(await Promise.all(others)).toEqual(['for /b', 'for /c', 'for /d']);
    expect(upstream.begun.map(({ target }) => target)).toEqual(['/warm', '/b', '/c', '/d']);
    expect(upstream.connections).toBe(2);
  });

  it('LO-26: is not sent when its session has ended meanwhile', async () => {
    await ask('warm');
    upstream.dropConnections();
    const letGo = holdLookUps();
    const answer = rawRequest(hop.port, get('mine'), { responses: 1 });
    await eventually(() => hop.upstreams.at(origin).load.taken === 1);
    endSession?.(new ProblemError('session-ended'));
    expect((await answer).final[0]?.status).toBe(401);
    letGo();

    expect(await ask('other')).toBe('for /other');
    expect(upstream.begun.map(({ target }) => target)).toEqual(['/warm', '/other']);
  });
});
