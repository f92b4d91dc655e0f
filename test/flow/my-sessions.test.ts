import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import type { World } from '../support/world.ts';
import { startHostileWorld } from './provider-world.ts';
import { startTwins, type Twins } from './twin-worlds.ts';

let twins: Twins;

beforeAll(async () => {
  twins = await startTwins({ env: { CORS_ALLOWED_ORIGINS: 'http://localhost:5173' } });
});

afterAll(() => twins.close());

beforeEach(() => {
  twins.hostile.reset();
  twins.clock.advance(11_000); // past the limit of sign-ins
});

interface Entry {
  readonly id: string;
  readonly created_at: string;
  readonly last_seen_at: string;
  readonly user_agent: string;
  readonly address: string;
  readonly current: boolean;
}

async function listOf(browser: Browser, at: World = twins.first): Promise<readonly Entry[]> {
  const answer = await browser.fetch(`${at.origin}/sessions`, { from: `${at.origin}/` });
  expect(answer.status).toBe(200);
  expect(answer.header('cache-control')).toBe('no-store');
  return (answer.json() as unknown as { sessions: readonly Entry[] }).sessions;
}

async function handleOf(browser: Browser): Promise<string> {
  return ((await twins.first.session(browser))['session'] as { id: string }).id;
}

async function remove(browser: Browser, path: string, { at = twins.first, proof = true } = {}) {
  const { csrf_token } = await twins.first.session(browser);
  return browser.fetch(at.origin + path, {
    method: 'DELETE',
    headers: proof ? { 'X-CSRF-Token': csrf_token } : {},
    from: `${at.origin}/`,
  });
}

/** A person nobody else in this file is. */
let people = 0;
const somebody = () => `person-${++people}`;

describe('a person looks at their sessions', () => {
  it('LO-28, SE-03: sees each with device, network and times, and which one is this', async () => {
    const sub = somebody();
    const phone = twins.first.browser({
      userAgent: 'Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0',
      headers: { 'X-Forwarded-For': '203.0.113.9' }, // of nobody we trust
    });
    await twins.signIn(sub, phone);
    twins.clock.advance(3_600_000 / 6);
    const { browser } = await twins.signIn(sub);
    await twins.signIn(somebody());

    const list = await listOf(browser);

    expect(list).toEqual([
      {
        id: await handleOf(browser),
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        last_seen_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        user_agent: 'Chrome on Linux',
        address: '127.0.0.0',
        current: true,
      },
      expect.objectContaining({ id: await handleOf(phone), user_agent: 'Firefox on Android', current: false }),
    ]);
    const apart = Date.parse(list[0]?.created_at ?? '') - Date.parse(list[1]?.created_at ?? '');
    expect(Math.abs(apart - 600_000)).toBeLessThan(5_000);
    expect(await listOf(phone, twins.second)).toEqual(list.map((entry) => ({ ...entry, current: !entry.current })));
    for (const cookie of [browser, phone].map((each) => each.cookieHeader(`${twins.first.origin}/`) ?? '')) {
      expect(JSON.stringify(list)).not.toContain(decodeURIComponent(cookie.split('=')[1] ?? '').slice(2, 45));
    }
  });

  it('SE-03: a handle is of no use as a cookie', async () => {
    const { browser } = await twins.signIn(somebody());
    const handle = await handleOf(browser);

    const answer = await fetch(`${twins.first.origin}/sessions`, { headers: { Cookie: `claimcheck=${handle}` } });

    expect(answer.status).toBe(401);
    expect(await listOf(browser)).toHaveLength(1);
  });

  it('RF-12: that is no activity', async () => {
    const { browser } = await twins.signIn(somebody());
    const before = await twins.first.session(browser);
    twins.clock.advance(20 * 60_000);

    await listOf(browser);

    expect((await twins.first.session(browser))['session']).toMatchObject({
      idle_expires_at: (before['session'] as { idle_expires_at: string }).idle_expires_at,
    });
  });

  it('sees none that is over, by its time or ended', async () => {
    const sub = somebody();
    const idle = await twins.signIn(sub);
    twins.clock.advance(29 * 60_000);
    const ended = await twins.signIn(sub);
    const { browser } = await twins.signIn(sub);
    expect(await listOf(browser)).toHaveLength(3);

    await twins.hostile.deliverLogoutToken(twins.backChannel, { sid: ended.sid });
    twins.clock.advance(2 * 60_000);

    expect((await listOf(browser)).map(({ id }) => id)).toEqual([await handleOf(browser)]);
    expect(await twins.isSignedIn(idle.browser)).toBe(false);
  });

  it('SE-01, CF-09: a stranger is told where to sign in, another site nothing, an allowed origin may read it', async () => {
    const { browser } = await twins.signIn(somebody());
    const url = `${twins.first.origin}/sessions`;

    const stranger = await twins.first.browser().fetch(url, { from: `${twins.first.origin}/` });
    expect(stranger.status).toBe(401);
    expect(stranger.json()).toMatchObject({ code: 'session-ended', login_url: '/login' });
    const foreign = await fetch(url, {
      headers: { Origin: 'https://evil.test', Cookie: browser.cookieHeader(url) ?? '' },
    });
    expect(foreign.status).toBe(403);
    const allowed = await browser.fetch(url, { from: 'http://localhost:5173/', credentials: 'include' });
    expect(allowed.status).toBe(200);
    expect(allowed.header('access-control-allow-origin')).toBe('http://localhost:5173');
  });
});

