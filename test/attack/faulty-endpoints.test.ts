/**
 * Every endpoint of the provider, each slow, refusing, broken, or no provider at all:
 * what becomes of whoever needed it. An outage signs nobody in and nobody out, and is
 * over as soon as it is over.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type HostileWorld, sessionCookies, startHostileWorld } from '../flow/provider-world.ts';
import type { Browser } from '../support/browser.ts';
import type { Fault } from '../support/hostile/fault.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { echo, startUpstream, type Upstream } from '../support/upstream.ts';

const limitMs = 400;
const env = { API_AUDIENCE: undefined, PROVIDER_TIMEOUT: `${limitMs}ms`, USER_CLAIMS: 'name email nickname' };

/** Faults by name; the address of the trap is known later. */
const faults: readonly (readonly [string, (trap: string) => Fault])[] = [
  ['slow', () => ({ kind: 'drip', everyMs: 60 })],
  ['silent', () => ({ kind: 'hang', at: 'before-headers' })],
  ['answering 429', () => ({ kind: 'instead', status: 429, headers: { 'retry-after': '1' } })],
  ['answering 500', () => ({ kind: 'instead', status: 500, body: 'oops' })],
  ['a page', () => ({ kind: 'html' })],
  ['huge', () => ({ kind: 'huge', bytes: 8_000_000 })],
  ['redirecting', (trap) => ({ kind: 'redirect', to: `${trap}/elsewhere` })],
  ['half-closed', () => ({ kind: 'half-close' })],
];

let upstream: Upstream;
let at: HostileWorld;

beforeAll(async () => {
  upstream = await startUpstream(echo);
  at = await startHostileWorld({ upstream: upstream.origin, env, hostile: { par: true } });
});

beforeEach(() => {
  at.refresh();
  at.world.clock.advance(60_000); // past every pause after a failure
});

afterAll(async () => {
  await at.close();
  await upstream.stop();
});

type Place = 'jwks' | 'par' | 'token' | 'refresh' | 'userinfo' | 'revoke';

function spoil(place: Place, make: (trap: string) => Fault): void {
  at.hostile.script[place].fault = make(at.hostile.trap.url);
}

function mend(place: Place): void {
  at.hostile.script[place].fault = undefined;
  at.world.clock.advance(61_000);
}

async function signIn(): Promise<{ readonly browser: Browser; readonly told: string | null }> {
  const browser = at.world.browser();
  const answer = await at.signIn(browser);
  const told = new URL(answer.header('location') ?? '', at.world.origin).searchParams.get('auth_error');
  expect(sessionCookies(answer)).toHaveLength(told === null ? 1 : 0);
  return { browser, told };
}

/** A call as the page makes it, and how long it took. */
async function call(browser: Browser) {
  const began = performance.now();
  const answer = await browser.fetch(`${at.world.origin}/api/orders`, { from: `${at.world.origin}/` });
  return { answer, tookMs: performance.now() - began };
}

const isSignedIn = async (browser: Browser) => (await at.world.session(browser))['authenticated'] === true;

describe.each(faults)('an endpoint that is %s', (_name, make) => {
  it('LS-15, ER-08: for pushed requests: no sign-in begins, 503, and nothing goes another way', async () => {
    spoil('par', make);
    const answer = await at.ask('/login');
    expect(answer.status).toBe(503);
    expect(answer.header('location')).toBeUndefined();
    expect(answer.header('retry-after')).toMatch(/^[1-9]\d*$/);
    mend('par');
    expect((await signIn()).told).toBeNull();
    expect(at.hostile.trap.connections).toBe(0);
  });

  it('CB-25, CB-26: for the code: nobody is signed in, and the next sign-in works', async () => {
    spoil('token', make);
    expect((await signIn()).told).toBe('provider_unreachable');
    mend('token');
    expect((await signIn()).told).toBeNull();
    expect(at.hostile.trap.connections).toBe(0);
  });

  it('CB-22, CB-26: for UserInfo: nobody is signed in, and what came is revoked', async () => {
    spoil('userinfo', make);
    const began = performance.now();
    expect((await signIn()).told).toBe('provider_error');
    expect(performance.now() - began).toBeLessThan(limitMs + 3_000);
    await expect.poll(() => at.hostile.hits('revoke')).toBeGreaterThan(0);
    mend('userinfo');
    expect((await signIn()).told).toBeNull();
    expect(at.hostile.trap.connections).toBe(0);
  });

  it('IT-23: for keys that were just replaced: it is not known who that is, and known again afterwards', async () => {
    spoil('jwks', make);
    at.hostile.keys.rotate({ overlap: false });
    expect((await signIn()).told).toBe('provider_unreachable');
    mend('jwks');
    expect((await signIn()).told).toBeNull();
    expect(at.hostile.trap.connections).toBe(0);
  });

  it('RF-07, ER-08: for a refresh: 503 with the time to come back, nobody is signed out', async () => {
    at.hostile.script.refresh.reuse = 'tolerated'; // an answer that was lost can be had again (FAPI 2.0, 5.3.2.1)
    const { browser } = await signIn();
    expect((await call(browser)).answer.status).toBe(200);
    spoil('refresh', make);
    at.world.clock.advance(310_000);
    const { answer, tookMs } = await call(browser);
    expect(answer.status).toBe(503);
    expect(answer.header('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(answer.header('x-error-source')).toBe('provider');
    expect(tookMs).toBeLessThan(limitMs + 3_000);
    expect(await isSignedIn(browser)).toBe(true);
    mend('refresh');
    expect((await call(browser)).answer.status).toBe(200);
    expect(at.hostile.trap.connections).toBe(0);
  });

  it('LO-05: for revocation: the sign-out is answered and done', async () => {
    const { browser } = await signIn();
    const { csrf_token } = await at.world.session(browser);
    spoil('revoke', make);
    const began = performance.now();
    const headers = { 'X-CSRF-Token': csrf_token };
    const answer = await browser.fetch(`${at.world.origin}/logout?local=true`, { method: 'POST', headers });
    expect(answer.status).toBe(204);
    expect(performance.now() - began).toBeLessThan(limitMs + 3_000);
    expect(await isSignedIn(browser)).toBe(false);
    expect(at.hostile.trap.connections).toBe(0);
  });

  it('LS-16, ER-08: for metadata, at the start: not ready, 503, and ready by itself afterwards', async () => {
    const clock = new ShiftedClock();
    const late = await startHostileWorld({
      env,
      clock,
      arrange: ({ script, trap }) => Object.assign(script.metadata, { fault: make(trap.url) }),
    });
    expect((await fetch(`${late.world.opsUrl}/readyz`)).status).toBe(503);
    expect((await late.ask('/login')).status).toBe(503);
    late.hostile.script.metadata.fault = undefined;
    clock.advance(61_000);
    await expect.poll(async () => (await fetch(`${late.world.opsUrl}/readyz`)).status, { timeout: 5_000 }).toBe(200);
    expect((await late.ask('/login')).status).toBe(303);
    expect(late.hostile.trap.connections).toBe(0);
    await late.close();
  });
});
