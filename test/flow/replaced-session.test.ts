import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { startWorld, type World } from '../support/world.ts';

const clock = new ShiftedClock();
let world: World;

beforeAll(async () => {
  world = await startWorld({ clock });
});

afterAll(() => world.close());

beforeEach(() => {
  clock.advance(11_000); // past the limit of sign-ins
});

/** Starts a sign-in and follows it up to the provider's redirect to the callback, which is given, not opened. */
async function upToCallback(browser: Browser) {
  const start = await browser.navigate(`${world.origin}/login?login_hint=alice&return_to=/orders`, {
    from: 'http://elsewhere.test/',
    redirect: 'manual',
  });
  let next = start.header('location') ?? '';
  while (!next.startsWith(`${world.origin}/callback`)) {
    const answer = await browser.navigate(next, { from: `${world.origin}/`, redirect: 'manual' });
    next = new URL(answer.header('location') ?? '', next).href;
  }
  return next;
}

const land = (browser: Browser, callback: string) =>
  browser.navigate(callback, { from: `${world.provider.issuer}/`, redirect: 'manual' });

const cookiesOf = (browser: Browser, prefix: string) =>
  browser.jar
    .all()
    .filter(({ name }) => name.startsWith(prefix))
    .map(({ name, value }) => `${name}=${value}`);
const pointersOf = (browser: Browser) => cookiesOf(browser, 'claimcheck-began-');
const sessionOf = (browser: Browser) => cookiesOf(browser, 'claimcheck').find((pair) => pair.startsWith('claimcheck='));

async function ask(cookie: string | undefined) {
  const answer = await fetch(`${world.origin}/session`, { headers: { Cookie: cookie ?? '' } });
  return (await answer.json()) as { authenticated: boolean; csrf_token: string };
}
const isAlive = async (cookie: string | undefined) => (await ask(cookie)).authenticated;

function signOut(cookies: readonly (string | undefined)[], csrf: string) {
  return fetch(`${world.origin}/logout?local=true`, {
    method: 'POST',
    headers: { Cookie: cookies.join('; '), Origin: world.origin, 'X-CSRF-Token': csrf },
  });
}

/** What an answer sets, as the browser would send it. */
const given = (answer: Response, prefix: string) =>
  answer.headers.getSetCookie().flatMap((line) => {
    const pair = line.split(';', 1)[0] ?? '';
    return pair.startsWith(prefix) && !pair.endsWith('=') ? [pair] : [];
  });

describe('two tabs that sign in at once', () => {
  it('SE-09, LS-22: the session that the second replaces is ended, though its Strict cookie did not come along', async () => {
    const browser = world.browser();
    const callbacks = [await upToCallback(browser), await upToCallback(browser)];
    await land(browser, callbacks[0] ?? '');
    const first = sessionOf(browser);
    expect(await isAlive(first)).toBe(true);

    await land(browser, callbacks[1] ?? '');

    expect(sessionOf(browser)).not.toBe(first);
    expect(await isAlive(first)).toBe(false);
    expect(await isAlive(sessionOf(browser))).toBe(true);
    expect(pointersOf(browser)).toHaveLength(1);
    expect(world.log.findLast(({ event }) => event === 'session.ended')).toMatchObject({ reason: 'replaced' });
  });

  it('LO-01: two callbacks in flight together leave one session behind, which the sign-out ends as well', async () => {
    const { sessions, pointers } = await signedInTwiceAtOnce();
    const [lost, kept] = sessions;
    expect(await Promise.all(sessions.map(isAlive))).toEqual([true, true]);

    const answer = await signOut([kept, ...pointers], (await ask(kept)).csrf_token);

    expect(answer.status).toBe(204);
    expect(await isAlive(kept)).toBe(false);
    expect(await isAlive(lost)).toBe(false);
    for (const pair of pointers) {
      const name = pair.split('=', 1)[0];
      expect(answer.headers.getSetCookie()).toContain(`${name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0`);
    }
  });

  it('SE-09: and a later sign-in in that browser ends it, too', async () => {
    const { browser, sessions, pointers } = await signedInTwiceAtOnce();
    const callback = await upToCallback(browser);
    const cookie = [...pointers, ...cookiesOf(browser, 'claimcheck-login-')].join('; ');

    const answer = await fetch(callback, { headers: { Cookie: cookie }, redirect: 'manual' });

    expect(answer.headers.get('location')).toBe('/orders');
    expect(await Promise.all(sessions.map(isAlive))).toEqual([false, false]);
    expect(await isAlive(given(answer, 'claimcheck=')[0])).toBe(true);
  });
});

