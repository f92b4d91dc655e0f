/**
 * A gigabyte up and a gigabyte down through a process of its own, with a reader
 * that stalls: what is carried is not kept.
 */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
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
const block = Buffer.alloc(megabyte, 'claimcheck ');
const expected = createHash('sha256');
for (let count = 0; count < size / megabyte; count++) expected.update(block);
const digest = expected.digest('hex');

let upstream: Server;
let folder: string;
let served: Served;
let headers: Record<string, string>;
const uploads: { bytes: number; digest: string }[] = [];
let aborted = 0;

async function* blocks(length = size) {
  for (let count = 0; count < length / megabyte; count++) yield block;
}

beforeAll(async () => {
  upstream = createServer(async (message, response) => {
    response.on('close', () => {
      if (!response.writableFinished) aborted++;
    });
    if (message.method === 'GET') {
      const length = message.url === '/warm' ? size / 4 : size;
      response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': length });
      await pipeline(Readable.from(blocks(length)), response).catch(() => undefined); // a client that left: counted above
      return;
    }
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of message as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
      if (bytes < 8 * megabyte) await dawdle(20); // slow at first, so that the sender has to wait
    }
    uploads.push({ bytes, digest: hash.digest('hex') });
    response.writeHead(201, { 'Content-Type': 'application/json' }).end('{}');
  }).listen(0, '127.0.0.1');
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
  await browser.fetch(`${served.origin}/api/x`, { method: 'POST', headers: { 'X-CSRF-Token': session.csrf_token } });
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

/** The most that the process held beyond `before` while `work` ran, in MB. */
async function growthDuring(work: Promise<unknown>): Promise<number> {
  const before = await rss();
  let most = before;
  let isOver = false;
  const watched = work.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await Promise.race([watched.catch(() => undefined), dawdle(50)]);
    most = Math.max(most, await rss());
  }
  await watched;
  return most - before;
}

async function download(path: string): Promise<{ bytes: number; digest: string }> {
  const sent = request(`${served.origin}/api/${path}`, { headers });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [import('node:http').IncomingMessage]; // what Node emits
  const hash = createHash('sha256');
  let bytes = 0;
  await dawdle(1_500); // the reader stalls before it has read anything
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    if (bytes < 8 * megabyte) await dawdle(5);
  }
  return { bytes, digest: hash.digest('hex') };
}

async function upload(): Promise<number> {
  const sent = request(`${served.origin}/api/big`, { method: 'POST', headers: { ...headers, 'Content-Length': size } });
  const answered = once(sent, 'response');
  for await (const chunk of blocks()) if (!sent.write(chunk)) await once(sent, 'drain');
  sent.end();
  const [answer] = (await answered) as [import('node:http').IncomingMessage]; // what Node emits
  answer.resume();
  return answer.statusCode ?? 0;
}

describe('a body of a gigabyte', () => {
  it('PX-30: comes down whole past a reader that stalls, and is not kept', async () => {
    await download('warm');
    const down = download('big');
    const growth = await growthDuring(down);

    console.log(`1 GB down: the process grew by ${growth.toFixed(1)} MB at the most`);
    expect(await down).toEqual({ bytes: size, digest });
    expect(growth).toBeLessThan(64);
  }, 120_000);

  it('PX-30: goes up whole past an upstream that is slow, and is not kept', async () => {
    const up = upload();
    const growth = await growthDuring(up);

    console.log(`1 GB up: the process grew by ${growth.toFixed(1)} MB at the most`);
    expect(await up).toBe(201);
    expect(uploads.at(-1)).toEqual({ bytes: size, digest });
    expect(growth).toBeLessThan(64);
  }, 120_000);

  it('PX-30: whose client leaves in the middle ends at the upstream within a second', async () => {
    const before = aborted;
    const sent = request(`${served.origin}/api/big`, { headers });
    sent.on('error', () => undefined); // it is broken off below
    sent.end();
    const [answer] = (await once(sent, 'response')) as [import('node:http').IncomingMessage]; // what Node emits
    await once(answer, 'data');
    expect(answer.statusCode).toBe(200);

    sent.destroy();

    await eventually(() => aborted === before + 1, 1_000);
  });
});
