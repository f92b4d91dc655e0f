/**
 * Programs as processes: readiness, ends, and what they print.
 *
 * @module
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runProgram, startServer } from '../../support/processes.ts';

let directory: string;
const root = join(import.meta.dirname, '../../..');

const server = `
  import { createServer } from 'node:http';
  console.log(JSON.stringify(Object.keys(process.env).sort()));
  createServer((request, response) => response.end('up')).listen(Number(process.env.OPS_PORT), '127.0.0.1');
  process.on('SIGTERM', () => { console.error('draining'); process.exit(0); });
`;

async function program(name: string, code: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, code);
  return relative(root, path);
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'claimcheck-program-'));
});

afterAll(() => rm(directory, { recursive: true }));

it('waits until a server is ready, gives it a port and only the environment it is told', async () => {
  await using running = await startServer({
    entry: await program('server.mjs', server),
    ports: ['OPS_PORT'],
    env: { A: '1' },
  });

  expect(await (await fetch(`http://127.0.0.1:${running.port('OPS_PORT')}/`)).text()).toBe('up');
  expect(JSON.parse(running.stdout())).toEqual(['A', 'HOME', 'OPS_PORT', 'PATH']);
  await running.stop();
  expect(await running.ended).toEqual({ code: 0, signal: null });
  expect(running.stderr()).toContain('draining');
});

it('tells what a server printed that ended before it was ready', async () => {
  const entry = await program('broken.mjs', 'console.error("no such setting"); process.exit(3);');
  await expect(startServer({ entry, ports: ['OPS_PORT'] })).rejects.toThrow('no such setting');
});

it('gives up on a server that never gets ready', async () => {
  const entry = await program('silent.mjs', 'setInterval(() => {}, 1000);');
  await expect(startServer({ entry, ports: ['OPS_PORT'], limitMs: 300 })).rejects.toThrow('did not become ready');
});

it('freezes, thaws and kills', async () => {
  const running = await startServer({ entry: await program('frozen.mjs', server), ports: ['OPS_PORT'] });
  const url = `http://127.0.0.1:${running.port('OPS_PORT')}/`;
  running.freeze();
  await expect(fetch(url, { signal: AbortSignal.timeout(200) })).rejects.toThrow();
  running.thaw();
  expect((await fetch(url)).status).toBe(200);
  await running.kill();
  expect(await running.ended).toEqual({ code: null, signal: 'SIGKILL' });
});

it('runs a program to its end', async () => {
  const entry = await program('tool.mjs', 'console.log(process.argv[2]); process.exit(2);');
  expect(await runProgram({ entry, parameters: ['hello'] })).toEqual({
    code: 2,
    signal: null,
    stdout: 'hello\n',
    stderr: '',
  });
});
