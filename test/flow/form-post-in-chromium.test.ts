/**
 * `RESPONSE_MODE=form_post` in a real browser: a page of another site posts the
 * response, and only cookies with SameSite=None come along with it.
 */

import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { Browser as Chromium, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { createTlsIdentity } from '../support/hostile/certificate.ts';
import { type HostileProvider, startHostileProvider } from '../support/hostile-provider.ts';
import { freePort } from '../support/ports.ts';
import { ShiftedClock } from '../support/shifted-clock.ts';
import { client, startWorld, type World } from '../support/world.ts';

const known = getCACertificates('default');
const identity = createTlsIdentity();
let chromium: Chromium;

beforeAll(async () => {
  setDefaultCACertificates([...known, identity.cert]);
  chromium = await launchChromium();
});

afterAll(async () => {
  await chromium.close();
  setDefaultCACertificates(known);
});

afterEach(async () => {
  for (const context of chromium.contexts()) await context.close();
});

interface Place {
  readonly hostile: HostileProvider;
  readonly world: World;
}

/** A provider on 127.0.0.1, which is another site for the browser, and the app on localhost; both over TLS, or neither. */
async function startPlace(scheme: 'http' | 'https'): Promise<Place> {
  const [port, clock] = [await freePort(), new ShiftedClock()];
  const origin = `${scheme}://localhost:${port}`;
  const isSecure = scheme === 'https';
  const hostile = await startHostileProvider({
    clients: [{ clientId: client.id, clientSecret: client.secret, redirectUris: [`${origin}/callback`] }],
    clock,
    tls: isSecure ? identity : undefined,
  });
  const env = {
    ...{ RESPONSE_MODE: 'form_post', API_AUDIENCE: undefined },
    ...(isSecure ? { TLS_CERT_FILE: 'cert.pem', TLS_KEY_FILE: 'key.pem' } : {}),
  };
  const files = { 'cert.pem': identity.cert, 'key.pem': identity.key };
  const options = { issuer: hostile.issuer, upstream: 'http://127.0.0.1:9', clock, env, files };
  return { hostile, world: await startWorld(options, { port, origin, redirectUri: `${origin}/callback` }) };
}

async function open({ world }: Place): Promise<Page> {
  const context = await chromium.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(`${world.origin}/`);
  return page;
}

const isSignedIn = (page: Page) =>
  page.evaluate(`fetch('/session').then((answer) => answer.json()).then(({ authenticated }) => authenticated)`);

// Browsers keep and send Secure cookies on localhost without TLS, too.
describe.each(['https', 'http'] as const)('a response that a page of another site posts, over %s', (scheme) => {
  let place: Place;

  beforeAll(async () => {
    place = await startPlace(scheme);
  });

  afterAll(async () => {
    await place.world.close();
    await place.hostile.close();
  });

  afterEach(() => {
    place.hostile.reset();
    place.world.clock.advance(11_000);
  });

  it('CB-12, CB-21: signs the person in, and the page that follows knows them', async () => {
    const page = await open(place);
    const posted = page.waitForRequest((request) => request.url().endsWith('/callback'));
    await page.locator('#sign-in').click();
    await page.locator('#signed-in').waitFor();

    const request = await posted;
    const headers = await request.allHeaders();
    expect(request.method()).toBe('POST');
    expect(headers['sec-fetch-site']).toBe('cross-site');
    expect(headers['cookie']).toContain('claimcheck-login-');
    expect(page.url()).toBe(`${place.world.origin}/`);
    expect(await page.locator('#who-name').textContent()).toBe('Alice Example');
    expect(await isSignedIn(page)).toBe(true);

    const cookies = await page.context().cookies(place.world.origin);
    expect(cookies.filter(({ name }) => name.includes('-login-'))).toEqual([]);
    const session = cookies.find(({ name }) => /claimcheck$/.test(name));
    expect(session).toMatchObject({ httpOnly: true, sameSite: 'Strict', secure: scheme === 'https' });
  });

  it('CB-12: signs nobody in where it comes by a redirect instead', async () => {
    place.hostile.script.authorize.mode = 'query';
    const page = await open(place);
    const answered = page.waitForResponse((response) => response.url().includes('/callback?'));
    await page.locator('#sign-in').click();

    expect((await answered).status()).toBeGreaterThanOrEqual(400);
    expect(place.hostile.hits('token')).toBe(0);
    await page.goto(`${place.world.origin}/`);
    expect(await isSignedIn(page)).toBe(false);
  });
});
