/**
 * A thousand WebSockets and a thousand event streams over two processes, and the
 * sign-out of one session among many: all that was open for it ends within a
 * second, nothing else does, and no descriptor is left behind.
 */

import { readdirSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { speaking } from '../flow/web-socket-world.ts';
import { eventually } from '../support/eventually.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { type Deployment, type Person, startDeployment } from './deployment.ts';

const people = 25;
const ofEach = 20; // on each of two processes

let redis: RedisServer;
let upstreams: readonly Upstream[];
let at: Deployment;

beforeAll(async () => {
  redis = await startRedis();
  const speak = speaking();
  const start = () =>
    startUpstream((request) =>
      request.target === '/stream'
        ? {
            headers: [['Content-Type', 'text/event-stream']],
            chunks: (async function* () {
              yield 'data: first\n\n';
              await new Promise(() => undefined);
            })(),
          }
        : speak(request),
    );
  // Two, since the 512 connections to each are shared: the last of 25 people would not get 20 of one alone.
  upstreams = [await start(), await start()];
  // The streams say nothing after their first word; to open all of them may take longer than the usual 30 s.
  const routes = upstreams.map(
    ({ origin }, at) => `{ path: /api/${at}, upstream: "${origin}", websocket: true, timeout: 5m }`,
  );
  const rules = `routes: [${routes.join(', ')}]`;
  at = await startDeployment({ instances: 2, redisUrl: redis.url, rules });
}, 60_000);

afterAll(async () => {
  await at[Symbol.asyncDispose]();
  await Promise.all(upstreams.map((upstream) => upstream.stop()));
  await redis.stop();
});

interface Open {
  readonly owner: Person;
  /** `undefined` while it is open; for an event stream 0. */
  readonly closed: () => number | undefined;
  end(): void;
}

/** At which process, and the how manieth there. */
interface Place {
  readonly port: number;
  readonly count: number;
}

function socketOf(owner: Person, { port, count }: Place): Promise<Open> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/${count % 2}/echo`, {
    origin: at.origin,
    headers: { Host: owner.host, Cookie: owner.cookie },
  });
  let code: number | undefined;
  socket.on('close', (closedWith) => {
    code = closedWith;
  });
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => resolve({ owner, closed: () => code, end: () => socket.terminate() }));
  });
}

function streamOf(owner: Person, { port, count }: Place): Promise<Open> {
  let isClosed = false;
  return new Promise((resolve, reject) => {
    const headers = { Host: owner.host, Cookie: owner.cookie, 'Sec-Fetch-Site': 'same-origin' };
    const request = get(
      { host: '127.0.0.1', port, path: `/api/${count % 2}/stream`, headers, agent: false },
      (answer: IncomingMessage) => {
        if (answer.statusCode !== 200) reject(new Error(`a stream was answered with ${answer.statusCode}`));
        answer
          .on('error', () => undefined)
          .on('close', () => {
            isClosed = true;
          });
        answer.once('data', () =>
          resolve({ owner, closed: () => (isClosed ? 0 : undefined), end: () => request.destroy() }),
        );
      },
    );
    request.on('error', reject);
  });
}

const descriptors = () => at.instances.map(({ pid }) => readdirSync(`/proc/${pid}/fd`).length);

it('LO-26: a sign-out ends what is open for it on both processes, and leaks nothing', async () => {
  const persons: Person[] = [];
  for (let count = 0; count < people; count++) persons.push(await at.signIn(count % 2 ? 'alice' : 'bob'));
  const before = descriptors();
  const sockets: Open[] = [];
  const streams: Open[] = [];
  for (const person of persons) {
    for (const port of at.ports) {
      sockets.push(
        ...(await Promise.all(Array.from({ length: ofEach }, (_, count) => socketOf(person, { port, count })))),
      );
      streams.push(
        ...(await Promise.all(Array.from({ length: ofEach }, (_, count) => streamOf(person, { port, count })))),
      );
    }
  }
  expect([sockets.length, streams.length]).toEqual([1_000, 1_000]);
  const [leaving] = persons;
  if (!leaving) throw new Error('nobody is signed in');

  const answer = await leaving.browser.fetch(`${at.origin}/logout`, {
    method: 'POST',
    headers: { 'X-CSRF-Token': leaving.csrfToken },
    from: `${at.origin}/`,
  });
  expect(answer.status).toBeLessThan(400);

  const own = [...sockets, ...streams].filter(({ owner }) => owner === leaving);
  const others = [...sockets, ...streams].filter(({ owner }) => owner !== leaving);
  await eventually(() => own.every((open) => open.closed() !== undefined), 1_000);
  expect(new Set(sockets.filter(({ owner }) => owner === leaving).map((open) => open.closed()))).toEqual(
    new Set([4401]),
  );
  expect(others.filter((open) => open.closed() !== undefined)).toEqual([]);

  for (const open of others) open.end();
  await eventually(() => descriptors().every((count, index) => count <= (before[index] ?? 0) + 8), 20_000);
}, 180_000);
