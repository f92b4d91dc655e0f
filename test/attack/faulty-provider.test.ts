/**
 * Signing in through the whole server at a provider that breaks one rule at a
 * time: the browser ends on the page with an error, no session begins, nothing of
 * the answer is used, and the next honest sign-in works.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../support/browser-answer.ts';
import { onlyNext } from '../support/hostile/fault.ts';
import { hmacKeyings } from '../support/hostile/hmac-keys.ts';
import { noneSpellings } from '../support/hostile/jose.ts';
import { repeatMember } from '../support/hostile/json.ts';
import { keyHeaderAttacks } from '../support/hostile/key-headers.ts';
import { otherKinds } from '../support/hostile/other-kinds.ts';
import type { Script } from '../support/hostile/script.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { rawRequest } from '../support/raw.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { client, reserveAddress, startWorld, type World } from '../support/world.ts';
import { type Arrange, claims, fields, jose, shifted, token } from '../unit/oidc/token-faults.ts';

let hostile: HostileProvider;
let upstream: Upstream;
let world: World;

beforeAll(async () => {
  const address = await reserveAddress();
  const clock = new ShiftedClock();
  hostile = await startHostileProvider({
    clock,
    clients: [{ clientId: client.id, clientSecret: client.secret, redirectUris: [address.redirectUri] }],
  });
  upstream = await startUpstream();
  world = await startWorld(
    {
      issuer: hostile.issuer,
      upstream: upstream.origin,
      env: { API_AUDIENCE: undefined, USER_CLAIMS: 'name nickname' },
    },
    address,
  );
});

beforeEach(() => hostile.reset());

afterAll(async () => {
  await world.close();
  await upstream.stop();
  await hostile.close();
});

// Everybody's time moves on, so that the many starts from one address do not count as a flood.
async function signIn(): Promise<Answer> {
  world.clock.advance(1_000);
  return world.browser().navigate(`${world.origin}/login?return_to=/orders`, { from: `${world.origin}/` });
}

const sessionCookies = (answer: Answer) =>
  answer.hops
    .flatMap(({ headers }) => headers)
    .filter(([name, value]) => name.toLowerCase() === 'set-cookie' && value.startsWith('claimcheck='));

const events = (name: string) => world.log.filter((line) => line['event'] === name);

/** Parameters of the authorization response. */
function response(parameters: NonNullable<Script['authorize']['parameters']>): Arrange {
  return (script) => {
    script.authorize.parameters = parameters;
  };
}

/** REJECT-LOGIN, and then the control: the same sign-in with that one thing put right. */
async function expectRejected(arrange: Arrange): Promise<void> {
  arrange(hostile.script, hostile);
  const failed = events('sign-in.failed').length;
  const upstreamSaw = upstream.requests.length;

  const landed = await signIn();

  const { pathname, searchParams } = new URL(landed.url);
  expect(pathname).toBe('/');
  expect(searchParams.get('auth_error')).toMatch(/^(provider_error|provider_unreachable|state_mismatch|acr_not_met)$/);
  expect(searchParams.get('auth_error_id')).toMatch(/^[0-9a-f]{32}$/);
  expect(sessionCookies(landed)).toEqual([]);
  expect(hostile.hits('userinfo')).toBe(0);
  expect(upstream.requests).toHaveLength(upstreamSaw);
  expect(events('sign-in.failed')).toHaveLength(failed + 1);
  expect(events('sign-in.failed').at(-1)?.['reason']).toMatch(/^[a-z0-9: -]+$/);

  hostile.reset();
  const control = await signIn();
  expect(control.status).toBe(200);
  expect(new URL(control.url).pathname).toBe('/orders');
  expect(sessionCookies(control)).toHaveLength(1);
}

