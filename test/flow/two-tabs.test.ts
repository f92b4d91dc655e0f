import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.close());

/** Starts a sign-in and follows it up to the provider's redirect to the callback, which is given, not opened. */
async function upToCallback(browser: ReturnType<World['browser']>, returnTo = '/') {
  const start = await browser.navigate(
    `${world.origin}/login?login_hint=alice&return_to=${encodeURIComponent(returnTo)}`,
    {
      from: `${world.origin}/`,
      redirect: 'manual',
    },
  );
  let next = start.header('location') ?? '';
  while (!next.startsWith(`${world.origin}/callback`)) {
    const answer = await browser.navigate(next, { from: `${world.origin}/`, redirect: 'manual' });
    next = new URL(answer.header('location') ?? '', next).href;
  }
  return next;
}

describe('sign-ins that cross', () => {
  it('LS-04, LS-22: three tabs start at once and each finishes where it wanted to go', async () => {
    const browser = world.browser();
    const callbacks = [
      await upToCallback(browser, '/one'),
      await upToCallback(browser, '/two'),
      await upToCallback(browser, '/three'),
    ];

    const ends: string[] = [];
    for (const callback of callbacks) {
      const landed = await browser.navigate(callback, { from: `${world.provider.issuer}/` });
      expect(landed.status).toBe(200);
      ends.push(new URL(landed.url).pathname);
    }

    expect(ends).toEqual(['/one', '/two', '/three']);
    expect(await world.session(browser)).toMatchObject({ authenticated: true });
    expect(browser.jar.all().filter(({ name }) => name.startsWith('claimcheck-login'))).toEqual([]);
  });

  it('CB-02: the back button on a used callback goes home and changes nothing', async () => {
    const browser = world.browser();
    const callback = await upToCallback(browser, '/orders');
    await browser.navigate(callback, { from: `${world.provider.issuer}/` });
    const grants = world.provider.record.grants.get('authorization_code');
    const before = await world.session(browser);

    const again = await browser.navigate(callback, { redirect: 'manual' });

    expect(again.status).toBe(303);
    expect(again.header('location')).toBe('/');
    expect(world.provider.record.grants.get('authorization_code')).toBe(grants);
    expect(await world.session(browser)).toMatchObject({ session: { id: (before['session'] as { id: string }).id } });
  });

  it('LS-06, LS-08: a callback delivered to another browser signs nobody in there, and still works in its own', async () => {
    const victim = world.browser();
    const attacker = world.browser();
    const callback = await upToCallback(attacker, '/orders');
    const grants = world.provider.record.grants.get('authorization_code') ?? 0;

    const planted = await victim.navigate(callback, { redirect: 'manual' });

    expect(planted.status).toBe(303);
    expect(planted.header('location')).toMatch(/^\/login\?/);
    expect(planted.all('set-cookie').filter((line) => line.startsWith('claimcheck='))).toEqual([]);
    expect(world.provider.record.grants.get('authorization_code') ?? 0).toBe(grants);
    expect(await world.session(victim)).toMatchObject({ authenticated: false });
    expect((await attacker.navigate(callback, { from: `${world.provider.issuer}/` })).url).toBe(
      `${world.origin}/orders`,
    );
    expect(await world.session(attacker)).toMatchObject({ authenticated: true });
  });

  it('CB-03: fifty identical callbacks at once spend the code once', async () => {
    const browser = world.browser();
    const callback = await upToCallback(browser, '/orders');
    const grants = world.provider.record.grants.get('authorization_code') ?? 0;
    const cookie = browser.jar
      .all()
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        fetch(callback, {
          headers: { Cookie: cookie },
          redirect: 'manual',
        }),
      ),
    );

    expect(answers.map(({ status }) => status).every((status) => status === 303)).toBe(true);
    expect((world.provider.record.grants.get('authorization_code') ?? 0) - grants).toBe(1);
    expect(world.provider.record.refusedGrants).toEqual([]); // nor was it tried again
    const signedIn = answers.filter((answer) =>
      answer.headers.getSetCookie().some((line) => line.startsWith('claimcheck=s')),
    );
    expect(signedIn).toHaveLength(1);
  });
});
