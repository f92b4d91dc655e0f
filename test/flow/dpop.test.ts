/**
 * Tokens that are bound to a key of the session: how they are asked for, renewed,
 * exchanged, and proved to upstreams (RFC 9449).
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import { type AuthorizationFlow, plainFlow } from '../../src/config/authorization-flow.ts';
import type { ProviderOptions } from '../../src/oidc/provider-options.ts';
import type { Browser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import type { DpopVerdict } from '../support/hostile/log.ts';
import { ProofDesk } from '../support/proof-desk.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { keyOf } from '../unit/config/settings.ts';
import { providerFor, signIn as signInAt } from '../unit/oidc/provider-flow.ts';
import { type HostileWorld, sessionCookies, startHostileWorld } from './provider-world.ts';
import { connectTo, speaking } from './web-socket-world.ts';

interface Service {
  readonly upstream: Upstream;
  readonly desk: ProofDesk;
}

let at: HostileWorld;
let orders: Service;
let mail: Service;

async function startService(): Promise<Service> {
  const desk = new ProofDesk(() => at.hostile.now());
  const socket = speaking();
  const upstream = await startUpstream(
    desk.answer((request) =>
      request.headers.some(([name]) => /^upgrade$/i.test(name)) ? socket(request) : { body: 'ok' },
    ),
  );
  desk.origin = upstream.origin;
  return { upstream, desk };
}

beforeAll(async () => {
  [orders, mail] = [await startService(), await startService()];
  const rules = `
routes:
  - { path: /api, upstream: "${orders.upstream.origin}/v2", websocket: true }
  - { path: /api/mail, upstream: ${mail.upstream.origin} }
  - { path: /api/old, upstream: ${mail.upstream.origin}, dpop: false }
  - { path: /api/client, upstream: ${mail.upstream.origin}, token: client, audience: "https://mail.example" }
  - { path: /api/exchange, upstream: ${mail.upstream.origin}, token: exchange, audience: "https://mail.example" }
`;
  at = await startHostileWorld({
    hostile: { par: true },
    env: { DPOP: 'on', RULES_FILE: 'rules.yaml', API_AUDIENCE: undefined, USER_CLAIMS: 'name nickname' },
    files: { 'rules.yaml': rules },
  });
});

beforeEach(() => {
  at.refresh();
  for (const { desk, upstream } of [orders, mail]) {
    desk.reset();
    upstream.forget();
  }
});

afterAll(async () => {
  await at.close();
  for (const { upstream } of [orders, mail]) await upstream.stop();
});

async function somebody(): Promise<Browser> {
  const browser = at.world.browser();
  expect(sessionCookies(await at.signIn(browser))).toHaveLength(1);
  return browser;
}

async function call(browser: Browser, path: string, options: { method?: string; body?: string } = {}) {
  const { csrf_token } = await at.world.session(browser);
  const headers = { 'X-CSRF-Token': csrf_token, DPoP: 'evil', Authorization: 'DPoP evil' };
  return browser.fetch(`${at.world.origin}/api/${path}`, { from: `${at.world.origin}/`, headers, ...options });
}

const proofsAt = (...endpoints: string[]): readonly DpopVerdict[] =>
  at.hostile.log.filter(({ endpoint }) => endpoints.includes(endpoint)).flatMap(({ dpop }) => dpop ?? []);
const keysOf = (verdicts: readonly DpopVerdict[]) => new Set(verdicts.map(({ thumbprint }) => thumbprint));
const reasonOfFailure = () => at.world.log.findLast(({ event }) => event === 'sign-in.failed')?.['reason'];

describe('a sign-in with DPOP=on', () => {
  it('CA-14, CA-16: proves one key when it pushes the request, redeems the code and asks UserInfo', async () => {
    await somebody();
    const proofs = proofsAt('par', 'token', 'userinfo');
    expect(proofs.map(({ valid }) => valid)).toEqual([true, true, true]);
    expect(keysOf(proofs).size).toBe(1);
    expect(at.hostile.log.find(({ endpoint }) => endpoint === 'par')?.body['dpop_jkt']).toBe(proofs[0]?.thumbprint);
    for (const { header, claims } of proofs) {
      expect(header).toMatchObject({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty: 'EC', crv: 'P-256' } });
      expect(Object.keys(Object(header['jwk'])).toSorted()).toEqual(['crv', 'kty', 'x', 'y']);
      expect(String(claims['jti']).length).toBeGreaterThanOrEqual(22);
      expect(String(claims['htu'])).not.toMatch(/[?#]/);
    }
    expect(proofs.map(({ claims }) => 'ath' in claims)).toEqual([false, false, true]);
  });

  it('CA-16: names its key in the address where requests are not pushed, and the code is of no use with another', async () => {
    const plain = await startHostileWorld({ env: { DPOP: 'on', API_AUDIENCE: undefined, USER_CLAIMS: 'name' } });
    expect(sessionCookies(await plain.signIn())).toHaveLength(1);
    const asked = plain.hostile.log.find(({ endpoint }) => endpoint === 'authorize')?.query['dpop_jkt'];
    expect(plain.hostile.log.find(({ endpoint }) => endpoint === 'token')?.dpop?.thumbprint).toBe(asked);

    plain.refresh();
    const browser = plain.world.browser();
    plain.hostile.script.token.skip = ['pkce', 'client-binding'];
    const [mine, other] = [await plain.upToCallback(browser), await plain.upToCallback(plain.world.browser())];
    mine.searchParams.set('code', other.searchParams.get('code') ?? '');
    expect(sessionCookies(await plain.land(browser, mine))).toEqual([]);
    const refusal = plain.world.log.findLast(({ event }) => event === 'sign-in.failed');
    expect(refusal?.['reason']).toBe('invalid_dpop_proof');
    await plain.close();
  });

  it('CB-15, CB-16: takes the type in any case, and no other type: the tokens are given back', async () => {
    at.hostile.script.token.fields = { token_type: 'dPoP' };
    await somebody();
    const faults: readonly [type: string | undefined, reason: string][] = [
      ['Bearer', 'token-type'],
      [undefined, 'oauth-invalid-response'],
      ['mac', 'oauth-unsupported-operation'],
    ];
    for (const [token_type, reason] of faults) {
      at.refresh();
      at.hostile.script.token.fields = { token_type };
      const answer = await at.signIn();
      expect(sessionCookies(answer)).toEqual([]);
      expect(answer.header('location')).toContain('auth_error=provider_error');
      expect(reasonOfFailure()).toBe(reason);
      expect(at.hostile.hits('userinfo')).toBe(0);
      await eventually(() => at.hostile.hits('revoke') === 2, 2_000);
    }
    at.refresh();
    at.hostile.script.dpop.downgrade = true;
    expect(sessionCookies(await at.signIn())).toEqual([]);
    expect(reasonOfFailure()).toBe('token-type');
  });

  it('CA-15: brings the nonce that the server wants, once it knows it', async () => {
    at.hostile.script.dpop.authorizationServerNonce = 'demanded';
    at.hostile.script.dpop.resourceServerNonce = 'demanded';
    await somebody();
    const reasons = (endpoint: string) => proofsAt(endpoint).map(({ reason }) => reason);
    expect(reasons('par')).toEqual(['nonce', undefined]);
    expect(reasons('token')).toEqual([undefined]);
    expect(reasons('userinfo')).toEqual(['nonce', undefined]);
    const jtis = proofsAt('par', 'token', 'userinfo').map(({ claims }) => claims['jti']);
    expect(new Set(jtis).size).toBe(jtis.length);

    await somebody(); // what is known of one role was not lost to the other
    expect(reasons('par')).toEqual(['nonce', undefined, undefined]);
    expect(reasons('userinfo')).toEqual(['nonce', undefined, undefined]);
    at.hostile.expireDpopNonces();
    await somebody();
    expect(reasons('par')).toEqual(['nonce', undefined, undefined, 'nonce', undefined]);
  });

  it('CA-15: ends where a server is never content, after one repetition, and by itself once it is', async () => {
    const starts = async () => {
      const answer = await at.world.browser().navigate(`${at.world.origin}/login`, {
        from: `${at.world.origin}/`,
        redirect: 'manual',
      });
      return answer.status;
    };
    at.hostile.script.dpop.authorizationServerNonce = 'endless';
    expect(await starts()).toBe(502);
    expect(at.hostile.hits('par')).toBe(2);

    at.refresh();
    const browser = at.world.browser();
    const callback = await at.upToCallback(browser);
    at.hostile.script.dpop.authorizationServerNonce = 'endless';
    expect((await at.land(browser, callback)).header('location')).toContain('auth_error=provider_unreachable');
    expect(at.hostile.hits('token')).toBe(2);
    expect(reasonOfFailure()).toBe('use_dpop_nonce');

    at.refresh();
    await somebody();
  });

  it('CA-15: is not confused by nonces of the other role: each is asked for once', async () => {
    at.hostile.expireDpopNonces();
    Object.assign(at.hostile.script.dpop, { authorizationServerNonce: 'demanded', crossedNonces: true });
    const answer = await at.world.browser().navigate(`${at.world.origin}/login`, {
      from: `${at.world.origin}/`,
      redirect: 'manual',
    });
    expect(answer.status).toBe(502);
    expect(at.hostile.hits('par')).toBe(2);
  });
});

describe('a session with DPOP=on', () => {
  it('RF-16: renews with the key it began with and the newest nonce', async () => {
    const browser = await somebody();
    expect((await call(browser, 'x')).status).toBe(200);
    at.hostile.script.dpop.authorizationServerNonce = 'demanded';
    at.hostile.script.dpop.rotateNonce = true;
    at.hostile.expireDpopNonces();
    for (let round = 0; round < 3; round++) {
      at.world.clock.advance(301_000);
      expect((await call(browser, 'x')).status).toBe(200);
    }
    expect(proofsAt('refresh').map(({ reason }) => reason)).toEqual(['nonce', undefined, undefined, undefined]);
    expect(keysOf([...proofsAt('par', 'token', 'refresh'), ...orders.desk.verdicts]).size).toBe(1);
    const nonces = proofsAt('refresh').map(({ claims }) => claims['nonce']);
    expect(new Set(nonces).size).toBe(4);
  });

  it('RF-16: keeps its key while SESSION_SECRETS rotate', async () => {
    const [first, second] = [keyOf(), keyOf()];
    const rotating = await startHostileWorld({
      env: { DPOP: 'on', SESSION_SECRETS: first, API_AUDIENCE: undefined, API_UPSTREAM: orders.upstream.origin },
      clock: at.world.clock,
    });
    const browser = rotating.world.browser();
    await rotating.signIn(browser);
    const use = async () => {
      const answer = await browser.fetch(`${rotating.world.origin}/api/x`, { from: `${rotating.world.origin}/` });
      return answer.status;
    };
    expect(await use()).toBe(200);
    expect(rotating.world.reload({ SESSION_SECRETS: `${second},${first}` })).toBe(true);
    rotating.world.clock.advance(301_000);
    expect(await use()).toBe(200);
    expect(keysOf(orders.desk.verdicts).size).toBe(1);
    expect(rotating.hostile.hits('refresh')).toBe(1);
    await rotating.close();
  });

  it('RF-16: outlives a server that is never content with its proof', async () => {
    const browser = await somebody();
    at.hostile.script.dpop.authorizationServerNonce = 'endless';
    at.world.clock.advance(301_000);
    expect((await call(browser, 'x')).status).toBe(503);
    expect(at.hostile.hits('refresh')).toBe(2);
    at.hostile.script.dpop.authorizationServerNonce = 'off';
    at.world.clock.advance(60_000);
    expect((await call(browser, 'x')).status).toBe(200);
  });

  it('CB-16: does not take a bearer token at a refresh', async () => {
    const browser = await somebody();
    at.hostile.script.dpop.downgrade = true;
    at.world.clock.advance(301_000);
    expect((await call(browser, 'x')).status).toBe(401);
    expect(orders.desk.verdicts).toEqual([]);
  });

  it('CA-12: has a key of its own', async () => {
    await call(await somebody(), 'x');
    await call(await somebody(), 'x');
    expect(keysOf(orders.desk.verdicts).size).toBe(2);
  });

  it('exchanges its token with its own key, while the client’s own tokens have another', async () => {
    const browser = await somebody();
    const mine = proofsAt('token')[0]?.thumbprint;
    expect((await call(browser, 'exchange/x')).status).toBe(200);
    expect(keysOf(mail.desk.verdicts)).toEqual(new Set([mine]));
    mail.desk.reset();
    expect((await call(browser, 'client/x')).status).toBe(200);
    const [own] = keysOf(mail.desk.verdicts);
    expect(own).toMatch(/^[\w-]{43}$/);
    expect(own).not.toBe(mine);
  });
});

describe('a call to an upstream with DPOP=on', () => {
  it('PX-15, PX-02: carries a proof of its own, with the token’s hash and without the query, and nothing of the browser', async () => {
    const browser = await somebody();
    for (const path of ['orders?a=b', 'orders?a=b', 'orders/7']) expect((await call(browser, path)).status).toBe(200);
    expect((await call(browser, 'orders', { method: 'POST', body: 'x' })).status).toBe(200);
    const { verdicts } = orders.desk;
    expect(verdicts.map(({ valid }) => valid)).toEqual([true, true, true, true]);
    expect(verdicts.map(({ claims }) => [claims['htm'], claims['htu']])).toEqual([
      ['GET', `${orders.upstream.origin}/v2/orders`],
      ['GET', `${orders.upstream.origin}/v2/orders`],
      ['GET', `${orders.upstream.origin}/v2/orders/7`],
      ['POST', `${orders.upstream.origin}/v2/orders`],
    ]);
    expect(new Set(verdicts.map(({ claims }) => claims['jti'])).size).toBe(4);
    for (const { headers } of orders.upstream.requests) expect(JSON.stringify(headers)).not.toContain('evil');
  });

  it('PX-15, CA-15: answers a challenge once, whatever the case of its scheme, and uses the newest nonce of each upstream', async () => {
    const browser = await somebody();
    for (const scheme of ['DPoP', 'dPoP', 'DPOP']) {
      for (const { desk } of [orders, mail]) {
        desk.reset();
        Object.assign(desk, { demand: 'demanded', rotate: true, scheme });
      }
      for (const path of ['a', 'mail/a', 'a', 'mail/a']) expect((await call(browser, path)).status).toBe(200);
      for (const { desk } of [orders, mail]) {
        expect(desk.verdicts.map(({ reason }) => reason)).toEqual(['nonce', undefined, undefined]);
        expect(new Set(desk.verdicts.map(({ claims }) => claims['jti'])).size).toBe(3);
      }
    }
  });

  it('PX-15: ends where an upstream is never content, after one repetition, and shows the browser no challenge', async () => {
    const browser = await somebody();
    orders.desk.demand = 'endless';
    const answer = await call(browser, 'x');
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 'upstream-proof-refused' });
    expect(orders.upstream.requests).toHaveLength(2);
    for (const name of ['www-authenticate', 'dpop-nonce']) expect(answer.header(name)).toBeUndefined();
    expect(at.hostile.hits('refresh')).toBe(0);

    orders.desk.demand = 'off';
    orders.desk.rotate = true;
    const good = await call(browser, 'x');
    expect([good.status, good.header('dpop-nonce')]).toEqual([200, undefined]);
  });

  it.each([
    ['POST', undefined],
    ['POST', 'a small body'],
    ['PATCH', 'x'.repeat(16 * 1024)],
    ['PUT', 'a small body'],
  ])('PX-15: answers a challenge to a %s with a body that is small, with the same body', async (method, body) => {
    const browser = await somebody();
    Object.assign(orders.desk, { demand: 'demanded', rotate: true });
    expect((await call(browser, 'x', { method, ...(body === undefined ? {} : { body }) })).status).toBe(200);
    expect(orders.desk.verdicts.map(({ reason }) => reason)).toEqual(['nonce', undefined]);
    expect(orders.upstream.requests.map((request) => request.body.toString())).toEqual([body ?? '', body ?? '']);
    expect(orders.upstream.requests.map((request) => request.method)).toEqual([method, method]);
  });

  it('PX-15: keeps no body that is longer: the caller is told to send it again, and then it works', async () => {
    const browser = await somebody();
    const body = 'x'.repeat(16 * 1024 + 1);
    orders.desk.demand = 'demanded';
    const first = await call(browser, 'x', { method: 'POST', body });
    expect([first.status, first.header('retry-after')]).toEqual([503, '1']);
    expect(orders.upstream.requests).toHaveLength(1);
    expect((await call(browser, 'x', { method: 'POST', body })).status).toBe(200);
  });

  it('PX-13, PX-15: sends a POST twice for the sake of a nonce, once, and for no other reason', async () => {
    const browser = await somebody();
    const post = async () => (await call(browser, 'x', { method: 'POST', body: 'once' })).status;
    orders.desk.demand = 'endless';
    expect(await post()).toBe(503);
    expect(orders.upstream.requests).toHaveLength(2);

    orders.desk.reset();
    expect(await post()).toBe(200);
    at.world.clock.advance(60_000); // old enough to be renewed
    const token = orders.upstream.last.headers.find(([name]) => /^authorization$/i.test(name))?.[1]?.split(' ')[1];
    orders.desk.refused.add(token ?? '');
    orders.upstream.forget();
    expect(await post()).toBe(401);
    expect(orders.upstream.requests).toHaveLength(1);
  });

  it('PX-13, PX-15: a refused token is renewed once beside the one challenge, bound to the same key', async () => {
    const browser = await somebody();
    await call(browser, 'x');
    at.world.clock.advance(60_000);
    orders.desk.demand = 'demanded';
    const token = orders.upstream.last.headers.find(([name]) => /^authorization$/i.test(name))?.[1]?.split(' ')[1];
    orders.desk.refused.add(token ?? '');
    expect((await call(browser, 'x')).status).toBe(200);
    expect(at.hostile.hits('refresh')).toBe(1);
    expect(keysOf(orders.desk.verdicts).size).toBe(1);
    expect(orders.upstream.requests.length).toBeLessThanOrEqual(4);
  });

  it('sends a bearer token where the route says that its service knows no proofs', async () => {
    const browser = await somebody();
    expect((await call(browser, 'old/x')).status).toBe(401);
    const { headers } = mail.upstream.last;
    const named = new Map(headers.map(([name, value]) => [name.toLowerCase(), value]));
    expect(named.get('authorization')).toMatch(/^Bearer /);
    expect(named.has('dpop')).toBe(false);
  });

  it('PX-15: opens a WebSocket with a proof, also after a challenge', async () => {
    const browser = await somebody();
    orders.desk.demand = 'demanded';
    const page = connectTo(at.world, '/api/live', { browser });
    await new Promise((resolve, reject) => page.socket.once('open', resolve).once('error', reject));
    page.socket.close();
    expect(orders.desk.verdicts.map(({ reason }) => reason)).toEqual(['nonce', undefined]);
    expect(orders.desk.verdicts[1]?.claims).toMatchObject({ htm: 'GET', htu: `${orders.upstream.origin}/v2/live` });
  });
});

describe('a server without DPOP', () => {
  it('asks for no key and proves none', async () => {
    const plain = await startHostileWorld({ env: { API_AUDIENCE: undefined } });
    expect(sessionCookies(await plain.signIn())).toHaveLength(1);
    expect(plain.hostile.log.every(({ headers }) => headers['dpop'] === undefined)).toBe(true);
    expect(plain.hostile.log.every(({ query, body }) => !('dpop_jkt' in query) && !('dpop_jkt' in body))).toBe(true);
    await plain.close();
  });
});

describe('sessions that began before or after DPOP was switched', () => {
  it('RF-16: go on with what they have, and are bound from their next refresh on, for good', async () => {
    const signedIn = async (flow: AuthorizationFlow) => {
      const { provider } = providerFor(at.hostile, { client: { ...clientOf(at), flow }, clock: at.world.clock });
      await provider.start();
      return provider;
    };
    const [off, on] = [await signedIn(plainFlow), await signedIn({ ...plainFlow, dpop: true })];
    const first = await signInAt(off);
    expect(first.tokens.dpopKey).toBeUndefined();
    const previous = { issuer: at.hostile.issuer, subject: 'alice', authTime: undefined };
    const second = await on.refresh(first.refreshToken ?? '', { previous });
    expect(second.tokens.dpopKey).toMatch(/^[\w-]{43}$/);
    const { dpopKey } = second.tokens;
    const third = await off.refresh(second.refreshToken ?? '', { previous, dpopKey });
    expect(third.tokens.dpopKey).toBe(dpopKey);
    expect(await off.userInfo(third.tokens, 'alice')).toMatchObject({ sub: 'alice' });
    await Promise.all([off.close(), on.close()]);
  });
});

function clientOf({ hostile: { client } }: HostileWorld): ProviderOptions['client'] {
  const secret = new Secret(client.clientSecret ?? '');
  return { id: client.clientId, authMethod: 'client_secret_basic', secret, key: undefined };
}
