/**
 * The cookie jar of the scripted browser: what it keeps and what it sends.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { type CookieContext, CookieJar } from '../../support/cookie-jar.ts';

const https = new URL('https://app.example/a/b');
const loopback = new URL('http://localhost:3000/a/b');

function jarWith(line: string, { url = https, context = 'same-site' as CookieContext } = {}): CookieJar {
  const jar = new CookieJar(() => 1_000_000);
  jar.store([line], { url, context });
  return jar;
}

const sent = (jar: CookieJar, url: string, { context = 'same-site' as CookieContext, method = 'GET' } = {}) =>
  jar.cookiesFor(new URL(url), { context, method }).map(({ name }) => name);

describe('what a browser keeps', () => {
  it.each([
    ['a plain cookie', 'a=1', https],
    ['a prefixed cookie', '__Host-a=1; Secure; Path=/', https],
    ['a prefixed cookie on loopback', '__Host-a=1; Secure; Path=/', loopback],
    ['an HTTP-only prefix', '__Host-Http-a=1; Secure; Path=/; HttpOnly; SameSite=Strict', https],
    ['a cookie for all hosts of the site', 'a=1; Domain=app.example', https],
    ['a cookie for its own single label', 'a=1; Domain=localhost', loopback],
    ['SameSite=None with Secure', 'a=1; SameSite=None; Secure', https],
  ])('%s', (_case, line, url) => {
    const jar = jarWith(line, { url });

    expect(jar.refused).toEqual([]);
    expect(jar.all()).toHaveLength(1);
  });

  it.each([
    ['__Host- without Secure', '__Host-a=1; Path=/', https],
    ['__Host- with Domain', '__Host-a=1; Secure; Path=/; Domain=app.example', https],
    ['__Host- without Path=/', '__Host-a=1; Secure', https],
    ['__Host- of another path', '__Host-a=1; Secure; Path=/a', https],
    ['a prefix in other letters', '__hOsT-a=1; Path=/', https],
    ['__Host-Http- without HttpOnly', '__Host-Http-a=1; Secure; Path=/', https],
    ['__Secure- without Secure', '__Secure-a=1', https],
    ['no name, but the value of a prefix', '=__Host-a=1; Secure; Path=/', https],
    ['Secure over plain http', 'a=1; Secure', new URL('http://app.example/')],
    ['SameSite=None without Secure', 'a=1; SameSite=None', https],
    ['the domain of another', 'a=1; Domain=evil.example', https],
    ['a public suffix', 'a=1; Domain=example', https],
    ['a part of an address', 'a=1; Domain=0.0.1', new URL('http://127.0.0.1/')],
    ['more than 4096 bytes', `a=${'x'.repeat(4096)}`, https],
    ['a control character', 'a=1\u0001', https],
  ])('refuses %s', (_case, line, url) => {
    const jar = jarWith(line, { url });

    expect(jar.all()).toEqual([]);
    expect(jar.refused).toHaveLength(1);
  });

  it('ignores a deletion that does not fulfil the promise of its name', () => {
    const jar = jarWith('__Host-a=1; Secure; Path=/; HttpOnly');
    jar.store(['__Host-a=; Path=/; Max-Age=0'], { url: https, context: 'same-site' });
    expect(jar.get('__Host-a')?.value).toBe('1');
    jar.store(['__Host-a=; Path=/; Secure; Expires=Thu, 01 Jan 1970 00:00:00 GMT'], {
      url: https,
      context: 'same-site',
    });
    expect(jar.get('__Host-a')).toBeUndefined();
  });

  it('deletes only the cookie of the same path and domain', () => {
    const jar = jarWith('a=1; Path=/x');
    jar.store(['a=; Path=/; Max-Age=0'], { url: https, context: 'same-site' });
    expect(jar.all()).toHaveLength(1);
    jar.store(['a=; Path=/x; Max-Age=0'], { url: https, context: 'same-site' });
    expect(jar.all()).toEqual([]);
  });

  it('ends a cookie by the clock, Max-Age before Expires', () => {
    let now = 0;
    const jar = new CookieJar(() => now);
    jar.store(['a=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT', 'b=1'], { url: https, context: 'same-site' });
    now = 9_999;
    expect(sent(jar, https.href)).toEqual(['a', 'b']);
    now = 10_000;
    expect(sent(jar, https.href)).toEqual(['b']);
  });

  it('does not let an insecure origin overlay a secure cookie', () => {
    const jar = jarWith('a=1; Secure; Path=/');
    jar.store(['a=2; Path=/'], { url: new URL('http://app.example/'), context: 'same-site' });
    expect(jar.get('a')?.value).toBe('1');
  });

  it('does not let a cross-site subresource set a Strict or Lax cookie', () => {
    expect(jarWith('a=1; SameSite=Lax', { context: 'cross-site' }).all()).toEqual([]);
    expect(jarWith('a=1; SameSite=None; Secure', { context: 'cross-site' }).all()).toHaveLength(1);
    expect(jarWith('a=1; SameSite=Strict', { context: 'cross-site-navigation' }).all()).toHaveLength(1);
  });
});

describe('what a browser sends', () => {
  it('sends by host, path and Secure, and never by port', () => {
    const jar = jarWith('a=1; Secure; Path=/a');
    expect(sent(jar, 'https://app.example:8443/a/x')).toEqual(['a']);
    expect(sent(jar, 'https://app.example/ab')).toEqual([]);
    expect(sent(jar, 'https://sub.app.example/a')).toEqual([]);
    expect(sent(jar, 'http://app.example/a')).toEqual([]);
    expect(sent(jarWith('a=1; Domain=app.example; Path=/'), 'https://sub.app.example/')).toEqual(['a']);
    expect(sent(jarWith('a=1; Secure; Path=/', { url: loopback }), 'http://localhost:4000/')).toEqual(['a']);
  });

  it.each([
    //  cookie              same-site   link or GET form   POST form of another site   image of another site
    ['SameSite=Strict', [true, false, false, false]],
    ['SameSite=Lax', [true, true, false, false]],
    ['SameSite=None; Secure', [true, true, true, true]],
  ] as const)('%s', (attribute, expected) => {
    const jar = jarWith(`a=1; Path=/; ${attribute}`);
    const went = [
      sent(jar, https.href),
      sent(jar, https.href, { context: 'cross-site-navigation' }),
      sent(jar, https.href, { context: 'cross-site-navigation', method: 'POST' }),
      sent(jar, https.href, { context: 'cross-site' }),
    ];
    expect(went.map((names) => names.length === 1)).toEqual(expected);
  });

  it('sends a young cookie without SameSite with a POST of another site, an older one no more', () => {
    let now = 0;
    const jar = new CookieJar(() => now);
    jar.store(['a=1; Path=/'], { url: https, context: 'same-site' });
    now = 119_999;
    expect(sent(jar, https.href, { context: 'cross-site-navigation', method: 'POST' })).toEqual(['a']);
    now = 120_000;
    expect(sent(jar, https.href, { context: 'cross-site-navigation', method: 'POST' })).toEqual([]);
  });

  it('sends the longer path first, then the older cookie, and both of one name', () => {
    let now = 0;
    const jar = new CookieJar(() => now++);
    jar.store(['a=1; Path=/', 'b=1; Path=/', 'a=2; Path=/a'], { url: https, context: 'same-site' });
    expect(
      jar.cookiesFor(https, { context: 'same-site', method: 'GET' }).map(({ name, value }) => name + value),
    ).toEqual(['a2', 'a1', 'b1']);
  });
});
