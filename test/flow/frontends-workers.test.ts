/**
 * Several frontends and several workers: each worker serves all of them.
 */

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { freePort } from '../support/ports.ts';
import { type ServerProcess, startServer } from '../support/processes.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { askAt } from './frontends-world.ts';

let folder: string;
let redis: RedisServer;
let provider: HostileProvider;
let server: ServerProcess;
let port: number;

const routes = 'routes:\n  - { path: /api/a, upstream: "http://127.0.0.1:9" }\n';
const entryOf = (id: string) =>
  `  - { id: ${id}, public_url: "http://${id}.localhost:${port}", client_id: ${id}, client_secret_env: THE_SECRET }\n`;
const rulesOf = (ids: readonly string[], end = routes) => `frontends:\n${ids.map(entryOf).join('')}${end}`;
const write = (text: string) => writeFile(join(folder, 'rules.yaml'), text);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'claimcheck-frontends-workers-'));
  [redis, provider, port] = await Promise.all([startRedis(), startHostileProvider(), freePort()]);
  await write(rulesOf(['orders', 'desk']));
  server = await startServer({
    entry: 'src/main.ts',
    env: {
      ...{ PORT: String(port), WORKERS: '2', ISSUER: provider.issuer, REDIS_URL: redis.url },
      ...{ RULES_FILE: join(folder, 'rules.yaml'), THE_SECRET: randomBytes(24).toString('hex') },
      SESSION_SECRETS: randomBytes(32).toString('base64url'),
    },
    ports: ['OPS_PORT'],
    limitMs: 60_000,
  });
});

afterAll(async () => {
  await server.stop();
  await Promise.all([provider.close(), redis.stop()]);
  await rm(folder, { recursive: true });
});

const ops = (path: string) => fetch(`http://127.0.0.1:${server.port('OPS_PORT')}${path}`);
const answerOf = (id: string, path: string) => askAt(port, { path, headers: { Host: `${id}.localhost:${port}` } });
const statusesOf = async (path: string) =>
  Promise.all(
    ['orders', 'desk'].flatMap((id) => Array.from({ length: 6 }, async () => (await answerOf(id, path)).status)),
  );

describe('two workers with two frontends', () => {
  it('SE-12, TL-14: serve both, and are ready for both', async () => {
    await eventually(async () => (await ops('/readyz')).status === 200, 30_000);
    const state: unknown = await (await ops('/readyz')).json();
    expect(state).toMatchObject({ status: 'ok', frontends: { orders: 'ok', desk: 'ok' } });

    for (const id of ['orders', 'desk']) {
      const login = await answerOf(id, '/login');
      expect(new URL(login.header('location') ?? '').searchParams.get('client_id')).toBe(id);
    }
    expect((await answerOf('elsewhere', '/')).status).toBe(421);
    const metrics = await (await ops('/metrics')).text();
    expect(metrics).toMatch(/^claimcheck_provider_up\{frontend="desk"\} 1$/m);
    expect(metrics).not.toMatch(/^claimcheck_provider_up \d/m);
  });

  it('GW-14: take over the routes of both together, and refuse one frontend more', async () => {
    expect(new Set(await statusesOf('/api/b'))).toEqual(new Set([404]));
    await write(rulesOf(['orders', 'desk'], routes.replace('/api/a', '/api/b')));
    server.signal('SIGHUP');
    await eventually(async () => expect(new Set(await statusesOf('/api/b'))).toEqual(new Set([401])));

    await write(rulesOf(['orders', 'desk', 'third']));
    server.signal('SIGHUP');
    await eventually(() => expect(server.stdout()).toContain('it serves orders, desk. Restart it.'));
    expect(new Set(await statusesOf('/api/b'))).toEqual(new Set([401]));
  });
});
