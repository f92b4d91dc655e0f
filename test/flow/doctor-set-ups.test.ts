/**
 * One set-up that is whole, of real parts: a provider, Redis, Claimcheck behind two
 * proxies. Then the same with one thing broken, for each thing that people break:
 * `claimcheck doctor` has exactly one line for it, and the line names the fix.
 */

import { randomBytes } from 'node:crypto';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { filesOnDisk } from '../../src/config/files.ts';
import { eventually } from '../support/eventually.ts';
import { createTlsIdentity } from '../support/hostile/certificate.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { freePort } from '../support/ports.ts';
import { type RedisOptions, type RedisServer, startRedis } from '../support/redis.ts';
import { holdsSecret } from '../support/secrets.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { startTerminator, type Terminator } from '../support/terminator.ts';
import { client, startWorld, type World } from '../support/world.ts';
import { ranWith } from '../unit/cli/running.ts';
import { HostileWorld } from './provider-world.ts';

type Env = Readonly<Record<string, string | undefined>>;

const known = getCACertificates('default');
const [identity, stranger] = [createTlsIdentity(), createTlsIdentity()];
const sessionSecret = randomBytes(32).toString('base64url');
const redisPassword = 'the-password-of-redis';
const clock = new ShiftedClock();
const ending: (() => Promise<unknown>)[] = [];
const outputs: string[] = [];
const issued: string[] = [];

let redis: RedisServer;
let hostile: HostileProvider;
let world: World;
let outer: Terminator;
let inner: Terminator;
let origin: string;

beforeAll(async () => {
  setDefaultCACertificates([...known, identity.cert]);
  inner = await startTerminator(undefined, () => world.port);
  outer = await startTerminator(identity, () => inner.port);
  origin = `https://localhost:${outer.port}`;
  redis = await startRedis({ password: redisPassword });
  hostile = await startHostileProvider({ clock, clients: [registered()] });
  const env = { TRUSTED_PROXIES: '127.0.0.1', API_AUDIENCE: undefined, SESSION_SECRETS: sessionSecret };
  const options = { issuer: hostile.issuer, upstream: 'http://127.0.0.1:9', redisUrl: redis.url, env, clock };
  world = await startWorld(options, { port: await freePort(), origin, redirectUri: `${origin}/callback` });
});

afterAll(async () => {
  for (const end of ending) await end();
  await world.close();
  await Promise.all([hostile.close(), redis.stop(), outer.close(), inner.close()]);
  setDefaultCACertificates(known);
});

beforeEach(() => {
  issued.push(...hostile.issued.all());
  hostile.reset();
  hostile.clients.set(client.id, registered());
  for (const { mistakes } of [outer, inner]) Object.assign(mistakes, { request: undefined, setCookie: undefined });
  clock.advance(11_000); // past the limit of sign-ins
});

function registered() {
  return {
    ...{ clientId: client.id, clientSecret: client.secret, authMethods: ['client_secret_basic' as const] },
    ...{ redirectUris: [`${origin}/callback`], postLogoutRedirectUris: [`${origin}/`] },
  };
}

/** What is so wherever a test runs. */
const onLoopback = /^warn {2}settings +PUBLIC_URL is on a loopback name/;

async function doctor(changes: Env = {}, nodeVersion = process.versions.node) {
  const env = {
    ...{ ISSUER: hostile.issuer, CLIENT_ID: client.id, CLIENT_SECRET: client.secret, SESSION_SECRETS: sessionSecret },
    ...{ PUBLIC_URL: origin, TRUSTED_PROXIES: '127.0.0.1', OPS_PORT: new URL(world.opsUrl).port, REDIS_URL: redis.url },
    ...{ API_UPSTREAM: 'http://127.0.0.1:9', PUBLIC_DIR: 'public', PORT: String(world.port) },
    ...changes,
  };
  const { code, output, complaints } = await ranWith(['doctor'], { env, files: filesOnDisk, clock, nodeVersion });
  outputs.push(output, complaints);
  const lines = output.split('\n').filter((line) => /^(?:ok|warn|fail|skip) /.test(line));
  return { code, lines, others: lines.filter((line) => !line.startsWith('ok ') && !onLoopback.test(line)) };
}