async function signedInTwiceAtOnce() {
  const browser = world.browser();
  const callbacks = [await upToCallback(browser), await upToCallback(browser)];
  const cookie = cookiesOf(browser, 'claimcheck-login-').join('; ');
  const answers = await Promise.all(
    callbacks.map((callback) => fetch(callback, { headers: { Cookie: cookie }, redirect: 'manual' })),
  );
  const sessions = answers.flatMap((answer) => given(answer, 'claimcheck='));
  const pointers = answers.flatMap((answer) => given(answer, 'claimcheck-began-'));
  expect(sessions).toHaveLength(2);
  expect(new Set(pointers.map((pair) => pair.split('=', 1)[0])).size).toBe(2);
  return { browser, sessions, pointers };
}

describe('what the pointer to a session can do', () => {
  it('SE-03: it signs nobody in, nor does its value in place of the session cookie', async () => {
    const browser = await world.signIn();
    const [pointer = ''] = pointersOf(browser);
    const value = pointer.slice(pointer.indexOf('=') + 1);
    expect(value).not.toBe('');

    expect(await isAlive(pointer)).toBe(false);
    expect(await isAlive(`claimcheck=${value}`)).toBe(false);
    expect(await isAlive(`${pointer}; ${sessionOf(browser)}`)).toBe(true);
  });

  it('LS-06: one that an attacker plants ends the session of the attacker, and never one of the person', async () => {
    const attacker = await world.signIn('bob');
    const victim = await world.signIn('alice');
    const [planted = ''] = pointersOf(attacker);
    const csrf = (await ask(sessionOf(victim))).csrf_token;
    const other = await world.signIn('alice');

    expect((await signOut([sessionOf(victim), planted], csrf)).status).toBe(204);

    expect(await isAlive(sessionOf(victim))).toBe(false); // its own wish
    expect(await isAlive(sessionOf(attacker))).toBe(false); // the attacker's own doing
    expect(await isAlive(sessionOf(other))).toBe(true);
  });

  it('LO-02: without the proof of a sign-out it ends nothing', async () => {
    const one = await world.signIn();
    const other = await world.signIn();

    expect((await signOut([sessionOf(one), ...pointersOf(other)], 'wrong')).status).toBe(403);
    expect(await isAlive(sessionOf(other))).toBe(true);
    expect((await signOut(pointersOf(other), 'wrong')).status).toBe(204); // nobody is signed in by it
    expect(await isAlive(sessionOf(other))).toBe(true);

    const csrf = (await ask(sessionOf(one))).csrf_token;
    expect((await signOut([sessionOf(one), ...pointersOf(other)], csrf)).status).toBe(204);
    expect(await isAlive(sessionOf(other))).toBe(false);
  });

  it('LS-06: one that was changed, or stands under another name, ends nothing and is taken away', async () => {
    const one = await world.signIn();
    const other = await world.signIn();
    const [pointer = ''] = pointersOf(other);
    const at = pointer.indexOf('=');
    const renamed = `claimcheck-began-AAAAAAAA=${pointer.slice(at + 1)}`;
    const changed = `${pointer.slice(0, -2)}${pointer.endsWith('AA') ? 'BB' : 'AA'}`;
    const csrf = (await ask(sessionOf(one))).csrf_token;

    const answer = await signOut([sessionOf(one), renamed, changed], csrf);

    expect(answer.status).toBe(204);
    expect(await isAlive(sessionOf(other))).toBe(true);
    expect(answer.headers.getSetCookie().filter((line) => line.startsWith('claimcheck-began-'))).toHaveLength(2);
  });

  it('CB-12: a callback that fails ends nothing', async () => {
    const browser = await world.signIn();
    const before = sessionOf(browser);
    const callback = new URL(await upToCallback(browser));
    callback.searchParams.set('iss', 'https://evil.test');

    expect((await land(browser, callback.href)).header('location')).toMatch(/auth_error/);

    expect(await isAlive(before)).toBe(true);
    await land(browser, await upToCallback(browser)); // and one that succeeds does
    expect(await isAlive(before)).toBe(false);
  });

  it('CK-04: it is HttpOnly, Lax, without a domain, and a visitor who is not signed in has none', async () => {
    const browser = world.browser();
    await browser.navigate(`${world.origin}/`);
    expect(browser.jar.all()).toEqual([]);

    const landed = await land(browser, await upToCallback(browser));

    expect(landed.all('set-cookie').find((line) => line.startsWith('claimcheck-began-'))).toMatch(
      /^claimcheck-began-[\w-]{8}=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/,
    );
  });
});
