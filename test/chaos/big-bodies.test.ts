/**
 * A gigabyte up and a gigabyte down through a process of its own, past a peer that
 * stalls and then is slow: what is carried is not kept.
 */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type ClientRequest, createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type Served, startServed } from '../support/served.ts';
import { dawdle } from '../support/slowness.ts';

const megabyte = 1024 * 1024;
const size = 1024 * megabyte;
/** The largest buffer that the system gives a connection for what is on its way, in one direction (tcp(7)). */
const systemBuffer = (name: 'tcp_rmem' | 'tcp_wmem') =>
  Number(readFileSync(`/proc/sys/net/ipv4/${name}`, 'utf8').split(/\s+/)[2]);
/** What the buffers of two connections and of two programs may hold while nobody reads. */
const mostHeld = 2 * (systemBuffer('tcp_rmem') + systemBuffer('tcp_wmem')) + 8 * megabyte;

/** A megabyte that is like no other of its body, so that none can be lost, doubled or misplaced unseen. */
function blockAt(count: number): Buffer {
  const block = Buffer.alloc(megabyte, 'claimcheck ');
  block.writeUInt32BE(count, 0);
  return block;
}

const expected = createHash('sha256');
for (let count = 0; count < size / megabyte; count++) expected.update(blockAt(count));
const digest = expected.digest('hex');

/** What a side has taken or given so far. */
interface Progress {
  bytes: number;
}

async function* blocks(progress: Progress, length = size) {
  for (let count = 0; count < length / megabyte; count++) {
    yield blockAt(count);
    progress.bytes += megabyte;
  }
}

/** Reads to the end: not at all while `stall` lasts, slowly for 8 MB, then as fast as it comes. */
async function readSlowly(
  source: IncomingMessage,
  { stall, progress }: { stall: Promise<unknown>; progress: Progress },
) {
  const hash = createHash('sha256');
  await stall;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    hash.update(chunk);
    progress.bytes += chunk.length;
    if (progress.bytes < 8 * megabyte) await dawdle(5);
  }
  return { bytes: progress.bytes, digest: hash.digest('hex') };
}

/** Resolves when the side that gives has had to wait: nothing has moved for half a second. */
async function untilStuck(progress: Progress): Promise<number> {
  let last = -1;
  let since = performance.now();
  await eventually(() => {
    if (progress.bytes !== last) since = performance.now();
    last = progress.bytes;
    return last > 0 && performance.now() - since > 500;
  }, 20_000);
  return last;
}

let upstream: Server;
let folder: string;
let served: Served;
let headers: Record<string, string>;
/** What the upstream has given of the download and taken of the upload under way. */
let given: Progress;
let taken: Progress;
let uploaded: Promise<{ bytes: number; digest: string }>;
let release: () => void;
let aborted = 0;

