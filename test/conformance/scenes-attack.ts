/**
 * Scenes of the attacks that take more than one faulty answer.
 *
 * @module
 */

import { expect } from 'vitest';
import { sessionCookies } from '../flow/provider-world.ts';
import type { Browser } from '../support/browser.ts';
import type { Answer } from '../support/browser-answer.ts';
import { claims, fields, jose } from '../unit/oidc/token-faults.ts';
import { type Stage, startStage } from './stage.ts';
import { both, metadata, response, userinfo } from './switches.ts';

const userOf = async ({ at }: Stage, browser: Browser) => (await at.world.session(browser))['user'];

function expectError({ at }: Stage, { answer, error }: { answer: Answer; error: string }): void {
  expect(answer.status).toBe(303);
  expect(new URL(answer.header('location') ?? '', at.world.origin).searchParams.get('auth_error')).toBe(error);
  expect(sessionCookies(answer)).toEqual([]);
}

/** UserInfo with the names of somebody else: shown as given, while `sub` says who it is. */
export async function otherNames(stage: Stage): Promise<void> {
  const browser = await stage.accept(userinfo({ fields: { name: 'Victim', email: 'victim@example.test' } }));
  expect(await userOf(stage, browser)).toHaveProperty('sub', 'alice');
  expect((await stage.deliver({ sub: 'victim' })).status).toBe(200);
  expect(await stage.isSignedIn(browser)).toBe(true);
  expect((await stage.deliver({ sub: 'alice' })).status).toBe(200);
  expect(await stage.isSignedIn(browser)).toBe(false);
}

/** What stands in the JOSE header says nothing about the person. */
export async function claimsInHeader(stage: Stage): Promise<void> {
  const header = { iss: 'https://evil.test', sub: 'victim', aud: 'another-client' };
  const browser = await stage.accept(jose({ header }));
  expect(await userOf(stage, browser)).toHaveProperty('sub', 'alice');
}

/** Two sign-ins of one browser: neither takes the answer of the other. */
export async function twoSignIns(stage: Stage): Promise<void> {
  stage.at.refresh();
  const { hostile, world } = stage.at;
  const browser = world.browser();
  const first = await stage.at.upToCallback(browser);
  const second = await stage.at.upToCallback(browser);
  const mixed = new URL(second);
  mixed.searchParams.set('code', first.searchParams.get('code') ?? '');
  expectError(stage, { answer: await stage.at.land(browser, mixed), error: 'provider_error' });
  expect(hostile.hits('userinfo')).toBe(0);
  expect(await stage.isSignedIn(browser)).toBe(false);

  stage.at.refresh();
  const [early, late] = [await stage.at.upToCallback(browser), await stage.at.upToCallback(browser)];
  expect(sessionCookies(await stage.at.land(browser, late))).toHaveLength(1);
  expect(sessionCookies(await stage.at.land(browser, early))).toHaveLength(1);
  expect(await stage.isSignedIn(browser)).toBe(true);
}

/** An attacker’s whole answer, opened by a victim: the code is not redeemed, the victim’s own sign-in begins anew, once. */
export async function stateOfAnother(stage: Stage): Promise<void> {
  stage.at.refresh();
  const { hostile, world } = stage.at;
  const [attacker, victim] = [world.browser(), world.browser()];
  hostile.user = { sub: 'mallory' };
  const callback = await stage.at.upToCallback(attacker);
  hostile.user = { sub: 'alice' };
  await stage.at.upToCallback(victim);
  const answer = await stage.at.land(victim, callback);
  expect(answer.status).toBe(303);
  expect(answer.header('location')).toBe('/login?return_to=/&attempt=1');
  expect(sessionCookies(answer)).toEqual([]);
  expect(hostile.hits('token')).toBe(0);
  expect(await stage.isSignedIn(victim)).toBe(false);

  const again = await stage.at.upToCallback(victim, '?return_to=/&attempt=1');
  expect(sessionCookies(await stage.at.land(victim, again))).toHaveLength(1);
  expect(await userOf(stage, victim)).toHaveProperty('sub', 'alice');
  expect(sessionCookies(await stage.at.land(attacker, callback))).toHaveLength(1);
  expect(await userOf(stage, attacker)).toHaveProperty('sub', 'mallory');
}

