import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import type { BrowserStream } from '../support/browser-stream.ts';
import { eventually, within } from '../support/eventually.ts';
import { oauthFault } from '../support/hostile/fault.ts';
import { echo, type Script, startUpstream, type Upstream } from '../support/upstream.ts';
import { startWorld, type World } from '../support/world.ts';
import { startTwins, type Twins } from './twin-worlds.ts';

let twins: Twins;
let upstream: Upstream;

const idleMs = 30 * 60_000;
const lifetimeMs = 8 * 3_600_000;

beforeAll(async () => {
  upstream = await startUpstream();
  twins = await startTwins({ upstream: upstream.origin });
});

afterAll(async () => {
  await twins.close();
  await upstream.stop();
});

beforeEach(() => {
  twins.hostile.reset();
  upstream.script = echo;
  upstream.forget();
  twins.clock.advance(11_000); // past the limit of sign-ins
});

/** An event stream of the service itself. */
const endless: Script = () => ({
  headers: [['Content-Type', 'text/event-stream']],
  chunks: (async function* () {
    yield 'data: first\n\n';
    await new Promise(() => undefined);
  })(),
});

async function listen(browser: Browser, { at = twins.first }: { at?: World } = {}): Promise<BrowserStream> {
  return browser.openStream(`${at.origin}/session/events`, { from: `${at.origin}/` });
}

/** Opened, and told of the state. */
async function listening(browser: Browser, options: { at?: World } = {}): Promise<BrowserStream> {
  const stream = await listen(browser, options);
  expect(stream.status).toBe(200);
  await stream.next('state');
  return stream;
}

const kindsOf = (stream: BrowserStream) => stream.events().map(({ event }) => event);

/** The last word of a stream: why it ended; after it, the end. */
async function endOf(stream: BrowserStream, limitMs = 1_000): Promise<Readonly<Record<string, unknown>>> {
  const { data } = await stream.next('ended', limitMs);
  await eventually(() => stream.closed, 500);
  expect(kindsOf(stream).at(-1)).toBe('ended');
  return JSON.parse(data) as Readonly<Record<string, unknown>>; // ours
}

async function send(browser: Browser, path: string, { method = 'POST', at = twins.first } = {}) {
  const { csrf_token } = await twins.first.session(browser);
  return browser.fetch(at.origin + path, { method, headers: { 'X-CSRF-Token': csrf_token }, from: `${at.origin}/` });
}

