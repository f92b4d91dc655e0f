/**
 * Ways through the demo page that only a real browser has: tabs, history, forms
 * that leave the site and come back.
 */

import type { Browser as Chromium, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { startWorld, type World } from '../support/world.ts';
import { signInAt, type Visitor, visitorOf } from './visitor.ts';

let world: World;
let chromium: Chromium;

beforeAll(async () => {
  [world, chromium] = await Promise.all([startWorld(), launchChromium()]);
});

afterAll(async () => {
  await chromium.close();
  await world.close();
});

const signedIn = (page: Page) => page.locator('#signed-in');
const signedOut = (page: Page) => page.locator('#signed-out');
const name = (page: Page) => page.locator('#who-name').textContent();
/** The session's own, and the one that names it for a later sign-in or sign-out of this browser. */
const cookiesOfOne = [expect.stringMatching(/^claimcheck-began-[\w-]{8}$/), 'claimcheck'];
const codeGrants = () => world.provider.record.grants.get('authorization_code') ?? 0;

/** All text of the document, hidden parts and values of fields included. */
const everything = (page: Page) => page.evaluate<string>('document.documentElement.outerHTML');

async function expectNothingShown(page: Page): Promise<void> {
  const held = await everything(page);
  expect(held).not.toContain('Alice Anders');
  expect(held).not.toContain('alice@');
  expect(await page.locator('#orders-rows tr').count()).toBe(0);
}

async function expectNoFault({ violations, faults }: Visitor): Promise<void> {
  expect(violations).toEqual([]);
  expect(faults).toEqual([]);
}

describe('three tabs', () => {
  it('LS-22, CK-04: that begin to sign in before any has finished all finish, as one session', async () => {
    await using visitor = await visitorOf(chromium);
    const tabs = [await visitor.open(world.origin), await visitor.open(world.origin), await visitor.open(world.origin)];
    for (const tab of tabs) {
      await tab.locator('#sign-in').click();
      await tab.getByRole('button', { name: /Alice/ }).waitFor();
    }
    expect(
      (await visitor.cookieNames(world.origin)).filter((cookie) => cookie.startsWith('claimcheck-login-')),
    ).toHaveLength(3);

    for (const tab of tabs) {
      await tab.getByRole('button', { name: /Alice/ }).click();
      await signedIn(tab).waitFor();
    }

    // The sessions of the first two were replaced; their pages go on with the last.
    for (const tab of tabs) {
      await signedIn(tab).waitFor();
      await expect.poll(() => name(tab)).toBe('Alice Anders');
    }
    const [first] = tabs;
    await first?.reload();
    await first?.locator('#orders-rows tr').first().waitFor();
    expect(
      (await visitor.cookieNames(world.origin)).filter((cookie) => cookie.startsWith('claimcheck-login-')),
    ).toEqual([]);
    await expectNoFault(visitor);
  });

  it('LO-01: of one session are all signed out by one of them', async () => {
    await using visitor = await visitorOf(chromium);
    const first = await visitor.open(world.origin);
    await signInAt(first);
    const others = [await visitor.open(world.origin), await visitor.open(`${world.origin}/orders`)];
    for (const tab of others) await signedIn(tab).waitFor();

    await first.locator('#sign-out').click();

    for (const tab of [first, ...others]) {
      await signedOut(tab).waitFor();
      await expectNothingShown(tab);
    }
    await expectNoFault(visitor);
  });
});

describe('the back button', () => {
  it('CB-02: after a sign-in leads to no second one and changes nothing', async () => {
    await using visitor = await visitorOf(chromium);
    const page = await visitor.open(world.origin);
    await signInAt(page);
    const grants = codeGrants();
    const handle = await page.locator('#session-id').textContent();

    await page.goBack();
    await page.goto(world.origin);
    await signedIn(page).waitFor();

    expect(await page.locator('#session-id').textContent()).toBe(handle);
    expect(codeGrants()).toBe(grants);
    await expectNoFault(visitor);
  });

  it('CK-12, LO-02: after a sign-out shows nothing of the person, however often it is pressed', async () => {
    await using visitor = await visitorOf(chromium);
    const page = await visitor.open(world.origin);
    await signInAt(page);
    await page.locator('#orders-rows tr').first().waitFor();
    await page.evaluate("history.pushState({}, '', '/orders')");
    await page.goto(`${world.origin}/orders/7`);
    await signedIn(page).waitFor();
    await page.locator('#sign-out').click();
    await signedOut(page).waitFor();

    for (let steps = 0; steps < 3; steps++) {
      await page.goBack();
      if (page.url().startsWith(world.origin)) {
        await signedOut(page).waitFor();
        await expectNothingShown(page);
      }
    }
    expect(await visitor.cookieNames(world.origin)).toEqual([]);
    await expectNoFault(visitor);
  });
});

describe('signing out', () => {
  it('LO-02, LO-05, CK-12: goes by a form to the provider and back, ends both sessions, and leaves no cookie', async () => {
    await using visitor = await visitorOf(chromium);
    const page = await visitor.open(world.origin);
    await signInAt(page);
    expect(await visitor.cookieNames(world.origin)).toEqual(cookiesOfOne);

    await page.locator('#sign-out').click();
    await signedOut(page).waitFor();

    expect(new URL(page.url()).origin).toBe(world.origin);
    expect(await visitor.cookieNames(world.origin)).toEqual([]);
    const [form] = (await visitor.requests(`${world.origin}/logout`)).filter(({ method }) => method === 'POST');
    expect(form).toMatchObject({
      type: 'document',
      headers: { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' },
    });
    const ends = (await visitor.requests(world.provider.issuer)).filter(({ url }) =>
      url.includes('post_logout_redirect_uri'),
    );
    expect(ends).toHaveLength(1);
    // No token in a URL: what is in it are names and our own random state.
    expect(world.provider.issuedSecrets().filter((secret) => ends[0]?.url.includes(secret))).toEqual([]);
    expect([...new URL(ends[0]?.url ?? '').searchParams.keys()].toSorted()).toEqual([
      'client_id',
      'logout_hint',
      'post_logout_redirect_uri',
      'state',
    ]);
    // The provider has forgotten the person, too: it asks again.
    await page.locator('#sign-in').click();
    await page.getByRole('button', { name: /Bob/ }).click();
    await signedIn(page).waitFor();
    expect(await name(page)).toBe('Bob Brandt');
    await expectNoFault(visitor);
  });

  it('LO-02: works by the page with one button, without any script', async () => {
    await using visitor = await visitorOf(chromium, { javaScriptEnabled: false });
    const page = await visitor.open(`${world.origin}/login`);
    await page.getByRole('button', { name: /Alice/ }).click();
    expect(await visitor.cookieNames(world.origin)).toEqual(cookiesOfOne);

    await page.goto(`${world.origin}/logout`);
    expect(await visitor.cookieNames(world.origin)).toEqual(cookiesOfOne);
    await page.getByRole('button', { name: 'Sign out' }).click();

    await page.waitForURL(`${world.origin}/**`);
    expect(await visitor.cookieNames(world.origin)).toEqual([]);
  });
});

describe('the policy of the page', () => {
  it('CF-18: is seen when it is violated: an injected script, style, frame, form and connection', async () => {
    await using visitor = await visitorOf(chromium);
    const page = await visitor.open(world.origin);
    await signedOut(page).waitFor();
    expect(visitor.violations).toEqual([]);

    await page.evaluate(`(() => {
      const script = document.createElement('script');
      script.textContent = 'window.injected = true';
      document.body.append(script);
      const style = document.createElement('style');
      style.textContent = 'body { color: red }';
      document.body.append(style);
      const frame = document.createElement('iframe');
      frame.src = ${JSON.stringify(world.provider.issuer)};
      document.body.append(frame);
      const form = document.createElement('form');
      form.action = 'http://evil.localhost/';
      document.body.append(form);
      form.submit();
      return fetch('http://evil.localhost/').catch(() => undefined);
    })()`);

    await expect
      .poll(() => new Set(visitor.violations.map((violation) => violation.split(' ')[1])))
      .toEqual(new Set(['script-src-elem', 'style-src-elem', 'frame-src', 'form-action', 'connect-src']));
    expect(await page.evaluate('window.injected')).toBeUndefined();
  });
});
