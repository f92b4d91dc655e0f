/**
 * Which targets a sign-in may return to: the open redirects of two decades, and
 * the paths that must survive.
 */

import { describe, expect, it } from 'vitest';
import { errorTarget, type ReturnPolicy, returnPathFrom } from '../../../src/oidc/return-path.ts';

const policy: ReturnPolicy = {
  selfOrigin: 'https://app.example',
  trustedOrigins: new Set(['https://partner.example', 'https://dev.example:8443']),
  authPaths: new Set(['/login', '/callback', '/logout']),
};

describe('returnPathFrom', () => {
  it.each([
    ['/', '/'],
    ['', '/'],
    ['/orders', '/orders'],
    ['/orders/7?tab=lines&x=%2Fy#top', '/orders/7?tab=lines&x=%2Fy#top'],
    ['/?x=1', '/?x=1'],
    ['/#/route/of/an/old/spa', '/#/route/of/an/old/spa'],
    ['/a?next=https://evil.test/', '/a?next=https://evil.test/'],
    ['/a?next=//evil.test', '/a?next=//evil.test'],
    ['/a#//evil.test', '/a#//evil.test'],
    ['/search?q=a b', '/search?q=a%20b'],
    ['/a;v=1/b,c', '/a;v=1/b,c'],
    ['/users/@ann', '/users/@ann'],
    ['/wärme', '/w%C3%A4rme'],
    ['/a.b/..c/d..', '/a.b/..c/d..'],
    ['/a/', '/a/'],
    ['/api/orders/7.pdf', '/api/orders/7.pdf'],
    ['/%41bc', '/%41bc'],
    ['https://app.example', '/'],
    ['https://app.example/orders?x=1#y', '/orders?x=1#y'],
    ['https://APP.example/orders', '/orders'],
    ['https://app.example:443/orders', '/orders'],
    ['https://partner.example/x?y=1', 'https://partner.example/x?y=1'],
    ['https://partner.example', 'https://partner.example/'],
    ['https://dev.example:8443/', 'https://dev.example:8443/'],
    [`/${'a'.repeat(511)}`, `/${'a'.repeat(511)}`],
  ])('LS-21: %s is taken as %s', (text, target) => {
    expect(returnPathFrom(text, policy)).toBe(target);
  });

  it.each([
    '/login',
    '/login?return_to=/x',
    '/login#x',
    '/callback',
    '/callback?code=1&state=2',
    '/logout',
    'https://app.example/login',
    'https://app.example/callback?x',
  ])('LS-21: %s leads to /, so that no sign-in begins another', (text) => {
    expect(returnPathFrom(text, policy)).toBe('/');
  });

  it.each([
    // another host by two slashes, in every spelling
    '//evil.test',
    '///evil.test',
    '////evil.test',
    '//evil.test/%2f..',
    '//evil%E3%80%82test',
    '//app.example@evil.test',
    '//app.example',
    '/\\evil.test',
    '\\/evil.test',
    '\\\\evil.test',
    '/\\/evil.test',
    '//\\evil.test',
    '/%5cevil.test',
    '/%5Cevil.test',
    '/%2fevil.test',
    '/%2Fevil.test',
    '%2f%2fevil.test',
    '/%252fevil.test',
    '/%255cevil.test',
    '/a//evil.test',
    '/a/..//evil.test',
    '/.//evil.test',
    '/..//evil.test',
    '/%2e%2e//evil.test',
    // white space and control characters that parsers drop
    '/\t/evil.test',
    '/\n/evil.test',
    '/\r/evil.test',
    '\t//evil.test',
    ' //evil.test',
    ' /orders',
    '/orders ',
    '/\t\\evil.test',
    '\u0000/evil.test',
    '/\u0000evil.test',
    '/\u007fevil.test',
    '/\u0085/evil.test',
    '/\u2028/evil.test',
    '/\u202etset.live',
    '/\u200bevil.test',
    '\ufeff//evil.test',
    '/%09/evil.test',
    '/%0a/evil.test',
    '/%0d%0aSet-Cookie:x=1',
    '/\r\nSet-Cookie: x=1',
    '/%00/evil.test',
    '/%7f/evil.test',
    '/%1b/evil.test',
    // other schemes and half URLs
    'https:evil.test',
    'https:/evil.test',
    'http:evil.test',
    'https:///evil.test',
    'https:\\\\evil.test',
    'https:/\\evil.test',
    'http:\\\\evil.test',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\tscript:alert(1)',
    'javascript://app.example/%0aalert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    'ftp://app.example/',
    'blob:https://app.example/1',
    'about:blank',
    'evil.test',
    'app.example/orders',
    'orders',
    './orders',
    '../orders',
    '?x=1',
    '#x',
    '.',
    '@evil.test',
    ':80',
    'http://[',
    'https://',
    'https://?x',
    'https://#x',
    // another origin
    'https://evil.test/',
    'http://app.example/',
    'https://app.example:8443/',
    'https://app.example.evil.test/',
    'https://evil-app.example/',
    'https://evil.test#app.example',
    'https://evil.test?app.example',
    'https://evil.test/app.example',
    'https://app.example./',
    'https://app.example%2eevil.test/',
    'https://app.example%00.evil.test/',
    'https://app.example\u0000.evil.test/',
    'https://partner.example:8443/',
    'https://sub.partner.example/',
    'http://partner.example/',
    'https://dev.example/',
    // userinfo
    'https://app.example@evil.test/',
    'https://app.example:443@evil.test/',
    'https://evil.test@app.example/',
    'https://evil.test:x@partner.example/',
    'https://@app.example/',
    'https://app.example\\@evil.test/',
    'https://app.example%40evil.test/',
    // paths that can be read in more than one way
    '/@evil.test',
    '/a/../../evil',
    '/..',
    '/../x',
    '/./x',
    '/a/.',
    '/%2e%2e/x',
    '/a/%2E%2E/x',
    '/a%2fb',
    '/a%5cb',
    '/a%25b',
    'https://partner.example//evil.test',
    'https://partner.example/@evil.test',
    'https://partner.example/a/../b',
    'https://app.example//evil.test',
    'https://app.example/\\evil.test',
    // size
    `/${'a'.repeat(512)}`,
    `/${'ä'.repeat(256)}`,
    `/?${'a'.repeat(100_000)}`,
  ])('LS-21, LS-24: %j is refused', (text) => {
    expect(returnPathFrom(text, policy)).toBeUndefined();
  });

  it('LS-21: what is taken lies, as a browser reads it, on our own origin or a trusted one', () => {
    const allowed = new Set([policy.selfOrigin, ...policy.trustedOrigins]);
    const pieces = [
      '/',
      '\\',
      '//',
      '@',
      'evil.test',
      'app.example',
      '.',
      '..',
      '%2f',
      '%5c',
      '\t',
      ':',
      'https:',
      '?',
      '#',
      'a',
      ' ',
    ];
    let taken = 0;
    for (const one of pieces)
      for (const two of pieces)
        for (const three of pieces)
          for (const four of pieces) {
            const target = returnPathFrom(one + two + three + four, policy);
            if (target === undefined) continue;
            taken += 1;
            for (const base of ['https://app.example', 'https://app.example/deep/page?x#y']) {
              if (!allowed.has(new URL(target, base).origin))
                expect.fail(`${one}${two}${three}${four} led to ${target}`);
            }
          }
    expect(taken).toBeGreaterThan(100);
  });

  it('LS-21: answers at once, however long or odd the text', () => {
    const began = performance.now();
    for (const text of ['/'.repeat(1e6), `/${'%25'.repeat(1e5)}`, 'http://['.repeat(1e5), `/${'../'.repeat(170)}`]) {
      expect(returnPathFrom(text, policy)).toBeUndefined();
    }
    expect(performance.now() - began).toBeLessThan(500);
  });
});

describe('errorTarget', () => {
  it('is the root of the origin to return to', () => {
    const query = new URLSearchParams({ auth_error: 'access_denied' });

    expect(errorTarget('/orders?x=1', query)).toBe('/?auth_error=access_denied');
    expect(errorTarget('https://partner.example/x', query)).toBe('https://partner.example/?auth_error=access_denied');
  });
});
