import { randomBytes } from 'node:crypto';
import type { BrowserContext, Browser as Chromium, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { client, reserveAddress, startWorld, type World } from '../support/world.ts';

let world: World;
let chromium: Chromium;
let context: BrowserContext;
let streams: string[];

beforeAll(async () => {
  [world, chromium] = await Promise.all([startWorld(), launchChromium()]);
});

afterAll(async () => {
  await chromium.close();
  await world.close();
});

beforeEach(async () => {
  context = await chromium.newContext();
  streams = [];
});

afterEach(() => context.close());

async function openTab({ origin }: { readonly origin: string } = world): Promise<Page> {
  const page = await context.newPage();
  page.on('request', (request) => {
    if (request.url() === `${origin}/session/events`) streams.push(request.resourceType());
  });
  await page.goto(origin);
  return page;
}

/** A tab in which alice signs in, and a second one; both know it. */
async function twoTabs(): Promise<readonly [Page, Page]> {
  const first = await openTab();
  await first.locator('#sign-in').click();
  await first.getByRole('button', { name: /Alice/ }).click();
  await first.locator('#signed-in').waitFor();
  const second = await openTab();
  await second.locator('#signed-in').waitFor();
  await expect.poll(() => streams).toEqual(['eventsource']);
  return [first, second];
}

const notices = (page: Page) => page.locator('#notices').textContent();

describe('two tabs in a real browser', () => {
  it('LO-01: share one stream, and one tells the other at once that the person signed out', async () => {
    const [first, second] = await twoTabs();

    await first.locator('#sign-out-local').click();

    await first.locator('#signed-out').waitFor();
    await second.locator('#signed-out').waitFor({ timeout: 5_000 });
    expect(await notices(second)).toContain('You signed out.');
    expect(streams).toHaveLength(1);
  });

  it('LO-11: hear both that the authorization server signed the person out', async () => {
    const tabs = await twoTabs();
    const provider = await context.newPage();
    const query = new URLSearchParams({ client_id: client.id, logout_hint: 'alice' });

    await provider.goto(`${world.provider.issuer}/session/end?${query}`);

    for (const tab of tabs) {
      await tab.locator('#signed-out').waitFor({ timeout: 5_000 });
      expect(await notices(tab)).toContain('You signed out at the authorization server.');
    }
  });

  it('LO-26: the second takes the stream over when the first is closed', async () => {
    const [first, second] = await twoTabs();
    const elsewhere = await world.signIn('alice');

    await first.close();
    await expect.poll(() => streams).toHaveLength(2);
    const { csrf_token } = await world.session(elsewhere);
    await elsewhere.fetch(`${world.origin}/sessions?except=current`, {
      method: 'DELETE',
      headers: { 'X-CSRF-Token': csrf_token },
    });

    await second.locator('#signed-out').waitFor({ timeout: 5_000 });
    expect(await notices(second)).toContain('Your session was ended from elsewhere.');
  });
});

describe('a tab whose authorization server keeps time with us', () => {
  let redis: RedisServer;
  let upstream: Upstream;
  let hostile: HostileProvider;
  let clock: ShiftedClock;
  let server: World;
  let restart: () => Promise<void>;

  beforeAll(async () => {
    clock = new ShiftedClock();
    const clients = [{ clientId: client.id, clientSecret: client.secret }];
    [redis, upstream, hostile] = await Promise.all([
      startRedis(),
      startUpstream(() => ({ headers: [['Content-Type', 'application/json']], body: '{"orders":[]}' })),
      startHostileProvider({ clients, clock }),
    ]);
    const env = { SESSION_SECRETS: randomBytes(32).toString('base64url') };
    const address = await reserveAddress();
    const start = () =>
      startWorld({ issuer: hostile.issuer, upstream: upstream.origin, redisUrl: redis.url, clock, env }, address);
    server = await start();
    restart = async () => {
      await server.close();
      server = await start();
    };
  });

  afterAll(async () => {
    await server.close();
    await Promise.all([redis.stop(), upstream.stop(), hostile.close()]);
  });

  async function signedInTab(): Promise<Page> {
    const page = await openTab(server);
    await page.locator('#sign-in').click();
    await page.locator('#signed-in').waitFor();
    await expect.poll(() => streams).toEqual(['eventsource']);
    return page;
  }

  it('SE-06: both are warned a minute ahead, may go on, and hear when it is too late', async () => {
    const first = await signedInTab();
    const second = await openTab(server);
    await second.locator('#signed-in').waitFor();
    clock.advance(29 * 60_000 + 5_000);

    for (const tab of [first, second]) await expect.poll(() => notices(tab)).toMatch(/signed out in/);
    await second.getByRole('button', { name: 'Stay signed in' }).click();
    for (const tab of [first, second]) await expect.poll(() => notices(tab)).not.toMatch(/signed out in/);
    clock.advance(2 * 60_000);
    await expect
      .poll(() => first.evaluate('fetch("/session").then((answer) => answer.json())'))
      .toMatchObject({
        authenticated: true,
      });
    clock.advance(28 * 60_000 + 5_000);

    for (const tab of [first, second]) {
      await tab.locator('#signed-out').waitFor({ timeout: 5_000 });
      expect(await notices(tab)).toContain('Nothing happened for a while');
    }
    expect(streams).toHaveLength(1);
  });

  it('SE-12, LO-11: it connects again by itself when the server is restarted, and hears what happens then', async () => {
    const page = await signedInTab();

    await restart();
    await expect.poll(() => streams.length, { timeout: 15_000 }).toBe(2);
    expect(await page.locator('#signed-in').isVisible()).toBe(true);
    await hostile.deliverLogoutToken(`${server.origin}/backchannel-logout`, { sid: hostile.grants.at(-1)?.sid });

    await page.locator('#signed-out').waitFor({ timeout: 5_000 });
    expect(await notices(page)).toContain('You signed out at the authorization server.');
  });

  it('CB-19: it shows the new person, and has a stream for them, when the person signs in again in another tab', async () => {
    const first = await signedInTab();
    const second = await openTab(server);
    await second.locator('#signed-in').waitFor();
    const before = await first.locator('#session-id').textContent();
    hostile.user = { sub: 'bob', claims: { name: 'Bob Example', email: 'bob@example.test' } };

    await second.goto(`${server.origin}/login?prompt=select_account`);

    await expect.poll(() => second.locator('#who-name').textContent()).toBe('Bob Example');
    // Alice was signed out by it, and the tab may have asked before Bob was signed in. It asks again when it is looked at.
    await first.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    await expect.poll(() => first.locator('#who-name').textContent()).toBe('Bob Example');
    expect(await first.locator('#session-id').textContent()).not.toBe(before);
    await expect.poll(() => streams.length).toBe(2);
    await hostile.deliverLogoutToken(`${server.origin}/backchannel-logout`, { sid: hostile.grants.at(-1)?.sid });
    for (const tab of [first, second]) await tab.locator('#signed-out').waitFor({ timeout: 5_000 });
  });
});
