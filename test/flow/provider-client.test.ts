/**
 * How the client proves itself, pushes its requests, asks for claims, revokes
 * tokens and leads a browser to sign out.
 */

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import { ProblemError } from '../../src/errors.ts';
import type { Provider } from '../../src/oidc/provider.ts';
import type { ProviderOptions } from '../../src/oidc/provider-options.ts';
import { type Fault, oauthFault, onlyNext } from '../support/hostile/fault.ts';
import { repeatMember } from '../support/hostile/json.ts';
import { createSigningKey } from '../support/hostile/keys.ts';
import type { Script } from '../support/hostile/script.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { authorize, providerFor, refusalOf, signIn } from '../unit/oidc/provider-flow.ts';

let hostile: HostileProvider;
const open: Provider[] = [];

beforeAll(async () => {
  hostile = await startHostileProvider();
});

beforeEach(() => hostile.reset());

afterEach(() => Promise.all(open.splice(0).map((provider) => provider.close())));

afterAll(() => hostile.close());

async function started(
  changes: Partial<ProviderOptions> = {},
  at: Pick<HostileProvider, 'issuer' | 'client'> = hostile,
): Promise<Provider> {
  const { provider } = providerFor(at, { timeoutMs: 1_000, ...changes });
  open.push(provider);
  await provider.start();
  return provider;
}

function pairOf(kind: 'rsa' | 'p256' | 'ed25519'): { readonly pem: Secret; readonly publicKey: KeyObject } {
  const { privateKey, publicKey } =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : kind === 'p256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519');
  return { pem: new Secret(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()), publicKey };
}

