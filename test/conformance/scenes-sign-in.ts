/**
 * Scenes of the basic plans: what a provider sees of a sign-in, its keys, its
 * UserInfo and its metadata.
 *
 * @module
 */

import { expect } from 'vitest';
import { sessionCookies } from '../flow/provider-world.ts';
import type { Endpoint } from '../support/hostile/log.ts';
import { client } from '../support/world.ts';
import { jose } from '../unit/oidc/token-faults.ts';
import { registered, type Stage, startStage } from './stage.ts';
import { both, metadata, userinfo } from './switches.ts';

const requestsAt = ({ at }: Stage, endpoint: Endpoint) =>
  at.hostile.log.filter((request) => request.endpoint === endpoint);

/** The provider takes HTTP Basic alone. */
export async function basicAlone(stage: Stage): Promise<void> {
  const { clients } = stage.at.hostile;
  clients.set(client.id, { ...registered, authMethods: ['client_secret_basic'] });
  try {
    await stage.accept();
    expect(requestsAt(stage, 'token')[0]?.auth).toMatchObject({ valid: true, method: 'client_secret_basic' });
    clients.set(client.id, { ...registered, authMethods: ['client_secret_post'] });
    await stage.refuse(
      { ...anonymous, refused: () => undefined, reason: 'invalid_client' },
      { control: () => clients.set(client.id, registered) },
    );
  } finally {
    clients.set(client.id, registered);
  }
}

/** Each request has a nonce of its own. */
export async function nonces(stage: Stage): Promise<void> {
  await stage.accept();
  const [first] = requestsAt(stage, 'authorize');
  await stage.accept();
  const [second] = requestsAt(stage, 'authorize');
  for (const request of [first, second]) expect(request?.query.nonce).toMatch(/^[\w-]{43}$/);
  expect(first?.query.nonce).not.toBe(second?.query.nonce);
}

/** The scopes are asked for; of what UserInfo says the page gets what is configured. */
export async function claimsByScope(): Promise<void> {
  const scopes = 'openid profile email phone address';
  const stage = await startStage({ env: { SCOPES: scopes, USER_CLAIMS: 'name email phone_number nickname' } });
  const { hostile, world } = stage.at;
  const claims = { name: 'Alice', email: 'alice@example.test', phone_number: '+33 1', address: { country: 'FR' } };
  const browser = await stage.accept(() => {
    hostile.user = { sub: 'alice', claims };
  });
  const { address: _notConfigured, ...shown } = claims;
  expect(requestsAt(stage, 'authorize')[0]?.query.scope).toBe(scopes);
  expect((await world.session(browser))['user']).toEqual({ sub: 'alice', ...shown });
  await stage.at.close();
}

/** The access token travels in the header, and nowhere else. */
export async function tokenInHeader(stage: Stage): Promise<void> {
  await stage.accept();
  const [request] = requestsAt(stage, 'userinfo');
  expect(request).toMatchObject({ method: 'GET', query: {}, rawBody: '' });
  expect(request?.headers.authorization).toBe(`Bearer ${[...stage.at.hostile.issued.accessTokens].at(-1)}`);
}

/** A provider that refuses the header gets no token in another way. */
export async function tokenInBody(stage: Stage): Promise<void> {
  let asked: ReturnType<typeof requestsAt> = [];
  await stage.refuse(
    {
      ...anonymous,
      refused: userinfo({
        fault: (request) =>
          request.body.access_token === undefined
            ? { kind: 'instead', status: 400, json: { error: 'invalid_request' } }
            : undefined,
      }),
      reason: 'user-info-invalid_request',
      reaches: 'userinfo',
    },
    { control: () => (asked = requestsAt(stage, 'userinfo')) },
  );
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatchObject({ method: 'GET', query: {}, rawBody: '' });
}