async function otherRedis(options: RedisOptions): Promise<RedisServer> {
  const server = await startRedis(options);
  ending.push(() => server.stop());
  return server;
}

/** Settings that differ from then on, or nothing where something else is broken. */
type Breaking = () => Env | Promise<Env> | undefined;

const change = (fields: object) => (): undefined => {
  hostile.clients.set(client.id, { ...registered(), ...fields });
};

const publish = (fields: Record<string, unknown>) => (): undefined => {
  hostile.script.metadata.fields = fields as never; // members of metadata, right or wrong
};

/** What is broken, how, and what the line says to do. */
const setUps: readonly (readonly [what: string, breaking: Breaking, fix: RegExp])[] = [
  ['issuer slash', () => ({ ISSUER: `${hostile.issuer}/` }), /metadata .*slash at its end: set ISSUER=http:[^ ]+\d$/],
  ['http issuer', () => ({ ISSUER: 'http://login.example' }), /metadata .*ISSUER must be https unless/],
  ['wrong secret', () => ({ CLIENT_SECRET: `other-${client.secret}` }), /client .*check CLIENT_ID, CLIENT_SECRET/],
  [
    'wrong client authentication',
    change({ authMethods: ['client_secret_post'] }),
    /client .*set CLIENT_AUTH_METHOD=client_secret_post$/,
  ],
  [
    'clock 90 s off',
    (): undefined => {
      hostile.script.clock.offsetSeconds = 90;
    },
    /clock .*(?:89|90|91) s behind the provider: synchronise both by NTP/,
  ],
  [
    'redirect URI not registered',
    change({ redirectUris: ['https://localhost/callback'] }),
    /redirect URI .*register https:\/\/localhost:\d+\/callback at the provider/,
  ],
  [
    'post-logout URI not registered',
    change({ postLogoutRedirectUris: [] }),
    /sign-out .*register https:\/\/localhost:\d+\/ as a post-logout redirect URI/,
  ],
  ['no S256', publish({ code_challenge_methods_supported: ['plain'] }), /pkce .*switch PKCE with S256 on/],
  [
    'no refresh token for the scopes',
    () => {
      publish({ scopes_supported: ['openid', 'profile'] })();
      return { SCOPES: 'openid profile offline_access' };
    },
    /refresh .*SCOPES asks for offline_access.*: leave it out, or allow it/,
  ],
  [
    'JWKS unreachable',
    async () => {
      publish({ jwks_uri: `http://127.0.0.1:${await freePort()}/jwks` })();
      return {};
    },
    /jwks .*\/jwks: nothing listens there.*: check host and port/,
  ],
  [
    'unknown CA',
    async () => {
      const secure = await startHostileProvider({ tls: stranger });
      ending.push(() => secure.close());
      return { ISSUER: secure.issuer };
    },
    /metadata .*unknown CA .*name it in NODE_EXTRA_CA_CERTS/,
  ],
  [
    'Redis password',
    () => ({ REDIS_URL: redis.url.replace(redisPassword, 'another-password') }),
    /redis .*refuses user or password: compare REDIS_URL/,
  ],
  [
    'Redis eviction policy',
    async () => ({ REDIS_URL: (await otherRedis({ settings: ['maxmemory-policy allkeys-lru'] })).url }),
    /redis .*must be noeviction/,
  ],
  [
    'Redis without TLS',
    () => ({ REDIS_URL: redis.url.replace(/^redis:/, 'rediss:') }),
    /redis .*does not speak TLS .*: switch TLS on at the server/,
  ],
  [
    'cookie dropped by a proxy',
    (): undefined => {
      inner.mistakes.setCookie = () => [];
    },
    /cookies .*drops or renames Set-Cookie.*: let it pass Set-Cookie unchanged/,
  ],
  [
    'Host rewritten',
    (): undefined => {
      inner.mistakes.request = (headers) => ({ ...headers, host: 'claimcheck.internal:8080' });
    },
    /edge .*rewrites Host.*: let it pass Host as the browser sent it/,
  ],
  [
    'X-Forwarded-Proto missing',
    (): undefined => {
      inner.mistakes.request = ({ 'x-forwarded-proto': _proto, ...headers }) => headers;
    },
    /proxy .*X-Forwarded-Proto is missing.*: let the proxy set it/,
  ],
  [
    'CORS origin of another site',
    () => ({ CORS_ALLOWED_ORIGINS: 'https://elsewhere.example' }),
    /cors .*https:\/\/elsewhere\.example is another site.*: serve that page under the same/,
  ],
  [
    'secret too short',
    () => ({ SESSION_SECRETS: 'c2hvcnQ' }),
    /settings .*SESSION_SECRETS: must be random entries of 32/,
  ],
  [
    'Node too old',
    () => ({ nodeVersion: '20.20.2' }),
    /node .*20\.20\.2 is not supported: install Node 24\.21 or 26\.10/,
  ],
];

