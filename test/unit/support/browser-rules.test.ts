/**
 * What the scripted browser says of its requests, by table.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import {
  cookieContextOf,
  fetchMetadataOf,
  fetchSiteOf,
  originHeaderOf,
  refererOf,
  type Situation,
} from '../../support/browser-rules.ts';

const app = 'http://localhost:3000/page?x=1';
const provider = 'http://127.0.0.1:4000/auth';

function situation(
  initiator: string | undefined,
  urls: readonly [string, ...string[]],
  parts: Partial<Situation> = {},
): Situation {
  const [first, ...others] = urls;
  return {
    method: 'GET',
    mode: 'navigate',
    dest: 'document',
    byPerson: true,
    initiator: initiator === undefined ? undefined : new URL(initiator),
    urls: [new URL(first), ...others.map((url) => new URL(url))],
    ...parts,
  };
}

const strict = { lenientRedirects: false };

describe('sites and origins', () => {
  it.each([
    //  case                              page         goes to                               Sec-Fetch-Site  cookies
    ['a typed address', undefined, [app], 'none', 'same-site'],
    ['a typed address that redirects', undefined, [app, provider, app], 'none', 'same-site'],
    ['a link of the same origin', app, [app], 'same-origin', 'same-site'],
    ['another port of the host', app, ['http://localhost:4001/'], 'same-site', 'same-site'],
    ['localhost and 127.0.0.1', app, [provider], 'cross-site', 'cross-site-navigation'],
    ['localhost and app.localhost', app, ['http://app.localhost:3000/'], 'cross-site', 'cross-site-navigation'],
    ['two hosts of one domain', 'https://a.example.test/', ['https://b.example.test/'], 'same-site', 'same-site'],
    ['http and https', 'http://a.test/', ['https://a.test/'], 'cross-site', 'cross-site-navigation'],
    ['back from another site', app, [app, provider, app], 'cross-site', 'cross-site-navigation'],
  ] as const)('%s', (_case, page, urls, fetchSite, context) => {
    expect(fetchSiteOf(situation(page, urls))).toBe(fetchSite);
    expect(cookieContextOf(situation(page, urls), strict)).toBe(context);
  });

  it('counts only the last hop when redirects are lenient', () => {
    const back = situation(app, [app, provider, app]);
    expect(cookieContextOf(back, { lenientRedirects: true })).toBe('same-site');
    expect(cookieContextOf(back, strict)).toBe('cross-site-navigation');
  });

  it('takes a frame or an image of another site for cross-site without navigation', () => {
    expect(cookieContextOf(situation(provider, [app], { dest: 'iframe' }), strict)).toBe('cross-site');
    expect(cookieContextOf(situation(provider, [app], { mode: 'no-cors', dest: 'image' }), strict)).toBe('cross-site');
  });
});

describe('Fetch Metadata', () => {
  it('says what a click is', () => {
    expect(fetchMetadataOf(situation(app, [provider]))).toEqual([
      ['Sec-Fetch-Site', 'cross-site'],
      ['Sec-Fetch-Mode', 'navigate'],
      ['Sec-Fetch-User', '?1'],
      ['Sec-Fetch-Dest', 'document'],
    ]);
  });

  it('says nothing to an insecure destination, and of no person where a script fetches', () => {
    expect(fetchMetadataOf(situation(undefined, ['http://app.example/']))).toEqual([]);
    const byScript = fetchMetadataOf(situation(app, [app], { mode: 'cors', dest: 'empty', byPerson: false }));
    expect(byScript.map(([name]) => name)).toEqual(['Sec-Fetch-Site', 'Sec-Fetch-Mode', 'Sec-Fetch-Dest']);
  });
});

describe('Origin', () => {
  const evil = 'https://evil.test/';
  it.each([
    ['a link', app, [provider], {}, undefined],
    ['a form', app, [provider], { method: 'POST' }, 'http://localhost:3000'],
    ['a form that is redirected to a third origin', app, [provider, evil], { method: 'POST' }, 'null'],
    ['a fetch of its own', app, [app], { mode: 'cors', dest: 'empty' }, undefined],
    ['a POST of its own', app, [app], { mode: 'cors', method: 'POST' }, 'http://localhost:3000'],
    ['a fetch of another origin', app, [provider], { mode: 'cors', dest: 'empty' }, 'http://localhost:3000'],
    ['an image of another origin', app, [provider], { mode: 'no-cors', dest: 'image' }, undefined],
    ['a blind POST to another origin', app, [provider], { mode: 'no-cors', method: 'POST' }, 'http://localhost:3000'],
    ['a form that leaves https', evil, ['http://app.example/'], { method: 'POST' }, 'null'],
    ['a typed address', undefined, [app], {}, undefined],
  ] as const)('%s', (_case, page, urls, parts, origin) => {
    expect(originHeaderOf(situation(page, urls, parts))).toBe(origin);
  });
});

it('tells other origins only where it comes from, and insecure ones nothing', () => {
  expect(refererOf(situation(app, [app]))).toBe(app);
  expect(refererOf(situation(app, [provider]))).toBe('http://localhost:3000/');
  expect(refererOf(situation('https://a.test/x', ['http://b.test/']))).toBeUndefined();
});
