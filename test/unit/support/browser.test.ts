/**
 * The scripted browser against real listeners: cookies, redirects, CORS, streams.
 *
 * @module
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Browser } from '../../support/browser.ts';
import { startUpstream, type Upstream } from '../../support/upstream.ts';
import type { Answer } from '../../support/upstream-answers.ts';
import type { UpstreamRequest } from '../../support/upstream-connection.ts';

let app: Upstream;
let provider: Upstream;
let appOrigin: string;
let browser: Browser;

const redirect = (location: string, status = 303): Answer => ({ status, headers: [['Location', location]] });
const page: Answer = { headers: [['Content-Type', 'text/html']], body: '<p>page' };

beforeAll(async () => {
  app = await startUpstream(() => page);
  provider = await startUpstream(() => page);
  appOrigin = `http://localhost:${app.port}`;
});

beforeEach(() => {
  app.forget();
  provider.forget();
  app.script = () => page;
  provider.script = () => page;
  browser = new Browser();
});

afterAll(async () => {
  await app.stop();
  await provider.stop();
});

const setting = (...lines: readonly string[]): Answer => ({
  headers: lines.map((line) => ['Set-Cookie', line] as const),
});
const bySession = (request: UpstreamRequest): string => request.header('cookie') ?? '';

describe('navigation', () => {
  it('follows redirects and records every hop', async () => {
    app.script = ({ target }) => (target === '/login' ? redirect(`${provider.origin}/auth`) : page);
    const answer = await browser.navigate(`${appOrigin}/login`);

    expect(answer.status).toBe(200);
    expect(answer.hops.map(({ status, url }) => [status, url])).toEqual([
      [303, `${appOrigin}/login`],
      [200, `${provider.origin}/auth`],
    ]);
    expect(answer.hopTo('/login').headers).toContainEqual(['Location', `${provider.origin}/auth`]);
    expect(browser.page).toBe(`${provider.origin}/auth`);
    expect(app.last.header('sec-fetch-site')).toBe('none');
    expect(app.last.header('host')).toBe(`localhost:${app.port}`);
  });

  it('does not send the Strict cookie on the way back from another site, but the Lax one', async () => {
    app.script = () => setting('strict=1; SameSite=Strict; Path=/; HttpOnly', 'lax=1; SameSite=Lax; Path=/');
    await browser.navigate(`${appOrigin}/`);
    app.script = () => page;
    provider.script = () => redirect(`${appOrigin}/callback`);
    await browser.click(`${provider.origin}/auth`);
    expect(bySession(app.last)).toBe('lax=1');
    expect(app.last.header('sec-fetch-site')).toBe('cross-site');

    await browser.click('/again');
    expect(bySession(app.last)).toBe('strict=1; lax=1');
  });

  it('keeps cookies that a cross-site redirect sets on its way', async () => {
    app.script = ({ target }) =>
      target === '/callback'
        ? {
            status: 303,
            headers: [
              ['Location', '/'],
              ['Set-Cookie', 's=1; SameSite=Strict; Path=/'],
            ],
          }
        : page;
    await browser.navigate(`${appOrigin}/callback`, { from: `${provider.origin}/consent` });
    expect(bySession(app.last)).toBe('');
    await browser.click('/next');
    expect(bySession(app.last)).toBe('s=1');
  });

  it('turns a POST into a GET at 303 and keeps it at 307', async () => {
    app.script = ({ target }) =>
      target === '/see' ? redirect('/done') : target === '/keep' ? redirect('/done', 307) : page;
    await browser.submitForm(`${appOrigin}/see`, { a: '1' }, { from: `${appOrigin}/` });
    expect(app.last).toMatchObject({ method: 'GET', target: '/done' });
    expect(app.last.header('content-type')).toBeUndefined();
    await browser.submitForm(`${appOrigin}/keep`, { a: 'b c' }, { from: `${appOrigin}/` });
    expect(app.last).toMatchObject({ method: 'POST', target: '/done' });
    expect(app.last.text()).toBe('a=b+c');
    expect(app.last.header('origin')).toBe(appOrigin);
  });

  it('gives up after 20 redirects', async () => {
    app.script = () => redirect('/again');
    await expect(browser.navigate(appOrigin)).rejects.toThrow('not redirected');
    expect(app.requests).toHaveLength(21);
  });

  it('plays an old browser', async () => {
    const old = new Browser({ fetchMetadata: false });
    await old.submitForm(`${appOrigin}/`, {}, { from: `${provider.origin}/` });
    expect(app.last.headers.map(([name]) => name).filter((name) => name.startsWith('Sec-'))).toEqual([]);
    expect(app.last.header('origin')).toBe(provider.origin);
  });

  it('reaches a public https origin through its terminator, Secure cookies included', async () => {
    const outside = new Browser({ reach: { 'https://app.example': app.origin } });
    app.script = () => setting('__Host-Http-a=1; Secure; HttpOnly; Path=/; SameSite=Strict');
    await outside.navigate('https://app.example/x');
    await outside.click('/y');

    expect(app.last.header('host')).toBe('app.example');
    expect(bySession(app.last)).toBe('__Host-Http-a=1');
    expect(outside.jar.refused).toEqual([]);
  });

  it('clears cookies when told, and only its own', async () => {
    app.script = () => setting('a=1; Path=/');
    provider.script = () => setting('p=1; Path=/');
    await browser.navigate(`${appOrigin}/`);
    await browser.navigate(`${provider.origin}/`);
    app.script = () => ({ headers: [['Clear-Site-Data', '"cache","storage"']] });
    await browser.navigate(`${appOrigin}/`);
    expect(browser.jar.all()).toHaveLength(2);
    app.script = () => ({ headers: [['Clear-Site-Data', '"cookies"']] });
    await browser.navigate(`${appOrigin}/`);
    expect(browser.jar.all().map(({ name }) => name)).toEqual(['p']);
  });
});

describe('fetch', () => {
  it('sends cookies to its own origin, and to others only when included', async () => {
    app.script = () => setting('a=1; Path=/; SameSite=None; Secure');
    await browser.navigate(`${appOrigin}/`);
    await browser.fetch('/api');
    expect(bySession(app.last)).toBe('a=1');
    await browser.fetch(`${appOrigin}/api`, { from: `${provider.origin}/` });
    expect(bySession(app.last)).toBe('');
    await browser.fetch(`${appOrigin}/api`, { from: `${provider.origin}/`, credentials: 'include' });
    expect(bySession(app.last)).toBe('a=1');
    await browser.fetch('/api', { from: `${appOrigin}/`, credentials: 'omit' });
    expect(bySession(app.last)).toBe('');
  });

  it('sends an image of another site without the Strict cookie and without Origin', async () => {
    app.script = () => setting('a=1; Path=/; SameSite=Strict');
    await browser.navigate(`${appOrigin}/`);
    await browser.fetch(`${appOrigin}/img`, { from: `${provider.origin}/`, mode: 'no-cors', dest: 'image' });

    expect(bySession(app.last)).toBe('');
    expect(app.last.header('origin')).toBeUndefined();
    expect(app.last.header('sec-fetch-dest')).toBe('image');
  });

  it('asks before a request that is not simple, and does not send what is not allowed', async () => {
    const from = `${provider.origin}/page`;
    const options = { method: 'DELETE', headers: { 'X-CSRF-Token': 't' }, from, credentials: 'include' } as const;
    const failure: unknown = await browser.fetch(`${appOrigin}/api`, options).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'FetchBlocked', preflight: { method: 'OPTIONS', status: 200 } });
    expect(app.requests.map(({ method }) => method)).toEqual(['OPTIONS']);
    expect(app.last.header('access-control-request-headers')).toBe('x-csrf-token');

    const allowed = [
      ['Access-Control-Allow-Origin', provider.origin],
      ['Access-Control-Allow-Credentials', 'true'],
    ] as const;
    app.script = () => ({
      headers: [
        ...allowed,
        ['Access-Control-Allow-Methods', 'DELETE'],
        ['Access-Control-Allow-Headers', 'X-CSRF-Token'],
      ],
    });
    const answer = await browser.fetch(`${appOrigin}/api`, options);
    expect(answer).toMatchObject({ status: 200, readable: true });
    expect(app.requests.map(({ method }) => method)).toEqual(['OPTIONS', 'OPTIONS', 'DELETE']);
  });

  it('knows what the page may read', async () => {
    const from = `${provider.origin}/page`;
    expect((await browser.fetch(`${appOrigin}/x`, { from })).readable).toBe(false);
    app.script = () => ({ headers: [['Access-Control-Allow-Origin', '*']] });
    expect((await browser.fetch(`${appOrigin}/x`, { from })).readable).toBe(true);
    expect((await browser.fetch(`${appOrigin}/x`, { from, credentials: 'include' })).readable).toBe(false);
  });

  it('keeps every byte received, and finds a secret in any of its forms', async () => {
    const secret = 'a-very-secret-token';
    app.script = () => ({ body: Buffer.from(`{"x":"${secret}"}`).toString('base64') });
    await browser.fetch(`${appOrigin}/x`);

    expect(browser.received.length).toBeGreaterThan(0);
    expect(Buffer.concat([...browser.received]).toString()).toMatch(/^HTTP\/1\.1 200 /);
    expect(browser.hasReceived(secret)).toBe(true);
    expect(browser.hasReceived('another-secret-token')).toBe(false);
  });

  it('reads a stream while it runs', async () => {
    const gate = Promise.withResolvers<void>();
    app.script = () => ({
      headers: [['Content-Type', 'text/event-stream']],
      chunks: (async function* () {
        yield ': heartbeat\n\nevent: state\ndata: {"a":1}\n\n';
        await gate.promise;
        yield 'event: ended\ndata: x\ndata: y\nid: 7\n\n';
      })(),
    });
    const stream = await browser.openStream(`${appOrigin}/events`, { from: `${appOrigin}/` });
    expect(await stream.next('state')).toEqual({ event: 'state', data: '{"a":1}', id: undefined });
    expect(stream.events()).toHaveLength(1);
    expect(app.last.header('accept')).toBe('text/event-stream');
    gate.resolve();
    expect(await stream.next('ended')).toEqual({ event: 'ended', data: 'x\ny', id: '7' });
    await expect.poll(() => stream.closed).toBe(true);
  });

  it('closes a stream as a page does that is left', async () => {
    const never = new Promise<string>(() => undefined);
    app.script = () => ({
      chunks: (async function* () {
        yield 'x';
        yield await never;
      })(),
    });
    const stream = await browser.openStream(`${appOrigin}/events`, { from: `${appOrigin}/` });
    stream.close();
    await app.last.aborted;
    expect(app.abortedRequests).toHaveLength(1);
  });
});