describe('doctor', () => {
  it('says of a provider whose refresh tokens it has not seen yet that it has not', async () => {
    const { code, others } = await doctor();
    expect(others).toEqual([expect.stringMatching(/^skip {2}rotation +not seen yet/)]);
    expect(code).toBe(0);
  });

  it.each([
    ['rotate', /a refresh gives another refresh token.* \(seen 20/],
    ['keep', /a refresh gives the same refresh token again \(seen 20/],
    ['omit', /a refresh gives no refresh token.* \(seen 20/],
  ] as const)(
    'RF-04: tells what the provider does with refresh tokens, once somebody’s was spent: %s',
    async (rotation, said) => {
      hostile.script.refresh.rotation = rotation;
      const browser = world.browser({ ca: identity.cert });
      await new HostileWorld(world, hostile).signIn(browser);
      clock.advance(290_000);
      const { csrf_token } = await world.session(browser);
      const headers = { 'X-CSRF-Token': csrf_token };
      const from = `${origin}/`;
      expect((await browser.fetch(`${origin}/session/refresh`, { method: 'POST', headers, from })).status).toBe(200);
      await eventually(async () => expect((await doctor()).lines).toContainEqual(expect.stringMatching(said)), 5_000);

      const notes = (await redis.dumpAll()).filter(({ key }) => key.startsWith('cc:rotation:'));
      expect(notes.map(({ value }) => value?.toString())).toEqual([expect.stringMatching(/^[a-z-]+ \d{13}$/)]);
      expect(notes.every(({ ttlMs }) => ttlMs > 0)).toBe(true);
    },
  );

  it('finds nothing to mend, to know or to leave out where the set-up is whole, and ends with 0', async () => {
    const { code, lines, others } = await doctor();
    expect(others).toEqual([]);
    expect(lines.length).toBeGreaterThanOrEqual(16);
    expect(code).toBe(0);
  });

  it('knows twenty ways to break it', () => {
    expect(new Set(setUps.map(([what]) => what)).size).toBe(20);
  });

  it.each(setUps)('names the fix for one that is broken, in one line: %s', async (_what, breaking, fix) => {
    const { nodeVersion, ...changes } = (await breaking()) ?? {};
    const { code, others } = await doctor(changes, nodeVersion);
    expect(others.filter((line) => !line.startsWith('skip'))).toEqual([expect.stringMatching(fix)]);
    expect(others.find((line) => line.startsWith('fail'))).toMatch(fix);
    expect(code).toBe(1);
  });

  it('CA-18: has shown no secret in all of this, also where the provider says it back', async () => {
    const word = 'a-secret-that-could-be-the-code-of-an-error';
    change({ clientSecret: word })();
    hostile.script.authorize.error = { error: word };
    const { others } = await doctor({ CLIENT_SECRET: word });
    expect(others).toEqual([
      expect.stringMatching(/redirect URI +is registered, and the provider answered \(hidden\)/),
    ]);

    const secrets = [client.secret, word, sessionSecret, redisPassword, 'another-password'];
    const all = Buffer.from(outputs.join('\n'));
    expect(outputs.length).toBeGreaterThan(50);
    expect(issued.length).toBeGreaterThan(10);
    for (const secret of [...secrets, ...issued]) expect(holdsSecret(all, secret)).toBe(false);
  });
});
