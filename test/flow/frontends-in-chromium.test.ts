/**
 * Two frontends as a real browser has them: two origins, two cookies, two sessions.
 */

import type { Browser as Chromium, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { type Frontends, type Place, startFrontends } from './frontends-world.ts';

let all: Frontends;
let chromium: Chromium;

beforeAll(async () => {
  [all, chromium] = await Promise.all([startFrontends(), launchChromium()]);
});

afterAll(async () => {
  await chromium.close();
  await all.close();
});

const ask = (page: Page, url: string) =>
  page.evaluate(async (at) => {
    const answer = await fetch(at, { credentials: 'include' });
    return (await answer.json()) as { readonly authenticated: boolean; readonly csrf_token: string };
  }, url);

describe('two frontends in Chromium', () => {
  it('LS-29: sign in side by side, and neither can ask of the other or end it', async () => {
    const context = await chromium.newContext();
    const signedIn = async (at: Place) => {
      const page = await context.newPage();
      await page.goto(`${at.origin}/login`);
      expect([page.url(), await page.title()]).toEqual([`${at.origin}/`, at.id]);
      return page;
    };
    const [orders, desk] = [await signedIn(all.orders), await signedIn(all.desk)];

    const cookies = (await context.cookies()).filter(({ name }) => name === 'claimcheck');
    expect(cookies.map(({ domain }) => domain).sort()).toEqual(['desk.localhost', 'orders.localhost']);
    const { authenticated, csrf_token } = await ask(orders, '/session');
    expect([authenticated, (await ask(desk, '/session')).authenticated]).toEqual([true, true]);
    await expect(ask(orders, `${all.desk.origin}/session`)).rejects.toThrow('Failed to fetch');

    const status = await orders.evaluate(async (token) => {
      const answer = await fetch('/logout', { method: 'POST', headers: { 'X-CSRF-Token': token } });
      return answer.status;
    }, csrf_token);
    expect(status).toBe(200);
    expect([(await ask(orders, '/session')).authenticated, (await ask(desk, '/session')).authenticated]).toEqual([
      false,
      true,
    ]);
    await context.close();
  });
});
