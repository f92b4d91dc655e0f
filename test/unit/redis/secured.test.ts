/** TLS to Redis, and a user that may do what docs/redis.md says and no more. */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { RotatingSecret, Secret } from '../../../src/base/secret.ts';
import { newSession } from '../../contract/session-store.ts';
import { eventually } from '../../support/eventually.ts';
import { freePort } from '../../support/ports.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { startCluster, startSentinelGroup } from '../../support/redis-groups.ts';
import { allOf, type Connected, connectedTo, connecting } from './topologies.ts';

const run = promisify(execFile);
const password = 'right-password-1';
const cleanups: (() => unknown)[] = [];
const usual = getCACertificates();

afterEach(async () => {
  setDefaultCACertificates(usual);
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Where the parts of a topology speak, and as whom. */
async function using(url: string | Secret): Promise<Connected> {
  const client = await connectedTo(url);
  cleanups.push(() => client.redis.close());
  return client;
}

/** A user of the docs, with the password of this test, as the words of `ACL SETUSER`. */
async function documented(name: string): Promise<readonly string[]> {
  const page = await readFile('docs/redis.md', 'utf8');
  const line = page.split('\n').find((each) => each.startsWith(`user ${name} `));
  if (line === undefined) throw new Error(`docs/redis.md names no user ${name}`);
  return line.replace('>password', `>${password}`).split(' ').slice(1);
}

async function giveUser(servers: readonly RedisServer[], words: readonly string[]): Promise<void> {
  for (const server of servers) await server.cli('ACL', 'SETUSER', ...words);
}

const as = (url: string, name: string) => url.replace('://', `://${name}:${password}@`);

async function expectUsable({ redis, store, lines }: Connected) {
  const session = newSession();
  const mark = { id: session.id, ttlMs: 60_000 };
  expect(await store.create(session)).toBe(true);
  expect(await store.read(session.id)).toMatchObject({ sealed: session.sealed });
  expect(await store.touch(session.id, session)).toBe(true);
  expect(await store.useOnce('jti', session.id, mark)).toBe(true);
  expect(await allOf(redis.keysLike('cc:{*}:card'))).toEqual([`cc:{${session.id}}:card`]);
  expect(await store.end(session.id, 'signed-out')).toBe(true);
  expect(await store.read(session.id)).toBeUndefined();
  expect(lines.filter((line) => !line.startsWith('redis is reached'))).toEqual([]);
}

/** A server with TLS on a port of its own, and with a certificate for 127.0.0.1 that signs itself. */
async function secured(): Promise<{
  readonly server: RedisServer;
  readonly port: number;
  readonly certificate: string;
}> {
  const server = await startRedis();
  cleanups.push(() => server.stop());
  const [key, cert] = [join(server.directory, 'key.pem'), join(server.directory, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  await run('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert]);
  const port = await freePort();
  await server.cli(
    'CONFIG',
    'SET',
    'tls-cert-file',
    cert,
    'tls-key-file',
    key,
    'tls-auth-clients',
    'no',
    'tls-port',
    port,
  );
  return { server, port, certificate: await readFile(cert, 'utf8') };
}

describe('TLS to Redis', () => {
  it('TL-02, TL-06: is spoken when the certificate is that of an authority that is trusted', async () => {
    const { port, certificate } = await secured();
    setDefaultCACertificates([...usual, certificate]);

    const client = await using(`rediss://127.0.0.1:${port}`);

    await expectUsable(client);
  });

  it('TL-02: is refused when nobody trusted signed the certificate', async () => {
    const { port } = await secured();

    const { redis, lines } = connecting(`rediss://127.0.0.1:${port}`);

    cleanups.push(() => redis.close());
    await eventually(() => expect(lines.join('\n')).toContain('self-signed certificate'));
    expect(await redis.ping()).toBe(false);
  });
});

describe('the users of the docs', () => {
  it('TL-06: can do all that sessions need on one server, and not what is not theirs', async () => {
    const server = await startRedis();
    cleanups.push(() => server.stop());
    await giveUser([server], await documented('claimcheck'));

    const client = await using(as(server.url, 'claimcheck'));

    await expectUsable(client);
    await expect(client.redis.command('GET', 'other')).rejects.toThrow();
    await expect(client.redis.command('KEYS', 'cc:*')).rejects.toThrow();
  });

  it('TL-06: can do all that sessions need under Sentinel, where the sentinels have a password of their own', async () => {
    const group = await startSentinelGroup();
    cleanups.push(() => group[Symbol.asyncDispose]());
    await giveUser(group.servers, await documented('claimcheck'));
    await giveUser(group.sentinels, await documented('claimcheck-watch'));

    const query = `?sentinel_user=claimcheck-watch&sentinel_password=${password}`;
    const client = await using(`${as(group.url, 'claimcheck')}${query}`);

    await expectUsable(client);
    const master = await group.master();
    await master.kill();
    await group.switched(master);
    await eventually(() => client.redis.ping(), 10_000);
  }, 60_000);

  it.each(['sentinel', 'cluster'] as const)(
    'have a new password from the next connection on, under %s',
    async (kind) => {
      const group = await (kind === 'cluster' ? startCluster() : startSentinelGroup());
      cleanups.push(() => group[Symbol.asyncDispose]());
      await giveUser(group.servers, await documented('claimcheck'));
      const url = new RotatingSecret(new Secret(as(group.url, 'claimcheck')));
      const client = await using(url);

      await giveUser(group.servers, ['claimcheck', 'resetpass', '>next-password-2']);
      url.replace(new Secret(as(group.url, 'claimcheck').replace(password, 'next-password-2')));
      for (const server of group.servers) await server.cli('CLIENT', 'KILL', 'USER', 'claimcheck');

      await eventually(() => expect(client.lines.join()).toContain('redis cannot be reached'));
      await eventually(() => client.redis.ping(), 10_000);
      const session = newSession();
      await eventually(() => client.store.create(session).catch(() => false), 10_000);
      expect(await client.store.read(session.id)).toMatchObject({ sealed: session.sealed });
    },
    60_000,
  );

  it('TL-06: can do all that sessions need in a cluster', async () => {
    const group = await startCluster({ replicas: 1 });
    cleanups.push(() => group[Symbol.asyncDispose]());
    await giveUser(group.servers, await documented('claimcheck'));

    await expectUsable(await using(as(group.url, 'claimcheck')));
  }, 60_000);
});
