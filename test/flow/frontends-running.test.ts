/**
 * What operators do with a process of several frontends: read it again, watch it,
 * ask it, end sessions, show certificates, use several cores.
 */

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { filesOnDisk } from '../../src/config/files.ts';
import { eventually } from '../support/eventually.ts';
import { createTlsIdentity, type TlsIdentity } from '../support/hostile/certificate.ts';
import { startHostileProvider } from '../support/hostile-provider.ts';
import { freePort } from '../support/ports.ts';
import { type ServerProcess, startServer } from '../support/processes.ts';
import { openRaw } from '../support/raw.ts';
import { ranWith } from '../unit/cli/running.ts';
import { type Frontends, type FrontendsOptions, type Place, startFrontends } from './frontends-world.ts';

const lastEvent = ({ world }: Frontends, name: string) => world.log.findLast(({ event }) => event === name);

describe('read again on SIGHUP', () => {
  let all: Frontends;
  let orders: Place;
  let desk: Place;

  beforeAll(async () => {
    all = await startFrontends();
    ({ orders, desk } = all);
  });

  afterAll(() => all.close());

  beforeEach(() => all.refresh());

  it('GW-14: the routes of all are swapped together, or none of them', async () => {
    const browser = all.browser();
    await orders.signIn(browser);
    await desk.signIn(browser);
    const statuses = async () =>
      (
        await Promise.all(
          [orders, desk].flatMap((at) => ['/api/echo', '/api/new'].map((path) => at.call(browser, path))),
        )
      ).map(({ status }) => status);
    expect(await statuses()).toEqual([200, 404, 200, 404]);

    await all.write(all.rules.replaceAll('/api/echo', '/api/new'));
    expect(all.world.reload()).toBe(true);
    expect(lastEvent(all, 'config.reloaded')).toMatchObject({ changed: 'RULES_FILE', restart_needed: '', routes: 3 });
    expect(await statuses()).toEqual([404, 200, 404, 200]);

    // The routes of the first could be swapped; those of the second are one to an upstream, which its matcher refuses.
    const twin = `      - { path: /api/Echo, upstream: "${all.upstream.origin}" }\nroutes:`;
    await all.write(all.rules.replace('\nroutes:', `\n${twin}`));
    expect(all.world.reload()).toBe(false);
    expect(await statuses()).toEqual([404, 200, 404, 200]);

    await all.write(all.rules);
    expect(all.world.reload()).toBe(true);
    expect(await statuses()).toEqual([200, 404, 200, 404]);
  });

  it('CA-18: a new secret of one client is used, and only there', async () => {
    const [secret, known] = [randomBytes(24).toString('hex'), orders.hostile.client];
    orders.hostile.clients.set(known.clientId, { ...known, clientSecret: secret });
    const browser = all.browser();
    const refused = await orders.land(browser, await orders.upToCallback(browser));
    expect(refused.header('location')).toContain('auth_error=');

    expect(all.world.reload({ SECRET_OF_ORDERS: secret })).toBe(true);
    expect(lastEvent(all, 'config.reloaded')).toMatchObject({ changed: 'CLIENT_SECRET' });
    all.refresh();
    await orders.signIn(all.browser());
    await desk.signIn(all.browser());
    orders.hostile.clients.set(known.clientId, known);
    expect(all.world.reload()).toBe(true);
  });

  it('GW-14: a frontend more is refused until a restart, and what differs of one is named', async () => {
    const entry = [
      '  - id: third',
      '    public_url: http://third.localhost:1',
      `    issuer: ${desk.hostile.issuer}`,
      '    client_id: third',
    ];
    await all.write(
      all.rules.replace('\nroutes:', `\n${[...entry, '    client_secret_env: SECRET_OF_DESK'].join('\n')}\nroutes:`),
    );
    expect(all.world.reload()).toBe(false);
    const told = all.world.log.filter(({ message }) => message === 'the configuration was not reloaded');
    expect(told.at(-1)?.['fault']).toContain(
      'cannot get or lose an entry while the server runs: it serves orders, desk. Restart it.',
    );

    await all.write(all.rules.replace('    client_id: desk-client\n', '    client_id: another\n'));
    expect(all.world.reload()).toBe(true);
    expect(lastEvent(all, 'config.reloaded')).toMatchObject({ restart_needed: 'frontends[desk].client_id' });
    await desk.signIn(all.browser());
    await all.write(all.rules);
    expect(all.world.reload()).toBe(true);
  });

  it('other session secrets count for all of them', async () => {
    const browser = all.browser();
    await orders.signIn(browser);
    await desk.signIn(browser);

    expect(all.world.reload({ SESSION_SECRETS: randomBytes(32).toString('base64url') })).toBe(true);

    expect([(await orders.call(browser)).status, (await desk.call(browser)).status]).toEqual([401, 401]);
    all.refresh();
    await orders.signIn(browser);
    expect((await orders.call(browser)).status).toBe(200);
  });
});

