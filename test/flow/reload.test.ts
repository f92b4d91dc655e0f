/**
 * A running process is told to read its configuration again (SIGHUP).
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { createTlsIdentity, type TlsIdentity } from '../support/hostile/certificate.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { type Served, startServed } from '../support/served.ts';
import { call, Traffic, tallyOf } from '../support/traffic.ts';
import { startUpstream } from '../support/upstream.ts';

let folder: string;
const pathOf = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'claimcheck-reload-'));
});

afterAll(() => rm(folder, { recursive: true }));

/** A service that says its name, and keeps `/slow` waiting until it is let go. */
async function startService(name: string) {
  const waiting: ServerResponse[] = [];
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/slow')) waiting.push(response);
    else response.end(name);
  });
  server.keepAliveTimeout = 60_000;
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo; // a socket of TCP has one
  return {
    url: `http://127.0.0.1:${port}`,
    waiting,
    letGo: () => waiting.splice(0).forEach((response) => void response.end(name)),
    close: () => server.close().closeAllConnections(),
  };
}

/** Lines of its log, parsed. */
function logOf({ server }: Served): readonly Readonly<Record<string, unknown>>[] {
  const lines = server.stdout().split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>); // each line is one JSON object
}

/** Sends the signal and waits for the event that says what came of it. */
async function reload(served: Served): Promise<Readonly<Record<string, unknown>>> {
  const outcomes = () => logOf(served).filter(({ event }) => String(event).startsWith('config.reload'));
  const before = outcomes().length;
  served.server.signal('SIGHUP');
  return eventually(() => {
    const event = outcomes()[before];
    if (event === undefined) throw new Error('nothing came of the signal');
    return event;
  });
}

async function metricsOf({ server }: Served): Promise<string> {
  return (await fetch(`http://127.0.0.1:${server.port('OPS_PORT')}/metrics`)).text();
}

describe('the rules file, on SIGHUP', () => {
  let north: Awaited<ReturnType<typeof startService>>;
  let south: Awaited<ReturnType<typeof startService>>;
  let served: Served;
  const rules = (upstream: string, path = '/api/a') =>
    `routes:\n  - path: ${path}\n    upstream: ${upstream}\n    methods: [GET]\n    access: public\n`;
  const write = (text: string) => writeFile(pathOf('rules.yaml'), text);
  const caller = () => ({ cookie: 'a=b', host: `localhost:${served.port}` });
  const get = (path: string) => call({ port: served.port, caller: caller(), path });

  beforeAll(async () => {
    [north, south] = await Promise.all([startService('north'), startService('south')]);
    await write(rules(north.url));
    served = await startServed({ upstream: '', env: { API_UPSTREAM: undefined, RULES_FILE: pathOf('rules.yaml') } });
  });

  afterAll(async () => {
    await served.close();
    for (const service of [north, south]) service.close();
  });

  it('GW-14: is swapped whole under load, with no request lost; a broken one changes nothing and says why', async () => {
    const traffic = new Traffic({
      callers: Array.from({ length: 12 }, caller),
      ports: [served.port],
      path: '/api/a/x',
      everyMs: 0,
    });
    const slow = get('/api/a/slow');
    await eventually(() => expect(north.waiting).toHaveLength(1));

    await write(rules(south.url));
    expect(await reload(served)).toMatchObject({ event: 'config.reloaded', changed: 'RULES_FILE', restart_needed: '' });
    const swappedAt = performance.now();
    await eventually(() => expect(traffic.since(swappedAt).length).toBeGreaterThan(100));
    expect(new Set(traffic.since(swappedAt).map(({ body }) => body))).toEqual(new Set(['south']));

    await write(`${rules(north.url)}    acces: public\n  - path: /api/b\n    upstream: nowhere\n`);
    expect(await reload(served)).toMatchObject({ event: 'config.reload-failed', faults: 2 });
    const refusedAt = performance.now();
    await eventually(() => expect(traffic.since(refusedAt).length).toBeGreaterThan(100));
    expect(new Set(traffic.since(refusedAt).map(({ body }) => body))).toEqual(new Set(['south']));

    for (const service of [north, south, north, south]) {
      await write(rules(service.url));
      await reload(served);
    }
    const outcomes = await traffic.stop();
    expect(tallyOf(outcomes)).toEqual({ 200: outcomes.length });
    expect(new Set(outcomes.map(({ body }) => body))).toEqual(new Set(['north', 'south']));

    north.letGo();
    expect(await slow).toMatchObject({ status: 200, body: 'north' });
  }, 30_000);

  it('GW-14: names each fault in a line of its own, with its place, and counts what came of it', async () => {
    const said = () => logOf(served).filter(({ message }) => message === 'the configuration was not reloaded');
    await write(`routes:\n  - path: /api/a\n`);
    const before = said().length;

    await reload(served);

    const faults = said().slice(before);
    expect(faults).toEqual([expect.objectContaining({ level: 'error' })]);
    expect(faults[0]?.['fault']).toMatch(/^RULES_FILE routes\[0\]\.upstream \(line 2\): must be /);
    expect(await metricsOf(served)).toMatch(/claimcheck_config_reload_ok 0\n/);
    expect((await get('/api/a/x')).body).toBe('south');

    await write(rules(north.url, '/api/b'));
    await reload(served);
    expect(await metricsOf(served)).toMatch(/claimcheck_config_reload_ok 1\n/);
    expect(await metricsOf(served)).toMatch(/claimcheck_config_reloads_total\{result="failure"\} 2\n/);
    expect([(await get('/api/a/x')).status, (await get('/api/b/x')).body]).toEqual([404, 'north']);
  });

  it('TL-03, GW-14: takes over the authority of an upstream whose file alone changed', async () => {
    const identity = createTlsIdentity('orders');
    const upstream = await startUpstream(() => ({ body: 'safe' }), { tls: { key: identity.key, cert: identity.cert } });
    const behindTls = `${rules(upstream.origin)}upstreams:\n  - { origin: '${upstream.origin}', ca_file: '${pathOf('ca.pem')}' }\n`;
    await writeFile(pathOf('ca.pem'), createTlsIdentity('orders').cert);
    await write(behindTls);
    await reload(served);
    expect(await get('/api/a/x')).toMatchObject({ status: 502 });

    await writeFile(pathOf('ca.pem'), identity.cert);
    expect(await reload(served)).toMatchObject({ event: 'config.reloaded', changed: 'RULES_FILE' });
    expect(await get('/api/a/x')).toMatchObject({ status: 200, body: 'safe' });
    await write(`${behindTls}    addresses: []\n`);
    expect(await reload(served)).toMatchObject({ event: 'config.reload-failed' });
    expect(await get('/api/a/x')).toMatchObject({ status: 200, body: 'safe' });
    await write(rules(south.url));
    await reload(served);
    await upstream.stop();
  });

  it('GW-14: tells by its hash which rules are in effect, and that nothing changed', async () => {
    await write(rules(north.url));
    const first = await reload(served);
    await write(rules(south.url));
    const second = await reload(served);
    await write(rules(north.url));
    const third = await reload(served);
    const again = await reload(served);

    expect(first['rules_hash']).toMatch(/^[0-9a-f]{16}$/);
    expect(second['rules_hash']).not.toBe(first['rules_hash']);
    expect(third['rules_hash']).toBe(first['rules_hash']);
    expect(again).toMatchObject({ event: 'config.reloaded', changed: '', rules_hash: first['rules_hash'] });
  });
});

