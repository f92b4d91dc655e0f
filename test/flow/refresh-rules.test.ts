/**
 * What a refresh asks for, which refresh token it presents, what becomes of tokens for
 * several audiences, and what is told of a token that somebody else has used.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { echo, startUpstream, type Upstream } from '../support/upstream.ts';
import { client } from '../support/world.ts';
import { type HostileWorld, startHostileWorld } from './provider-world.ts';

let upstream: Upstream;
let at: HostileWorld;
let browser: Browser;

beforeAll(async () => {
  upstream = await startUpstream(echo);
  const rules = [
    'routes:',
    `  - { path: /api/read, upstream: ${upstream.origin}, scopes: [orders.read] }`,
    `  - { path: /api/write, upstream: ${upstream.origin}, scopes: [orders.write] }`,
    `  - { path: /api/other, upstream: ${upstream.origin}, audience: https://other.example.test }`,
  ].join('\n');
  at = await startHostileWorld({
    files: { 'rules.yaml': rules },
    env: { RULES_FILE: 'rules.yaml', API_UPSTREAM: undefined },
  });
});

afterAll(async () => {
  await at.close();
  await upstream.stop();
});

beforeEach(async () => {
  at.refresh();
  browser = at.world.browser();
  await signIn(browser);
});

async function signIn(who: Browser): Promise<void> {
  await at.signIn(who);
  expect((await call('/api/read', who)).status).toBe(200);
}

const call = (path: string, who = browser) =>
  who.fetch(at.world.origin + path, { from: `${at.world.origin}/`, method: 'GET' });

async function tokenAt(path: string, who = browser): Promise<string> {
  const answer = await call(path, who);
  expect(answer.status).toBe(200);
  const { headers } = answer.json<{ headers: readonly (readonly [string, string])[] }>();
  return headers.find(([name]) => name.toLowerCase() === 'authorization')?.[1] ?? 'none';
}

/** Past the end of access tokens, which live 300 s. */
const expire = () => at.world.clock.advance(301_000);
const refreshes = () => at.hostile.log.filter(({ endpoint }) => endpoint === 'refresh').map(({ body }) => body);
const presented = () => refreshes().map(({ refresh_token }) => refresh_token);
/** The last one that was given. */
const newest = () => [...at.hostile.issued.refreshTokens].at(-1);

describe('the refresh token that a refresh presents', () => {
  it('RF-04: is the one that the refresh before has brought, each once and in order', async () => {
    const given = [newest()];

    for (let n = 0; n < 10; n++) {
      expire();
      expect((await call('/api/read')).status).toBe(200);
      given.push(newest());
    }

    expect(presented()).toEqual(given.slice(0, 10));
    expect(new Set(given).size).toBe(11);
  });

  it.each(['omit', 'keep'] as const)(
    'RF-04: is the same again where the answer brings no other (%s)',
    async (rotation) => {
      const first = newest();
      at.hostile.script.refresh.rotation = rotation;

      for (let n = 0; n < 3; n++) {
        expire();
        expect((await call('/api/read')).status).toBe(200);
      }

      expect(presented()).toEqual([first, first, first]);
    },
  );
});

describe('the scope of a refresh', () => {
  it('RF-09: is never asked for, and what is granted anew is no more than before', async () => {
    expire();

    expect((await call('/api/read')).status).toBe(200);
    expect((await call('/api/write')).status).toBe(200);

    expect(refreshes()).toHaveLength(1);
    expect(refreshes()[0]).not.toHaveProperty('scope');
  });

  it('RF-09: that is narrower refuses the route that needs more, and no other', async () => {
    at.hostile.script.refresh.scope = 'openid offline_access orders.read';
    expire();

    const refused = await call('/api/write');
    expect(refused.status).toBe(403);
    expect(refused.json()).toMatchObject({ code: 'scope-missing' });
    expect((await call('/api/read')).status).toBe(200);
    expect(refreshes()).toHaveLength(1);
  });
});

