/**
 * The scripted browser says of its requests what a real Chromium says.
 *
 * Chromium does not count the redirects of a request for SameSite yet, so the
 * scripted one is told to be as lenient here.
 *
 * @module
 */

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { Browser } from '../../support/browser.ts';
import { launchChromium } from '../../support/chromium.ts';
import { eventually } from '../../support/eventually.ts';
import { startUpstream, type Upstream } from '../../support/upstream.ts';

const compared = [
  'sec-fetch-site',
  'sec-fetch-mode',
  'sec-fetch-dest',
  'sec-fetch-user',
  'origin',
  'referer',
  'cookie',
  'content-type',
];
const cookies = [
  'strict=1; SameSite=Strict; Path=/',
  'lax=1; SameSite=Lax; Path=/',
  '__Host-Http-s=1; Secure; HttpOnly; SameSite=Strict; Path=/',
];

let app: Upstream;
let other: Upstream;
let chromium: Awaited<ReturnType<typeof launchChromium>>;
let page: Page;
let browser: Browser;

/** A page with a link, a form, and nothing else. */
const html = (target: string): string =>
  `<link rel="icon" href="data:,"><a href="${target}">go</a><form method="post" action="${target}"><input name="a" value="1"><button>send</button></form>`;
const document = (target: string, set: readonly string[] = []) => ({
  headers: [['Content-Type', 'text/html'] as const, ...set.map((line) => ['Set-Cookie', line] as const)],
  body: html(target),
});
const redirect = (location: string) => ({ status: 303, headers: [['Location', location] as const] });

let origin: string;

beforeAll(async () => {
  app = await startUpstream();
  other = await startUpstream();
  origin = `http://localhost:${app.port}`;
  app.script = ({ target }) => {
    if (target === '/away') return redirect(`${other.origin}/back`);
    return target === '/start' ? document('/goal', cookies) : document('/goal');
  };
  other.script = ({ target }) => (target === '/back' ? redirect(`${origin}/goal`) : document(`${origin}/goal`));
  chromium = await launchChromium();
});

beforeEach(async () => {
  app.forget();
  page = await (await chromium.newContext()).newPage();
  browser = new Browser({ lenientRedirects: true });
  await page.goto(`${origin}/start`);
  await browser.navigate(`${origin}/start`);
});

afterAll(async () => {
  await chromium.close();
  await app.stop();
  await other.stop();
});

/** What the last request to the goal said, of both browsers in turn. */
async function bothSay(real: () => Promise<unknown>, scripted: () => Promise<unknown>) {
  const said = [];
  for (const act of [real, scripted]) {
    app.forget();
    await act();
    await eventually(() => app.requests.some(({ target }) => target === '/goal'));
    const request = app.requests.find(({ target }) => target === '/goal');
    said.push(Object.fromEntries(compared.map((name) => [name, request?.header(name)])));
  }
  return { real: said[0], scripted: said[1] };
}

it('for a typed address', async () => {
  const { real, scripted } = await bothSay(
    () => page.goto(`${origin}/goal`),
    () => browser.navigate(`${origin}/goal`),
  );
  expect(scripted).toMatchObject({ 'sec-fetch-site': 'none', cookie: 'strict=1; lax=1; __Host-Http-s=1' });
  // The tool that drives Chromium presses no key, so there is no `Sec-Fetch-User`.
  expect({ ...scripted, 'sec-fetch-user': undefined }).toEqual({ ...real, 'sec-fetch-user': undefined });
});

it('for a link', async () => {
  const { real, scripted } = await bothSay(
    () => page.click('a'),
    () => browser.click('/goal'),
  );
  expect(scripted).toEqual(real);
});

it('for a form', async () => {
  const { real, scripted } = await bothSay(
    () => page.click('button'),
    () => browser.submitForm('/goal', { a: '1' }),
  );
  expect(scripted).toMatchObject({ origin, 'sec-fetch-site': 'same-origin' });
  expect(scripted).toEqual(real);
});

it('for a link and a form of another site', async () => {
  for (const way of ['a', 'button']) {
    await page.goto(`${other.origin}/page`);
    await browser.navigate(`${other.origin}/page`);
    const scripted = () =>
      way === 'a' ? browser.click(`${origin}/goal`) : browser.submitForm(`${origin}/goal`, { a: '1' });
    const both = await bothSay(() => page.click(way), scripted);
    expect(both.scripted).toMatchObject({ 'sec-fetch-site': 'cross-site', cookie: way === 'a' ? 'lax=1' : undefined });
    expect(both.scripted).toEqual(both.real);
  }
});

it('on the way back from another site', async () => {
  await page.evaluate(`document.querySelector('a').href = '/away'`);
  const { real, scripted } = await bothSay(
    () => page.click('a'),
    () => browser.click('/away'),
  );
  expect(scripted).toMatchObject({ 'sec-fetch-site': 'cross-site', cookie: 'strict=1; lax=1; __Host-Http-s=1' });
  expect(scripted).toEqual(real);
});

it('for what a script fetches, from its own page and from another site', async () => {
  const fetching = (init: object) =>
    page.evaluate(`fetch(${JSON.stringify(`${origin}/goal`)}, ${JSON.stringify(init)}).then((a) => a.status, () => 0)`);
  for (const home of [`${origin}/start`, `${other.origin}/page`]) {
    await page.goto(home);
    await browser.navigate(home);
    for (const init of [
      {},
      { credentials: 'include' as const },
      { method: 'POST', body: 'x' },
      { method: 'POST', mode: 'no-cors' as const, credentials: 'include' as const },
    ]) {
      const { real, scripted } = await bothSay(
        () => fetching(init),
        () => browser.fetch(`${origin}/goal`, init),
      );
      expect({ home, init, says: scripted }).toEqual({ home, init, says: real });
    }
  }
});
