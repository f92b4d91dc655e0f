/**
 * `npm run bench:memory`: how many bytes of the server's process a warm
 * session takes, and an open stream of `/session/events` beside it.
 * `BENCH_STREAMS` sets how many of each.
 *
 * What is counted is what lives after a collection, and the resident memory beside
 * it, which also has what the collector keeps for later. The buffers of the kernel
 * are in neither.
 *
 * @module
 */

import { connect, type Socket } from 'node:net';
import { type Deployment, type Held, type Member, withDeployment } from './deployment.ts';
import { machineLines } from './report/machine.ts';

const count = Number(process.env['BENCH_STREAMS'] ?? 4_000);
const warmUp = 500;
const atOnce = 50;

process.exitCode = await withDeployment(run);

async function run(deployment: Deployment): Promise<void> {
  await exercise(deployment, await deployment.signIn(warmUp));
  const members = await deployment.signIn(count, warmUp);
  const none = await deployment.held();
  await forEach(members, (member) => lookAt(deployment, member));
  const warm = await deployment.held();
  const streams = await openAll(deployment, members);
  const listening = await deployment.held();
  for (const stream of streams) stream.destroy();
  const lines = [
    ...machineLines().map((line) => `- ${line}`),
    '',
    `| one of ${count} | bytes that live | bytes resident |`,
    '|---|--:|--:|',
    rowOf('warm session in the cache', none, warm),
    rowOf('stream of /session/events, of a warm session', warm, listening),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

// Everything that is compiled or allocated once is so before anything is counted.
async function exercise(deployment: Deployment, members: readonly Member[]): Promise<void> {
  await forEach(members, (member) => lookAt(deployment, member));
  for (const stream of await openAll(deployment, members)) stream.destroy();
}

async function lookAt({ origin }: Deployment, { cookie }: Member): Promise<void> {
  const answer = await fetch(`${origin}/session`, { headers: { Cookie: cookie } });
  const { authenticated } = (await answer.json()) as { readonly authenticated: boolean }; // as the contract has it
  if (!authenticated) throw new Error('a session was not known');
}

async function openAll(deployment: Deployment, members: readonly Member[]): Promise<readonly Socket[]> {
  const streams: Socket[] = [];
  await forEach(members, async (member) => {
    streams.push(await openStream(deployment, member));
  });
  return streams;
}

/** Opened, and told of the state. */
function openStream({ port }: Deployment, { cookie }: Member): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET /session/events HTTP/1.1\r\nHost: localhost:${port}\r\nCookie: ${cookie}\r\n\r\n`);
  let text = '';
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`a stream ended: ${text.slice(0, 200)}`)));
    socket.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString('latin1')).slice(-4_096);
      if (text.includes('event: state')) resolve(socket);
    });
  });
}

async function forEach(members: readonly Member[], work: (member: Member) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let member = members[next++]; member !== undefined; member = members[next++]) await work(member);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

function rowOf(title: string, before: Held, after: Held): string {
  const share = (from: number, to: number) => ((to - from) / count).toFixed(0);
  return `| ${title} | ${share(before.used, after.used)} | ${share(before.resident, after.resident)} |`;
}
