/**
 * The demo's orders API against tokens that nobody it trusts has issued.
 */

import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { type OrdersApi, startOrdersApi } from '../../../demo/orders-api.ts';
import { alice } from '../../../demo/people.ts';

/** The members that are not `undefined`. */
function defined(members: Readonly<Record<string, string | number | undefined>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

describe('a forged token', () => {
  const key = generateKeyPair('RS256', { extractable: true });
  let forgingApi: OrdersApi;
  const issuer = 'https://issuer.example.test';
  const audience = 'https://orders.example.test';

  beforeAll(async () => {
    const jwk = { ...(await exportJWK((await key).publicKey)), kid: 'k', alg: 'RS256', use: 'sig' };
    const keys = createServer((_request, response) => response.end(JSON.stringify({ keys: [jwk] })));
    await new Promise<void>((resolve) => void keys.listen(0, '127.0.0.1', resolve));
    const address = keys.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    forgingApi = await startOrdersApi({ issuer, audience, jwksUri: `http://127.0.0.1:${port}/` });
    return async () => {
      await forgingApi.close();
      keys.close();
    };
  });

  const claims = { iss: issuer, aud: audience, sub: alice.sub, client_id: 'c', jti: 'j', scope: 'orders.read' };
  const future = Math.floor(Date.now() / 1000) + 60;

  it.each([
    ['as it should be', 200, {}, {}],
    ['of another issuer', 401, { iss: 'https://evil.test' }, {}],
    ['for another audience', 401, { aud: 'https://other.test' }, {}],
    ['that has expired', 401, { exp: future - 3600 }, {}],
    ['that never expires', 401, { exp: undefined }, {}],
    ['that is not valid yet', 401, { nbf: future }, {}],
    ['without a subject', 401, { sub: undefined }, {}],
    ['without a client', 401, { client_id: undefined }, {}],
    ['of another type', 401, {}, { typ: 'JWT' }],
    ['of no type', 401, {}, { typ: undefined }],
    ['with an unknown key', 401, {}, { kid: 'unknown' }],
    ['without scopes', 403, { scope: undefined }, {}],
  ])('%s: %i', async (_what, status, claimChanges, headerChanges) => {
    const token = await new SignJWT(defined({ exp: future, ...claims, ...claimChanges }))
      .setIssuedAt()
      .setProtectedHeader({ alg: 'RS256', ...defined({ kid: 'k', typ: 'at+jwt', ...headerChanges }) })
      .sign((await key).privateKey);
    const response = await fetch(`${forgingApi.url}/orders`, { headers: { authorization: `Bearer ${token}` } });

    expect(response.status).toBe(status);
  });

  it('signed with a shared secret or with nothing: 401', async () => {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const body = { exp: future, iat: future - 60, ...claims };
    const shared = await new SignJWT(body)
      .setProtectedHeader({ alg: 'HS256', kid: 'k', typ: 'at+jwt' })
      .sign(Buffer.from(JSON.stringify(await exportJWK((await key).publicKey))));
    const unsigned = `${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(body)}.`;

    for (const token of [shared, unsigned]) {
      const response = await fetch(`${forgingApi.url}/orders`, { headers: { authorization: `Bearer ${token}` } });
      expect(response.status).toBe(401);
    }
  });
});
