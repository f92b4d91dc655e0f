/**
 * Finding the authorization server: its metadata, its keys, how both are kept, and
 * what happens without them.
 */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import { type AuthorizationFlow, plainFlow } from '../../src/config/authorization-flow.ts';
import { ProblemError } from '../../src/errors.ts';
import type { Provider } from '../../src/oidc/provider.ts';
import type { ProviderOptions } from '../../src/oidc/provider-options.ts';
import { ManualClock } from '../support/clock.ts';
import { eventually } from '../support/eventually.ts';
import { createTlsIdentity } from '../support/hostile/certificate.ts';
import { createGate } from '../support/hostile/fault.ts';
import { repeatMember } from '../support/hostile/json.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { freePort } from '../support/ports.ts';
import { authorize, providerFor, refusalOf, signIn, type Witness } from '../unit/oidc/provider-flow.ts';

let hostile: HostileProvider;
const open: Provider[] = [];

beforeAll(async () => {
  hostile = await startHostileProvider();
});

beforeEach(() => hostile.reset());

afterEach(() => Promise.all(open.splice(0).map((provider) => provider.close())));

afterAll(() => hostile.close());

async function started(changes: Partial<ProviderOptions> = {}): Promise<{ provider: Provider; witness: Witness }> {
  const parts = providerFor(hostile, { timeoutMs: 1_000, ...changes });
  open.push(parts.provider);
  await parts.provider.start();
  return parts;
}

async function problemOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof ProblemError ? error.code : String(error);
}

/** What a server of the strict profile says of its algorithms. */
const strong = { id_token_signing_alg_values_supported: ['ES256'] };

function clientOf({ client }: HostileProvider): ProviderOptions['client'] {
  const secret = new Secret(client.clientSecret ?? '');
  return { id: client.clientId, authMethod: 'client_secret_basic', secret, key: undefined };
}