describe('the certificate, on SIGHUP', () => {
  const [old, renewed] = [createTlsIdentity(), createTlsIdentity()];
  let served: Served;
  const write = async ({ cert, key }: Pick<TlsIdentity, 'cert' | 'key'>) => {
    await writeFile(pathOf('cert.pem'), cert);
    await writeFile(pathOf('key.pem'), key);
  };

  beforeAll(async () => {
    await write(old);
    served = await startServed({
      upstream: 'http://127.0.0.1:9',
      env: { TLS_CERT_FILE: pathOf('cert.pem'), TLS_KEY_FILE: pathOf('key.pem') },
    });
  });

  afterAll(() => served.close());

  /** A connection, and the certificate it was shown, which the test itself compares. */
  async function open(): Promise<{ readonly socket: TLSSocket; readonly shown: string }> {
    const socket = connect({
      ...{ host: '127.0.0.1', port: served.port, servername: 'localhost' },
      rejectUnauthorized: false,
    });
    await once(socket, 'secureConnect');
    return { socket, shown: socket.getPeerX509Certificate()?.toString() ?? '' };
  }

  const answerOn = async (socket: TLSSocket) => {
    socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost:${served.port}\r\n\r\n`);
    const [chunk] = (await once(socket, 'data')) as [Buffer]; // what a socket gives without an encoding
    return chunk.toString().split('\r\n', 1)[0];
  };

  const same = (shown: string, { cert }: TlsIdentity) => shown.replace(/\s/g, '') === cert.replace(/\s/g, '');

  it('TL-03, CA-18: is shown to new connections; those that are open go on', async () => {
    const before = await open();
    expect(same(before.shown, old)).toBe(true);

    await write(renewed);
    expect(await reload(served)).toMatchObject({ event: 'config.reloaded', changed: 'TLS_CERT_FILE' });

    const after = await open();
    expect(same(after.shown, renewed)).toBe(true);
    expect(await answerOn(before.socket)).toMatch(/^HTTP\/1\.1 \d{3} /);
    expect(await answerOn(after.socket)).toMatch(/^HTTP\/1\.1 \d{3} /);
    for (const { socket } of [before, after]) socket.destroy();
  });

  it('TL-01: still speaks nothing before TLS 1.2', async () => {
    const socket = connect({
      ...{ host: '127.0.0.1', port: served.port, servername: 'localhost', ca: renewed.cert },
      ...{ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    });
    const [error] = await once(socket, 'error');
    expect(error).toMatchObject({ code: expect.stringMatching(/PROTOCOL_VERSION|ECONNRESET/) });
  });

  it('CA-18: stays when the key is that of another certificate', async () => {
    await write({ cert: old.cert, key: renewed.key });
    expect(await reload(served)).toMatchObject({ event: 'config.reload-failed' });

    const { socket, shown } = await open();
    socket.destroy();
    expect(same(shown, renewed)).toBe(true);
  });
});

describe('secrets in files, on SIGHUP', () => {
  let redis: RedisServer;
  let served: Served;
  const secret = () => randomBytes(32).toString('base64url');
  const first = secret();
  const keys = '~cc:* resetchannels &cc:ended +@all';

  beforeAll(async () => {
    redis = await startRedis({ acl: [`user claimcheck on >old-password-of-the-store ${keys}`] });
    await writeFile(pathOf('sessions'), first);
    await writeFile(pathOf('redis'), redis.urlFor('claimcheck', 'old-password-of-the-store'));
    served = await startServed({
      upstream: 'http://127.0.0.1:9',
      env: {
        ...{ SESSION_STORE: undefined, SESSION_SECRETS: undefined },
        ...{ SESSION_SECRETS_FILE: pathOf('sessions'), REDIS_URL_FILE: pathOf('redis') },
      },
    });
  });

  afterAll(async () => {
    await served.close();
    await redis.stop();
  });

  it('TS-06, CA-18: the session secrets rotate, a session goes on, and its cookie is signed anew', async () => {
    const browser = await served.signIn();
    const session = () => browser.fetch(`${served.origin}/session`, { from: `${served.origin}/` });
    const old = browser.cookieHeader(`${served.origin}/session`);
    const second = secret();

    await writeFile(pathOf('sessions'), `${second},${first}\n`);
    expect(await reload(served)).toMatchObject({ changed: 'SESSION_SECRETS' });
    expect((await session()).json()['authenticated']).toBe(true);
    expect(browser.cookieHeader(`${served.origin}/session`)).not.toBe(old);
    expect(await metricsOf(served)).toMatch(/key_uses_total\{part="cookie",position="older"\} 1\n/);

    await writeFile(pathOf('sessions'), second);
    await reload(served);
    expect((await session()).json()['authenticated']).toBe(true);
    const forged = await fetch(`${served.origin}/session`, { headers: { Cookie: String(old) } });
    expect(await forged.json()).toMatchObject({ authenticated: false });
    expect(served.server.stdout()).not.toContain(second);
  });

  it('CA-18: a secret that is too short is refused whole, and never shown', async () => {
    const browser = await served.signIn();
    await writeFile(pathOf('sessions'), 'too-short-to-be-a-key');

    expect(await reload(served)).toMatchObject({ event: 'config.reload-failed', faults: 1 });

    expect((await browser.fetch(`${served.origin}/session`, { from: `${served.origin}/` })).json()).toMatchObject({
      authenticated: true,
    });
    expect(served.server.stdout()).not.toContain('too-short-to-be-a-key');
  });

  it('CA-18: the password of Redis is that of the file at the next connection', async () => {
    await writeFile(pathOf('sessions'), first);
    await redis.cli('ACL', 'SETUSER', 'claimcheck', 'resetpass', '>new-password-of-the-store');
    await writeFile(pathOf('redis'), redis.urlFor('claimcheck', 'new-password-of-the-store'));
    expect(await reload(served)).toMatchObject({ changed: 'SESSION_SECRETS REDIS_URL' });

    await redis.cli('CLIENT', 'KILL', 'USER', 'claimcheck');

    await eventually(async () => expect((await served.signIn()).page).toBe(`${served.origin}/`));
  });

  it('names what waits for a restart: another Redis is not taken over', async () => {
    await writeFile(pathOf('redis'), 'redis://claimcheck:new-password-of-the-store@127.0.0.1:1');

    expect(await reload(served)).toMatchObject({ event: 'config.reloaded', changed: '', restart_needed: 'REDIS_URL' });
    expect(logOf(served).at(-2)).toMatchObject({ level: 'warn', setting: 'REDIS_URL' });
    expect(served.server.stdout()).not.toContain('password-of-the-store');
  });
});
