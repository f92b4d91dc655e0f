/**
 * What a real browser lets other pages do to somebody who is signed in: pages of
 * other sites, pages of the provider, and siblings, which are the same site and
 * get no protection from SameSite.
 */

import type { Browser as Chromium, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { freePort } from '../support/ports.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { startWorld, type World } from '../support/world.ts';
import { type SentRequest, signInAt, type Visitor, visitorOf } from './visitor.ts';

let world: World;
let chromium: Chromium;
/** Serves an empty page without any policy, under every name. */
let elsewhere: Upstream;
let visitor: Visitor;
let home: Page;

beforeAll(async () => {
  // The registrable domain of both is shop.localhost: for the browser they are one site.
  const port = await freePort();
  const origin = `http://app.shop.localhost:${port}`;
  elsewhere = await startUpstream(() => ({
    headers: [
      ['Content-Type', 'text/html'],
      ['Cache-Control', 'no-store'],
    ],
    body: '<!doctype html><title>Elsewhere</title>',
  }));
  [world, chromium] = await Promise.all([
    startWorld({}, { port, origin, redirectUri: `${origin}/callback` }),
    launchChromium(),
  ]);
});

beforeEach(async () => {
  visitor = await visitorOf(chromium);
  home = await visitor.open(world.origin);
  await signInAt(home);
  await home.locator('#orders-rows tr').first().waitFor();
  return () => visitor[Symbol.asyncDispose]();
});

afterAll(async () => {
  await chromium.close();
  await elsewhere.stop();
  await world.close();
});

const siblings = [
  ['a sibling, which is the same site', 'evil.shop.localhost', 'same-site'],
  ['another site', 'evil.localhost', 'cross-site'],
] as const;

const openElsewhere = (host: string) => visitor.open(`http://${host}:${elsewhere.port}/`);
const ordersSeen = () => world.orders.requests.length;

/** What the browser sent to us from a page that is not ours. */
async function sentBy(host: string): Promise<readonly SentRequest[]> {
  const requests = await visitor.requests(world.origin);
  return requests.filter(({ headers }) => `${headers['origin'] ?? headers['referer'] ?? ''}`.includes(host));
}

async function expectUnharmed(): Promise<void> {
  await home.reload();
  await home.locator('#signed-in').waitFor();
  expect(await home.locator('#who-name').textContent()).toBe('Alice Anders');
}

const submit = (url: string, enctype: string) => `(() => {
  const form = document.createElement('form');
  form.method = 'post';
  form.enctype = ${JSON.stringify(enctype)};
  form.action = ${JSON.stringify(url)};
  form.innerHTML = '<input name="item" value="x">';
  document.body.append(form);
  form.submit();
})()`;

describe.each(siblings)('a page of %s', (_case, host, site) => {
  it('CF-04, CF-05, CK-02: cannot send a form to the API, whatever its type', async () => {
    const seen = ordersSeen();
    for (const enctype of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data']) {
      const page = await openElsewhere(host);
      const answered = page.waitForResponse(`${world.origin}/api/orders`);
      await page.evaluate(submit(`${world.origin}/api/orders`, enctype));

      const response = await answered;
      expect(response.status()).toBe(403);
      // To a sibling the browser gives the Strict cookie: what refuses here is not SameSite.
      const headers = await response.request().allHeaders();
      expect(headers['sec-fetch-site']).toBe(site);
      expect(headers['cookie']?.includes('claimcheck=') ?? false).toBe(site === 'same-site');
    }
    expect(ordersSeen()).toBe(seen);
    await expectUnharmed();
  });

  it('LO-02: cannot sign anybody out', async () => {
    const page = await openElsewhere(host);
    const answered = page.waitForResponse(`${world.origin}/logout`);
    await page.evaluate(submit(`${world.origin}/logout`, 'application/x-www-form-urlencoded'));

    const { status } = await answered.then((response) => ({ status: response.status() }));
    expect(status).toBe(403);
    await expectUnharmed();
  });

  it('CF-05, CF-09, CF-12: cannot call by script, with or without CORS, and learns nothing', async () => {
    const seen = ordersSeen();
    const page = await openElsewhere(host);
    const outcomes = await page.evaluate<readonly string[]>(`(async () => {
      const api = ${JSON.stringify(`${world.origin}/api/orders`)};
      const session = ${JSON.stringify(`${world.origin}/session`)};
      const said = (answer) => answer.type + ' ' + answer.status;
      const tries = [
        fetch(api, { credentials: 'include' }),
        fetch(session, { credentials: 'include' }),
        fetch(api, { mode: 'no-cors', credentials: 'include' }),
        fetch(api, { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"item":"x","quantity":1}' }),
        fetch(api, { method: 'POST', credentials: 'include', headers: { 'Content-Type': 'application/json' }, body: '{}' }),
        fetch(api, { credentials: 'include', headers: { 'X-CSRF': '1' } }),
        fetch(api, { method: 'DELETE', credentials: 'include' }),
      ];
      navigator.sendBeacon(api, new Blob(['{}'], { type: 'text/plain' }));
      return Promise.all(tries.map((each) => each.then(said, () => 'blocked')));
    })()`);

    // Not even an opaque answer: Cross-Origin-Resource-Policy keeps it from the page's process.
    expect(outcomes).toEqual(outcomes.map(() => 'blocked'));
    expect(outcomes).toHaveLength(7);
    expect(ordersSeen()).toBe(seen);
    expect((await sentBy(host)).length).toBeGreaterThan(3);
    await expectUnharmed();
  });

  it('CF-14: cannot embed an answer or the page as image, script, style or frame', async () => {
    const seen = ordersSeen();
    const page = await openElsewhere(host);
    const outcomes = await page.evaluate<readonly string[]>(`(async () => {
      const load = (name, url) => new Promise((resolve) => {
        const element = document.createElement(name);
        element.onload = () => resolve(name + ' loaded');
        element.onerror = () => resolve(name + ' refused');
        if (name === 'link') Object.assign(element, { rel: 'stylesheet', href: url });
        else element.src = url;
        document.body.append(element);
      });
      const api = ${JSON.stringify(`${world.origin}/api/orders`)};
      return Promise.all(['img', 'script', 'link', 'video'].map((name) => load(name, api)));
    })()`);
    expect(outcomes).toEqual(['img refused', 'script refused', 'link refused', 'video refused']);
    expect(ordersSeen()).toBe(seen);

    await page.evaluate(`(() => {
      const frame = document.createElement('iframe');
      frame.src = ${JSON.stringify(world.origin)};
      document.body.append(frame);
    })()`);
    await expect.poll(() => page.frames().at(-1)?.url()).toMatch(/^chrome-error:/);
    await expectUnharmed();
  });

  it('LS-23: cannot start a sign-in from a frame or by a script, only by a link that somebody follows', async () => {
    const page = await openElsewhere(host);
    const starts = () => world.provider.record.lastAuthorizationParams;
    const before = starts();
    await page.evaluate(`(async () => {
      const frame = document.createElement('iframe');
      frame.src = ${JSON.stringify(`${world.origin}/login?prompt=login`)};
      document.body.append(frame);
      await new Promise((resolve) => { frame.onload = resolve; });
      await fetch(${JSON.stringify(`${world.origin}/login?prompt=login`)}, { mode: 'no-cors', credentials: 'include' }).catch(() => undefined);
    })()`);
    expect(starts()).toBe(before);

    await page.goto(`${world.origin}/login?prompt=login`, { referer: page.url() });
    expect(new URL(page.url()).origin).toBe(world.provider.issuer);
    expect(starts()).not.toBe(before);
  });
});

describe('a Strict cookie', () => {
  it('CK-02, CB-21: is not sent with the page that a sign-in ends on, and the page needs none', async () => {
    const requests = await visitor.requests(world.origin);
    const landing = requests.filter(({ type }) => type === 'document').at(-1);
    const asked = requests.filter(({ url }) => url === `${world.origin}/session`).at(-1);

    expect(landing?.url).toBe(`${world.origin}/`);
    expect(landing?.headers['cookie'] ?? '').not.toContain('claimcheck=');
    expect(asked?.headers['cookie']).toContain('claimcheck=');
    expect(asked?.headers['sec-fetch-site']).toBe('same-origin');
  });

  it('CK-02: is not sent when a link of another site is followed, and the person is signed in all the same', async () => {
    const page = await openElsewhere('evil.localhost');
    await page.evaluate(`(() => {
      const link = document.createElement('a');
      link.href = ${JSON.stringify(`${world.origin}/orders`)};
      link.textContent = 'Your orders';
      document.body.append(link);
    })()`);
    await page.getByText('Your orders').click();
    await page.locator('#signed-in').waitFor();

    const [arrival] = (await visitor.requests(`${world.origin}/orders`)).filter(({ type }) => type === 'document');
    expect(arrival?.headers['sec-fetch-site']).toBe('cross-site');
    expect(arrival?.headers['cookie'] ?? '').not.toContain('claimcheck=');
    expect(await page.locator('#who-name').textContent()).toBe('Alice Anders');
  });

  it('CK-02, CF-12: does not let a link of another site read the API', async () => {
    const seen = ordersSeen();
    const page = await openElsewhere('evil.localhost');
    await page.evaluate(`location.href = ${JSON.stringify(`${world.origin}/api/orders`)}`);
    await page.waitForURL(`${world.origin}/api/orders`);

    expect(await page.evaluate<string>('document.body.innerText')).not.toContain('Alice');
    expect(ordersSeen()).toBe(seen);
  });
});
