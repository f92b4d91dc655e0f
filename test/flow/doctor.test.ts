import { randomBytes } from 'node:crypto';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AuthorizationServer, startAuthorizationServer } from '../../demo/authorization-server.ts';
import manifest from '../../package.json' with { type: 'json' };
import { supportedNode } from '../../src/cli/doctor/check-settings.ts';
import { filesOnDisk } from '../../src/config/files.ts';
import { createTlsIdentity } from '../support/hostile/certificate.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { freePort } from '../support/ports.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { startCluster, startSentinelGroup } from '../support/redis-groups.ts';
import { startTerminator, type Terminator } from '../support/terminator.ts';
import { startWorld, type World } from '../support/world.ts';
import { ranWith } from '../unit/cli/running.ts';

type Env = Readonly<Record<string, string | undefined>>;

const secret = 'the-secret-of-the-client-of-the-doctor';
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis.stop());

const settings = (env: Env): Env => ({
  PORT: '0',
  OPS_PORT: '0',
  CLIENT_ID: 'claimcheck-doctor',
  CLIENT_SECRET: secret,
  SESSION_SECRETS: randomBytes(32).toString('base64url'),
  REDIS_URL: redis.url,
  API_UPSTREAM: 'http://127.0.0.1:9',
  PUBLIC_DIR: 'public',
  ...env,
});

async function doctor(
  env: Env,
  nodeVersion?: string,
): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
  const around = nodeVersion === undefined ? {} : { nodeVersion };
  const { code, output, complaints } = await ranWith(['doctor'], { env: settings(env), files: filesOnDisk, ...around });
  expect(complaints).toBe('');
  const secrets = Object.entries(settings(env)).flatMap(([name, text]) => (/SECRET/.test(name) && text ? [text] : []));
  for (const text of secrets) expect(output).not.toContain(text);
  return { code, lines: output.split('\n').filter((line) => /^\w+ {1,4}/.test(line)) };
}

/** The lines of what must be mended. */
const toMend = (lines: readonly string[]) => lines.filter((line) => line.startsWith('fail'));

describe('doctor, before a provider that is honest', () => {
  let provider: AuthorizationServer;
  let publicUrl: string;

  beforeAll(async () => {
    publicUrl = `http://localhost:${await freePort()}`;
    provider = await startAuthorizationServer({
      par: false,
      clients: [
        {
          clientId: 'claimcheck-doctor',
          clientSecret: secret,
          redirectUris: [`${publicUrl}/callback`],
          postLogoutRedirectUris: [`${publicUrl}/`],
        },
      ],
    });
  });

  afterAll(() => provider.close());

  const with_ = (env: Env = {}) => ({ ISSUER: provider.issuer, PUBLIC_URL: publicUrl, ...env });

  it('finds nothing to mend when all is well, and says what could not be looked at', async () => {
    const { code, lines } = await doctor(with_());

    expect(toMend(lines)).toEqual([]);
    expect(code).toBe(0);
    expect(lines.join('\n')).toMatch(/ok {4}client +is known to the provider by client_secret_basic/);
    expect(lines.join('\n')).toMatch(/ok {4}redirect URI +is registered/);
    expect(lines.join('\n')).toMatch(/ok {4}sign-out +is taken, and the provider answers with a page/); // it asks whether to
    expect(lines.join('\n')).toMatch(/skip {2}edge +nothing listens/);
  });

  it.each<readonly [string, Env, RegExp]>([
    ['a slash at the end of the issuer', { ISSUER: '/' }, /set ISSUER=http:\/\/127\.0\.0\.1:\d+$/],
    ['a wrong secret', { CLIENT_SECRET: 'another-secret-that-is-long-enough-too' }, /check CLIENT_ID, CLIENT_SECRET/],
    [
      'a redirect URI that is not registered',
      { AUTH_BASE_PATH: '/bff' },
      /register http:\/\/localhost:\d+\/bff\/callback/,
    ],
    ['a Redis that is not there', { REDIS_URL: 'redis://127.0.0.1:9' }, /nothing listens there/],
    ['a secret that is too short', { SESSION_SECRETS: 'c2hvcnQ' }, /SESSION_SECRETS/],
    [
      'an origin of another site',
      { CORS_ALLOWED_ORIGINS: 'https://elsewhere.example' },
      /https:\/\/elsewhere\.example is another site/,
    ],
    ['an issuer in clear', { ISSUER: 'http://login.example' }, /ISSUER must be https/],
  ])('names the fix for %s', async (_what, broken, fix) => {
    const env = broken['ISSUER'] === '/' ? { ISSUER: `${provider.issuer}/` } : broken;
    const { code, lines } = await doctor(with_(env));

    expect(toMend(lines).filter((line) => fix.test(line))).toHaveLength(1);
    expect(code).toBe(1);
  });

  it('names the fix for a post-logout redirect URI that is not registered', async () => {
    await provider.addClient({
      clientId: 'no-way-back',
      clientSecret: secret,
      redirectUris: [`${publicUrl}/callback`],
    });
    const { lines } = await doctor(with_({ CLIENT_ID: 'no-way-back' }));

    expect(toMend(lines)).toEqual([
      expect.stringMatching(/register http:\/\/localhost:\d+\/ as a post-logout redirect URI/),
    ]);
  });

  it.each(['20.20.2', '24.20.9', '25.1.0', '26.9.0'])(
    'names the fix for Node %s, which is too old or none of ours',
    async (version) => {
      const { code, lines } = await doctor(with_(), version);

      expect(toMend(lines)).toEqual([expect.stringMatching(/install Node 24\.21 or 26\.10/)]);
      expect(code).toBe(1);
    },
  );

  it.each(['24.21.0', '24.30.1', '26.10.0', '28.0.0'])('takes Node %s', async (version) => {
    expect(toMend((await doctor(with_(), version)).lines)).toEqual([]);
  });

  it('supports what the package says it supports', () => {
    const wanted = supportedNode.map(
      ({ major, minor }, at) => `${at === supportedNode.length - 1 ? '>=' : '^'}${major}.${minor}.0`,
    );
    expect(manifest.engines.node).toBe(wanted.join(' || '));
  });
});