/** The code of another browser under the victim's own state. */
export async function codeOfAnother(stage: Stage): Promise<void> {
  stage.at.refresh();
  const { hostile, world } = stage.at;
  const [attacker, victim] = [world.browser(), world.browser()];
  const stolen = await stage.at.upToCallback(attacker);
  const callback = await stage.at.upToCallback(victim);
  const own = String(callback);
  callback.searchParams.set('code', stolen.searchParams.get('code') ?? '');
  expectError(stage, { answer: await stage.at.land(victim, callback), error: 'provider_error' });
  expect(hostile.hits('userinfo')).toBe(0);
  expect(await stage.isSignedIn(victim)).toBe(false);
  expect(sessionCookies(await stage.at.land(victim, own))).toEqual([]); // the state is spent
  expect(await stage.isSignedIn(await stage.accept())).toBe(true);
}

/** A weaker way of signing in than was asked for, and none named at all. */
export async function lowerAcr(stage: Stage): Promise<void> {
  for (const acr of ['weak', undefined]) {
    stage.at.refresh();
    claims({ acr })(stage.at.hostile.script, stage.at.hostile);
    const browser = stage.at.world.browser();
    const answer = await stage.at.signIn(browser, '?acr_values=strong');
    expectError(stage, { answer, error: 'acr_not_met' });
    expect(stage.at.hostile.hits('userinfo')).toBe(0);
    expect(await stage.isSignedIn(browser)).toBe(false);
  }
  stage.at.refresh();
  expect(sessionCookies(await stage.at.signIn(stage.at.world.browser(), '?acr_values=strong'))).toHaveLength(1);
}

/** A token of ten years does not make a session of ten years. */
export async function tenYears(): Promise<void> {
  const stage = await startStage({ env: { SESSION_LIFETIME: '1h', SESSION_IDLE_TIMEOUT: '1h' } });
  const browser = await stage.accept(fields({ expires_in: 315_360_000 }));
  stage.at.world.clock.advance(3_590_000);
  expect(await stage.isSignedIn(browser)).toBe(true);
  stage.at.world.clock.advance(20_000);
  expect(await stage.isSignedIn(browser)).toBe(false);
  await stage.at.close();
}

/** A provider that does not say S256 gets it all the same, and nothing rests on it alone. */
export async function silentAboutS256(): Promise<void> {
  const silent = metadata(() => ({ code_challenge_methods_supported: undefined }));
  const stage = await startStage({ arrange: silent });
  await stage.accept();
  const [request] = stage.at.hostile.log.filter(({ endpoint }) => endpoint === 'authorize');
  expect(request?.query).toMatchObject({ code_challenge_method: 'S256', state: expect.any(String) });
  const row = { module: '', does: '', shows: '' };
  await stage.refuse({ ...row, refused: both(silent, claims({ nonce: 'another' })), reason: 'id-token-claim-nonce' });
  await stage.refuse({
    ...row,
    refused: both(silent, response({ state: 'another' })),
    error: 'state_mismatch',
    reason: 'state-not-ours',
    beforeToken: true,
  });
  await stage.at.close();
}

/** `iss` in the response although the metadata do not announce it: it must be right where it is there. */
export async function unannouncedIssuer(): Promise<void> {
  const silent = metadata(() => ({ authorization_response_iss_parameter_supported: undefined }));
  const stage = await startStage({ arrange: silent });
  await stage.accept(silent);
  await stage.accept(both(silent, response({ iss: undefined })));
  await stage.refuse({
    ...{ module: '', does: '', shows: '' },
    refused: both(silent, response({ iss: 'https://evil.test' })),
    reason: 'issuer-differs',
    beforeToken: true,
  });
  await stage.at.close();
}
