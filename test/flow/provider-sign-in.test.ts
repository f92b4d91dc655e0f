/**
 * Signing in at an authorization server that keeps to the rules, in all the ways
 * the rules leave open.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Provider } from '../../src/oidc/provider.ts';
import { unseemlyKeys } from '../support/hostile/keys.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { providerFor, refusalOf, signIn } from '../unit/oidc/provider-flow.ts';
import { type Arrange, claims, fields, jose, shifted, token } from '../unit/oidc/token-faults.ts';

let hostile: HostileProvider;
let provider: Provider;

beforeAll(async () => {
  hostile = await startHostileProvider();
  ({ provider } = providerFor(hostile));
  await provider.start();
});

beforeEach(() => hostile.reset());

afterAll(async () => {
  await provider.close();
  await hostile.close();
});

describe('a sign-in', () => {
  it('CB-13, CA-01, LS-01, LS-02: authenticates the client, repeats the redirect URI and proves the challenge', async () => {
    const grant = await signIn(provider);
    const [request] = hostile.log.filter(({ endpoint }) => endpoint === 'token');

    expect(grant.idToken).toMatchObject({ iss: hostile.issuer, sub: 'alice', name: 'Alice Example' });
    expect(request?.auth).toMatchObject({ valid: true, method: 'client_secret_basic' });
    expect(request?.body).toMatchObject({
      grant_type: 'authorization_code',
      redirect_uri: 'http://localhost:9/callback',
    });
    expect(request?.body.code_verifier).toHaveLength(43);
    expect(hostile.log.find(({ endpoint }) => endpoint === 'authorize')?.query).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      scope: 'openid profile offline_access orders.read',
    });
  });

  it('CB-18, RF-04: gives the tokens with what is known of them', async () => {
    hostile.script.token.fields = { refresh_expires_in: 3600 };
    const began = Date.now();
    const { tokens, refreshToken, refreshExpiresAt } = await signIn(provider);

    expect(hostile.issued.accessTokens).toContain(tokens.accessToken);
    expect(hostile.issued.refreshTokens).toContain(refreshToken);
    expect(tokens.issuedAt).toBeGreaterThanOrEqual(began);
    expect(tokens.expiresAt).toBe(tokens.issuedAt + 300_000);
    expect(refreshExpiresAt).toBe(tokens.issuedAt + 3_600_000);
    expect(tokens.scope).toEqual(['openid', 'profile', 'offline_access', 'orders.read']);
  });

  it('CB-18: records a narrower scope, and the one asked for when none is named', async () => {
    hostile.script.token.scope = 'openid';
    expect((await signIn(provider)).tokens.scope).toEqual(['openid']);

    hostile.reset();
    hostile.script.token.fields = { scope: undefined };
    expect((await signIn(provider)).tokens.scope).toEqual(['openid', 'profile', 'offline_access', 'orders.read']);
  });

  it.each<[string, Arrange]>([
    ['IT-03: an audience in a list of one', token((at) => ({ claims: { aud: [at.client.clientId] } }))],
    ['IT-05: our own azp', token((at) => ({ claims: { azp: at.client.clientId } }))],
    ['IT-17: one key without kid', jose({ header: { kid: undefined } })],
    [
      'IT-18: no kid and two keys that fit',
      (script, at) => {
        at.keys.add();
        script.token.jose = { header: { kid: undefined } };
      },
    ],
    ['IT-19: keys of other types with the same kid', (_script, at) => void at.keys.addDecoys()],
    ['CB-15: a token type in capitals', fields({ token_type: 'BEARER' })],
    ['CB-15: a token type in mixed case', fields({ token_type: 'bEARER' })],
    ['CB-17: no expires_in', fields({ expires_in: undefined })],
    ['CB-17: expires_in as text', fields({ expires_in: '3600' })],
    ['IT-07: an end ten seconds ago', shifted('exp', -10)],
    ['IT-08: a clock eight seconds ahead', shifted('iat', 8)],
    ['IT-08: an issue time four minutes ago', shifted('iat', -240)],
    ['IT-25: no at_hash', claims({ at_hash: undefined })],
    ['IT-28: no typ', jose({ header: { typ: undefined } })],
    ['IT-28: typ with its prefix', jose({ header: { typ: 'application/jwt' } })],
    ['IT-06: a sub of 255 characters', claims({ sub: 's'.repeat(255) })],
    ['IT-15: a foreign key set named by the right key', jose({ header: { jku: 'http://127.0.0.1:9/keys' } })],
    [
      'IT-24: a key set with keys to be passed over',
      (script) => {
        script.jwks.keys = (honest) => [
          unseemlyKeys.symmetric('k'),
          unseemlyKeys.ofUnknownType('x'),
          unseemlyKeys.broken('b'),
          ...honest,
        ];
      },
    ],
    ['CB-27: every sign an access token may have', token({ accessToken: 'aZ09-._~+/==' })],
    ['CB-27: every sign a refresh token may have', fields({ refresh_token: ' !"#$%&\'()*+,-./0:;<=>?@A[\\]^_`a{|}~' })],
    [
      'IT-32: claims nobody knows',
      claims({
        ...Object.fromEntries(
          Array.from({ length: 200 }, (_, index) => [`claim_${index}`, { nested: [index, { deep: true }] }]),
        ),
        ['__proto__']: { admin: true },
      }),
    ],
  ])('%s is taken', async (_case, arrange) => {
    arrange(hostile.script, hostile);

    expect((await signIn(provider)).idToken).toBeDefined();
    expect(hostile.trap.connections).toBe(0);
  });

  it.each(['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] as const)(
    'IT-12, IT-25: takes %s, and refuses one flipped bit of it',
    async (alg) => {
      hostile.script.token.jose = { alg };
      // The set that was fetched before has no such key: it is fetched again at once.
      expect((await signIn(provider)).idToken).toMatchObject({ sub: 'alice' });
      hostile.script.token.claims = { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' };
      expect((await refusalOf(signIn(provider))).reason).toBe('id-token-access-token-hash');
      hostile.script.token.claims = undefined;
      for (const signature of ['flip-last', 'flip-first', 'other'] as const) {
        hostile.script.token.jose = { alg, signature };
        expect((await refusalOf(signIn(provider))).reason).toBe('signature');
      }
      hostile.script.token.jose = { alg };
      expect((await signIn(provider)).idToken).toMatchObject({ sub: 'alice' });
    },
  );
});

describe('expires_in', () => {
  it.each([
    ['none', undefined, undefined],
    ['zero, which some mean as endless', 0, undefined],
    ['ten years', 10 * 365 * 86_400, undefined],
    ['a million million', 1e12, undefined],
    ['an hour', 3_600, 3_600_000],
    ['an hour as text', '3600', 3_600_000],
    ['a year', 365 * 86_400, 365 * 86_400_000],
    ['less than a second', 0.5, 500],
  ])('CB-17: %s is no reason to refuse, and is never taken as endless', async (_case, expires_in, expected) => {
    hostile.script.token.fields = { expires_in };
    const { tokens } = await signIn(provider);

    expect(tokens.expiresAt).toBe(expected === undefined ? undefined : tokens.issuedAt + expected);
  });
});

describe('what was asked for beside the usual', () => {
  it('IT-26, LS-25: max_age is sent, and auth_time is held against the start', async () => {
    hostile.script.token.claims = { auth_time: hostile.now() - 290 };
    expect((await signIn(provider, { maxAge: 300 })).idToken).toMatchObject({ auth_time: hostile.now() - 290 });
    expect(hostile.log.find(({ endpoint }) => endpoint === 'authorize')?.query.max_age).toBe('300');

    hostile.script.token.claims = { auth_time: hostile.now() - 400 };
    expect((await refusalOf(signIn(provider, { maxAge: 300 }))).reason).toBe('id-token-auth-time');
    hostile.script.token.claims = { auth_time: undefined };
    expect((await refusalOf(signIn(provider, { maxAge: 300 }))).reason).toBe('id-token-auth-time');
    hostile.script.token.claims = { auth_time: hostile.now() - 60 };
    expect((await refusalOf(signIn(provider, { maxAge: 0 }))).reason).toBe('id-token-auth-time');
  });

  it('IT-27, LS-25: acr must be one of those asked for', async () => {
    hostile.script.token.claims = { acr: 'urn:mfa' };
    expect((await signIn(provider, { acrValues: 'urn:other urn:mfa' })).idToken).toMatchObject({ acr: 'urn:mfa' });
    hostile.script.token.claims = { acr: 'urn:pwd' };
    expect((await refusalOf(signIn(provider, { acrValues: 'urn:mfa' }))).reason).toBe('id-token-acr');
    expect((await signIn(provider)).idToken).toMatchObject({ acr: 'urn:pwd' });
    hostile.script.token.claims = { acr: undefined };
    expect((await refusalOf(signIn(provider, { acrValues: 'urn:mfa' }))).reason).toBe('id-token-acr');
    hostile.script.token.claims = { acr: ['urn:mfa'] };
    expect((await refusalOf(signIn(provider, { acrValues: 'urn:mfa' }))).reason).toBe('id-token-acr');
  });
});

describe('an authorization server whose clock is off by', () => {
  it.each([
    [5, 'taken'],
    [9, 'taken'],
    [-5, 'taken'],
    [-31, 'taken'],
    [-61, 'taken'],
    [15, 'id-token-issued-at'],
    [61, 'id-token-issued-at'],
    [301, 'id-token-issued-at'],
    [-362, /id-token-(issued-at|claim-exp)/],
  ])('IT-08, CA-17: %i s', async (offsetSeconds, expected) => {
    hostile.script.clock.offsetSeconds = offsetSeconds;
    const outcome = await signIn(provider).then(
      () => 'taken',
      (error: { reason: string }) => error.reason,
    );

    expect(outcome).toMatch(expected);
  });
});