describe('an ID token that is not for this sign-in is refused:', () => {
  it.each<readonly [string, Arrange]>([
    ['IT-01: another issuer', claims({ iss: 'https://evil.test' })],
    ['IT-01: no issuer', claims({ iss: undefined })],
    ['IT-01: the issuer with a slash', token((at) => ({ claims: { iss: `${at.issuer}/` } }))],
    ['IT-02: another audience', claims({ aud: 'other' })],
    ['IT-02: no audience', claims({ aud: undefined })],
    [
      'IT-04: a further audience',
      token((at) => ({ claims: { aud: [at.client.clientId, 'other'], azp: at.client.clientId } })),
    ],
    ['IT-05: a foreign azp', claims({ azp: 'other' })],
    ['IT-06: no sub', claims({ sub: undefined })],
    ['IT-06: a sub that is a number', claims({ sub: 42 })],
    ['IT-06: a sub of 300 characters', claims({ sub: 's'.repeat(300) })],
    ['IT-06: no iat', claims({ iat: undefined })],
    ['IT-06: no exp', claims({ exp: undefined })],
    ['IT-06: an exp that is a word', claims({ exp: 'soon' })],
    ['IT-07: expired five minutes ago', shifted('exp', -301)],
    ['IT-08: issued a week ago', shifted('iat', -7 * 86_400)],
    ['IT-08: issued six minutes ago', shifted('iat', -360)],
    ['IT-08: issued two minutes ahead', shifted('iat', 120)],
    ['IT-09: another nonce', claims({ nonce: 'another' })],
    ['IT-09: no nonce', claims({ nonce: undefined })],
    ['IT-25: an at_hash of another token', claims({ at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' })],
    ['IT-34: two sub members', jose({ payloadText: repeatMember('sub', 'bob') })],
  ])('%s', async (_case, arrange) => expectRejected(arrange));
});

describe('an ID token that was not signed by the provider is refused:', () => {
  it.each(noneSpellings)('IT-11: alg %s', async (none) => expectRejected(jose({ none })));
  it.each(hmacKeyings)('IT-14: HS256 keyed with %s', async (hmac) => expectRejected(jose({ hmac })));
  it.each(keyHeaderAttacks)('IT-15: a key offered by %s', async (keyHeader) => expectRejected(jose({ keyHeader })));
  it.each(otherKinds)('IT-28: a token of the kind %s', async (idTokenKind) => expectRejected(token({ idTokenKind })));
  it.each<readonly [string, Arrange]>([
    ['IT-11: no signature', jose({ signature: 'empty' })],
    ['IT-11: two parts', jose({ signature: 'stripped' })],
    ['IT-12: the last byte changed', jose({ signature: 'flip-last' })],
    ['IT-12: the signature of other claims', jose({ signature: 'other' })],
    ['IT-13: an algorithm that the metadata does not list', jose({ alg: 'ES384' })],
    [
      'IT-18: no kid, two keys, and neither of them',
      (script, at) => {
        at.keys.rotate();
        script.token.jose = { header: { kid: undefined }, key: 'attacker' };
      },
    ],
    [
      'IT-20: a key for encryption',
      (script, at) => {
        script.token.jose = { key: at.keys.add({ published: { use: 'enc' } }) };
      },
    ],
    [
      'IT-24: a key of 1024 bits',
      (script, at) => {
        script.token.jose = { key: at.keys.add({ modulusLength: 1024 }) };
      },
    ],
    ['IT-16: a kid that is a path', jose({ header: { kid: '../../dev/null' } })],
    ['IT-16: a kid that is a query', jose({ header: { kid: "' OR 1=1" } })],
    ['IT-29: an unknown crit', jose({ header: { crit: ['x'], x: 1 } })],
    ['IT-29: flattened JSON', jose({ serialization: 'flattened' })],
  ])('%s', async (_case, arrange) => expectRejected(arrange));
});

describe('a token answer that breaks its form is refused:', () => {
  it.each<readonly [string, Arrange]>([
    ['IT-31: no ID token', fields({ id_token: undefined })],
    ['IT-31: an empty ID token', fields({ id_token: '' })],
    ['CB-15: an unknown token type', fields({ token_type: 'mac' })],
    ['CB-15: no token type', fields({ token_type: undefined })],
    ['CB-27: a line break in the access token', fields({ access_token: 'a\r\nX: 1' })],
    ['CB-27: a space in the access token', fields({ access_token: 'a b' })],
    ['CB-27: an access token that is a number', fields({ access_token: 1 })],
    ['CB-27: an empty access token', fields({ access_token: '' })],
    ['CB-27: an access token of a megabyte', fields({ access_token: 'a'.repeat(1_000_000) })],
    ['CB-25: HTML', token({ contentType: 'text/html' })],
    ['CB-25: a huge body', token({ fault: { kind: 'huge', bytes: 20_000_000 } })],
    ['CB-25: gzip', token({ fault: { kind: 'gzip' } })],
    ['CB-25: a redirect', token({ fault: { kind: 'redirect', to: 'http://127.0.0.1:9/', status: 307 } })],
    ['CB-26: a reset', token({ fault: { kind: 'reset', at: 'before-headers' } })],
    ['CB-26: 500', token({ status: 500 })],
  ])('%s', async (_case, arrange) => expectRejected(arrange));
});

describe('an authorization response that is not ours is refused before any call:', () => {
  it.each<readonly [string, Arrange]>([
    ['CB-01: no state', response({ state: undefined })],
    ['CB-01: another state', response({ state: 'another' })],
    ['CB-01: a truncated state', response((honest) => ({ ...honest, state: String(honest['state']).slice(0, -2) }))],
    [
      'CB-09: state twice',
      response((honest) => ({
        ...honest,
        state: [String(honest['state']), String(honest['state'])],
      })),
    ],
    ['CB-09: code twice', response((honest) => ({ ...honest, code: ['a', 'b'] }))],
    ['CB-04, LS-19: another issuer', response({ iss: 'https://evil.test' })],
    ['CB-04: the issuer with a slash', response((honest) => ({ ...honest, iss: `${String(honest['iss'])}/` }))],
    ['CB-05: no issuer although announced', response({ iss: undefined })],
    ['CB-11: an ID token in the front channel', response({ id_token: 'eyJhbGciOiJub25lIn0.e30.' })],
    ['CB-11: an access token in the front channel', response({ access_token: 'x' })],
  ])('%s', async (_case, arrange) => {
    await expectRejected((script, at) => {
      arrange(script, at);
    });
    expect(hostile.log.filter(({ endpoint }) => endpoint === 'token').length).toBe(1); // that of the control
  });

  it('CB-14: a code of 64 kB is refused where it comes in, and the next sign-in works', async () => {
    const target = `/callback?state=s&iss=${encodeURIComponent(hostile.issuer)}&code=${'c'.repeat(65_536)}`;
    const bytes = `GET ${target} HTTP/1.1\r\nHost: localhost:${world.port}\r\n\r\n`;
    const { final } = await rawRequest(world.port, bytes, { responses: 1 });
    expect(final[0]?.status).toBe(431);
    expect(final[0]?.header('set-cookie')).toBeUndefined();
    expect(hostile.hits('token')).toBe(0);
    const landed = await signIn();
    expect([landed.status, sessionCookies(landed).length]).toEqual([200, 1]);
  });

  it('CB-07, CB-08: an error of the provider is told by a code and nothing of its text', async () => {
    hostile.script.authorize.error = { error: 'access_denied', error_description: '<script>alert(1)</script>' };
    const landed = await signIn();

    expect(new URL(landed.url).searchParams.get('auth_error')).toBe('access_denied');
    expect(landed.text()).not.toContain('alert(1)');
    expect(landed.url).not.toContain('script');
    hostile.reset();
    expect(sessionCookies(await signIn())).toHaveLength(1);
  });
});

describe('what is legal works:', () => {
  it.each<readonly [string, Arrange]>([
    ['IT-03: one audience in a list', token((at) => ({ claims: { aud: [at.client.clientId] } }))],
    ['IT-08: issued eight seconds ahead', shifted('iat', 8)],
    ['IT-17: one key and no kid', jose({ header: { kid: undefined } })],
    ['IT-32: claims nobody knows', claims({ nested: { a: [1] }, ['constructor']: 'x' })],
    ['CB-10: unknown response parameters', response({ session_state: 'z', foo: 'bar' })],
    ['CB-15: BEARER', fields({ token_type: 'BEARER' })],
    ['CB-17: no expires_in', fields({ expires_in: undefined })],
    ['CB-17: expires_in as text', fields({ expires_in: '3600' })],
    ['TS-09: an access token that is no JWT', token({ accessToken: 'abc~+/._-' })],
    ['IT-19: decoys with the same kid', (_script, at) => void at.keys.addDecoys()],
  ])('%s', async (_case, arrange) => {
    arrange(hostile.script, hostile);
    const landed = await signIn();

    expect(landed.status).toBe(200);
    expect(sessionCookies(landed)).toHaveLength(1);
  });

  it('IT-21: keys that rotate between two sign-ins, and just before signing', async () => {
    for (const rotate of [
      () => undefined,
      () => hostile.keys.rotate(),
      () => hostile.keys.rotateBeforeNextSignature(),
    ]) {
      rotate();
      const landed = await signIn();
      expect(landed.status).toBe(200);
      expect(sessionCookies(landed)).toHaveLength(1);
    }
  });

  it('CB-22: UserInfo of the same person completes the claims, of another ends the sign-in', async () => {
    hostile.user = { sub: 'alice', claims: { name: 'Alice' } };
    hostile.script.userinfo.fields = { nickname: 'Al' };
    expect(sessionCookies(await signIn())).toHaveLength(1);
    expect(hostile.hits('userinfo')).toBeGreaterThan(0);

    hostile.script.userinfo.fields = { sub: 'mallory' };
    const landed = await signIn();
    expect(new URL(landed.url).searchParams.get('auth_error')).toBe('provider_error');
    expect(sessionCookies(landed)).toEqual([]);
  });

  it('CB-26: a provider that fails once does not stand in the way of the next try', async () => {
    hostile.script.token.fault = onlyNext({ kind: 'reset', at: 'before-headers' });
    expect(sessionCookies(await signIn())).toEqual([]);
    expect(sessionCookies(await signIn())).toHaveLength(1);
  });
});