describe('opening a stream', () => {
  it('SE-01, SE-06: begins with what /session says, as an event stream that nobody keeps or buffers', async () => {
    const { browser } = await twins.signIn();

    const stream = await listening(browser);

    expect(stream.header('content-type')).toBe('text/event-stream');
    expect(stream.header('cache-control')).toBe('no-store');
    expect(stream.header('x-accel-buffering')).toBe('no');
    expect(stream.header('x-content-type-options')).toBe('nosniff');
    expect(stream.header('set-cookie')).toBeUndefined();
    expect(stream.text()).toMatch(/^retry: \d{4}\n\n/);
    const state = JSON.parse((await stream.next('state')).data);
    const session = await twins.first.session(browser);
    const lasting = (said: typeof session) => ({
      ...said,
      csrf_token: typeof said.csrf_token,
      session: { ...(said['session'] as object), expires_in: 0, idle_expires_in: 0 },
      token: { ...(said['token'] as object), expires_in: 0 },
    });
    expect(lasting(state)).toEqual(lasting(session));
    expect(state.csrf_token).toMatch(/./);
    stream.close();
  });

  it('SE-01, CF-17: is refused to whoever is not signed in, as a call of the API is', async () => {
    const stranger = twins.first.browser();
    const { browser } = await twins.signIn();

    const refused = await listen(stranger);
    await eventually(() => refused.closed);

    expect(refused.status).toBe(401);
    expect(refused.header('content-type')).toBe('application/problem+json');
    expect(refused.header('www-authenticate')).toBe('Cookie realm="claimcheck", form-action="/login"');
    expect(JSON.parse(refused.text())).toMatchObject({ code: 'session-ended', login_url: '/login' });
    (await listening(browser)).close();
  });

  it('CF-09, CF-17: is refused to a page of another site, and no stream is opened', async () => {
    const { browser } = await twins.signIn();

    const foreign = await browser.openStream(`${twins.first.origin}/session/events`, {
      from: 'https://evil.test/',
      credentials: 'include',
    });
    await eventually(() => foreign.closed);

    expect(foreign.status).toBe(403);
    expect(foreign.text()).not.toContain('authenticated');
    (await listening(browser)).close();
  });

  it('SE-06, RF-12: is no activity, however often it is done', async () => {
    const { browser } = await twins.signIn();
    const { session: before } = await twins.first.session(browser);
    twins.clock.advance(idleMs / 2);

    for (const at of [twins.first, twins.second]) (await listening(browser, { at })).close();

    expect((await twins.first.session(browser))['session']).toMatchObject({
      idle_expires_at: (before as { idle_expires_at: string }).idle_expires_at,
    });
    twins.clock.advance(idleMs / 2);
    expect(await twins.isSignedIn(browser)).toBe(false);
  });

  it('is for GET alone: HEAD would have no end', async () => {
    const { browser } = await twins.signIn();
    for (const method of ['HEAD', 'PUT']) {
      const answer = await send(browser, '/session/events', { method });
      expect(answer.status).toBe(405);
      expect(answer.header('allow')).toContain('GET');
    }
    (await listening(browser)).close();
  });

  it('SE-13: is 503 while the store is away, and nobody is signed out', async () => {
    const { browser } = await twins.signIn();

    twins.redis.freeze();
    // What is held in memory serves for three seconds after Redis was heard of last.
    let away = await listen(browser);
    await eventually(async () => {
      if (away.status === 503) return true;
      away.close();
      away = await listen(browser);
      return false;
    }, 4_000);
    twins.redis.thaw();

    expect(away.status).toBe(503);
    expect(away.header('retry-after')).toMatch(/^\d+$/);
    await eventually(async () => {
      const again = await listen(browser);
      again.close();
      return again.status === 200;
    }, 10_000);
  });

  it('RL-10: opens twenty for one session and no more, which costs other sessions nothing', async () => {
    const [alice, bob] = [await twins.signIn('alice'), await twins.signIn('bob')];
    const open = await Promise.all(Array.from({ length: 20 }, () => listening(alice.browser)));

    const refused = await listen(alice.browser);
    await eventually(() => refused.closed);
    expect(refused.status).toBe(429);
    expect(refused.header('retry-after')).toBe('60');
    expect(JSON.parse(refused.text())).toMatchObject({ code: 'too-many-streams' });
    (await listening(bob.browser)).close();

    open[0]?.close();
    await eventually(async () => {
      const next = await listen(alice.browser);
      next.close();
      return next.status === 200;
    });
    for (const stream of open) stream.close();
  });
});