/** Every key that fits is tried when the token names none; a key of nobody is not. */
export async function namelessKeys(stage: Stage): Promise<void> {
  const nameless = jose({ header: { kid: undefined } });
  await stage.accept(both((_script, at) => void at.keys.rotate(), nameless));
  await stage.refuse({
    ...anonymous,
    refused: both((_script, at) => void at.keys.rotate(), jose({ header: { kid: undefined }, key: 'attacker' })),
    reason: 'signature',
  });
}

/** Other keys at each sign-in, the old ones withdrawn at once. */
export async function rotation(stage: Stage): Promise<void> {
  await stage.accept();
  const before = stage.at.hostile.keys.active.kid;
  await stage.accept((_script, at) => void at.keys.rotate({ overlap: false }));
  expect(stage.at.hostile.keys.active.kid).not.toBe(before);
}

/** Other keys between the request and the signature. */
export async function lateRotation(stage: Stage): Promise<void> {
  const before = stage.at.hostile.keys.active.kid;
  await stage.accept((_script, at) => at.keys.rotateBeforeNextSignature({ overlap: false }));
  expect(stage.at.hostile.keys.active.kid).not.toBe(before);
}

/** UserInfo as a JWT: taken when it is the provider's and for us. */
export async function signedUserInfo(stage: Stage): Promise<void> {
  await stage.accept(userinfo({ signed: true }));
  const faults = [
    { by: { jose: { key: 'attacker' } }, reason: 'user-info-signature' },
    { by: { jose: { none: 'none' } }, reason: 'user-info-oauth-invalid-response' },
    { by: { claims: { aud: 'another-client' } }, reason: 'user-info-id-token-claim-aud' },
    { by: { claims: { iss: 'https://evil.test' } }, reason: 'user-info-id-token-claim-iss' },
  ] as const;
  for (const { by, reason } of faults) {
    await stage.refuse({ ...anonymous, refused: userinfo({ signed: true, ...by }), reason, reaches: 'userinfo' });
  }
}

async function expectClaimIgnored(stage: Stage, source: Readonly<Record<string, unknown>>): Promise<void> {
  const fields = { _claim_names: { nickname: 'other' }, _claim_sources: { other: source } };
  const browser = await stage.accept(userinfo({ fields }));
  expect((await stage.at.world.session(browser))['user']).not.toHaveProperty('nickname');
  const control = await stage.accept(userinfo({ fields: { nickname: 'Al' } }));
  expect((await stage.at.world.session(control))['user']).toHaveProperty('nickname', 'Al');
}

/** Claims of somebody else, enclosed as a JWT. */
export async function aggregatedClaims(stage: Stage): Promise<void> {
  const { hostile } = stage.at;
  await expectClaimIgnored(stage, { JWT: hostile.logoutToken({ sub: 'alice', claims: { nickname: 'Al' } }) });
}

/** Claims of somebody else, to be had at an address; `accept` sees that nobody went there. */
export async function distributedClaims(stage: Stage): Promise<void> {
  await expectClaimIgnored(stage, { endpoint: `${stage.at.hostile.trap.url}/claims`, access_token: 'x' });
}

/** The endpoints are those of the metadata: here each has a query of its own. */
export async function endpointsOfMetadata(): Promise<void> {
  const arrange = metadata((issuer) => ({
    authorization_endpoint: `${issuer}/authorize?at=1`,
    token_endpoint: `${issuer}/token?at=2`,
    userinfo_endpoint: `${issuer}/userinfo?at=3`,
    jwks_uri: `${issuer}/jwks?at=4`,
  }));
  const stage = await startStage({ arrange });
  expect(sessionCookies(await stage.at.signIn())).toHaveLength(1);
  for (const [endpoint, at] of [
    ['authorize', '1'],
    ['token', '2'],
    ['userinfo', '3'],
    ['jwks', '4'],
  ] as const) {
    expect(requestsAt(stage, endpoint).map(({ query }) => query.at)).toEqual([at]);
  }
  await stage.at.close();
}

/** What a row needs that is played within a scene. */
const anonymous = { module: '', does: '', shows: '' } as const;
