/**
 * What a person sees and can reach: on a narrow screen, in light and dark, with
 * the keyboard alone.
 */

import type { Browser as Chromium, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { startWorld, type World } from '../support/world.ts';
import { visitorOf } from './visitor.ts';

let world: World;
let chromium: Chromium;

beforeAll(async () => {
  [world, chromium] = await Promise.all([startWorld(), launchChromium()]);
});

afterAll(async () => {
  await chromium.close();
  await world.close();
});

/** How far the content is wider than the window. */
const overflow = (page: Page) =>
  page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');

/**
 * Texts whose contrast with what lies behind them is below 4.5, or below 3 where
 * they are large (WCAG 2.2, 1.4.3). Colours are painted on a canvas, so that every
 * way to write one is understood; what is disabled or has no plain background is left out.
 */
const faintTexts = (page: Page) =>
  page.evaluate<readonly string[]>(`(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgba = (color) => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const linear = (part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
    const luminance = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    const backgroundOf = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const { backgroundColor, backgroundImage } = getComputedStyle(at);
        if (backgroundImage !== 'none') return undefined;
        const color = rgba(backgroundColor);
        if (color[3] === 255) return color;
        if (color[3] !== 0) return undefined;
      }
      return rgba(getComputedStyle(document.documentElement).colorScheme.includes('dark') && matchMedia('(prefers-color-scheme: dark)').matches ? '#121212' : '#fff');
    };
    const isShown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && element.getClientRects().length > 0;
    const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
    return [...document.body.querySelectorAll('*')]
      .filter((element) => hasText(element) && isShown(element) && !element.closest('[aria-hidden=true], :disabled, noscript, .unseen, .skip'))
      .flatMap((element) => {
        const background = backgroundOf(element);
        if (!background) return [];
        const style = getComputedStyle(element);
        const [light, dark] = [luminance(rgba(style.color)), luminance(background)].sort((a, b) => b - a);
        const ratio = (light + 0.05) / (dark + 0.05);
        const size = parseFloat(style.fontSize);
        const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        return ratio >= (isLarge ? 3 : 4.5) ? [] : [element.textContent.trim().slice(0, 40) + ' ' + ratio.toFixed(2)];
      });
  })()`);

const schemes = [['light'], ['dark']] as const;

describe.each(schemes)('in %s, 320 pixels wide, the page', (colorScheme) => {
  it('is read without scrolling sideways and with enough contrast, signed out and signed in', async () => {
    await using visitor = await visitorOf(chromium, { colorScheme, viewport: { width: 320, height: 640 } });
    const page = await visitor.open(world.origin);
    await page.locator('#signed-out').waitFor();
    expect(await overflow(page)).toBe(0);
    expect(await faintTexts(page)).toEqual([]);

    await page.locator('#sign-in').click();
    await page.getByRole('button', { name: /Alice/ }).waitFor();
    expect(await overflow(page)).toBe(0);
    expect(await faintTexts(page)).toEqual([]);

    await page.getByRole('button', { name: /Alice/ }).click();
    await page.locator('#orders-rows tr').first().waitFor();
    expect(await overflow(page)).toBe(0);
    expect(await faintTexts(page)).toEqual([]);
    expect(visitor.violations).toEqual([]);
  });

  it('ER-06: and ours that stand for themselves do the same: an error, the question before signing out', async () => {
    await using visitor = await visitorOf(chromium, { colorScheme, viewport: { width: 320, height: 640 } });
    const page = await visitor.open();
    for (const [path, status] of [
      ['/login?return_to=//evil.test', 400],
      ['/logout', 200],
    ] as const) {
      const answer = await page.goto(world.origin + path);
      expect(answer?.status()).toBe(status);
      expect(answer?.headers()['content-type']).toMatch(/^text\/html/);
      expect(await overflow(page)).toBe(0);
      expect(await faintTexts(page)).toEqual([]);
    }
    expect(visitor.violations).toEqual([]);
  });

  it('is really shown so: its background is as light or dark as was asked for', async () => {
    await using visitor = await visitorOf(chromium, { colorScheme });
    const page = await visitor.open(world.origin);
    await page.locator('#signed-out').waitFor();
    const lightness = await page.evaluate<number>(`(() => {
      const canvas = document.createElement('canvas').getContext('2d');
      canvas.fillStyle = getComputedStyle(document.body).backgroundColor;
      canvas.fillRect(0, 0, 1, 1);
      const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
      return (red + green + blue) / 765;
    })()`);
    expect(lightness > 0.5).toBe(colorScheme === 'light');
  });
});

/** What has the focus: its id, its text, or its name. */
const focused = (page: Page) =>
  page.evaluate<string>(
    'document.activeElement.id || document.activeElement.textContent.trim() || document.activeElement.localName',
  );

/** Whether a person can see where they are. */
const isMarked = (page: Page) =>
  page.evaluate<boolean>(`(() => {
    const style = getComputedStyle(document.activeElement);
    return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
  })()`);

/** Presses Tab until the focus is there; gives all that was passed, and fails when something was not marked. */
async function tabTo(page: Page, goal: RegExp): Promise<readonly string[]> {
  const passed: string[] = [];
  for (let presses = 0; presses < 25; presses++) {
    await page.keyboard.press('Tab');
    const at = await focused(page);
    passed.push(at);
    expect(await isMarked(page), `the focus on ${at} is seen`).toBe(true);
    if (goal.test(at)) return passed;
  }
  throw new Error(`never came to ${goal}: ${passed.join(', ')}`);
}

describe('with the keyboard alone', () => {
  it('a person signs in, orders, renews and signs out, and always sees where they are', async () => {
    await using visitor = await visitorOf(chromium);
    const page = await visitor.open(world.origin);
    await page.locator('#signed-out').waitFor();

    const [skip] = await tabTo(page, /^sign-in$/);
    expect(skip).toBe('Skip to content');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: /Alice/ }).waitFor();
    await tabTo(page, /Alice/);
    await page.keyboard.press('Enter');
    await page.locator('#orders-rows tr').first().waitFor();

    const before = await page.locator('#orders-rows tr').count();
    await tabTo(page, /^order-item$/);
    await page.keyboard.type('Umbrella');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('#orders-rows tr').count()).toBe(before + 1);

    await page.locator('#main').focus();
    await tabTo(page, /^sign-out$/);
    await page.keyboard.press('Enter');
    await page.locator('#signed-out').waitFor();
    expect(await visitor.cookieNames(world.origin)).toEqual([]);
  });

  it('a skip link leads past the header to the content', async () => {
    await using visitor = await visitorOf(chromium);
    const page = await visitor.open(world.origin);
    await page.locator('#signed-out').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect.poll(() => focused(page)).toBe('main');
  });
});
