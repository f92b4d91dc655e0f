import type { Browser as Chromium, Page, Response } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
let chromium: Chromium;

beforeAll(async () => {
  [world, chromium] = await Promise.all([startWorld(), launchChromium()]);
});

afterAll(async () => {
  await chromium.close();
  await world.close();
});

afterEach(async () => {
  for (const context of chromium.contexts()) await context.close();
});

interface Visit {
  readonly page: Page;
  readonly errors: readonly string[];
  /** Everything received, headers and bodies, as text. */
  readonly received: () => Promise<string>;
}

async function visit(path = '/'): Promise<Visit> {
  const context = await chromium.newContext();
  const page = await context.newPage();
  const errors: string[] = [];
  const answers: Promise<string>[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  page.on('response', (response) => {
    if (new URL(response.url()).origin !== world.origin) return;
    const answer = textOf(response);
    answer.catch(() => undefined); // told by `received`; where nobody asks, the page may be closed before all is read
    answers.push(answer);
  });
  await page.goto(world.origin + path);
  return { page, errors, received: async () => (await Promise.all(answers)).join('\n') };
}

async function textOf(response: Response): Promise<string> {
  const headers = JSON.stringify(await response.headersArray());
  if (response.headers()['content-type']?.startsWith('text/event-stream')) return headers; // it has no end to wait for
  const body = await response.body().then(
    (bytes) => bytes.toString(),
    () => '', // a redirect has no body to ask for
  );
  return `${headers}\n${body}`;
}

async function signIn(page: Page, name = 'Alice'): Promise<void> {
  await page.locator('#sign-in').click();
  await page.getByRole('button', { name: new RegExp(name) }).click();
  await page.locator('#signed-in').waitFor();
}

describe('the page, in a real browser', () => {
  it('CB-21, CK-04, CF-18: a person signs in at another site, sees and creates orders, reloads, and signs out', async () => {
    const { page, errors } = await visit();
    await signIn(page);

    await expect.poll(() => page.locator('#who-name').textContent()).toBe('Alice Anders');
    await expect.poll(() => page.locator('#orders-rows tr').count()).toBeGreaterThan(0);
    const before = await page.locator('#orders-rows tr').count();
    await page.locator('#order-item').fill('Umbrella');
    await page.locator('#order-form button[type=submit]').click();
    await expect.poll(() => page.locator('#orders-rows tr').count()).toBe(before + 1);

    await page.reload();
    await expect.poll(() => page.locator('#who-name').textContent()).toBe('Alice Anders');

    await page.locator('#sign-out').click();
    await page.locator('#signed-out').waitFor();
    expect(new URL(page.url()).origin).toBe(world.origin);
    expect((await page.context().cookies(world.origin)).filter(({ name }) => name === 'claimcheck')).toEqual([]);
    expect(errors).toEqual([]);
  });

  it('TS-01, TS-13: no token is in anything the browser received, and nothing is in its storages', async () => {
    const { page, received } = await visit();
    await signIn(page);
    await expect.poll(() => page.locator('#orders-rows tr').count()).toBeGreaterThan(0);
    await page.locator('#renew').click();

    const held = await page.evaluate(`(async () => ({
      cookie: document.cookie,
      local: localStorage.length,
      session: sessionStorage.length,
      databases: (await indexedDB.databases()).length,
      caches: (await caches.keys()).length,
    }))()`);
    expect(held).toEqual({ cookie: '', local: 0, session: 0, databases: 0, caches: 0 });
    const shown = await page.evaluate("fetch('/session').then((answer) => answer.text().then(() => answer.status))");
    expect({ status: shown }).toEqual({ status: 200 }); // of somebody who is signed in

    const bytes = await received();
    const secrets = world.provider.issuedSecrets();
    expect(secrets.length).toBeGreaterThan(2);
    expect(secrets.filter((secret) => bytes.includes(secret))).toEqual([]);
    expect(bytes).toContain('csrf_token'); // the search looks at what the page really got
  });

  it('LS-23, CB-08: cancelling at the provider ends on the page with a sentence, and no dead end', async () => {
    const { page } = await visit();
    await page.locator('#sign-in').click();
    await page.getByRole('button', { name: /cancel/i }).click();

    await page.locator('#signed-out').waitFor();
    await expect.poll(() => page.locator('#notices').textContent()).toMatch(/cancel|did not|denied/i);
    expect(page.url()).toBe(`${world.origin}/`);
    await signIn(page, 'Bob');
    expect(await page.locator('#who-name').textContent()).toBe('Bob Brandt');
  });

  it('CK-02: a page of another site neither sends the cookie nor gets an answer', async () => {
    const { page } = await visit();
    await signIn(page);
    await page.locator('#orders-rows tr').first().waitFor();
    const writes = () => world.orders.requests.filter(({ method }) => method === 'POST').length;
    const before = writes();
    await page.goto(`${world.provider.issuer}/.well-known/openid-configuration`);

    const outcome = await page.evaluate(
      (url) =>
        fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body: 'x' }).then(
          (answer) => answer.type,
          () => 'blocked',
        ),
      `${world.origin}/api/orders`,
    );

    expect(['opaque', 'blocked']).toContain(outcome);
    expect(writes()).toBe(before);
    await page.goto(world.origin);
    await expect.poll(() => page.locator('#who-name').textContent()).toBe('Alice Anders');
  });
});