describe('doctor, before a Redis', () => {
  let provider: HostileProvider;

  beforeAll(async () => {
    provider = await startHostileProvider({ clients: [{ clientId: 'claimcheck-doctor', clientSecret: secret }] });
  });

  afterAll(() => provider.close());

  const linesWith = async (REDIS_URL: string) =>
    (
      await doctor({ ISSUER: provider.issuer, PUBLIC_URL: `http://localhost:${await freePort()}`, REDIS_URL })
    ).lines.filter((line) => / redis /.test(line));

  it('is content with one that is fit', async () => {
    expect(await linesWith(redis.url)).toEqual([expect.stringMatching(/^ok .*fit for sessions/)]);
  });

  it('names the fix for a password that is missing or wrong, and repeats none', async () => {
    const guarded = await startRedis({ password: 'the-right-password' });
    const address = `127.0.0.1:${guarded.port}`;
    try {
      expect(await linesWith(`redis://${address}`)).toEqual([expect.stringMatching(/^fail .*put one into REDIS_URL/)]);
      expect(await linesWith(`redis://:a-wrong-password@${address}`)).toEqual([
        expect.stringMatching(/^fail (?!.*a-wrong-password).*refuses user or password/),
      ]);
      expect(await linesWith(`redis://:the-right-password@${address}`)).toEqual([expect.stringMatching(/^ok /)]);
    } finally {
      await guarded.stop();
    }
  });

  it('names the fix for an eviction policy that loses sessions', async () => {
    const careless = await startRedis({ settings: ['maxmemory-policy allkeys-lru'] });
    try {
      expect(await linesWith(careless.url)).toEqual([expect.stringMatching(/^fail .*must be noeviction/)]);
    } finally {
      await careless.stop();
    }
  });

  it('looks at each sentinel and at the master that they name', async () => {
    const group = await startSentinelGroup();
    try {
      const lines = await linesWith(group.url);
      expect(lines).toHaveLength(group.sentinels.length + 1);
      for (const { port } of group.sentinels) {
        expect(lines).toContainEqual(expect.stringMatching(`^ok .*sentinel 127\\.0\\.0\\.1:${port}: names the master`));
      }
      expect(lines.at(-1)).toMatch(new RegExp(`^ok .*:${(await group.master()).port}: is reached, and fit`));

      const unknown = await linesWith(group.url.replace(/\/[a-z]+$/, '/another-name'));
      expect(unknown.filter((line) => /^fail .*does not know a master/.test(line))).toHaveLength(
        group.sentinels.length,
      );
      expect(unknown.at(-1)).toMatch(/^skip /);
    } finally {
      await group[Symbol.asyncDispose]();
    }
  }, 60_000);

  it('looks at each node of a cluster that is named', async () => {
    const group = await startCluster();
    try {
      await group.servers[1]?.kill();
      const lines = await linesWith(group.url);
      expect(lines).toEqual([
        expect.stringMatching(/^ok .*: is reached, and fit/),
        expect.stringMatching(`^fail .*:${group.servers[1]?.port}: .*nothing listens`),
        expect.stringMatching(/^ok .*: is reached, and fit/),
      ]);
    } finally {
      await group[Symbol.asyncDispose]();
    }
  }, 60_000);

  it('names the fix for a server that speaks no TLS where TLS is asked for', async () => {
    expect(await linesWith(redis.url.replace(/^redis:/, 'rediss:'))).toEqual([
      expect.stringMatching(/^fail .*does not speak TLS/),
    ]);
  });

  it('names the fix for a remote server without TLS', async () => {
    const { lines } = await doctor({
      ISSUER: 'https://login.example',
      PUBLIC_URL: 'https://app.example',
      API_UPSTREAM: 'https://api.example',
      REDIS_URL: 'redis://:a-password-of-its-own@redis.example',
    });
    expect(toMend(lines)).toEqual([expect.stringMatching(/REDIS_URL: must be rediss:\/\//)]);
  });
});

describe('doctor, before a provider that is not as it should be', () => {
  let provider: HostileProvider;
  let publicUrl: string;

  beforeAll(async () => {
    publicUrl = `http://localhost:${await freePort()}`;
    provider = await startHostileProvider({ clients: [{ clientId: 'claimcheck-doctor', clientSecret: secret }] });
  });

  beforeEach(() => provider.reset());

  afterAll(() => provider.close());

  const linesNow = async () => (await doctor({ ISSUER: provider.issuer, PUBLIC_URL: publicUrl })).lines;

  it('finds nothing to mend while it is honest', async () => {
    expect(toMend(await linesNow())).toEqual([]);
  });

  it.each([90, 20, -90])('names the fix where the clock of the provider is %i s ahead of ours', async (seconds) => {
    provider.script.clock.offsetSeconds = seconds;
    expect(toMend(await linesNow())).toEqual([
      expect.stringMatching(/(19|20|21|89|90|91) s (behind|ahead of) the provider: synchronise both by NTP/),
    ]);
  });

  it('names the fix for a wrong way to prove the client, and for a grant that it may not use', async () => {
    provider.clients.set('claimcheck-doctor', { ...provider.client, authMethods: ['client_secret_post'] });
    expect(toMend(await linesNow())).toEqual([expect.stringMatching(/set CLIENT_AUTH_METHOD=client_secret_post/)]);
    provider.clients.set('claimcheck-doctor', { ...provider.client, authMethods: ['client_secret_basic'] });
    expect(toMend(await linesNow())).toEqual([]);
    provider.script.refresh.status = 400;
    provider.script.refresh.fields = { error: 'unauthorized_client' };
    expect(toMend(await linesNow())).toEqual([expect.stringMatching(/allow the grant type refresh_token/)]);
  });

  it('looks at all but the client where its keys are those of the running server', async () => {
    const env = { CLIENT_AUTH_METHOD: 'private_key_jwt', CLIENT_SECRET: undefined, CLIENT_KEY_ROTATION: '30d' };
    const { lines } = await doctor({ ISSUER: provider.issuer, PUBLIC_URL: publicUrl, ...env });
    expect(lines).toContainEqual(expect.stringMatching(/^skip {2}client /));
    expect(lines).toContainEqual(expect.stringMatching(/^ok {4}redirect URI /));
  });

  it('names the fix for scopes and audiences that are refused', async () => {
    provider.user = null;
    provider.script.authorize.error = { error: 'invalid_scope' };
    expect(toMend(await linesNow())).toEqual([expect.stringMatching(/SCOPES has one/)]);
    provider.script.authorize.error = { error: 'invalid_target' };
    expect(toMend(await linesNow())).toEqual([expect.stringMatching(/API_AUDIENCE is refused/)]);
  });

  it.each([2, -20])('takes clocks where the one of the provider is %i s ahead of ours', async (seconds) => {
    provider.script.clock.offsetSeconds = seconds;
    expect(toMend(await linesNow())).toEqual([]);
  });

  it('LS-16: names the fix for metadata of many tenants', async () => {
    provider.script.metadata.fields = { issuer: 'https://login.example/{tenantid}/v2.0' };
    expect(toMend(await linesNow())).toEqual([
      expect.stringMatching(/metadata .*many tenants.*: set ISSUER to the issuer of one tenant/),
    ]);
  });

  it('names the fix for a provider without S256', async () => {
    provider.script.metadata.fields = { code_challenge_methods_supported: ['plain'] };
    expect(toMend(await linesNow())).toEqual([expect.stringMatching(/switch PKCE with S256 on/)]);
  });

  it('says so when there will be no refresh tokens', async () => {
    provider.script.metadata.fields = { scopes_supported: ['openid'], grant_types_supported: ['authorization_code'] };
    expect(await linesNow()).toContainEqual(
      expect.stringMatching(/^warn {2}refresh .*sessions end with their access token/),
    );
  });

  it('names the endpoint of keys that cannot be had, and keys that cannot be used', async () => {
    provider.script.jwks.status = 500;
    expect(toMend(await linesNow())).toContainEqual(expect.stringMatching(/jwks .*\/jwks answers with status 500/));
    provider.reset();
    provider.script.jwks.keys = [];
    expect(toMend(await linesNow())).toContainEqual(expect.stringMatching(/holds no key that may be used/));
  });

  it('names the fix for a certificate of an unknown CA', async () => {
    const secure = await startHostileProvider({ tls: createTlsIdentity() });
    try {
      const { lines } = await doctor({ ISSUER: secure.issuer, PUBLIC_URL: publicUrl });
      expect(toMend(lines)).toEqual([expect.stringMatching(/unknown CA .*NODE_EXTRA_CA_CERTS/)]);
    } finally {
      await secure.close();
    }
  });
});

describe('doctor, through a proxy', () => {
  const trusted = getCACertificates('default');
  let world: World;
  let proxy: Terminator;
  let provider: AuthorizationServer;
  let origin: string;

  beforeAll(async () => {
    const identity = createTlsIdentity();
    setDefaultCACertificates([...trusted, identity.cert]);
    proxy = await startTerminator(identity, () => world.port);
    origin = `https://localhost:${proxy.port}`;
    const port = await freePort();
    world = await startWorld(
      { redisUrl: redis.url, env: { TRUSTED_PROXIES: '127.0.0.1' } },
      { port, origin, redirectUri: `${origin}/callback` },
    );
    ({ provider } = world);
    await provider.addClient({
      clientId: 'claimcheck-doctor',
      clientSecret: secret,
      redirectUris: [`${origin}/callback`],
      postLogoutRedirectUris: [`${origin}/`],
    });
  });

  afterEach(() => {
    proxy.mistakes.request = undefined;
    proxy.mistakes.setCookie = undefined;
    world.clock.advance(11_000);
  });

  afterAll(async () => {
    setDefaultCACertificates(trusted);
    await world.close();
    await proxy.close();
  });

  const linesNow = async () => {
    const { port } = new URL(world.opsUrl);
    const env = { ISSUER: provider.issuer, PUBLIC_URL: origin, OPS_PORT: port, TRUSTED_PROXIES: '127.0.0.1' };
    return (await doctor(env)).lines;
  };

  it('finds nothing to mend when the proxy passes everything', async () => {
    const lines = await linesNow();
    expect(toMend(lines)).toEqual([]);
    expect(lines).toContainEqual(expect.stringMatching(/^ok {4}cookies +reach the server/));
    expect(lines).toContainEqual(expect.stringMatching(/^ok {4}cookies +come back as they were set/));
    expect(lines).toContainEqual(expect.stringMatching(/^ok {4}proxy +is trusted, and says https/));
  });

  it('names the fix for a proxy that drops cookies of answers', async () => {
    proxy.mistakes.setCookie = () => [];
    expect(toMend(await linesNow())).toEqual([expect.stringMatching(/drops or renames Set-Cookie/)]);
  });

  it('names what a proxy changed in cookies', async () => {
    proxy.mistakes.setCookie = (lines) => lines.map((line) => `${line.replace('; HttpOnly', '')}; Domain=localhost`);
    expect(toMend(await linesNow())).toEqual([expect.stringMatching(/HttpOnly is gone, a Domain was added/)]);
  });

  it('names the fix for a proxy that drops cookies of requests', async () => {
    proxy.mistakes.request = ({ cookie: _cookie, ...headers }) => headers;
    expect(toMend(await linesNow())).toEqual([expect.stringMatching(/removes or merges the Cookie header/)]);
  });

  it('names the fix for a proxy that rewrites Host', async () => {
    proxy.mistakes.request = (headers) => ({ ...headers, host: 'internal-service:8080' });
    expect(toMend(await linesNow())).toEqual([expect.stringMatching(/rewrites Host.*let it pass Host/)]);
  });

  it('names the fix for a proxy that says nothing of https', async () => {
    proxy.mistakes.request = ({ 'x-forwarded-proto': _proto, ...headers }) => headers;
    expect(toMend(await linesNow())).toEqual([expect.stringMatching(/X-Forwarded-Proto is missing/)]);
  });

  it('names the fix for a proxy that says http', async () => {
    proxy.mistakes.request = (headers) => ({ ...headers, 'x-forwarded-proto': 'http' });
    expect(toMend(await linesNow())).toEqual([expect.stringMatching(/X-Forwarded-Proto/)]);
  });
});
