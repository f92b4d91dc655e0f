/**
 * `npm run demo` as a person meets it: a process, its words, its end.
 */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { listenOnLoopback } from '../../../demo/loopback.ts';
import { runProgram, type ServerProcess, startServer } from '../../support/processes.ts';

const anyPorts = { PORT: '0', OPS_PORT: '0', DEMO_AS_PORT: '0', DEMO_API_PORT: '0' };

function startDemoProcess(): Promise<ServerProcess> {
  return startServer({
    entry: 'demo/run.ts',
    env: anyPorts,
    ready: (server) => server.stdout().includes('Ctrl-C'),
  });
}

describe('the demo', () => {
  it('says where to look, who can sign in and how it ends, without a warning of its parts', async () => {
    const demo = await startDemoProcess();
    const words = demo.stdout();
    const [, url = ''] = /Open +(\S+)/.exec(words) ?? [];

    expect(words).toContain('Alice Anders or Bob Brandt');
    expect(words).toContain('in memory');
    const page = await fetch(url, { headers: { accept: 'text/html' } });
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('<title>Claimcheck demo</title>');
    expect(demo.stderr()).not.toContain('oidc-provider');
    await demo.stop();
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends with 0 at %s', async (signal) => {
    const demo = await startDemoProcess();
    demo.signal(signal);

    expect(await demo.ended).toMatchObject({ code: 0 });
  });

  it.each(['PORT', 'OPS_PORT', 'DEMO_AS_PORT', 'DEMO_API_PORT'])(
    'says in one sentence that %s is taken',
    async (name) => {
      const server = createServer();
      const port = await listenOnLoopback(server, 0);
      const { code, stdout, stderr } = await runProgram({
        entry: 'demo/run.ts',
        env: { ...anyPorts, [name]: String(port) },
      });
      server.close();
      await once(server, 'close');

      expect(code).toBe(1);
      expect(stdout).toBe('');
      expect(stderr).toMatch(new RegExp(`^Port ${port} is taken: .* ${name}=\\d+ npm run demo\\.\n$`));
    },
  );
});
