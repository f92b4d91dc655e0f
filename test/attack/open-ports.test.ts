/**
 * Attack: looking for what a gateway offers beside its work, on its public port
 * or on another (flaws 2F).
 *
 * @module
 */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawRequest } from '../support/raw.ts';
import { type Served, startServed } from '../support/served.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

let upstream: Upstream;
let served: Served;

beforeAll(async () => {
  upstream = await startUpstream();
  served = await startServed({ upstream: upstream.origin });
});

afterAll(async () => {
  await served.close();
  await upstream.stop();
});

const get = (port: number, path: string, host = 'localhost') =>
  rawRequest(port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: */*\r\n\r\n`, { responses: 1 });

const words = [
  ...['metrics', 'healthz', 'readyz', 'health', 'ready', 'livez', 'ping', 'status', 'stats', 'server-status', 'info'],
  ...['debug', 'debug/pprof', 'debug/vars', 'actuator', 'actuator/env', 'admin', 'api/admin', '_admin', 'config'],
  ...[
    'routes',
    'api/config',
    'session-store',
    'api/sessions',
    '.env',
    'rules.yaml',
    'package.json',
    'src/main.ts',
    'json',
  ],
  ...[
    'json/list',
    'console',
    'version',
    'trace',
    'heapdump',
    'console',
    'version',
    'swagger',
    'graphql',
    '.well-known/openid-configuration',
    'oauth2/auth',
  ],
];

describe('the public port', () => {
  it('GW-13, TL-14: has nothing in forty places where others keep metrics, health, settings and debuggers', async () => {
    for (const word of words) {
      const { final } = await get(served.port, `/${word}`);
      // What is below /api is the upstream's, and nobody is signed in.
      expect([word, final[0]?.status]).toEqual([word, word.startsWith('api/') ? 401 : 404]);
      expect(final[0]?.text()).not.toMatch(/claimcheck_|ISSUER|CLIENT_|process|heap/i);
    }
    expect(words.length).toBeGreaterThanOrEqual(40);
    expect(upstream.bytes).toHaveLength(0);
    const { final } = await get(served.server.port('OPS_PORT'), '/metrics', '127.0.0.1');
    expect(final[0]?.text()).toContain('claimcheck_');
  });
});

/** Address and port of each socket that the process listens on, as Linux tells them. */
function listening(pid: number): readonly (readonly [host: string, port: number])[] {
  const folder = `/proc/${pid}/fd`;
  const inodes = new Set(
    readdirSync(folder).map((each) => /^socket:\[(\d+)\]$/.exec(linkAt(`${folder}/${each}`))?.[1] ?? ''),
  );
  return ['tcp', 'tcp6'].flatMap((family) =>
    readFileSync(`/proc/${pid}/net/${family}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((cells) => cells[3] === '0A' && inodes.has(cells[9] ?? ''))
      .map((cells): readonly [string, number] => {
        const [host = '', port = ''] = (cells[1] ?? '').split(':');
        return [host, Number.parseInt(port, 16)];
      }),
  );
}

// A descriptor may be gone before it is looked at.
function linkAt(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

describe('the process', () => {
  it.runIf(process.platform === 'linux')(
    'TL-14: listens on two ports alone, and on one of them for this machine only',
    () => {
      const found = listening(served.server.pid);

      expect(found.map(([, port]) => port).sort()).toEqual([served.port, served.server.port('OPS_PORT')].sort());
      const [host] = found.find(([, port]) => port === served.server.port('OPS_PORT')) ?? [];
      expect(host).toBe('0100007F'); // 127.0.0.1
    },
  );
});
