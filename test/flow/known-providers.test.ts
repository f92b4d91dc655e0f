/**
 * Each provider of docs/providers.md, as that page describes it, with the settings
 * that it prints: sign in, call, refresh twice, sign out. And what goes wrong there
 * without them.
 */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { type Dialect, dialects, speak } from '../support/hostile/dialects.ts';
import { startHostileProvider } from '../support/hostile-provider.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { echo, startUpstream, type Upstream } from '../support/upstream.ts';
import { client, startWorld } from '../support/world.ts';
import { HostileWorld } from './provider-world.ts';

const sections = readFileSync('docs/providers.md', 'utf8').split(/^## /m);
let upstream: Upstream;
let at: HostileWorld | undefined;

beforeAll(async () => {
  upstream = await startUpstream(echo);
});

afterAll(async () => {
  await upstream.stop();
});

/** The settings that the page prints for a provider. */
function settingsOf({ section, block = 0 }: Pick<Dialect, 'section' | 'block'>): Readonly<Record<string, string>> {
  const text = sections.find((each) => each.startsWith(`${section}\n`)) ?? '';
  const blocks = [...text.matchAll(/^```env\n([\s\S]*?)^```$/gm)].map(([, body = '']) => body.trim());
  const lines = (blocks[block] ?? '')
    .split('\n')
    .map((line) => [line.split('=', 1)[0] ?? '', line.replace(/^\w+=/, '')]);
  const settings = Object.fromEntries(lines);
  if (settings['ISSUER'] === undefined) throw new Error(`the page prints no settings for ${section}`);
  return settings;
}

/** Before a provider of that kind, with its settings, less those left out. */
async function startWith(dialect: Dialect, without: readonly string[] = []): Promise<HostileWorld> {
  const clock = new ShiftedClock();
  const clients = [{ clientId: client.id, clientSecret: client.secret }];
  const hostile = await startHostileProvider({ clients, clock, path: dialect.path });
  speak(dialect, hostile);
  const { ISSUER, END_SESSION_ENDPOINT: place, ...others } = settingsOf(dialect);
  expect(ISSUER?.endsWith('/')).toBe(dialect.slash ?? false);
  const usual = { API_AUDIENCE: undefined, SCOPES: undefined, SESSION_IDLE_TIMEOUT: '8h' };
  const moved = place === undefined || place === 'none' ? place : `${hostile.issuer}/end_session`;
  const env = { ...usual, ...others, END_SESSION_ENDPOINT: moved };
  for (const name of without) Object.assign(env, { [name]: undefined });
  const issuer = dialect.slash ? `${hostile.issuer}/` : hostile.issuer;
  at = new HostileWorld(await startWorld({ issuer, upstream: upstream.origin, env, clock }), hostile);
  upstream.forget();
  return at;
}

async function stop(): Promise<void> {
  await at?.close();
  at = undefined;
}

const errorOf = (location: string | undefined) =>
  new URL(location ?? '', 'http://localhost').searchParams.get('auth_error');

async function signedIn(somewhere: HostileWorld): Promise<Browser> {
  const browser = somewhere.world.browser();
  const answer = await somewhere.signIn(browser);
  expect(errorOf(answer.header('location'))).toBeNull();
  return browser;
}

/** What a call answered, and the token that the service behind got with it. */
async function call({ world }: HostileWorld, browser: Browser) {
  upstream.forget();
  const { status } = await browser.fetch(`${world.origin}/api/orders`, { from: `${world.origin}/` });
  const [, token] = upstream.requests[0]?.headers.find(([name]) => name.toLowerCase() === 'authorization') ?? [];
  return { status, token };
}

const spent = ({ hostile }: HostileWorld) =>
  hostile.log.flatMap(({ body }) => (body.grant_type === 'refresh_token' ? [body.refresh_token] : []));

async function signOut({ world }: HostileWorld, browser: Browser): Promise<string | null> {
  const { csrf_token } = await world.session(browser);
  const headers = { 'X-CSRF-Token': csrf_token };
  const answer = await browser.fetch(`${world.origin}/logout`, { method: 'POST', headers, from: `${world.origin}/` });
  expect(answer.status).toBe(200);
  return answer.json()['end_session_url'] as string | null; // contract of /logout
}

const leave = (browser: Browser, url: string) => browser.navigate(url, { redirect: 'manual' });
const titleOf = ({ section, block }: Dialect) => (block === undefined ? section : `${section}, block ${block + 1}`);

describe.each(dialects.map((dialect) => [titleOf(dialect), dialect] as const))('before %s', (_title, dialect) => {
  beforeAll(() => startWith(dialect));
  afterAll(stop);
  const here = () => at as HostileWorld; // started above

  it('LS-01, LS-11, RF-02, LO-06: somebody signs in, calls, has tokens refreshed twice, and signs out', async () => {
    const browser = await signedIn(here());
    const session = await here().world.session(browser);
    expect(session).toMatchObject({ authenticated: true, user: { sub: 'alice', name: 'Alice Example' } });
    const tokens = [await call(here(), browser)];
    for (let round = 0; round < 2; round += 1) {
      here().world.clock.advance((here().hostile.script.token.expiresIn + 60) * 1000);
      tokens.push(await call(here(), browser));
    }
    expect(tokens.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(tokens.map(({ token }) => token)).size).toBe(3);
    expect(new Set(spent(here())).size).toBe(dialect.keepsRefreshToken ? 1 : 2);
    expect(here().hostile.trap.connections).toBe(0);

    const url = await signOut(here(), browser);
    expect((await here().world.session(browser))['authenticated']).toBe(false);
    const names = url === null ? undefined : [...new URL(url).searchParams.keys()].toSorted();
    expect(names).toEqual(dialect.signOut);
    if (url === null) return;
    expect([...new URL(url).searchParams.values()]).not.toContainEqual(expect.stringMatching(/^eyJ/));
    const left = await leave(browser, url);
    expect(left.status).toBe(dialect.signOutStatus ?? 302);
    if (left.status === 302) expect(new URL(left.header('location') ?? '').origin).toBe(here().world.origin);
  });

  if (dialect.logoutToken === undefined) return; // it sends none

  it('LO-11, LO-14: its logout token ends the session', async () => {
    here().world.clock.advance(11_000);
    const browser = await signedIn(here());
    const { sid, user } = here().hostile.grants.at(-1) ?? {};
    const order = { sid, sub: user?.sub, ...dialect.logoutToken };
    const { status } = await here().hostile.deliverLogoutToken(`${here().world.origin}/backchannel-logout`, order);
    expect(status).toBe(200);
    expect((await here().world.session(browser))['authenticated']).toBe(false);
  });
});

describe('without the settings of the page', () => {
  const known = (section: string, block?: number) => {
    const found = dialects.find((each) => each.section === section && each.block === block);
    if (found === undefined) throw new Error(`no dialect of ${section}`);
    return found;
  };

  const refused = (section: string, without: readonly string[], reason: string) => async () => {
    const world = await startWith(known(section), without);
    const answer = await world.signIn();
    expect(errorOf(answer.header('location'))).toBe('provider_error');
    const { reason: said } = world.world.log.findLast(({ event }) => event === 'sign-in.failed') ?? {};
    expect(said).toBe(reason);
    await stop();
  };

  it('LS-11: Keycloak is asked for what nobody wants', refused('Keycloak', ['SCOPES'], 'invalid_scope'));
  it('Auth0 is asked in words it does not know', refused('Auth0', ['API_AUDIENCE_PARAMETER'], 'invalid_request'));
  it(
    'IT-04: ZITADEL names audiences that nobody trusts',
    refused('ZITADEL', ['ID_TOKEN_AUDIENCES'], 'id-token-audience'),
  );
  it(
    'CB-22: Entra ID refuses at UserInfo what is for an API',
    refused('Microsoft Entra ID', ['USER_INFO', 'USER_CLAIMS'], 'user-info-status-401'),
  );

  it(
    'IT-08: Entra ID issues its tokens five minutes back',
    refused('Microsoft Entra ID', ['ID_TOKEN_MAX_AGE'], 'id-token-issued-at'),
  );

  it('CB-22: and is not asked where the settings say so, whatever claims are missing', async () => {
    const world = await startWith(known('Microsoft Entra ID'), ['USER_CLAIMS']);
    await signedIn(world);
    expect(world.hostile.hits('userinfo')).toBe(0);
    await stop();
  });

  it('Google gives no refresh token, and the session ends with the access token', async () => {
    const world = await startWith(known('Google'), ['AUTHORIZATION_PARAMS']);
    const browser = await signedIn(world);
    expect((await call(world, browser)).status).toBe(200);
    world.world.clock.advance(400_000);
    expect((await call(world, browser)).status).toBe(401);
    await stop();
  });

  it.each([
    ['Okta', undefined, ['END_SESSION_ENDPOINT'], 400],
    ['Ory Hydra', undefined, ['END_SESSION_RETURN_PARAMETER'], 400],
    ['Amazon Cognito', undefined, ['END_SESSION_RETURN_PARAMETER'], 200],
    ['Auth0', 1, ['END_SESSION_RETURN_PARAMETER'], 200],
  ] as const)('LO-06: %s does not bring the browser back after a sign-out', async (section, block, without, status) => {
    const world = await startWith(known(section, block), without);
    const browser = await signedIn(world);
    expect((await leave(browser, (await signOut(world, browser)) ?? '')).status).toBe(status);
    await stop();
  });

  it('LO-14: a logout token of Ory Hydra is refused', async () => {
    const dialect = known('Ory Hydra');
    const world = await startWith(dialect, ['BACKCHANNEL_LOGOUT_STRICT']);
    await signedIn(world);
    const order = { sid: world.hostile.grants.at(-1)?.sid, ...dialect.logoutToken };
    expect((await world.hostile.deliverLogoutToken(`${world.world.origin}/backchannel-logout`, order)).status).toBe(
      400,
    );
    await stop();
  });

  it.each([
    [
      'LS-16: the issuer of Entra ID for every tenant',
      'Microsoft Entra ID',
      { issuer: 'http://127.0.0.1/{tenantid}/v2.0' },
    ],
    ['IT-14: authentik without a signing key', 'authentik', { id_token_signing_alg_values_supported: ['HS256'] }],
  ])('%s is not used, and /readyz says so', async (_name, section, fields) => {
    const dialect = known(section);
    const arrange: Dialect['arrange'] = (script) => Object.assign(script.metadata, { fields });
    const world = await startWith({ ...dialect, arrange });
    expect((await fetch(`${world.world.opsUrl}/readyz`)).status).toBe(503);
    expect((await world.ask('/login')).status).toBe(503);
    await stop();
  });
});

describe('an ID token with several audiences', () => {
  const zitadel = dialects.find(({ section }) => section === 'ZITADEL') as Dialect; // of the list
  const claims = (changes: object) => (script: Parameters<Dialect['arrange']>[0]) => {
    script.token.refreshToken = 'offline-access';
    script.token.claims = (honest) => ({ ...honest, azp: honest['aud'], ...changes });
  };
  const signInWith = async (changes: object) => {
    const world = await startWith({ ...zitadel, arrange: claims(changes) });
    const answer = await world.signIn();
    await stop();
    return errorOf(answer.header('location'));
  };
  const [trusted = ''] = (settingsOf(zitadel)['ID_TOKEN_AUDIENCES'] ?? '').split(' ');

  it.each([
    ['one is not trusted', { aud: [client.id, trusted, 'other'] }],
    ['none is us', { aud: [trusted] }],
    ['azp is another', { aud: [client.id, trusted], azp: trusted }],
    ['azp is not there', { aud: [client.id, trusted], azp: undefined }],
  ])('IT-04, IT-05: is refused where %s', async (_name, changes) => {
    expect(await signInWith(changes)).toBe('provider_error');
  });

  it('IT-04: is taken where all are trusted and it was issued to us', async () => {
    expect(await signInWith({ aud: [client.id, trusted] })).toBeNull();
  });
});
