/**
 * A grant that is answered after the session has ended: what it brings belongs to
 * nobody, on whichever of two instances it was asked for and the end took place.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { createGate } from '../support/hostile/fault.ts';
import { echo, startUpstream, type Upstream } from '../support/upstream.ts';
import type { World } from '../support/world.ts';
import { type SignedIn, startTwins, type Twins } from './twin-worlds.ts';

let twins: Twins;
let upstream: Upstream;

beforeAll(async () => {
  upstream = await startUpstream(echo);
  twins = await startTwins({ upstream: upstream.origin });
});

afterAll(async () => {
  await twins.close();
  await upstream.stop();
});

beforeEach(() => {
  twins.hostile.reset();
  twins.clock.advance(11_000); // past the limit of sign-ins
});

const get = (world: World, browser: Browser) => browser.fetch(`${world.origin}/api/x`, { from: `${world.origin}/` });
const refreshTokens = () => [...twins.hostile.issued.refreshTokens];
const revoked = () =>
  twins.hostile.log.filter(({ endpoint }) => endpoint === 'revoke').map(({ body }) => body['token']);

async function send(world: World, { method, path }: { method: string; path: string }, browser: Browser): Promise<void> {
  const { csrf_token } = await world.session(browser);
  const headers = { 'X-CSRF-Token': csrf_token };
  const answer = await browser.fetch(world.origin + path, { method, headers, from: `${world.origin}/` });
  expect(answer.status).toBe(204);
}

/** Somebody whose refresh the provider is busy with at the first instance, and what lets it answer. */
async function refreshing() {
  const person = await twins.signIn();
  const other = await twins.signIn();
  const known = refreshTokens();
  const gate = createGate();
  twins.hostile.script.refresh.fault = gate.fault;
  twins.clock.advance(301_000);
  const call = get(twins.first, person.browser);
  // The provider has decided by now; its answer is on its way until the gate is opened.
  await eventually(() => refreshTokens().length === known.length + 1);
  return { person, other, late: refreshTokens().at(-1), call, open: () => gate.open() };
}

type Refreshing = Awaited<ReturnType<typeof refreshing>>;

async function backChannel({ sid }: SignedIn, at: World): Promise<void> {
  const { status } = await twins.hostile.deliverLogoutToken(`${at.origin}/backchannel-logout`, { sid });
  expect(status).toBe(200);
}

const ends: readonly [string, (scene: Refreshing, at: World) => Promise<void>][] = [
  [
    'the person signs out',
    ({ person }, at) => send(at, { method: 'POST', path: '/logout?local=true' }, person.browser),
  ],
  [
    'another device ends the session',
    async ({ person, other }, at) => {
      const { id } = (await at.session(person.browser))['session'] as { id: string };
      await send(at, { method: 'DELETE', path: `/sessions/${id}` }, other.browser);
    },
  ],
];

describe.each(ends)('tokens that come after %s', (_what, end) => {
  it.each(['first', 'second'] as const)(
    'RF-13, LO-04: are revoked and never written, ended at the %s instance',
    async (at) => {
      const scene = await refreshing();

      await end(scene, twins[at]);
      expect((await get(twins.second, scene.person.browser)).status).toBe(401);
      scene.open();

      expect((await scene.call).status).toBe(401);
      await eventually(() => expect(revoked()).toContain(scene.late));
      expect(twins.hostile.grants.find(({ sid }) => sid === scene.person.sid)).toMatchObject({ revoked: true });
      for (const world of [twins.first, twins.second]) {
        expect((await get(world, scene.person.browser)).status).toBe(401);
      }
      twins.hostile.script.refresh.fault = undefined;
      expect((await get(twins.first, scene.other.browser)).status).toBe(200); // the control: nobody else is touched
    },
  );
});

describe('tokens that come after the provider has signed the person out', () => {
  it.each([
    ['are revoked where they are not for offline access', 'openid profile email', true],
    ['are left to the provider where they are', undefined, false],
  ])('LO-19: %s', async (_what, scope, isRevoked) => {
    twins.hostile.script.token.scope = scope;
    const scene = await refreshing();

    await backChannel(scene.person, twins.second);
    scene.open();

    expect((await scene.call).status).toBe(401);
    if (isRevoked) await eventually(() => expect(revoked()).toContain(scene.late));
    twins.hostile.script.refresh.fault = undefined;
    expect((await get(twins.first, scene.other.browser)).status).toBe(200);
    if (!isRevoked) expect(revoked()).toEqual([]);
  });
});

describe('tokens that come after the person has proven again who they are', () => {
  it('SE-09, RF-13: are not revoked, since that may end the grant of the new session', async () => {
    const { person, call, open } = await refreshing();

    await person.browser.navigate(`${twins.first.origin}/login?prompt=login`, { from: `${twins.first.origin}/` });
    expect((await get(twins.second, person.browser)).status).toBe(200);
    open();

    expect((await call).status).toBe(401);
    twins.hostile.script.refresh.fault = undefined;
    twins.clock.advance(301_000);
    expect((await get(twins.second, person.browser)).status).toBe(200);
    expect(revoked()).toEqual([]);
  });
});