describe('a provider that was never there', () => {
  const readyOf = async ({ world }: Frontends) => {
    const answer = await fetch(`${world.opsUrl}/readyz`);
    return { code: answer.status, ...((await answer.json()) as { readonly status: string }) };
  };
  const arrange: FrontendsOptions['arrange'] = ({ two }) => {
    two.script.metadata.status = 500;
  };

  it('TL-14: keeps its own frontend from signing in, and no other; readyz says which', async () => {
    const all = await startFrontends({ arrange });
    try {
      const frontends = { orders: 'ok', desk: 'unreachable' };
      expect(await readyOf(all)).toEqual({
        code: 200,
        status: 'degraded',
        store: 'ok',
        provider: 'unreachable',
        frontends,
      });
      const browser = all.browser();
      await all.orders.signIn(browser);
      expect((await all.orders.call(browser)).status).toBe(200);
      const away = await browser.navigate(`${all.desk.origin}/login`, { redirect: 'manual' });
      expect(away.status).toBe(503);

      all.desk.hostile.reset();
      all.refresh();
      await eventually(async () => (await readyOf(all)).status === 'ok', 30_000);
      await all.desk.signIn(browser);
    } finally {
      await all.close();
    }
  });

  it('TL-14: keeps the process out of the balancer with READY_STRICT', async () => {
    const all = await startFrontends({ arrange, env: { READY_STRICT: 'true' } });
    try {
      expect(await readyOf(all)).toMatchObject({ code: 503, status: 'degraded', frontends: { orders: 'ok' } });
      all.desk.hostile.reset();
      await eventually(async () => (await readyOf(all)).code === 200, 30_000);
    } finally {
      await all.close();
    }
  });
});

describe('claimcheck, beside it', () => {
  let all: Frontends;
  const secrets = randomBytes(32).toString('base64url');

  beforeAll(async () => {
    all = await startFrontends({ env: { SESSION_SECRETS: secrets } });
  });

  afterAll(() => all.close());

  /** A command with the settings that the server runs with. */
  const claimcheck = (...args: readonly string[]) => ranWith(args, { env: all.world.env, files: filesOnDisk });

  it('LO-27: lists and ends the sessions of a person, where it is clear whose subject it is', async () => {
    const browser = all.browser();
    await all.orders.signIn(browser);
    await all.desk.signIn(browser);
    const sub = (await all.desk.session(browser)).user?.sub ?? '';

    expect(await claimcheck('sessions', 'end', '--sub', sub)).toMatchObject({
      code: 2,
      complaints: expect.stringContaining('say with --issuer or --frontend whose subject it is'),
    });
    const listed = await claimcheck('sessions', 'list', '--sub', sub, '--issuer', all.desk.hostile.issuer);
    expect(listed.output.split('\n').map((line) => line.split(/ {2,}/).at(-1))).toEqual(['FRONTEND', 'desk']);
    expect(await claimcheck('sessions', 'end', '--sub', sub, '--frontend', 'desk')).toMatchObject({
      code: 0,
      output: 'ended 1',
    });

    expect((await all.desk.session(browser)).authenticated).toBe(false);
    expect((await all.orders.session(browser)).authenticated).toBe(true);
    expect(await claimcheck('sessions', 'list', '--sub', sub, '--frontend', 'nobody')).toMatchObject({ code: 2 });
  });

  it('GW-01: lists the routes of each, and tells the way of a request to one', async () => {
    const { output } = await claimcheck('routes');
    expect(output.split('\n').map((line) => line.split(/ +/).slice(0, 2))).toEqual([
      ['FRONTEND', 'PATH'],
      ['orders', '/api/orders'],
      ['orders', '/api/echo'],
      ['desk', '/api/echo'],
    ]);
    const explained = async (...args: readonly string[]) => (await claimcheck('explain', 'GET', ...args)).output;
    expect(await explained(`${all.desk.origin}/api/echo/7`)).toContain('/of-desk/7');
    expect(await explained('/api/echo/7', '--frontend', 'orders')).toContain('/of-orders/7');
    expect(await explained(`${all.desk.origin}/api/orders`)).toContain('404 not-found');
    expect(await explained('https://elsewhere.example/api/echo')).toContain('421 host-unknown');
    expect(await claimcheck('explain', 'GET', '/api/echo')).toMatchObject({
      code: 2,
      complaints: 'there are several frontends; name one with --frontend: orders, desk',
    });
  });

  it('CA-18: prints what each has, and finds what is odd in the routes of each', async () => {
    const config = await claimcheck('config');
    expect(config).toMatchObject({ code: 0, complaints: '' });
    const [, ofDesk = ''] = config.output.split('\nfrontend desk\n');
    expect(ofDesk).toMatch(new RegExp(`^ISSUER +${all.desk.hostile.issuer} +rules file$`, 'm'));
    expect(ofDesk).toMatch(/^CLIENT_SECRET +\[secret\] +variable SECRET_OF_DESK$/m);
    expect(ofDesk).toMatch(/^SESSION_LIFETIME +8h +default$/m);
    const { output } = await claimcheck('check');
    expect(output).toMatch(/^warning: RULES_FILE line \d+: \/api\/orders: names no scope/m);
    expect(output.split('\n').at(-1)).toBe('ok');
  });

  it('asks the provider and the way to each in turn', async () => {
    const { output } = await claimcheck('doctor');
    const parts = output.split(/\nfrontend (orders|desk)\n/);
    expect(parts.filter((_, at) => at % 2 === 1)).toEqual(['orders', 'desk']);
    for (const [at, place] of [
      [2, all.orders],
      [4, all.desk],
    ] as const) {
      expect(parts[at]).toMatch(new RegExp(`^ok +metadata +${place.hostile.issuer}`, 'm'));
      expect(parts[at]).toMatch(/^ok +client +is known to the provider/m);
    }
  });
});

