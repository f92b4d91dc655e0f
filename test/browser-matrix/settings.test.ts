/**
 * The demo page in a real browser under the settings that change what it must do.
 */

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser as Chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { reserveAddress, startWorld } from '../support/world.ts';

let chromium: Chromium;
let folder: string;

beforeAll(async () => {
  chromium = await launchChromium();
  folder = await mkdtemp(join(tmpdir(), 'claimcheck-page-'));
  await cp('public', folder, { recursive: true });
  const page = await readFile(join(folder, 'index.html'), 'utf8');
  await writeFile(
    join(folder, 'index.html'),
    page.replace('<meta name="auth-base-path" content="">', '<meta name="auth-base-path" content="/bff">'),
  );
});

afterAll(async () => {
  await chromium.close();
  await rm(folder, { recursive: true });
});

describe('the page', () => {
  it.each([
    ['as it comes', {}, '/callback'],
    ['with CSRF_MODE=header', { CSRF_MODE: 'header' }, '/callback'],
    ['with AUTH_BASE_PATH=/bff', { AUTH_BASE_PATH: '/bff' }, '/bff/callback'],
  ])(
    'CF-01, CF-02, CF-18: %s, signs in, orders and signs out with no policy violated',
    async (_case, env, callback) => {
      const address = await reserveAddress();
      const world = await startWorld(
        { env: { ...env, ...('AUTH_BASE_PATH' in env ? { PUBLIC_DIR: folder } : {}) } },
        { ...address, redirectUri: address.origin + callback },
      );
      const context = await chromium.newContext({ viewport: { width: 320, height: 640 }, colorScheme: 'dark' });
      const page = await context.newPage();
      const violations: string[] = [];
      page.on('console', (message) => {
        if (message.text().includes('Content Security Policy')) violations.push(message.text());
      });
      await page.goto(world.origin);
      await page.locator('#sign-in').click();
      await page.getByRole('button', { name: /Alice/ }).click();
      await page.locator('#signed-in').waitFor();
      await page.locator('#orders-rows tr').first().waitFor();
      const before = await page.locator('#orders-rows tr').count();
      await page.locator('#order-item').fill('Umbrella');
      await page.locator('#order-place').click();
      await expect.poll(() => page.locator('#orders-rows tr').count()).toBe(before + 1);
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      await page.locator('#sign-out').click();
      await page.locator('#signed-out').waitFor();
      await page.goBack();
      await page.locator('#signed-out').waitFor();

      expect(world.orders.requests.filter(({ method, status }) => method === 'POST' && status === 201)).toHaveLength(1);
      expect(overflow).toBeLessThanOrEqual(0);
      expect(violations).toEqual([]);
      expect((await context.cookies(world.origin)).filter(({ name }) => name === 'claimcheck')).toEqual([]);
      await context.close();
      await world.close();
    },
  );
});