describe('a person ends one of their sessions', () => {
  it('LO-28: that one, on every instance, and no other', async () => {
    const sub = somebody();
    const here = await twins.signIn(sub);
    const lost = await twins.signIn(sub);
    const third = await twins.signIn(sub);

    const answer = await remove(here.browser, `/sessions/${await handleOf(lost.browser)}`);

    expect(answer.status).toBe(204);
    expect(answer.text()).toBe('');
    expect(answer.header('cache-control')).toBe('no-store');
    expect(answer.all('set-cookie')).toEqual([]);
    for (const at of [twins.first, twins.second]) expect(await twins.isSignedIn(lost.browser, at)).toBe(false);
    expect(await listOf(here.browser)).toHaveLength(2);
    expect(await twins.isSignedIn(third.browser)).toBe(true);
    expect(twins.first.log.findLast(({ event }) => event === 'session.ended')).toMatchObject({ reason: 'revoked' });
  });

  it('LO-28: one of another person and one of nobody have the same answer, and nothing ends', async () => {
    const mine = await twins.signIn(somebody());
    const theirs = await twins.signIn(somebody());
    const foreign = await handleOf(theirs.browser);
    const unknown = 'A'.repeat(foreign.length);

    const answers = [
      await remove(mine.browser, `/sessions/${foreign}`),
      await remove(mine.browser, `/sessions/${unknown}`),
      await remove(mine.browser, '/sessions/x'),
    ];

    const told = answers.map((answer) => ({
      status: answer.status,
      headers: answer.headers.filter(([name]) => !['X-Request-Id', 'Date'].includes(name)),
      body: { ...answer.json(), request_id: '' },
    }));
    expect(told[0]).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect(told[1]).toEqual(told[0]);
    expect(told[2]).toEqual(told[0]);
    expect(await twins.isSignedIn(theirs.browser)).toBe(true);
    expect((await remove(theirs.browser, `/sessions/${foreign}`)).status).toBe(204); // to whom it belongs
  });

  it('LO-28: one that has ended already is unknown', async () => {
    const sub = somebody();
    const here = await twins.signIn(sub);
    const path = `/sessions/${await handleOf((await twins.signIn(sub)).browser)}`;
    expect((await remove(here.browser, path)).status).toBe(204);

    expect((await remove(here.browser, path)).status).toBe(404);
  });

  it('CF-01, LO-02: not without the proof, nor from another site', async () => {
    const sub = somebody();
    const here = await twins.signIn(sub);
    const other = await twins.signIn(sub);
    const path = `/sessions/${await handleOf(other.browser)}`;
    const { csrf_token } = await twins.first.session(here.browser);

    for (const target of [path, '/sessions?except=current']) {
      const bare = await remove(here.browser, target, { proof: false });
      expect(bare.status).toBe(403);
      expect(bare.json()).toMatchObject({ code: 'csrf-token-invalid' });
      const foreign = await fetch(twins.first.origin + target, {
        method: 'DELETE',
        headers: {
          Origin: 'https://evil.test',
          Cookie: here.browser.cookieHeader(`${twins.first.origin}/`) ?? '',
          'X-CSRF-Token': csrf_token,
        },
      });
      expect(foreign.status).toBe(403);
    }
    expect(await twins.isSignedIn(other.browser)).toBe(true);
    expect((await remove(here.browser, path)).status).toBe(204);
  });

  it('LO-03, LO-04, LO-28: the one they use is a sign-out, with all that belongs to it', async () => {
    const { browser } = await twins.signIn(somebody());
    const refreshToken = [...twins.hostile.issued.refreshTokens].at(-1);

    const answer = await remove(browser, `/sessions/${await handleOf(browser)}`);

    expect(answer.status).toBe(204);
    expect(answer.header('clear-site-data')).toBe('"cache","storage"');
    expect(answer.all('set-cookie')).toEqual([expect.stringMatching(/^claimcheck=; /)]);
    expect(browser.jar.all().filter(({ name }) => name === 'claimcheck')).toEqual([]);
    expect(await twins.isSignedIn(browser)).toBe(false);
    await eventually(() => {
      const revoked = twins.hostile.log
        .filter(({ endpoint }) => endpoint === 'revoke')
        .map(({ body }) => body['token']);
      expect(revoked).toEqual([refreshToken]);
    });
    expect(twins.first.log.findLast(({ event }) => event === 'session.ended')).toMatchObject({ reason: 'signed-out' });
  });

  it('is offered under DELETE alone', async () => {
    const { browser } = await twins.signIn(somebody());
    const url = `${twins.first.origin}/sessions/${await handleOf(browser)}`;

    const answer = await browser.fetch(url, { from: `${twins.first.origin}/` });

    expect(answer.status).toBe(405);
    expect(answer.header('allow')).toBe('DELETE, OPTIONS');
    expect(await twins.isSignedIn(browser)).toBe(true);
  });
});

