/**
 * Which token goes to which upstream, by route: the person's, the client's own, one
 * by exchange, or none.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { oauthFault } from '../support/hostile/fault.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { type HostileWorld, startHostileWorld } from './provider-world.ts';

let upstream: Upstream;
let at: HostileWorld;
let refusing: string | undefined;

const rules = (origin: string) => `
routes:
  - { path: /api/user, upstream: ${origin} }
  - { path: /api/client, upstream: ${origin}, token: client, audience: "https://ledger.example", scopes: [ledger.read] }
  - { path: /api/other-client, upstream: ${origin}, token: client, audience: "https://mail.example", scopes: [ledger.read] }
  - { path: /api/exchange, upstream: ${origin}, token: exchange, audience: "https://orders.example", scopes: [orders.read] }
  - { path: /api/none, upstream: ${origin}, token: none }
  - { path: /api/open, upstream: ${origin}, access: public, token: client, audience: "https://ledger.example", scopes: [ledger.read] }
`;

beforeAll(async () => {
  upstream = await startUpstream(({ headers }) => {
    const sent = headers.find(([name]) => name.toLowerCase() === 'authorization')?.[1];
    return refusing !== undefined && sent === refusing
      ? { status: 401, headers: [['WWW-Authenticate', 'Bearer error="invalid_token"']] }
      : { body: 'ok' };
  });
  at = await startHostileWorld({
    env: { RULES_FILE: 'rules.yaml', API_AUDIENCE: undefined },
    files: { 'rules.yaml': rules(upstream.origin) },
  });
});

beforeEach(() => {
  at.refresh();
  upstream.forget();
  refusing = undefined;
});

afterAll(async () => {
  await at.close();
  await upstream.stop();
});

async function somebody(): Promise<Browser> {
  const browser = at.world.browser();
  await at.signIn(browser);
  return browser;
}

const call = async (browser: Browser, path: string) =>
  (await browser.fetch(`${at.world.origin}/api/${path}`, { from: `${at.world.origin}/` })).status;
const sent = () =>
  upstream.requests.map(({ headers }) => headers.find(([name]) => name.toLowerCase() === 'authorization')?.[1]);
const grantsOf = (type: string) => at.hostile.log.filter(({ body }) => body.grant_type === type);
const exchangeType = 'urn:ietf:params:oauth:grant-type:token-exchange';
const forWhom = (authorization: string | undefined) => {
  const [kind, resource = ''] = (authorization ?? '').replace(/^Bearer /, '').split('.');
  return [kind, Buffer.from(resource, 'base64url').toString()];
};

describe('a route with token: client', () => {
  it('sends the client’s own token for its audience, asked for once for everybody, and never a person’s', async () => {
    const [alice, bob] = [await somebody(), await somebody()];
    for (const browser of [alice, bob]) expect(await call(browser, 'client')).toBe(200);
    expect(await call(alice, 'other-client')).toBe(200);

    const [first, second, third] = sent();
    expect(forWhom(first)).toEqual(['client-token', 'https://ledger.example']);
    expect(second).toBe(first);
    expect(forWhom(third)).toEqual(['client-token', 'https://mail.example']);
    const asked = grantsOf('client_credentials');
    expect(asked.map(({ body }) => [body.resource, body.scope])).toEqual([
      ['https://ledger.example', 'ledger.read'],
      ['https://mail.example', 'ledger.read'],
    ]);
  });

  it('asks who it is unless it is public, and then sends the same token for everybody', async () => {
    const stranger = at.world.browser();
    expect(await call(stranger, 'client')).toBe(401);
    expect(sent()).toEqual([]);
    expect(await call(stranger, 'open')).toBe(200);
    expect(forWhom(sent()[0])).toEqual(['client-token', 'https://ledger.example']);
  });

  it('asks again once the upstream refuses the token, and once it has expired', async () => {
    const browser = await somebody();
    await call(browser, 'client');
    refusing = sent()[0];
    upstream.forget();
    expect(await call(browser, 'client')).toBe(200);
    expect(sent()).toHaveLength(2);
    expect(sent()[1]).not.toBe(refusing);

    const before = grantsOf('client_credentials').length;
    at.world.clock.advance(299_000);
    expect(await call(await somebody(), 'client')).toBe(200);
    expect(grantsOf('client_credentials')).toHaveLength(before + 1);
  });

  it('answers 503 while the provider is away, asks it once a second at most, and recovers', async () => {
    const browser = await somebody();
    at.world.clock.advance(400_000);
    at.hostile.script.token.status = 503;
    const fresh = await browserAgain(browser);
    for (let i = 0; i < 5; i++) expect(await call(fresh, 'client')).toBe(503);
    expect(grantsOf('client_credentials')).toHaveLength(1);
    at.hostile.script.token.status = undefined;
    at.world.clock.advance(1_001);
    expect(await call(fresh, 'client')).toBe(200);
  });
});

// The session lives; only the token of the client has expired.
async function browserAgain(browser: Browser): Promise<Browser> {
  expect(await call(browser, 'user')).toBe(200);
  upstream.forget();
  return browser;
}

describe('a route with token: exchange', () => {
  it('sends what the person’s own token was exchanged for: one for each session, held as long as that token is', async () => {
    const [alice, bob] = [await somebody(), await somebody()];
    for (const browser of [alice, alice, bob]) expect(await call(browser, 'exchange')).toBe(200);

    const [first, second, third] = sent();
    expect(forWhom(first)).toEqual(['exchanged', 'https://orders.example']);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    const asked = grantsOf(exchangeType);
    expect(asked).toHaveLength(2);
    expect(new Set(asked.map(({ body }) => body.subject_token)).size).toBe(2);
    expect(asked[0]?.body).toMatchObject({ resource: 'https://orders.example', scope: 'orders.read' });
  });

  it('exchanges the new token after a refresh, and never sends the old result', async () => {
    const browser = await somebody();
    at.hostile.script.token.fields = { expires_in: 3_600 }; // it outlives what it was made from
    await call(browser, 'exchange');
    const [old] = sent();
    upstream.forget();
    at.world.clock.advance(301_000);
    expect(await call(browser, 'exchange')).toBe(200);
    expect(sent()[0]).not.toBe(old);
    const [before, after] = grantsOf(exchangeType).map(({ body }) => body.subject_token);
    expect(after).not.toBe(before);
  });

  it('is 502 when the provider refuses, sends no token then, and least of all the person’s own', async () => {
    const browser = await somebody();
    at.hostile.script.token.fields = { error: 'invalid_target' };
    at.hostile.script.token.status = 400;
    expect(await call(browser, 'exchange')).toBe(502);
    expect(sent()).toEqual([]);
    at.hostile.script.token.fields = undefined;
    at.hostile.script.token.status = undefined;
    at.world.clock.advance(1_001);
    expect(await call(browser, 'exchange')).toBe(200);
  });

  describe('whose token the provider does not know any more', () => {
    /** Exchanges of these tokens are refused; everything else is honest. */
    const refuse = (isRefused: (subject: string) => boolean, error = 'invalid_grant') => {
      at.hostile.script.token.fault = ({ body }) =>
        body.grant_type === exchangeType && isRefused(body.subject_token ?? '') ? oauthFault(error) : undefined;
    };
    const refreshes = () => grantsOf('refresh_token').length;

    it.each(['invalid_grant', 'invalid_request', 'invalid_token'])(
      'RF-04: is renewed once and exchanged again, whether that is called %s',
      async (error) => {
        const browser = await somebody();
        at.world.clock.advance(61_000); // old enough for another to be of use
        expect(await call(browser, 'user')).toBe(200);
        const [own = ''] = sent();
        refuse((subject) => own === `Bearer ${subject}`, error);
        upstream.forget();

        expect(await call(browser, 'exchange')).toBe(200);

        expect(forWhom(sent()[0])).toEqual(['exchanged', 'https://orders.example']);
        expect(refreshes()).toBe(1);
        const [first, second] = grantsOf(exchangeType).map(({ body }) => body.subject_token);
        expect(`Bearer ${first}`).toBe(own);
        expect(second).not.toBe(first);
      },
    );

    it('RF-04: is 502 when the new one is refused, too, and is not renewed again and again', async () => {
      const browser = await somebody();
      at.world.clock.advance(61_000);
      refuse(() => true);
      expect(await call(browser, 'exchange')).toBe(502);
      expect(refreshes()).toBe(1);
      expect(grantsOf(exchangeType)).toHaveLength(2);
      for (let round = 0; round < 3; round += 1) {
        at.world.clock.advance(1_100);
        expect(await call(browser, 'exchange')).toBe(502);
      }
      expect(refreshes()).toBe(1);
      expect(sent()).toEqual([]);
      refuse(() => false);
      at.world.clock.advance(1_100);
      expect(await call(browser, 'exchange')).toBe(200);
    });

    it('RF-06: ends the session when the provider does not know its refresh token either', async () => {
      const browser = await somebody();
      at.world.clock.advance(61_000);
      refuse(() => true);
      at.hostile.script.refresh.fault = oauthFault('invalid_grant');
      expect(await call(browser, 'exchange')).toBe(401);
      expect((await at.world.session(browser))['authenticated']).toBe(false);
    });

    it('RF-07: is 503 while no new one can be had, and nobody is signed out', async () => {
      const browser = await somebody();
      at.world.clock.advance(61_000);
      refuse(() => true);
      at.hostile.script.refresh.fault = { kind: 'instead', status: 503 };
      expect(await call(browser, 'exchange')).toBe(503);
      expect((await at.world.session(browser))['authenticated']).toBe(true);
    });

    it('is not renewed for a refusal that has nothing to do with it', async () => {
      const browser = await somebody();
      at.world.clock.advance(61_000);
      refuse(() => true, 'invalid_target');
      expect(await call(browser, 'exchange')).toBe(502);
      expect(refreshes()).toBe(0);
    });
  });

  it('refuses an answer that is no access token', async () => {
    const browser = await somebody();
    at.hostile.script.token.fields = { issued_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' };
    expect(await call(browser, 'exchange')).toBe(502);
    expect(sent()).toEqual([]);
  });
});

describe('the other routes', () => {
  it('PX-12: send the person’s own token, or none, and no upstream gets one that was meant for another', async () => {
    const browser = await somebody();
    for (const path of ['user', 'none', 'client', 'exchange']) expect(await call(browser, path)).toBe(200);
    const [user, none, client, exchanged] = sent();
    expect(at.hostile.issued.accessTokens.has((user ?? '').replace(/^Bearer /, ''))).toBe(true);
    expect(none).toBeUndefined();
    expect(new Set([user, client, exchanged]).size).toBe(3);
  });
});