describe('metadata', () => {
  it('LS-16: is used when the issuer is the configured one', async () => {
    const { provider, witness } = await started();

    expect(provider.ready).toBe(true);
    expect(witness.events).toEqual([]);
    expect((await signIn(provider)).idToken).toBeDefined();
  });

  it.each<[string, object | ((honest: Record<string, unknown>) => Record<string, unknown>), string]>([
    ['an issuer with a slash', (honest) => ({ ...honest, issuer: `${honest.issuer}/` }), 'issuer-differs'],
    [
      'an issuer in capitals',
      (honest) => ({ ...honest, issuer: String(honest.issuer).toUpperCase() }),
      'issuer-differs',
    ],
    ['another issuer', { issuer: 'https://evil.test' }, 'issuer-differs'],
    ['no issuer', { issuer: undefined }, 'issuer-differs'],
    ['the issuer of many tenants', { issuer: 'https://login.test/{tenantid}/v2.0' }, 'issuer-of-many-tenants'],
    ['no token endpoint', { token_endpoint: undefined }, 'endpoint-missing'],
    ['a token endpoint that is no URL', { token_endpoint: '/token' }, 'endpoint-missing'],
    ['a token endpoint with a password', { token_endpoint: 'https://a:b@evil.test/token' }, 'endpoint-missing'],
    ['a token endpoint on plain http elsewhere', { token_endpoint: 'http://evil.test/token' }, 'endpoint-insecure'],
    ['a token endpoint that is a file', { token_endpoint: 'file:///etc/passwd' }, 'endpoint-insecure'],
    [
      'an authorization endpoint that is a script',
      { authorization_endpoint: 'javascript:alert(1)' },
      'endpoint-insecure',
    ],
    ['a key set on plain http elsewhere', { jwks_uri: 'http://evil.test/jwks' }, 'endpoint-insecure'],
    [
      'a PAR endpoint on plain http elsewhere',
      { pushed_authorization_request_endpoint: 'http://evil.test/par' },
      'endpoint-insecure',
    ],
    ['PAR that is required and nowhere', { require_pushed_authorization_requests: true }, 'endpoint-missing'],
    [
      'only algorithms we do not take',
      { id_token_signing_alg_values_supported: ['HS256', 'none', 'RS512'] },
      'no-common-algorithm',
    ],
    ['a list that is none', { scopes_supported: 'openid' }, 'member-malformed'],
  ])('LS-16, LS-17: is not used with %s, and nobody can sign in', async (_case, fields, reason) => {
    hostile.script.metadata.fields = fields as never; // the switch takes objects and functions of this shape
    const { provider, witness } = await started();

    expect(provider.ready).toBe(false);
    expect(await problemOf(authorize(provider))).toBe('provider-unreachable');
    expect(witness.events).toEqual([{ part: 'metadata', state: 'failed', reason }]);
    expect(hostile.hits('authorize') + hostile.hits('jwks') + hostile.trap.connections).toBe(0);
  });

  const strict = { ...plainFlow, isFapi2: true };
  it.each<[string, AuthorizationFlow, Record<string, unknown>, string]>([
    ['pushed requests', { ...plainFlow, pushed: 'required' }, {}, 'pushed-requests-missing'],
    [
      'signed responses',
      { ...plainFlow, responseMode: 'jwt' },
      { response_modes_supported: ['query', 'form_post'] },
      'response-mode-missing',
    ],
    [
      'responses by form_post',
      { ...plainFlow, responseMode: 'form_post' },
      { response_modes_supported: ['query', 'jwt'] },
      'response-mode-missing',
    ],
    [
      'proofs by ES256',
      { ...plainFlow, dpop: true },
      { dpop_signing_alg_values_supported: ['RS256'] },
      'dpop-algorithm-missing',
    ],
    [
      'signed responses with an algorithm of ours',
      { ...plainFlow, responseMode: 'jwt' },
      { authorization_signing_alg_values_supported: ['HS256', 'none'] },
      'no-common-algorithm',
    ],
    [
      'ID tokens by PS256, ES256 or EdDSA',
      strict,
      { id_token_signing_alg_values_supported: ['RS256'] },
      'no-common-algorithm',
    ],
    [
      'iss in its responses',
      strict,
      { ...strong, authorization_response_iss_parameter_supported: false },
      'issuer-in-response-missing',
    ],
    ['PKCE', strict, { ...strong, code_challenge_methods_supported: ['plain'] }, 'pkce-missing'],
  ])('LS-15, CA-06: is not used when the flow wants %s and it offers none', async (_case, flow, fields, reason) => {
    hostile.script.metadata.fields = fields;
    const { provider, witness } = await started({ client: { ...clientOf(hostile), flow } });

    expect(provider.ready).toBe(false);
    expect(await problemOf(authorize(provider))).toBe('provider-unreachable');
    expect(witness.events).toEqual([{ part: 'metadata', state: 'failed', reason }]);
    expect(hostile.hits('authorize') + hostile.hits('par')).toBe(0);

    const plain = await started();
    expect(plain.provider.ready).toBe(true);
  });

  it('LS-12, LS-15: is used when the flow wants pushed requests and it offers them', async () => {
    hostile.script.par.offered = true;
    const { provider } = await started({
      client: { ...clientOf(hostile), flow: { ...plainFlow, pushed: 'required' } },
    });

    expect((await signIn(provider)).idToken).toBeDefined();
    expect(hostile.hits('par')).toBe(1);
    const brought = hostile.log.find(({ endpoint }) => endpoint === 'authorize')?.query ?? {};
    expect(Object.keys(brought).toSorted()).toEqual(['client_id', 'request_uri']);
  });

  it.each([
    ['500', { kind: 'instead', status: 500 } as const, 'status-500'],
    ['a hang', { kind: 'hang', at: 'before-headers' } as const, 'deadline'],
    ['a slow drip', { kind: 'drip', everyMs: 50 } as const, 'deadline'],
    ['a redirect', { kind: 'redirect', to: 'http://127.0.0.1:9/' } as const, 'redirect'],
    ['HTML', { kind: 'html' } as const, 'wrong-type'],
    ['half of it', { kind: 'truncated' } as const, 'malformed'],
    ['50 MB', { kind: 'huge', bytes: 50e6 } as const, 'too-large'],
    ['deep nesting', { kind: 'nested', depth: 10_000 } as const, 'malformed'],
    ['a compressed body', { kind: 'gzip' } as const, 'encoded'],
  ])('CB-25, LS-16: is not used when the answer is %s', async (_case, fault, reason) => {
    hostile.script.metadata.fault = fault;
    const { provider, witness } = await started();

    expect(provider.ready).toBe(false);
    expect(witness.events).toEqual([{ part: 'metadata', state: 'failed', reason }]);
  });

  it('IT-34: is not used with a member that comes twice', async () => {
    hostile.script.metadata.raw = repeatMember('token_endpoint', 'http://127.0.0.1:9/token');
    const { witness } = await started();

    expect(witness.events).toEqual([{ part: 'metadata', state: 'failed', reason: 'duplicate-member' }]);
  });

  it('LS-17: optional endpoints on plain http are left out, with a warning', async () => {
    hostile.script.metadata.fields = {
      revocation_endpoint: 'http://evil.test/revoke',
      end_session_endpoint: 'http://evil.test/end',
      userinfo_endpoint: 'http://evil.test/userinfo',
    };
    const { provider, witness } = await started();
    const { tokens } = await signIn(provider);

    expect(witness.lines.join()).toContain(
      '"endpoints":["userinfo_endpoint","revocation_endpoint","end_session_endpoint"]',
    );
    expect(await provider.revoke(tokens.accessToken, 'access_token')).toBe(false);
    expect(await provider.userInfo(tokens, 'alice')).toBeUndefined();
    expect(provider.endSessionOrigin).toBeUndefined();
    expect(provider.endSessionUrl({ postLogoutRedirectUri: 'http://localhost:9/' })).toBeUndefined();
  });

  it('LS-18: without a word on S256 the challenge is sent all the same, with a warning', async () => {
    hostile.script.metadata.fields = { code_challenge_methods_supported: undefined };
    const { provider, witness } = await started();
    await signIn(provider);

    expect(witness.lines.join()).toContain('PKCE');
    expect(hostile.log.find(({ endpoint }) => endpoint === 'authorize')?.query).toMatchObject({
      code_challenge_method: 'S256',
      state: expect.any(String),
      nonce: expect.any(String),
    });
  });

  it('LS-11: of the default scopes those are left out that the server does not know; configured ones never', async () => {
    hostile.script.metadata.fields = { scopes_supported: ['profile'] };
    const scopes = ['openid', 'profile', 'email', 'offline_access'];
    const byDefault = await started({ scopes, scopesAreDefault: true });
    const configured = await started({ scopes, scopesAreDefault: false });
    await authorize(byDefault.provider);
    await authorize(configured.provider);
    const asked = hostile.log.filter(({ endpoint }) => endpoint === 'authorize').map(({ query }) => query.scope);

    expect(asked).toEqual(['openid profile', 'openid profile email offline_access']);
  });

  it('LS-11: an issuer with a path is found below it', async () => {
    const tenant = await startHostileProvider({ path: '/tenant' });
    const { provider } = providerFor(tenant);
    await provider.start();

    expect((await signIn(provider)).idToken).toMatchObject({ iss: `${tenant.issuer}` });
    await Promise.all([provider.close(), tenant.close()]);
  });
});

