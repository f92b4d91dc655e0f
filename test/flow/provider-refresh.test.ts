/**
 * Spending a refresh token: what the new tokens must be, and how the failures are
 * told apart, since only one kind of them may end a session.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Grant } from '../../src/oidc/grant.ts';
import type { Provider } from '../../src/oidc/provider.ts';
import { type Fault, oauthFault } from '../support/hostile/fault.ts';
import { createSigningKey } from '../support/hostile/keys.ts';
import type { Script } from '../support/hostile/script.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { freePort } from '../support/ports.ts';
import { providerFor, refusalOf, signIn, type Witness } from '../unit/oidc/provider-flow.ts';

let hostile: HostileProvider;
let provider: Provider;
let witness: Witness;

beforeAll(async () => {
  hostile = await startHostileProvider();
  ({ provider, witness } = providerFor(hostile, { timeoutMs: 1_000 }));
  await provider.start();
});

beforeEach(() => hostile.reset());

afterAll(async () => {
  await provider.close();
  await hostile.close();
});

const previous = () => ({ issuer: hostile.issuer, subject: 'alice', authTime: undefined });
const refresh = (grant: Pick<Grant, 'refreshToken'>, changes: object = {}) =>
  provider.refresh(grant.refreshToken ?? '', { previous: { ...previous(), ...changes } });

describe('a refresh', () => {
  it('RF-01, RF-04, RF-09: authenticates the client, asks for no scope, and gives the rotated token', async () => {
    const first = await signIn(provider);
    const second = await refresh(first);
    const third = await refresh(second);
    const [request] = hostile.log.filter(({ endpoint }) => endpoint === 'refresh');

    expect(request).toMatchObject({ method: 'POST', auth: { valid: true, method: 'client_secret_basic' } });
    expect(request?.body).toEqual({ grant_type: 'refresh_token', refresh_token: first.refreshToken });
    expect(new Set([first.refreshToken, second.refreshToken, third.refreshToken]).size).toBe(3);
    expect(third.idToken).toMatchObject({ sub: 'alice', iss: hostile.issuer });
    expect(third.tokens.accessToken).not.toBe(first.tokens.accessToken);
  });

  it('RF-04: says when no new refresh token came', async () => {
    const first = await signIn(provider);
    hostile.script.refresh.rotation = 'omit';

    expect((await refresh(first)).refreshToken).toBeUndefined();
    expect((await refresh(first)).tokens.accessToken).toBeTruthy();
  });

  it('CB-18, RF-09: records a narrower scope, and the earlier one when none is named', async () => {
    const first = await signIn(provider);
    hostile.script.refresh.scope = 'openid';
    const narrower = await refresh(first);
    expect(narrower.tokens.scope).toEqual(['openid']);

    hostile.script.refresh.scope = undefined;
    hostile.script.refresh.fields = { scope: undefined };
    expect((await refresh(narrower, { scope: ['openid'] })).tokens.scope).toEqual(['openid']);
  });

  it('RF-17: asks for the audience it is told, and for the usual one otherwise (RFC 8707)', async () => {
    const { provider: bound } = providerFor(hostile, { apiAudience: 'https://orders.example.test' });
    await bound.start();
    const first = await signIn(bound);
    const second = await bound.refresh(first.refreshToken ?? '', {
      previous: previous(),
      audience: 'https://bills.example.test',
    });
    await bound.refresh(second.refreshToken ?? '', { previous: previous() });

    expect(hostile.log.filter(({ endpoint }) => endpoint === 'authorize')[0]?.query.resource).toBe(
      'https://orders.example.test',
    );
    expect(hostile.log.filter(({ endpoint }) => endpoint === 'token')[0]?.body.resource).toBe(
      'https://orders.example.test',
    );
    expect(hostile.log.filter(({ endpoint }) => endpoint === 'refresh').map(({ body }) => body.resource)).toEqual([
      'https://bills.example.test',
      'https://orders.example.test',
    ]);
    await bound.close();
  });

  it('RF-08: takes an ID token with the nonce and the auth_time of the sign-in, and none at all', async () => {
    const first = await signIn(provider);
    const authTime = hostile.now() - 100;
    hostile.script.refresh.claims = { nonce: 'the-first', auth_time: authTime };
    const second = await refresh(first, { nonce: 'the-first', authTime: authTime * 1000 });
    expect(second.idToken).toMatchObject({ nonce: 'the-first' });
    const third = await refresh(second);
    expect(third.idToken).toBeDefined();
    hostile.script.refresh.idToken = false;
    expect((await refresh(third)).idToken).toBeUndefined();
  });
});

describe('a refresh that brings another ID token', () => {
  it.each<[string, object, object, string | RegExp]>([
    ['of another issuer', { iss: 'https://evil.test' }, {}, 'id-token-claim-iss'],
    ['of another person', { sub: 'bob' }, {}, 'id-token-subject'],
    ['for another client', { aud: 'other' }, {}, 'id-token-claim-aud'],
    ['for another client, too', { aud: ['claimcheck', 'other'], azp: 'claimcheck' }, {}, 'id-token-audience'],
    ['of a later sign-in', { auth_time: 1_700_000_100 }, { authTime: 1_700_000_000_000 }, 'id-token-auth-time'],
    ['with a new nonce', { nonce: 'new' }, { nonce: 'the-first' }, 'id-token-nonce'],
    ['without sub', { sub: undefined }, {}, /./],
    ['with a foreign at_hash', { at_hash: 'AAAA' }, {}, 'id-token-access-token-hash'],
    ['that is an hour old', { iat: 1_700_000_000 }, {}, 'id-token-issued-at'],
    ['with a foreign azp', { azp: 'other' }, {}, 'id-token-authorized-party'],
    ['that is a logout token', { events: {} }, {}, 'id-token-other-kind'],
  ])('RF-08: is invalid when it is %s, and its tokens are to be revoked', async (_case, claims, changes, reason) => {
    const first = await signIn(provider);
    hostile.script.refresh.claims = { ...claims };
    const refusal = await refusalOf(refresh(first, changes));

    expect(refusal).toMatchObject({ kind: 'invalid', reason: expect.stringMatching(reason) });
    expect(refusal.tokensToRevoke).toHaveLength(2);
    expect(hostile.issued.refreshTokens).toContain(refusal.tokensToRevoke[0]);
    expect(refusal.tokensToRevoke[0]).not.toBe(first.refreshToken);

    hostile.reset();
    const again = await signIn(provider);
    expect((await refresh(again)).idToken).toMatchObject({ sub: 'alice' });
  });

  it('IT-12, RF-08: is invalid when its signature is', async () => {
    const first = await signIn(provider);
    hostile.script.refresh.jose = { signature: 'flip-last' };

    expect(await refusalOf(refresh(first))).toMatchObject({ kind: 'invalid', reason: 'signature' });
  });

  it('RF-08: is invalid when the session is of another issuer', async () => {
    const first = await signIn(provider);

    expect(await refusalOf(refresh(first, { issuer: 'https://other.test' }))).toMatchObject({ kind: 'invalid' });
  });
});

describe('when the key set is out of reach', () => {
  it('RF-05, IT-23: a refresh gives its tokens without the claims, since the answer cannot be had again', async () => {
    const fresh = providerFor(hostile, { timeoutMs: 1_000 });
    await fresh.provider.start();
    const first = await signIn(fresh.provider);
    const cold = providerFor(hostile, { timeoutMs: 1_000 });
    hostile.script.jwks.fault = { kind: 'instead', status: 500 };
    await cold.provider.start();
    const second = await cold.provider.refresh(first.refreshToken ?? '', { previous: previous() });

    expect(second.idToken).toBeUndefined();
    expect(hostile.issued.refreshTokens).toContain(second.refreshToken);
    expect(second.refreshToken).not.toBe(first.refreshToken);
    // A sign-in fails then: nothing says who it is.
    expect(await refusalOf(signIn(cold.provider))).toMatchObject({ kind: 'unreachable', reason: 'key-set' });
    expect(cold.witness.events).toEqual([{ part: 'key-set', state: 'failed', reason: 'status-500' }]);
    await Promise.all([fresh.provider.close(), cold.provider.close()]);
  });
});

type FaultCase = readonly [name: string, fault: Fault, expected: object];

const challenge = (value: string) => ({ 'www-authenticate': value });

describe('a refresh that fails', () => {
  it.each<FaultCase>([
    ['invalid_grant', oauthFault('invalid_grant'), { kind: 'refused', reason: 'invalid_grant' }],
    ['invalid_grant with 401', oauthFault('invalid_grant', 401), { kind: 'refused', reason: 'invalid_grant' }],
    ['invalid_grant with 403', oauthFault('invalid_grant', 403), { kind: 'refused', reason: 'invalid_grant' }],
    ['another code: invalid_request', oauthFault('invalid_request'), { kind: 'refused', reason: 'invalid_request' }],
    ['another code: invalid_token', oauthFault('invalid_token'), { kind: 'refused', reason: 'invalid_token' }],
    ['another code: access_denied', oauthFault('access_denied'), { kind: 'refused', reason: 'access_denied' }],
    ['another code: invalid_target', oauthFault('invalid_target'), { kind: 'refused', reason: 'invalid_target' }],
    ['an empty 400', { kind: 'instead', status: 400 }, { kind: 'refused', reason: 'status-400' }],
    [
      'a 400 with a challenge',
      { kind: 'instead', status: 400, headers: challenge('Bearer error="invalid_token"') },
      { kind: 'refused', reason: 'invalid_token' },
    ],
    [
      'a 401 with a challenge',
      { kind: 'instead', status: 401, headers: challenge('Bearer realm="x"') },
      { kind: 'refused', reason: 'status-401' },
    ],
    [
      'a 401 with a challenge and invalid_grant',
      { ...oauthFault('invalid_grant', 401), headers: challenge('Basic realm="x"') },
      { kind: 'refused', reason: 'invalid_grant' },
    ],
    ['invalid_client', oauthFault('invalid_client', 401), { kind: 'client-refused', reason: 'invalid_client' }],
    ['invalid_client with 400', oauthFault('invalid_client'), { kind: 'client-refused', reason: 'invalid_client' }],
    [
      'invalid_client with a challenge',
      { ...oauthFault('invalid_client', 401), headers: challenge('Basic realm="x"') },
      { kind: 'client-refused', reason: 'invalid_client' },
    ],
    [
      'unauthorized_client',
      oauthFault('unauthorized_client'),
      { kind: 'client-refused', reason: 'unauthorized_client' },
    ],
    [
      'a 401 that asks for Basic and says no more',
      { kind: 'instead', status: 401, headers: challenge('Basic realm="x"') },
      { kind: 'client-refused', reason: 'status-401' },
    ],
    ['500', { kind: 'instead', status: 500 }, { kind: 'unreachable', reason: 'status-500', sent: true }],
    ['500 with a code', oauthFault('invalid_grant', 500), { kind: 'unreachable', reason: 'status-500' }],
    [
      '503 with Retry-After',
      { kind: 'instead', status: 503, headers: { 'retry-after': '7' } },
      { kind: 'unreachable', retryAfterMs: 7_000 },
    ],
    [
      '503 with a day of Retry-After',
      { kind: 'instead', status: 503, headers: { 'retry-after': '86400' } },
      { kind: 'unreachable', retryAfterMs: 3_600_000 },
    ],
    [
      '503 with nonsense as Retry-After',
      { kind: 'instead', status: 503, headers: { 'retry-after': 'soon' } },
      { kind: 'unreachable', retryAfterMs: undefined },
    ],
    [
      '429',
      { kind: 'instead', status: 429, headers: { 'retry-after': '3' }, json: { error: 'slow_down' } },
      { kind: 'unreachable', reason: 'status-429', retryAfterMs: 3_000 },
    ],
    ['temporarily_unavailable with 400', oauthFault('temporarily_unavailable'), { kind: 'unreachable' }],
    ['an HTML page with 200', { kind: 'html' }, { kind: 'unreachable', reason: 'wrong-type', sent: true }],
    [
      'an HTML page with 400',
      { kind: 'instead', status: 400, headers: { 'content-type': 'text/html' }, body: '<h1>no</h1>' },
      { kind: 'unreachable', reason: 'status-400' },
    ],
    [
      'an HTML page with 403',
      { kind: 'instead', status: 403, headers: { 'content-type': 'text/html' }, body: '<h1>no</h1>' },
      { kind: 'unreachable', reason: 'status-403' },
    ],
    ['404', { kind: 'instead', status: 404 }, { kind: 'unreachable', reason: 'status-404' }],
    [
      'JSON without a code and 400',
      { kind: 'instead', status: 400, json: { message: 'no' } },
      { kind: 'unreachable', reason: 'status-400' },
    ],
    ['a redirect', { kind: 'redirect', to: 'http://127.0.0.1:9/' }, { kind: 'unreachable', reason: 'redirect' }],
    [
      'a reset before anything was read',
      { kind: 'reset', at: 'before-processing' },
      { kind: 'unreachable', reason: 'connection', sent: true },
    ],
    [
      'a reset after processing',
      { kind: 'reset', at: 'before-headers' },
      { kind: 'unreachable', reason: 'connection', sent: true },
    ],
    [
      'a reset inside the body',
      { kind: 'reset', at: 'mid-body' },
      { kind: 'unreachable', reason: 'connection', sent: true },
    ],
    ['half of a body', { kind: 'truncated' }, { kind: 'unreachable', reason: 'malformed', sent: true }],
    [
      'a hang before the headers',
      { kind: 'hang', at: 'before-headers' },
      { kind: 'unreachable', reason: 'deadline', sent: true },
    ],
    [
      'a hang after the headers',
      { kind: 'hang', at: 'after-headers' },
      { kind: 'unreachable', reason: 'deadline', sent: true },
    ],
    [
      'a hang inside the body',
      { kind: 'hang', at: 'mid-body' },
      { kind: 'unreachable', reason: 'deadline', sent: true },
    ],
    ['a drip', { kind: 'drip', everyMs: 50 }, { kind: 'unreachable', reason: 'deadline', sent: true }],
    ['a compressed body', { kind: 'gzip' }, { kind: 'unreachable', reason: 'encoded', sent: true }],
    ['a bomb', { kind: 'gzip', inflatedBytes: 50e6 }, { kind: 'unreachable', reason: 'encoded' }],
    ['a gigabyte', { kind: 'huge', bytes: 1e9 }, { kind: 'unreachable', reason: 'too-large' }],
    [
      'a gigabyte, announced',
      { kind: 'huge', bytes: 1e9, announced: true },
      { kind: 'unreachable', reason: 'too-large' },
    ],
    ['100 000 levels', { kind: 'nested', depth: 100_000 }, { kind: 'unreachable', reason: 'malformed' }],
    ['no HTTP', { kind: 'bytes', bytes: 'hello\r\n\r\n' }, { kind: 'unreachable', reason: 'connection', sent: true }],
    [
      'headers of 100 KB',
      { kind: 'bytes', bytes: `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(100_000)}\r\n\r\n` },
      { kind: 'unreachable', reason: 'connection' },
    ],
  ])('RF-06, RF-07, CB-25: by %s', async (_case, fault, expected) => {
    const first = await signIn(provider);
    hostile.script.refresh.fault = fault;
    const began = performance.now();
    const refusal = await refusalOf(refresh(first));

    expect({ ...refusal, reason: refusal.reason }).toMatchObject(expected);
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(hostile.hits('refresh')).toBe(1);

    hostile.reset();
    expect((await refresh(await signIn(provider))).tokens.accessToken).toBeTruthy();
  });

  it('RF-07: with a date in Retry-After, as long as until then', async () => {
    const first = await signIn(provider);
    const date = new Date(Date.now() + 20_000).toUTCString();
    hostile.script.refresh.fault = { kind: 'instead', status: 503, headers: { 'retry-after': date } };
    const { retryAfterMs = 0 } = await refusalOf(refresh(first));

    expect(retryAfterMs).toBeGreaterThan(15_000);
    expect(retryAfterMs).toBeLessThanOrEqual(20_000);
  });

  it('RF-14: a refresh token that was rotated away is refused', async () => {
    const first = await signIn(provider);
    await refresh(first);

    expect(await refusalOf(refresh(first))).toMatchObject({ kind: 'refused', reason: 'invalid_grant' });
  });

  it('RF-05: says that nothing was sent when nobody listens', async () => {
    const port = await freePort();
    hostile.script.metadata.fields = { token_endpoint: `http://127.0.0.1:${port}/token` };
    const { provider: lonely } = providerFor(hostile, { timeoutMs: 1_000 });
    await lonely.start();
    const refusal = await refusalOf(lonely.refresh('refresh-token', { previous: previous() }));

    expect(refusal).toMatchObject({ kind: 'unreachable', reason: 'connection', sent: false });
    await lonely.close();
  });

  it('RF-05: says that nothing was sent when there is no metadata to tell where to', async () => {
    const port = await freePort();
    const { provider: lonely } = providerFor({ issuer: `http://127.0.0.1:${port}`, client: hostile.client });
    await lonely.start();
    const refusal = await refusalOf(lonely.refresh('refresh-token', { previous: previous() }));

    expect(refusal).toMatchObject({ kind: 'unreachable', reason: 'metadata', sent: false });
    await lonely.close();
  });

  it('RF-05: a doubled member makes the answer invalid, and its tokens are to be revoked', async () => {
    const first = await signIn(provider);
    const doubled: Script['refresh']['raw'] = (json) => json.replace('{', '{"refresh_token":"another",');
    hostile.script.refresh.raw = doubled;
    const refusal = await refusalOf(refresh(first));

    expect(refusal).toMatchObject({ kind: 'invalid', reason: 'duplicate-member', sent: true });
    expect(hostile.issued.refreshTokens).toContain(refusal.tokensToRevoke[0]);
  });

  it('IT-24: a key outside the set is refused, and nothing of the answer is in the log', async () => {
    const first = await signIn(provider);
    hostile.script.refresh.jose = { key: createSigningKey() };

    expect(await refusalOf(refresh(first))).toMatchObject({ kind: 'invalid', reason: 'key-unknown' });
    for (const secret of hostile.issued.all()) expect(witness.lines.join()).not.toContain(secret);
  });
});