describe('with certificates of their own', () => {
  let folder: string;
  let server: ServerProcess;
  let provider: Awaited<ReturnType<typeof startHostileProvider>>;
  let identities: Readonly<Record<'orders' | 'desk' | 'common' | 'newer', TlsIdentity>>;
  let port: number;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'claimcheck-sni-'));
    const named = (name: string) => createTlsIdentity(name, [`${name}.localhost`]);
    identities = { orders: named('orders'), desk: named('desk'), common: named('common'), newer: named('newer') };
    for (const name of ['orders', 'common'] as const) await show(name, identities[name]);
    [provider, port] = [await startHostileProvider(), await freePort()];
    const entry = (id: string, lines: readonly string[] = []) => [
      ...[`  - id: ${id}`, `    public_url: https://${id}.localhost:${port}`, `    client_id: ${id}`],
      ...['    client_secret_env: THE_SECRET', ...lines],
    ];
    const own = [`    tls_cert_file: ${folder}/orders-cert.pem`, `    tls_key_file: ${folder}/orders-key.pem`];
    const routes = ['routes:', '  - { path: /api, upstream: "http://127.0.0.1:9" }', ''];
    await writeFile(
      join(folder, 'rules.yaml'),
      ['frontends:', ...entry('orders', own), ...entry('desk'), ...routes].join('\n'),
    );
    server = await startServer({
      entry: 'src/main.ts',
      env: {
        ...{
          PORT: String(port),
          ISSUER: provider.issuer,
          SESSION_STORE: 'memory',
          RULES_FILE: join(folder, 'rules.yaml'),
        },
        ...{ THE_SECRET: randomBytes(24).toString('hex'), SESSION_SECRETS: randomBytes(32).toString('base64url') },
        ...{ TLS_CERT_FILE: join(folder, 'common-cert.pem'), TLS_KEY_FILE: join(folder, 'common-key.pem') },
      },
      ports: ['OPS_PORT'],
    });
  });

  afterAll(async () => {
    await server.stop();
    await provider.close();
    await rm(folder, { recursive: true });
  });

  async function show(name: string, { cert, key }: TlsIdentity): Promise<void> {
    await writeFile(join(folder, `${name}-cert.pem`), cert);
    await writeFile(join(folder, `${name}-key.pem`), key);
  }

  /** The common name of what is shown to who asks for a name, or for none. */
  function shownTo(servername: string | undefined): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port, rejectUnauthorized: false };
      const socket = connect(servername === undefined ? options : { ...options, servername });
      socket.once('error', reject).once('secureConnect', () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
    });
  }

  it('TL-01: show each to who asks for its name, and the common one to everybody else, also after a reload', async () => {
    expect(await shownTo('orders.localhost')).toBe('orders');
    expect(await shownTo('ORDERS.localhost')).toBe('orders');
    expect(await shownTo('desk.localhost')).toBe('common');
    expect(await shownTo('elsewhere.localhost')).toBe('common');
    expect(await shownTo(undefined)).toBe('common');

    await show('orders', identities.newer);
    await show('common', identities.desk);
    server.signal('SIGHUP');
    await eventually(async () => (await shownTo('orders.localhost')) === 'newer');
    expect(await shownTo('desk.localhost')).toBe('desk');
    expect(await shownTo(undefined)).toBe('desk');
  });

  it('LS-29: whoever asks for one name by TLS and sends another in Host is answered for Host alone', async () => {
    const raw = await openRaw(port, { tls: { servername: 'orders.localhost', rejectUnauthorized: false } });
    raw.write(`GET /login HTTP/1.1\r\nHost: desk.localhost:${port}\r\n\r\n`);
    await eventually(() => raw.responses().length === 1);
    expect(raw.responses()[0]?.header('location')).toContain('client_id=desk');
    raw.destroy();
  });
});