describe('what a page hears', () => {
  it('that tokens were renewed, with the state as it is then', async () => {
    const { browser } = await twins.signIn();
    const [one, two] = [await listening(browser), await listening(browser)];
    twins.clock.advance(200_000);

    expect((await send(browser, '/session/refresh')).status).toBe(200);

    for (const stream of [one, two]) {
      const state = JSON.parse((await stream.next('refreshed', 1_000)).data);
      expect(state).toMatchObject({ authenticated: true, token: { expires_in: expect.any(Number) } });
      expect(state.token.expires_in).toBeGreaterThan(290);
      expect(kindsOf(stream)).toEqual(['state', 'refreshed']);
      stream.close();
    }
  });

  it('also when a call of the API renewed them', async () => {
    const { browser } = await twins.signIn();
    const stream = await listening(browser);
    twins.clock.advance(301_000);

    expect((await browser.fetch(`${twins.first.origin}/api/orders`)).status).toBe(200);

    await stream.next('refreshed', 1_000);
    stream.close();
  });

  it('that claims changed, and which', async () => {
    const { browser } = await twins.signIn();
    const stream = await listening(browser);
    twins.clock.advance(200_000);
    twins.hostile.script.refresh.claims = { name: 'Alice Bellamy' };

    await send(browser, '/session/refresh');

    const state = JSON.parse((await stream.next('claims-changed', 1_000)).data);
    expect(state).toMatchObject({ user: { name: 'Alice Bellamy' } });
    expect(kindsOf(stream)).toEqual(['state', 'refreshed', 'claims-changed']);
    stream.close();
  });

  it('SE-04, SE-06: a minute ahead that nobody was active, and then that it is over, on every instance', async () => {
    const { browser } = await twins.signIn();
    const streams = [await listening(browser), await listening(browser, { at: twins.second })];

    twins.clock.advance(idleMs - 61_000);
    expect(streams.flatMap(kindsOf)).toEqual(['state', 'state']);
    twins.clock.advance(1_500);
    for (const stream of streams) {
      const state = JSON.parse((await stream.next('expiring', 1_500)).data);
      expect(state.session.idle_expires_in).toBeGreaterThan(50);
      expect(state.session.idle_expires_in).toBeLessThanOrEqual(60);
    }
    twins.clock.advance(60_000);

    for (const stream of streams) expect(await endOf(stream, 1_500)).toEqual({ reason: 'idle', login_url: '/login' });
    expect(streams.map(kindsOf)).toEqual([
      ['state', 'expiring', 'ended'],
      ['state', 'expiring', 'ended'],
    ]);
    expect(await twins.isSignedIn(browser)).toBe(false);
  });

  it('SE-04: nothing of an end that activity on another instance has moved', async () => {
    const { browser } = await twins.signIn();
    const stream = await listening(browser);
    twins.clock.advance(idleMs - 120_000);
    const active = await browser.fetch(`${twins.second.origin}/api/orders`, { from: `${twins.second.origin}/` });
    expect(active.status).toBe(200);

    twins.clock.advance(120_000);
    await eventually(async () => {
      // The look that follows takes place: the next end is a warning away.
      const { idle_expires_in } = (await twins.first.session(browser))['session'] as { idle_expires_in: number };
      return idle_expires_in > 1_000;
    });
    expect(kindsOf(stream)).toEqual(['state']);

    twins.clock.advance(idleMs - 120_000 - 59_000);
    await stream.next('expiring', 1_500);
    stream.close();
  });

  it('SE-05: a minute ahead that the longest time is reached, whatever the activity', async () => {
    const { browser } = await twins.signIn();
    const stream = await listening(browser);
    for (let passed = 0; passed < lifetimeMs - 2 * 1_200_000; passed += 1_200_000) {
      twins.clock.advance(1_200_000);
      await browser.fetch(`${twins.first.origin}/api/orders`);
    }
    twins.clock.advance(1_200_000 - 30_000);
    await browser.fetch(`${twins.first.origin}/api/orders`);
    twins.clock.advance(1_200_000 - 20_000);

    const state = JSON.parse((await stream.next('expiring', 1_500)).data);
    expect(state.session.expires_in).toBeLessThanOrEqual(60);
    expect(state.session.idle_expires_in).toBe(state.session.expires_in);
    twins.clock.advance(60_000);

    expect(await endOf(stream, 1_500)).toMatchObject({ reason: 'lifetime' });
    expect((await browser.fetch(`${twins.first.origin}/api/orders`)).status).toBe(401);
  });

  it('LO-01, LO-26: that the person signed out, on every instance, within a second', async () => {
    const { browser } = await twins.signIn();
    const other = await twins.signIn();
    const streams = [await listening(browser), await listening(browser, { at: twins.second })];
    const bystander = await listening(other.browser);

    expect((await send(browser, '/logout?local=true')).status).toBe(204);

    for (const stream of streams) expect(await endOf(stream)).toEqual({ reason: 'signed-out', login_url: '/login' });
    expect(kindsOf(bystander)).toEqual(['state']);
    expect(bystander.closed).toBe(false);
    bystander.close();
    expect((await listen(browser)).status).toBe(401);
  });

  it('LO-11, LO-26: that the authorization server ended it', async () => {
    const { browser, sid } = await twins.signIn();
    const streams = [await listening(browser), await listening(browser, { at: twins.second })];

    await twins.hostile.deliverLogoutToken(twins.backChannel, { sid });

    for (const stream of streams) expect(await endOf(stream)).toMatchObject({ reason: 'back-channel' });
  });

  it('LO-28, LO-26: that it was ended from another device', async () => {
    const here = await twins.signIn('alice');
    const there = await twins.signIn('alice');
    const stream = await listening(there.browser, { at: twins.second });
    const kept = await listening(here.browser);

    expect((await send(here.browser, '/sessions?except=current', { method: 'DELETE' })).status).toBe(204);

    expect(await endOf(stream)).toMatchObject({ reason: 'revoked' });
    expect(kept.closed).toBe(false);
    kept.close();
  });

  it('LO-26: that its tokens are not renewed any more', async () => {
    const { browser } = await twins.signIn();
    const stream = await listening(browser, { at: twins.second });
    twins.clock.advance(301_000);
    twins.hostile.script.refresh.fault = oauthFault('invalid_grant');

    expect((await browser.fetch(`${twins.first.origin}/api/orders`)).status).toBe(401);

    expect(await endOf(stream)).toMatchObject({ reason: 'refresh-failed' });
  });

  it('LO-26: that somebody signed in again in the same browser, which is a sign-out of who was there', async () => {
    const { browser } = await twins.signIn('alice');
    const stream = await listening(browser);

    twins.hostile.user = { sub: 'bob', claims: { name: 'Bob', email: 'bob@example.test' } };
    await browser.navigate(`${twins.first.origin}/login?prompt=select_account`, { from: `${twins.first.origin}/` });

    expect(await endOf(stream)).toMatchObject({ reason: 'signed-out' });
    const again = await listening(browser);
    expect(JSON.parse((await again.next('state')).data)).toMatchObject({ user: { sub: 'bob' } });
    again.close();
  });
});