describe('a client with a secret', () => {
  it('CA-07: sends it form-encoded in the header, whatever signs it has, and nowhere else', async () => {
    const secret = 'a:b+c%é/=& ?"\'\u20ac';
    hostile.clients.set('odd:client/é', { clientId: 'odd:client/é', clientSecret: secret });
    const client = {
      id: 'odd:client/é',
      authMethod: 'client_secret_basic',
      secret: new Secret(secret),
      key: undefined,
    } as const;
    const grant = await signIn(await started({ client }));
    const [request] = hostile.log.filter(({ endpoint }) => endpoint === 'token');

    expect(grant.idToken).toBeDefined();
    expect(request?.auth).toMatchObject({ valid: true, method: 'client_secret_basic', clientId: 'odd:client/é' });
    expect(request?.body.client_secret).toBeUndefined();
    expect(request?.url).not.toContain('secret');
  });

  it('CA-07: sends it in the body when that is its method, and then not in the header', async () => {
    const client = {
      id: 'claimcheck',
      authMethod: 'client_secret_post',
      secret: new Secret(hostile.client.clientSecret ?? ''),
      key: undefined,
    } as const;
    const provider = await started({ client });
    const grant = await signIn(provider);
    await provider.revoke(grant.refreshToken ?? '', 'refresh_token');
    const asked = hostile.log.filter(({ endpoint }) => endpoint === 'token' || endpoint === 'revoke');

    expect(asked.map(({ auth }) => auth)).toEqual([
      expect.objectContaining({ valid: true, method: 'client_secret_post' }),
      expect.objectContaining({ valid: true, method: 'client_secret_post' }),
    ]);
    expect(asked.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it('CA-01: is told that it is not accepted when the secret is wrong', async () => {
    const client = {
      id: 'claimcheck',
      authMethod: 'client_secret_basic',
      secret: new Secret('another'),
      key: undefined,
    } as const;

    expect(await refusalOf(signIn(await started({ client })))).toMatchObject({
      kind: 'client-refused',
      reason: 'invalid_client',
    });
  });
});

describe('a client with a key', () => {
  it.each([
    ['rsa', 'PS256'],
    ['p256', 'ES256'],
    ['ed25519', 'EdDSA'],
  ] as const)(
    'CA-02, CA-03, CA-06: a key of the kind %s signs assertions with %s, for the issuer alone',
    async (kind, alg) => {
      const { pem, publicKey } = pairOf(kind);
      hostile.clients.set('keyed', { clientId: 'keyed', jwks: [{ ...publicKey.export({ format: 'jwk' }) }] });
      const provider = await started({
        client: { id: 'keyed', authMethod: 'private_key_jwt', secret: undefined, key: pem },
      });
      hostile.script.par.offered = true;
      const grant = await signIn(provider);
      const second = await provider.refresh(grant.refreshToken ?? '', {
        previous: { issuer: hostile.issuer, subject: 'alice', authTime: undefined },
      });
      await provider.revoke(second.refreshToken ?? '', 'refresh_token');
      const assertions = hostile.log.flatMap(({ auth }) => (auth?.method === 'private_key_jwt' ? [auth] : []));

      expect(assertions.length).toBeGreaterThanOrEqual(3);
      for (const { valid, assertion } of assertions) {
        const { iss, sub, aud, exp, iat, jti, ...rest } = assertion?.claims ?? {};
        expect(valid).toBe(true);
        expect(assertion?.header).toEqual({ alg });
        expect({ iss, sub, aud, rest }).toEqual({ iss: 'keyed', sub: 'keyed', aud: hostile.issuer, rest: {} });
        expect(Number(exp) - hostile.now()).toBeLessThanOrEqual(60);
        expect(Number(iat)).toBeLessThanOrEqual(hostile.now());
        expect(String(jti).length).toBeGreaterThanOrEqual(22);
      }
      expect(new Set(assertions.map(({ assertion }) => assertion?.claims.jti)).size).toBe(assertions.length);
    },
  );

  it('CA-05: never uses a jti again, also after failures', async () => {
    const { pem, publicKey } = pairOf('p256');
    hostile.clients.set('keyed', { clientId: 'keyed', jwks: [{ ...publicKey.export({ format: 'jwk' }) }] });
    const provider = await started({
      client: { id: 'keyed', authMethod: 'private_key_jwt', secret: undefined, key: pem },
    });
    const jtis: string[] = [];
    hostile.script.refresh.fault = (request) => {
      jtis.push(String(decodeJwt(request.body.client_assertion ?? '').jti));
      return { kind: 'instead', status: 500 };
    };
    const previous = { issuer: hostile.issuer, subject: 'alice', authTime: undefined };
    for (let round = 0; round < 50; round++) {
      await Promise.all(Array.from({ length: 10 }, () => refusalOf(provider.refresh('r', { previous }))));
    }

    expect(jtis).toHaveLength(500);
    expect(new Set(jtis).size).toBe(500);
  });

  it('CA-06: signs with RS256 only for a server that knows nothing better', async () => {
    const { pem, publicKey } = pairOf('rsa');
    hostile.clients.set('keyed', { clientId: 'keyed', jwks: [{ ...publicKey.export({ format: 'jwk' }) }] });
    hostile.script.metadata.fields = { token_endpoint_auth_signing_alg_values_supported: ['RS256'] };
    const provider = await started({
      client: { id: 'keyed', authMethod: 'private_key_jwt', secret: undefined, key: pem },
    });
    await signIn(provider);
    const [request] = hostile.log.filter(({ endpoint }) => endpoint === 'token');

    expect(decodeProtectedHeader(request?.body.client_assertion ?? '').alg).toBe('RS256');
    const [published] = provider.clientJwks;
    expect(published).toMatchObject({ kty: 'RSA', use: 'sig', alg: 'RS256' });
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(published).not.toHaveProperty(member);
  });

  it('CA-04: an assertion made at another issuer names that issuer, and is of no use elsewhere', async () => {
    const { pem, publicKey } = pairOf('p256');
    const jwks = [{ ...publicKey.export({ format: 'jwk' }) }];
    const other = await startHostileProvider({ clients: [{ clientId: 'keyed', jwks }] });
    hostile.clients.set('keyed', { clientId: 'keyed', jwks });
    // The other issuer's metadata leads to the honest one's token endpoint.
    other.script.metadata.fields = { token_endpoint: `${hostile.issuer}/token` };
    const provider = await started(
      { client: { id: 'keyed', authMethod: 'private_key_jwt', secret: undefined, key: pem } },
      other,
    );
    const refusal = await refusalOf(signIn(provider));
    const [request] = hostile.log.filter(({ endpoint }) => endpoint === 'token');

    expect(refusal.kind).toBe('client-refused');
    expect(request?.auth).toMatchObject({
      valid: false,
      reason: 'audience',
      assertion: { claims: { aud: other.issuer } },
    });
    await other.close();
  });

  it.each([
    ['1024 bits', generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey],
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
  ])('CA-13: a key of %s ends the start, without being repeated', async (_case, privateKey) => {
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const make = () =>
      providerFor(hostile, {
        client: { id: 'x', authMethod: 'private_key_jwt', secret: undefined, key: new Secret(key) },
      });

    expect(make).toThrow(/cannot be used/);
    expect(make).not.toThrow(key.split('\n')[1]);
  });
});

describe('pushed authorization requests', () => {
  const query = (at: HostileProvider) =>
    at.log.filter(({ endpoint }) => endpoint === 'authorize').map((request) => request.query);

  it('LS-12, LS-13, LS-14: are used when they are offered, once each, with the client authenticated', async () => {
    hostile.script.par.offered = true;
    const provider = await started({ apiAudience: 'https://orders.example.test' });
    expect((await signIn(provider)).idToken).toBeDefined();
    await signIn(provider);
    const pushed = hostile.log.filter(({ endpoint }) => endpoint === 'par');

    expect(query(hostile).map((each) => Object.keys(each).sort())).toEqual([
      ['client_id', 'request_uri'],
      ['client_id', 'request_uri'],
    ]);
    expect(new Set(query(hostile).map(({ request_uri }) => request_uri)).size).toBe(2);
    expect(pushed[0]?.auth).toMatchObject({ valid: true, method: 'client_secret_basic' });
    expect(pushed[0]?.body).toMatchObject({
      client_id: 'claimcheck',
      response_type: 'code',
      code_challenge_method: 'S256',
      redirect_uri: 'http://localhost:9/callback',
      resource: 'https://orders.example.test',
    });
    expect(pushed[0]?.body).not.toHaveProperty('request_uri');
  });

  it.each<[string, Partial<Script['par']>, string]>([
    ['400', { fault: oauthFault('invalid_request') }, 'provider-answer-invalid'],
    ['401', { fault: oauthFault('invalid_client', 401) }, 'provider-answer-invalid'],
    ['429', { fault: { kind: 'instead', status: 429 } }, 'provider-unreachable'],
    ['500', { fault: { kind: 'instead', status: 500 } }, 'provider-unreachable'],
    ['a hang', { fault: { kind: 'hang', at: 'before-headers' } }, 'provider-unreachable'],
    ['a reset', { fault: { kind: 'reset', at: 'before-headers' } }, 'provider-unreachable'],
    ['200 instead of 201', { status: 200 }, 'provider-answer-invalid'],
    ['no request_uri', { fields: { request_uri: undefined } }, 'provider-answer-invalid'],
    ['an empty request_uri', { fields: { request_uri: '' } }, 'provider-answer-invalid'],
    ['two request_uri', { raw: repeatMember('request_uri', 'urn:other') }, 'provider-answer-invalid'],
    ['a redirect', { fault: { kind: 'redirect', to: 'http://127.0.0.1:9/' } }, 'provider-unreachable'],
  ])('LS-15: when it fails with %s nobody is sent anywhere, required or not', async (_case, switches, code) => {
    for (const required of [true, false]) {
      hostile.reset();
      Object.assign(hostile.script.par, { offered: true, required }, switches);
      const provider = await started();
      const error: unknown = await authorize(provider).catch((thrown: unknown) => thrown);

      expect(error).toBeInstanceOf(ProblemError);
      expect(error).toMatchObject({ code });
      expect(hostile.hits('authorize')).toBe(0);
      Object.assign(hostile.script.par, { fault: undefined, status: undefined, fields: undefined, raw: undefined });
      expect((await signIn(provider)).idToken).toBeDefined();
    }
  });
});

describe('UserInfo', () => {
  it('CB-22, CB-24: gives the claims of the person, asked with the token in the header alone', async () => {
    const provider = await started();
    const { tokens } = await signIn(provider);
    const claims = await provider.userInfo(tokens.accessToken, 'alice');
    const [request] = hostile.log.filter(({ endpoint }) => endpoint === 'userinfo');

    expect(claims).toMatchObject({ sub: 'alice', email: 'alice@example.test' });
    expect(request).toMatchObject({ method: 'GET', url: '/userinfo', rawBody: '' });
    expect(request?.headers.authorization).toBe(`Bearer ${tokens.accessToken}`);
  });

  it('CB-23: takes a signed answer that is for us', async () => {
    hostile.script.userinfo.signed = true;
    const provider = await started();
    const { tokens } = await signIn(provider);

    expect(await provider.userInfo(tokens.accessToken, 'alice')).toMatchObject({ sub: 'alice', iss: hostile.issuer });
  });

  it.each<[string, Partial<Script['userinfo']>, string | RegExp]>([
    ['CB-22: another person', { fields: { sub: 'bob' } }, 'oauth-json-attribute-comparison-failed'],
    ['CB-22: nobody', { fields: { sub: undefined } }, 'oauth-invalid-response'],
    ['CB-22: a list of persons', { fields: { sub: ['alice'] } }, 'oauth-invalid-response'],
    ['CB-22: a number', { fields: { sub: 1 } }, 'oauth-invalid-response'],
    ['IT-34: two persons', { raw: repeatMember('sub', 'bob') }, 'duplicate-member'],
    ['CB-23: a signature by a foreign key', { signed: true, jose: { key: 'attacker' } }, 'signature'],
    ['CB-23: a flipped signature', { signed: true, jose: { signature: 'flip-last' } }, 'signature'],
    ['CB-23: no signature', { signed: true, jose: { none: 'none' } }, /./],
    ['CB-23: another audience', { signed: true, claims: { aud: 'other' } }, /./],
    ['CB-23: no audience', { signed: true, claims: { aud: undefined } }, 'user-info-audience'],
    ['CB-23: another issuer', { signed: true, claims: { iss: 'https://evil.test' } }, /./],
    ['CB-23: no issuer', { signed: true, claims: { iss: undefined } }, 'user-info-issuer'],
    ['CB-23: another person, signed', { signed: true, claims: { sub: 'bob' } }, /./],
    ['CB-25: HTML', { fault: { kind: 'html' } }, 'wrong-type'],
    ['CB-25: 10 MB', { fault: { kind: 'huge', bytes: 10e6 } }, 'too-large'],
    ['CB-25: a redirect', { fault: { kind: 'redirect', to: 'http://127.0.0.1:9/' } }, 'redirect'],
    [
      'CB-25: 401',
      { fault: { kind: 'instead', status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } } },
      'invalid_token',
    ],
    ['CB-25: 500', { fault: { kind: 'instead', status: 500 } }, 'status-500'],
  ])('%s is refused', async (_case, switches, reason) => {
    const provider = await started();
    const { tokens } = await signIn(provider);
    Object.assign(hostile.script.userinfo, switches);
    const refusal = await refusalOf(provider.userInfo(tokens.accessToken, 'alice'));

    expect(refusal.reason).toMatch(reason);
    expect(hostile.trap.connections).toBe(0);
    const { signed } = hostile.script.userinfo;
    hostile.reset();
    hostile.script.userinfo.signed = signed;
    expect(await provider.userInfo(tokens.accessToken, 'alice')).toMatchObject({ sub: 'alice' });
  });

  it('IT-20: a signed answer is not taken when the metadata offers no algorithm for it', async () => {
    hostile.script.metadata.fields = { userinfo_signing_alg_values_supported: undefined };
    hostile.script.userinfo.signed = true;
    const provider = await started();
    const { tokens } = await signIn(provider);

    expect((await refusalOf(provider.userInfo(tokens.accessToken, 'alice'))).kind).toBe('invalid');
  });
});

describe('revocation', () => {
  it('RF-10, CA-01: ends a token, with its kind as a hint', async () => {
    const provider = await started();
    const { refreshToken = '' } = await signIn(provider);
    expect(await provider.revoke(refreshToken, 'refresh_token')).toBe(true);
    const [request] = hostile.log.filter(({ endpoint }) => endpoint === 'revoke');

    expect(request?.body).toEqual({ token: refreshToken, token_type_hint: 'refresh_token' });
    expect(request?.auth).toMatchObject({ valid: true });
    expect(hostile.grants.at(-1)).toMatchObject({ revoked: true });
  });

  it('RF-10: says when it is not offered for such a token, or at all', async () => {
    const provider = await started();
    hostile.script.revoke.fault = oauthFault('unsupported_token_type');
    expect(await provider.revoke('token', 'access_token')).toBe(false);

    hostile.reset();
    hostile.script.metadata.fields = { revocation_endpoint: undefined };
    expect(await (await started()).revoke('token', 'access_token')).toBe(false);
  });

  it.each<[string, Fault, object]>([
    [
      '503',
      { kind: 'instead', status: 503, headers: { 'retry-after': '5' } },
      { kind: 'unreachable', retryAfterMs: 5_000 },
    ],
    ['a hang', { kind: 'hang', at: 'before-headers' }, { kind: 'unreachable', reason: 'deadline' }],
    ['invalid_client', oauthFault('invalid_client', 401), { kind: 'client-refused' }],
    ['invalid_request', oauthFault('invalid_request'), { kind: 'refused' }],
    ['a redirect', { kind: 'redirect', to: 'http://127.0.0.1:9/' }, { kind: 'unreachable', reason: 'redirect' }],
  ])('CB-25: fails by %s, and works when asked again', async (_case, fault, expected) => {
    const provider = await started();
    const { refreshToken = '' } = await signIn(provider);
    hostile.script.revoke.fault = onlyNext(fault);

    expect(await refusalOf(provider.revoke(refreshToken, 'refresh_token'))).toMatchObject(expected);
    expect(await provider.revoke(refreshToken, 'refresh_token')).toBe(true);
  });
});

describe('signing out at the authorization server', () => {
  it('LS-09: leads to its endpoint with the client, a hint and our own address; no token stands in the URL', async () => {
    const provider = await started();
    const url = provider.endSessionUrl({
      logoutHint: 'sid-1',
      postLogoutRedirectUri: 'http://localhost:9/',
      state: 's',
    });

    expect(url?.origin).toBe(provider.endSessionOrigin);
    expect(Object.fromEntries(url?.searchParams ?? [])).toEqual({
      client_id: 'claimcheck',
      logout_hint: 'sid-1',
      post_logout_redirect_uri: 'http://localhost:9/',
      state: 's',
    });
  });

  it('LS-09: leaves out what is not known', async () => {
    const url = (await started()).endSessionUrl({ postLogoutRedirectUri: 'http://localhost:9/' });

    expect([...(url?.searchParams.keys() ?? [])].sort()).toEqual(['client_id', 'post_logout_redirect_uri']);
  });
});

describe('a logout token', () => {
  it('IT-24: is verified with the same keys, and not believed when it is signed with another', async () => {
    const provider = await started();
    const expected = { algorithms: ['RS256'], types: ['logout+jwt'], source: 'anyone' } as const;

    expect((await provider.verify(hostile.logoutToken({ sub: 'alice' }), expected)).claims).toMatchObject({
      sub: 'alice',
    });
    const forged = hostile.logoutToken({ sub: 'alice', jose: { key: createSigningKey() } });
    await expect(provider.verify(forged, expected)).rejects.toMatchObject({ reason: 'key-unknown' });
  });
});
