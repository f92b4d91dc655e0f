/**
 * The real browser is there and sees this machine, and nothing else.
 *
 * @module
 */

import { expect, it } from 'vitest';
import { launchChromium } from '../../support/chromium.ts';
import { startUpstream } from '../../support/upstream.ts';

it('opens a page of this machine under localhost and 127.0.0.1', async () => {
  await using server = await startUpstream(() => ({
    headers: [['Content-Type', 'text/html']],
    body: '<title>here</title>',
  }));
  const browser = await launchChromium();
  const page = await browser.newPage();
  await page.goto(`http://localhost:${server.port}/`);
  expect(await page.title()).toBe('here');
  await page.goto(`http://127.0.0.1:${server.port}/`);
  expect(
    server.requests.filter(({ target }) => target === '/').map((request) => request.header('sec-fetch-site')),
  ).toEqual(['none', 'none']);
  await expect(page.goto('http://example.test/')).rejects.toThrow('ERR_NAME_NOT_RESOLVED');
  await browser.close();
});