describe('what a stream costs', () => {
  it('asks the store nothing while nothing happens', async () => {
    const { browser } = await twins.signIn();
    const streams = [await listening(browser), await listening(browser, { at: twins.second })];
    const monitor = await twins.redis.monitor();
    const touching = () => monitor.lines().filter((line) => line.includes('cc:{'));

    twins.clock.advance(idleMs / 2); // and the watch looks at its own clock several times
    const began = performance.now();
    await eventually(() => performance.now() - began > 2_000);

    expect(touching()).toEqual([]);
    await twins.first.session(browser);
    await eventually(() => touching().length > 0); // a reading is seen where it is made
    monitor.close();
    for (const stream of streams) stream.close();
  });
});

describe('when ends may have been missed', () => {
  it('SE-13: a store that comes back with its sessions ends no stream', async () => {
    const { browser } = await twins.signIn();
    const stream = await listening(browser);

    await twins.redis.restart({ keepData: true });
    await eventually(() => twins.isSignedIn(browser), 10_000);

    expect((await send(browser, '/logout?local=true')).status).toBe(204);
    // Where the connection that is told of ends is not back yet, the session is found gone.
    expect(await endOf(stream, 5_000)).toMatchObject({ reason: expect.stringMatching(/^(signed-out|revoked)$/) });
    expect(kindsOf(stream)).toEqual(['state', 'ended']);
  });

  it('SE-13: one that comes back without them ends the streams', async () => {
    const { browser } = await twins.signIn();
    const streams = [await listening(browser), await listening(browser, { at: twins.second })];

    await twins.redis.restart({ keepData: false });

    for (const stream of streams) expect(await endOf(stream, 10_000)).toMatchObject({ reason: 'revoked' });
    expect(await twins.isSignedIn(browser)).toBe(false);
  });
});

describe('what else is open for a session', () => {
  it('LO-26: an answer of the API that goes on is broken off, and the service behind sees it', async () => {
    const { browser } = await twins.signIn();
    const other = await twins.signIn();
    upstream.script = endless;
    const stream = await browser.openStream(`${twins.second.origin}/api/feed`, { from: `${twins.second.origin}/` });
    const kept = await other.browser.openStream(`${twins.second.origin}/api/feed`, { from: `${twins.second.origin}/` });
    await Promise.all([stream.next('message'), kept.next('message')]);
    expect(upstream.abortedRequests).toEqual([]);

    expect((await send(browser, '/logout?local=true')).status).toBe(204);

    await eventually(() => stream.closed, 2_000);
    await eventually(() => upstream.abortedRequests.length === 1, 2_000);
    expect(kept.closed).toBe(false);
    kept.close();
  });

  it('LO-26: also when the session reaches its end while nobody asks', async () => {
    const { browser } = await twins.signIn();
    upstream.script = endless;
    const stream = await browser.openStream(`${twins.first.origin}/api/feed`, { from: `${twins.first.origin}/` });
    await stream.next('message');

    twins.clock.advance(idleMs - 5_000);
    expect(stream.closed).toBe(false);
    twins.clock.advance(6_000);

    await eventually(() => stream.closed, 2_500);
  });
});

describe('a server that ends', () => {
  it('ends its streams at once, says when to come back, and is not kept from ending', async () => {
    const world = await startWorld();
    const browser = await world.signIn();
    const stream = await browser.openStream(`${world.origin}/session/events`, { from: `${world.origin}/` });
    await stream.next('state');

    await within(5_000, { work: world.close(), what: 'the end of the server' });

    await eventually(() => stream.closed);
    expect(stream.text()).toMatch(/\n\nretry: \d{4}\n\n$/);
    expect(kindsOf(stream)).toEqual(['state']); // nobody is signed out by it
  });
});

describe('CSRF_MODE=header', () => {
  it('CF-02: asks no header of an EventSource, which cannot send one', async () => {
    const world = await startWorld({ env: { CSRF_MODE: 'header' } });
    const browser = await world.signIn();

    const stream = await browser.openStream(`${world.origin}/session/events`, { from: `${world.origin}/` });
    const state = JSON.parse((await stream.next('state')).data);
    const call = await browser.fetch(`${world.origin}/api/orders`);

    expect(state).toMatchObject({ authenticated: true, csrf_token: null });
    expect(call.status).toBe(403); // where it is asked for
    stream.close();
    await world.close();
  });
});