describe('an https issuer', () => {
  it('LS-17: names no http endpoint, not even on this machine: the listener there sees nothing', async () => {
    const identity = createTlsIdentity();
    const secure = await startHostileProvider({ tls: identity });
    const certificateAuthorities = identity.cert;
    const good = providerFor(secure, { certificateAuthorities });
    await good.provider.start();
    expect(good.provider.ready).toBe(true);

    for (const member of ['token_endpoint', 'jwks_uri', 'revocation_endpoint', 'end_session_endpoint']) {
      secure.script.metadata.fields = { [member]: `${secure.trap.url}/x` };
      const { provider } = providerFor(secure, { certificateAuthorities });
      await provider.start();
      await provider.revoke('token', 'access_token').catch(() => undefined);
      expect(provider.endSessionUrl({ postLogoutRedirectUri: 'x' })?.protocol).not.toBe('http:');
      await provider.close();
    }
    expect(secure.trap.connections).toBe(0);

    secure.reset();
    const distrustful = providerFor(secure);
    await distrustful.provider.start();
    expect(distrustful.provider.ready).toBe(false);
    await Promise.all([good.provider.close(), distrustful.provider.close(), secure.close()]);
  });
});

describe('an authorization server that is not there at start', () => {
  it('CB-26: does not keep the server from starting, and is found again by itself', async () => {
    const port = await freePort();
    const clock = new ManualClock(Date.now());
    const issuer = `http://127.0.0.1:${port}`;
    const { provider, witness } = providerFor({ issuer, client: hostile.client }, { clock, timeoutMs: 60_000 });
    open.push(provider);
    await provider.start();
    expect(provider.ready).toBe(false);
    expect(await problemOf(authorize(provider))).toBe('provider-unreachable');

    const late = await startHostileProvider({ port, clients: [hostile.client] });
    await clock.advance(2_000);
    await eventually(() => provider.ready);
    expect(witness.events.map(({ state }) => state)).toEqual(['failed', 'recovered']);
    expect((await signIn(provider)).idToken).toBeDefined();
    await late.close();
  });

  it('CB-26: is asked again by whoever wants to sign in, at most once a second', async () => {
    const port = await freePort();
    const clock = new ManualClock(Date.now());
    const { provider } = providerFor(
      { issuer: `http://127.0.0.1:${port}`, client: hostile.client },
      { clock, timeoutMs: 60_000 },
    );
    open.push(provider);
    await provider.start();
    const late = await startHostileProvider({ port, clients: [hostile.client] });
    expect(await problemOf(authorize(provider))).toBe('provider-unreachable');
    clock.advanceSync(1_001);
    expect((await signIn(provider)).idToken).toBeDefined();
    expect(late.hits('metadata')).toBe(1);
    await late.close();
  });
});