describe('a refresh whose ID token cannot be checked', () => {
  it('RF-07: since the key set is out of reach keeps the session, its person and the new tokens', async () => {
    const first = await tokenAt('/api/read');
    at.hostile.keys.rotate();
    at.hostile.script.jwks.fault = { kind: 'instead', status: 503 };
    at.hostile.script.refresh.claims = { name: 'Somebody Else' };
    expire();

    const second = await tokenAt('/api/read');

    expect(second).not.toBe(first);
    expect(await at.world.session(browser)).toMatchObject({ authenticated: true, user: { name: 'Alice Example' } });
    at.hostile.reset();
    expire();
    expect((await call('/api/read')).status).toBe(200);
    expect(presented()).toHaveLength(1);
  });

  it('RF-08: since its key is not among those that there are ends it', async () => {
    at.hostile.script.refresh.jose = { hmac: 'spki-pem' };
    expire();

    expect((await call('/api/read')).status).toBe(401);
    expect(await at.world.session(browser)).toMatchObject({ authenticated: false });
  });
});

describe('a token for another audience', () => {
  it('RF-17: is had once for each person, and used until its own end and no longer', async () => {
    const [own, first] = [await tokenAt('/api/read'), await tokenAt('/api/other')];
    expect(first).not.toBe(own);
    expect(await tokenAt('/api/other')).toBe(first);
    expect(await tokenAt('/api/read')).toBe(own);
    expect(refreshes().map(({ resource }) => resource)).toEqual(['https://other.example.test']);

    const bob = at.world.browser();
    at.hostile.user = { sub: 'bob', claims: {} };
    await signIn(bob);
    const ofBob = await tokenAt('/api/other', bob);
    expect([own, first]).not.toContain(ofBob);
    expect(await tokenAt('/api/other')).toBe(first);

    expire();
    expect([first, ofBob]).not.toContain(await tokenAt('/api/other'));
  });

  it('RF-17: dies with the session', async () => {
    const first = await tokenAt('/api/other');
    const seen = upstream.requests.length;
    const { csrf_token } = await at.world.session(browser);
    const signedOut = await browser.fetch(`${at.world.origin}/logout?local=true`, {
      ...{ method: 'POST', headers: { 'X-CSRF-Token': csrf_token }, from: `${at.world.origin}/` },
    });
    expect(signedOut.status).toBe(204);

    expect((await call('/api/other')).status).toBe(401);

    expect(upstream.requests).toHaveLength(seen);
    await signIn(browser);
    expect(await tokenAt('/api/other')).not.toBe(first);
  });
});

describe('a refresh token that somebody else has used', () => {
  /** A thief presents it at the provider, with the client's secret. */
  async function useBySomebodyElse(token: string): Promise<void> {
    const answer = await fetch(`${at.hostile.issuer}/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${btoa(`${client.id}:${encodeURIComponent(client.secret)}`)}` },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }),
    });
    expect(answer.status).toBe(200);
  }

  const metric = async () => {
    const text = await (await fetch(`${at.world.opsUrl}/metrics`)).text();
    return Number(/^claimcheck_token_reuse_suspected_total (\d+)/m.exec(text)?.[1] ?? 0);
  };

  it('RF-14: ends the session at its next refresh, and is told as a suspicion', async () => {
    expire();
    expect((await call('/api/read')).status).toBe(200); // the provider rotates
    await useBySomebodyElse(newest() ?? '');
    const [events, count] = [at.countEvents('token.reuse-suspected'), await metric()];
    expire();

    expect((await call('/api/read')).status).toBe(401);

    expect(await at.world.session(browser)).toMatchObject({ authenticated: false });
    expect(at.countEvents('token.reuse-suspected')).toBe(events + 1);
    expect(await metric()).toBe(count + 1);
    await eventually(() => at.hostile.grants.at(-1)?.revoked === true);
    await signIn(browser);
  });

  it('RF-14: is not suspected of a provider that was never seen to rotate, nor after a sign-out', async () => {
    at.hostile.script.refresh.rotation = 'keep';
    const events = at.countEvents('token.reuse-suspected');
    at.hostile.script.refresh.fault = { kind: 'instead', status: 400, json: { error: 'invalid_grant' } };
    expire();

    expect((await call('/api/read')).status).toBe(401);

    expect(at.countEvents('token.reuse-suspected')).toBe(events);
    expect(at.countEvents('token.refresh-failed')).toBeGreaterThan(0);
  });
});
