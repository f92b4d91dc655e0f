/**
 * Scenes of the refresh and the logout plans: what becomes of a session that
 * began well.
 *
 * @module
 */

import { expect } from 'vitest';
import type { Browser } from '../support/browser.ts';
import type { Script } from '../support/hostile/script.ts';
import { startUpstream } from '../support/upstream.ts';
import { type Stage, startStage } from './stage.ts';

const refreshes = ({ at }: Stage) => at.hostile.log.filter(({ endpoint }) => endpoint === 'refresh');
const sidOf = ({ at }: Stage) => at.hostile.grants.at(-1)?.sid;

const call = ({ at: { world } }: Stage, browser: Browser) =>
  browser.fetch(`${world.origin}/api/orders`, { from: `${world.origin}/` });

/** The upstream got tokens in this order. */
async function withUpstream(status: number, play: (stage: Stage, seen: () => readonly string[]) => Promise<void>) {
  const upstream = await startUpstream(() => ({ status, body: '' }));
  const stage = await startStage({ upstream: upstream.origin });
  const seen = () =>
    upstream.requests.map(({ headers }) => headers.find(([name]) => /^authorization$/i.test(name))?.[1] ?? '');
  try {
    await play(stage, seen);
  } finally {
    await stage.at.close();
    await upstream.stop();
  }
}

/** An access token that ended is renewed, and the new one goes upstream. */
export async function refresh(): Promise<void> {
  await withUpstream(200, async (stage, seen) => {
    const browser = await stage.accept();
    expect((await call(stage, browser)).status).toBe(200);
    stage.at.world.clock.advance(301_000);
    expect((await call(stage, browser)).status).toBe(200);

    expect(refreshes(stage)).toHaveLength(1);
    expect(seen()).toEqual([...stage.at.hostile.issued.accessTokens].map((token) => `Bearer ${token}`));
    expect(await stage.isSignedIn(browser)).toBe(true);
  });
}

async function refuseRefresh(claims: NonNullable<Script['refresh']['claims']>): Promise<void> {
  await withUpstream(200, async (stage, seen) => {
    const browser = await stage.accept();
    stage.at.hostile.script.refresh.claims = claims;
    stage.at.world.clock.advance(301_000);
    const answer = await call(stage, browser);

    expect(answer.status).toBe(401);
    expect(answer.json()).toMatchObject({ code: 'session-ended' });
    expect(await stage.isSignedIn(browser)).toBe(false);
    expect(seen()).toEqual([]);
    expect(refreshes(stage)).toHaveLength(1);
  });
  await refresh();
}

/** The refreshed ID token is of another issuer. */
export const otherIssuer = (): Promise<void> => refuseRefresh({ iss: 'https://evil.test' });

/** The refreshed ID token is of another person. */
export const otherPerson = (): Promise<void> => refuseRefresh({ sub: 'mallory' });

/** The refreshed ID token tells of another sign-in than the first did. */
export const otherAuthTime = (): Promise<void> =>
  refuseRefresh((honest) => ({ ...honest, auth_time: Number(honest['iat']) - 3_600 }));

/** The refreshed ID token has a nonce that was never sent. */
export const otherNonce = (): Promise<void> => refuseRefresh({ nonce: 'another' });

/** Two refreshes, each with the token given last, while the service refuses every access token. */
export async function twoRefreshes(): Promise<void> {
  await withUpstream(401, async (stage, seen) => {
    const browser = await stage.accept();
    for (const nth of [1, 2]) {
      stage.at.world.clock.advance(301_000);
      expect((await call(stage, browser)).status).toBe(401);
      expect(refreshes(stage).length).toBeGreaterThanOrEqual(nth);
    }
    const given = [...stage.at.hostile.issued.refreshTokens];
    const spent = refreshes(stage).map(({ body }) => body.refresh_token);
    expect(spent).toEqual(given.slice(0, spent.length));
    expect(seen().at(-1)).toBe(`Bearer ${[...stage.at.hostile.issued.accessTokens].at(-1)}`);
  });
}

/** The provider tells us by the back channel. */
export async function backChannel(stage: Stage): Promise<void> {
  const ended = await stage.accept();
  const sid = sidOf(stage);
  const other = await stage.accept();
  const answer = await stage.deliver({ sid });
  expect(answer.status).toBe(200);
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(await stage.isSignedIn(ended)).toBe(false);
  expect(await stage.isSignedIn(other)).toBe(true);
}