describe('a person ends all their other sessions', () => {
  it('LO-28: all of theirs, none of anybody else', async () => {
    const sub = somebody();
    const others = [await twins.signIn(sub), await twins.signIn(sub)];
    const stranger = await twins.signIn(somebody());
    const here = await twins.signIn(sub);

    const answer = await remove(here.browser, '/sessions?except=current', { at: twins.second });

    expect(answer.status).toBe(204);
    for (const { browser } of others) expect(await twins.isSignedIn(browser)).toBe(false);
    expect(await listOf(here.browser)).toHaveLength(1);
    expect(await twins.isSignedIn(here.browser)).toBe(true);
    expect(await twins.isSignedIn(stranger.browser)).toBe(true);
    expect((await remove(here.browser, '/sessions?except=current')).status).toBe(204); // again, with none left
  });

  it('LO-28: more than are looked at in one go', async () => {
    const sub = somebody();
    const browsers: Browser[] = [];
    for (let count = 0; count < 20; count++) {
      browsers.push((await twins.signIn(sub)).browser);
      twins.clock.advance(1_000);
    }
    const here = (await twins.signIn(sub)).browser;
    expect(await listOf(here)).toHaveLength(21);

    expect((await remove(here, '/sessions?except=current')).status).toBe(204);

    expect(await listOf(here)).toHaveLength(1);
    for (const browser of browsers) expect(await twins.isSignedIn(browser)).toBe(false);
  });

  it.each(['', '?except=', '?except=all', '?except=current&except=current', '?except=current&except=x'])(
    'LO-28: not with "%s": it must be clear what is meant',
    async (search) => {
      const sub = somebody();
      const other = await twins.signIn(sub);
      const here = await twins.signIn(sub);

      const answer = await remove(here.browser, `/sessions${search}`);

      expect(answer.status).toBe(400);
      expect(answer.json()).toMatchObject({ code: 'parameter-invalid' });
      expect(await listOf(here.browser)).toHaveLength(2);
      expect((await remove(here.browser, '/sessions?except=current')).status).toBe(204);
      expect(await twins.isSignedIn(other.browser)).toBe(false);
    },
  );
});

describe('the store is away', () => {
  it('SE-13: 503, and nobody is signed out', async () => {
    const { browser } = await twins.signIn(somebody());
    const { csrf_token } = await twins.first.session(browser);
    const from = `${twins.first.origin}/`;
    const asked = [
      { path: '/sessions', method: 'GET' },
      { path: '/sessions/x', method: 'DELETE' },
      { path: '/sessions?except=current', method: 'DELETE' },
    ];

    twins.redis.freeze();
    const answers = await Promise.all(
      asked.map(({ path, method }) =>
        browser.fetch(twins.first.origin + path, { method, headers: { 'X-CSRF-Token': csrf_token }, from }),
      ),
    );
    twins.redis.thaw();

    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
    expect(answers.map((answer) => answer.header('x-error-source'))).toEqual(['store', 'store', 'store']);
    await eventually(async () => (await listOf(browser)).length === 1, 10_000);
  });
});

describe('AUTH_BASE_PATH', () => {
  it('leads these routes, too, and leaves the paths without it to the page', async () => {
    const scene = await startHostileWorld({ env: { AUTH_BASE_PATH: '/bff' } });
    const { world, hostile } = scene;
    const browser = world.browser();
    await browser.navigate(`${world.origin}/bff/login`, { from: `${world.origin}/` });
    const ask = (path: string) => browser.fetch(world.origin + path, { from: `${world.origin}/` });
    const { csrf_token, session } = (await ask('/bff/session')).json() as {
      csrf_token: string;
      session: { id: string };
    };

    expect((await ask('/bff/sessions')).json()).toMatchObject({ sessions: [{ id: session.id, current: true }] });
    const stream = await browser.openStream(`${world.origin}/bff/session/events`, { from: `${world.origin}/` });
    await stream.next('state');
    const sid = hostile.grants.at(-1)?.sid;
    expect((await hostile.deliverLogoutToken(`${world.origin}/backchannel-logout`, { sid })).status).not.toBe(200);
    for (const path of ['/sessions', `/sessions/${session.id}`]) {
      const answer = await browser.fetch(world.origin + path, {
        method: 'DELETE',
        headers: { 'X-CSRF-Token': csrf_token },
        from: `${world.origin}/`,
      });
      expect([404, 405]).toContain(answer.status);
    }
    expect(stream.closed).toBe(false);

    expect((await hostile.deliverLogoutToken(`${world.origin}/bff/backchannel-logout`, { sid })).status).toBe(200);
    expect(JSON.parse((await stream.next('ended', 1_000)).data)).toEqual({
      reason: 'back-channel',
      login_url: '/bff/login',
    });
    await scene.close();
  });
});