async function answer(message: IncomingMessage, response: import('node:http').ServerResponse): Promise<void> {
  response.on('close', () => {
    if (!response.writableFinished) aborted++;
  });
  if (message.method === 'GET') {
    const length = message.url === '/warm' ? size / 4 : size;
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': length });
    given = { bytes: 0 };
    await pipeline(Readable.from(blocks(given, length)), response).catch(() => undefined); // a client that left: counted above
    return;
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  release = resolve;
  taken = { bytes: 0 };
  uploaded = readSlowly(message, { stall: message.url === '/big' ? promise : Promise.resolve(), progress: taken });
  await uploaded.then(
    () => response.writeHead(201, { 'Content-Type': 'application/json' }).end('{}'),
    () => undefined, // a client that left: counted above
  );
}

beforeAll(async () => {
  upstream = createServer((message, response) => void answer(message, response)).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = upstream.address() as AddressInfo; // it listens on TCP
  folder = await mkdtemp(join(tmpdir(), 'claimcheck-rules-'));
  const rules = join(folder, 'rules.yaml');
  await writeFile(rules, `routes:\n  - path: /api\n    upstream: http://127.0.0.1:${port}\n    max_body: 0\n`);
  served = await startServed({ upstream: '', env: { API_UPSTREAM: undefined, RULES_FILE: rules } });
  const browser = await served.signIn();
  const session = (await browser.fetch(`${served.origin}/session`)).json<{ csrf_token: string }>();
  headers = {
    Cookie: browser.cookieHeader(`${served.origin}/api/x`) ?? '',
    Origin: served.origin,
    'X-CSRF-Token': session.csrf_token,
  };
});

afterAll(async () => {
  await served.close();
  upstream.closeAllConnections();
  upstream.close();
  await rm(folder, { recursive: true });
});

const rss = async () => {
  const status = await readFile(`/proc/${served.server.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
};

/** The most that the process held while `work` ran, in MB. */
async function peakDuring(work: Promise<unknown>): Promise<number> {
  let most = await rss();
  expect(most).toBeGreaterThan(20); // the number was really read
  let isOver = false;
  const watched = work.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await Promise.race([watched.catch(() => undefined), dawdle(50)]);
    most = Math.max(most, await rss());
  }
  await watched;
  return most;
}

function tell(what: string, { warm, peak, held }: { warm: number; peak: number; held: number }): void {
  const mb = [warm, peak, held / megabyte].map((number) => number.toFixed(0));
  console.log(`1 GB ${what}: ${mb[0]} MB when warm, ${mb[1]} MB at the most; ${mb[2]} MB on the way while nobody read`);
}

function send(method: string, path: string, more: Readonly<Record<string, string | number>> = {}): ClientRequest {
  return request(`${served.origin}/api${path}`, { method, headers: { ...headers, ...more } });
}

async function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  const [message] = (await once(sent, 'response')) as [IncomingMessage]; // what Node emits
  return message;
}

async function download(path: string, stall: Promise<unknown>) {
  const sent = send('GET', path);
  sent.end();
  return readSlowly(await answerTo(sent), { stall, progress: { bytes: 0 } });
}

async function upload(path: string, { length, progress }: { length: number; progress: Progress }): Promise<number> {
  const sent = send('POST', path, { 'Content-Length': length });
  const answered = answerTo(sent);
  for await (const block of blocks(progress, length)) if (!sent.write(block)) await once(sent, 'drain');
  sent.end();
  const message = await answered;
  message.resume();
  return message.statusCode ?? 0;
}

describe('a body of a gigabyte', () => {
  it('PX-30: comes down whole past a reader that stalls, and is not kept', async () => {
    const warm = await peakDuring(download('/warm', Promise.resolve()));
    const { promise: stall, resolve: readOn } = Promise.withResolvers<void>();
    given = { bytes: 0 };
    const down = download('/big', stall);
    const held = eventually(() => given.bytes > 0)
      .then(() => untilStuck(given))
      .finally(readOn);
    const peak = await peakDuring(down);

    tell('down', { warm, peak, held: await held });
    expect(await down).toEqual({ bytes: size, digest });
    expect(peak - warm).toBeLessThan(64);
    expect(await held).toBeLessThan(mostHeld);
  });

  it('PX-30: goes up whole past an upstream that stalls, and is not kept', async () => {
    const warm = await peakDuring(upload('/warm', { length: size / 4, progress: { bytes: 0 } }));
    const sent = { bytes: 0 };
    const up = upload('/big', { length: size, progress: sent });
    const held = untilStuck(sent).finally(() => release());
    const peak = await peakDuring(up);

    tell('up', { warm, peak, held: await held });
    expect(await up).toBe(201);
    expect(await uploaded).toEqual({ bytes: size, digest });
    expect(peak - warm).toBeLessThan(64);
    expect(await held).toBeLessThan(mostHeld);
  });
});

describe('a client that leaves in the middle', () => {
  it('PX-30: of a download ends the request at the upstream within a second', async () => {
    const before = aborted;
    const sent = send('GET', '/big');
    sent.on('error', () => undefined); // it is broken off below
    sent.end();
    const message = await answerTo(sent);
    await once(message, 'data');
    expect(message.statusCode).toBe(200);

    sent.destroy();

    await eventually(() => aborted === before + 1, 1_000);
  });

  it('PX-30: of an upload ends the request at the upstream within a second', async () => {
    const before = aborted;
    const sent = send('POST', '/half', { 'Content-Length': size });
    sent.on('error', () => undefined); // it is broken off below
    taken = { bytes: 0 };
    sent.write(blockAt(0));
    await eventually(() => taken.bytes === megabyte);

    sent.destroy();

    await eventually(() => aborted === before + 1, 1_000);
    await expect(uploaded).rejects.toThrow();
  });
});