/** A logout token of a person is good for once: the session that began since is not ended by it. */
export async function twice(stage: Stage): Promise<void> {
  await stage.accept();
  const token = stage.at.hostile.logoutToken({ sub: 'alice' });
  expect((await stage.deliver(token)).status).toBe(200);
  const browser = await stage.accept();
  expect((await stage.deliver(token)).status).toBe(400);
  expect(await stage.isSignedIn(browser)).toBe(true);
  expect((await stage.deliver({ sub: 'alice' })).status).toBe(200);
  expect(await stage.isSignedIn(browser)).toBe(false);
}

/** ID token, access token and refresh token, posted as logout tokens. */
export async function otherTokens(stage: Stage): Promise<void> {
  const browser = await stage.accept((script) => {
    script.token.accessTokenFormat = 'jwt';
  });
  const { idTokens, accessTokens, refreshTokens } = stage.at.hostile.issued;
  const tokens = [...idTokens, ...accessTokens, ...refreshTokens];
  expect(tokens).toHaveLength(3);
  for (const token of tokens) expect((await stage.deliver(token)).status).toBe(400);
  expect(await stage.isSignedIn(browser)).toBe(true);
  expect((await stage.deliver({ sid: sidOf(stage) })).status).toBe(200);
  expect(await stage.isSignedIn(browser)).toBe(false);
}

/** A good logout token, in a form that is not the one of the standard. */
export async function otherForm(stage: Stage): Promise<void> {
  const browser = await stage.accept();
  const { hostile, world } = stage.at;
  const token = hostile.logoutToken({ sid: sidOf(stage) });
  const form = 'application/x-www-form-urlencoded';
  const bodies: readonly (readonly [string, string, number])[] = [
    [form, `logout_token=${token}&logout_token=${token}`, 400],
    ['application/json', JSON.stringify({ logout_token: token }), 400],
    [form, `logout_token=${token}&padding=${'x'.repeat(1_000_000)}`, 413],
  ];
  for (const [type, body, status] of bodies) {
    const post = { method: 'POST', headers: { 'Content-Type': type }, body };
    expect((await fetch(`${world.origin}/backchannel-logout`, post)).status).toBe(status);
  }
  expect(await stage.isSignedIn(browser)).toBe(true);
  expect((await stage.deliver(token)).status).toBe(200);
  expect(await stage.isSignedIn(browser)).toBe(false);
}

const frame = ({ at: { world } }: Stage, parameters: Readonly<Record<string, string>>) =>
  fetch(`${world.origin}/frontchannel-logout?${new URLSearchParams(parameters)}`, {
    headers: { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' },
  });

/** A frame of the provider ends the session it names, and only with both names. */
export async function frontChannel(stage: Stage): Promise<void> {
  const browser = await stage.accept();
  const { issuer } = stage.at.hostile;
  const sid = sidOf(stage) ?? '';
  await frame(stage, { iss: 'https://evil.test', sid });
  await frame(stage, { iss: issuer, sid: 'another' });
  expect(await stage.isSignedIn(browser)).toBe(true);
  expect((await frame(stage, { iss: issuer, sid })).status).toBe(200);
  expect(await stage.isSignedIn(browser)).toBe(false);
}

/** Signs out by the page; gives the address of the provider that the page goes to. */
async function signOut({ at: { world } }: Stage, browser: Browser): Promise<string> {
  const { csrf_token } = await world.session(browser);
  const answer = await browser.fetch(`${world.origin}/logout`, {
    method: 'POST',
    headers: { 'X-CSRF-Token': csrf_token },
    from: `${world.origin}/`,
  });
  expect(answer.status).toBe(200);
  return String(answer.json()['end_session_url']);
}

/** The provider frames us although we began it. */
export async function frontChannelWhileSigningOut(stage: Stage): Promise<void> {
  const browser = await stage.accept();
  const sid = sidOf(stage) ?? '';
  expect(await stage.at.world.session(browser)).toHaveProperty('authenticated', true);
  await signOut(stage, browser);
  const answer = await frame(stage, { iss: stage.at.hostile.issuer, sid });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('cache-control')).toContain('no-store');
  expect(await stage.isSignedIn(browser)).toBe(false);
}

/** Back from the provider, whatever it says about `state`: signed out, at our own page. */
export function returnWith(parameters: Script['endSession']['parameters']): (stage: Stage) => Promise<void> {
  return async (stage) => {
    const browser = await stage.accept();
    const { hostile, world } = stage.at;
    hostile.script.endSession.parameters = parameters;
    const landed = await browser.navigate(await signOut(stage, browser), { from: `${world.origin}/` });
    expect(hostile.hits('endSession')).toBe(1);
    expect(landed.status).toBe(200);
    expect(new URL(landed.url).origin).toBe(world.origin);
    expect(new URL(landed.url).pathname).toBe('/');
    expect(hostile.trap.connections).toBe(0);
    expect(await stage.isSignedIn(browser)).toBe(false);
  };
}