describe('metadata that is an hour old', () => {
  it('LS-16: is fetched again, and stays in use when that fails', async () => {
    const clock = new ManualClock(Date.now());
    const { provider, witness } = await started({ clock, timeoutMs: 24 * 3_600_000 });
    hostile.script.metadata.fields = { issuer: 'https://evil.test', token_endpoint: 'https://evil.test/token' };
    clock.advanceSync(70 * 60_000);
    await eventually(() => witness.events.length === 1);

    expect(witness.events).toEqual([{ part: 'metadata', state: 'failed', reason: 'issuer-differs' }]);
    expect(provider.ready).toBe(true);
    hostile.reset();
    clock.advanceSync(2_000);
    await eventually(() => witness.events.length === 2);
    expect(witness.events[1]).toEqual({ part: 'metadata', state: 'recovered', reason: '' });
  });
});

describe('keys', () => {
  it('IT-21: a rotation between two sign-ins is seamless, also right before signing', async () => {
    const { provider } = await started();
    await signIn(provider);
    const before = hostile.hits('jwks');
    hostile.keys.rotate({ overlap: false });
    expect((await signIn(provider)).idToken).toBeDefined();
    hostile.keys.rotateBeforeNextSignature({ overlap: true });
    expect((await signIn(provider)).idToken).toBeDefined();

    expect(hostile.hits('jwks') - before).toBe(2);
  });

  it('IT-21: fifty sign-ins right after a rotation fetch the new key once', async () => {
    const { provider } = await started();
    await signIn(provider);
    hostile.keys.rotate();
    const before = hostile.hits('jwks');
    const grants = await Promise.all(Array.from({ length: 50 }, () => signIn(provider)));

    expect(grants.every(({ idToken }) => idToken?.sub === 'alice')).toBe(true);
    expect(hostile.hits('jwks') - before).toBe(1);
  });

  it.each([
    ['with an ETag, kept for a day', { etag: true, maxAge: 86_400 }],
    ['without an ETag', { etag: false }],
  ])('IT-21: is taken at once from a key set %s', async (_how, switches) => {
    const { provider } = await started();
    Object.assign(hostile.script.jwks, switches);
    expect((await signIn(provider)).idToken?.sub).toBe('alice');
    hostile.keys.rotate({ overlap: false });

    expect((await signIn(provider)).idToken?.sub).toBe('alice');
  });

  it('IT-21: a key that replaces another under the same name is taken, too', async () => {
    const { provider } = await started();
    await signIn(provider);
    hostile.keys.rotate({ overlap: false, kid: hostile.keys.active.kid });

    expect((await signIn(provider)).idToken).toBeDefined();
  });

  it('IT-22: a flood of invented names by strangers costs two fetches, and sign-ins are not disturbed', async () => {
    const { provider } = await started();
    await signIn(provider);
    const before = hostile.hits('jwks');
    const names = Array.from({ length: 1_000 }, (_, index) => `invented-${index}`);
    const outcomes = await Promise.all(
      names.map((kid) =>
        provider
          .verify(hostile.logoutToken({ sub: 'alice', jose: { header: { kid } } }), {
            algorithms: ['RS256'],
            types: ['logout+jwt', 'jwt', ''],
            source: 'anyone',
          })
          .then(
            () => 'verified',
            (error: { reason: string }) => error.reason,
          ),
      ),
    );

    expect(new Set(outcomes)).toEqual(new Set(['key-unknown']));
    expect(hostile.hits('jwks') - before).toBeLessThanOrEqual(2);
    hostile.keys.rotate();
    expect((await signIn(provider)).idToken).toBeDefined();
  });

  it.each([
    ['500', { fault: { kind: 'instead', status: 500 } as const }],
    ['HTML', { fault: { kind: 'html' } as const }],
    ['no keys', { keys: [] }],
    ['a redirect', { fault: { kind: 'redirect', to: 'http://127.0.0.1:9/' } as const }],
    ['5 MB', { fault: { kind: 'huge', bytes: 5e6 } as const }],
    ['a reset', { fault: { kind: 'reset', at: 'before-headers' } as const }],
  ])(
    'IT-23, IT-24: when the key endpoint answers %s the last good set is used for an hour, then nothing is believed',
    async (_case, switches) => {
      const clock = new ManualClock(Date.now());
      const { provider, witness } = await started({ clock });
      const { idToken: _warm } = await signIn(provider);
      const token = [...hostile.issued.idTokens].at(-1) ?? '';
      const expected = { algorithms: ['RS256'], types: ['jwt'], source: 'token-endpoint' } as const;
      Object.assign(hostile.script.jwks, switches);

      clock.advanceSync(30 * 60_000);
      expect((await provider.verify(token, expected)).claims).toMatchObject({ sub: 'alice' });
      expect(witness.events).toEqual([{ part: 'key-set', state: 'failed', reason: expect.any(String) }]);
      clock.advanceSync(31 * 60_000);
      await expect(provider.verify(token, expected)).rejects.toMatchObject({ name: 'KeySetError' });

      hostile.reset();
      clock.advanceSync(11_000);
      expect((await provider.verify(token, expected)).claims).toMatchObject({ sub: 'alice' });
      expect(witness.events.at(-1)).toEqual({ part: 'key-set', state: 'recovered', reason: '' });
    },
  );

  it('IT-23: a set that is ten minutes old is fetched again, so that a withdrawn key is believed no longer', async () => {
    const clock = new ManualClock(Date.now());
    const { provider } = await started({ clock });
    await signIn(provider);
    const token = [...hostile.issued.idTokens].at(-1) ?? '';
    const expected = { algorithms: ['RS256'], types: ['jwt'], source: 'token-endpoint' } as const;
    hostile.keys.rotate({ overlap: false });

    expect((await provider.verify(token, expected)).claims).toMatchObject({ sub: 'alice' });
    clock.advanceSync(10 * 60_000);
    await expect(provider.verify(token, expected)).rejects.toMatchObject({ name: 'JwsError', reason: 'key-unknown' });
  });

  it('IT-23: while the endpoint hangs nobody waits twice: one attempt in ten seconds', async () => {
    const clock = new ManualClock(Date.now());
    const { provider } = await started({ clock });
    await signIn(provider);
    const token = [...hostile.issued.idTokens].at(-1) ?? '';
    const expected = { algorithms: ['RS256'], types: ['jwt'], source: 'token-endpoint' } as const;
    clock.advanceSync(11 * 60_000);
    const gate = createGate('before-headers', { kind: 'instead', status: 500 });
    hostile.script.jwks.fault = gate.fault;
    const before = hostile.hits('jwks');
    const waiting = Array.from({ length: 20 }, () => provider.verify(token, expected));
    await eventually(() => hostile.hits('jwks') > before);
    gate.open();
    await Promise.all(waiting);
    await Promise.all(Array.from({ length: 20 }, () => provider.verify(token, expected)));

    expect(hostile.hits('jwks') - before).toBe(1);
  });

  it('IT-16: without keys a sign-in fails as out of reach, and its tokens are to be revoked', async () => {
    hostile.script.jwks.fault = { kind: 'instead', status: 500 };
    const { provider } = await started();
    const refusal = await refusalOf(signIn(provider));

    expect(refusal).toMatchObject({ kind: 'unreachable', reason: 'key-set' });
    expect(refusal.tokensToRevoke).toHaveLength(2);
  });
});
