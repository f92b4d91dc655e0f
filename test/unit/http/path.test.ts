/**
 * The request target: one reading, or none.
 *
 * @module
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { carriesAccessToken, longestTarget, parseTarget } from '../../../src/http/path.ts';

describe('parseTarget', () => {
  it.each([
    ['the root', '/', '/', ''],
    ['a plain path', '/api/orders/7', '/api/orders/7', ''],
    ['a slash at the end', '/api/orders/', '/api/orders/', ''],
    ['every unreserved character', '/api/aZ09-._~', '/api/aZ09-._~', ''],
    ['the delimiters that part nothing', "/api/!$&'()*+,=:@", "/api/!$&'()*+,=:@", ''],
    ['dots inside a segment', '/api/a..b/...c/.well-known', '/api/a..b/...c/.well-known', ''],
    ['a segment of three dots', '/api/.../x', '/api/.../x', ''],
    ['an encoded space', '/api/a%20b', '/api/a%20b', ''],
    ['a percent sign that is one', '/api/100%25', '/api/100%25', ''],
    ['a percent sign before a word', '/api/100%25of', '/api/100%25of', ''],
    ['UTF-8 of two bytes', '/api/caf%C3%A9', '/api/caf%C3%A9', ''],
    ['UTF-8 of three bytes', '/api/%E2%82%AC', '/api/%E2%82%AC', ''],
    ['UTF-8 of four bytes', '/api/%F0%9F%98%80', '/api/%F0%9F%98%80', ''],
    ['hex digits in lower case', '/api/caf%c3%a9', '/api/caf%c3%a9', ''],
    ['an encoded delimiter that parts nothing', '/api/a%40b%26c%2B', '/api/a%40b%26c%2B', ''],
    ['a query', '/api/x?a=1&b=2', '/api/x', '?a=1&b=2'],
    ['an empty query', '/api/x?', '/api/x', '?'],
    ['a query with what a path may not have', '/api/x?u=/../;//%2e%2f%00%zz?\\', '/api/x', '?u=/../;//%2e%2f%00%zz?\\'],
    ['a query with an encoded line break', '/api/x?a=%0d%0a', '/api/x', '?a=%0d%0a'],
    ['a URL in the query', '/api/x?next=https://evil.test/#'.slice(0, -1), '/api/x', '?next=https://evil.test/'],
  ])('GW-05: takes %s byte for byte', (_case, raw, path, search) => {
    expect(parseTarget(raw)).toEqual({ path, search });
  });

  it.each([
    //  how it is written                       target                            fault
    ['absolute-form', 'http://169.254.169.254/', 'target-not-origin-form'],
    ['absolute-form of our own host', 'http://localhost/api/x', 'target-not-origin-form'],
    ['an opaque target', 'http:http://internal/admin', 'target-not-origin-form'],
    ['authority-form', 'evil.test:443', 'target-not-origin-form'],
    ['asterisk-form', '*', 'target-not-origin-form'],
    ['a relative path', 'api/x', 'target-not-origin-form'],
    ['nothing', '', 'target-not-origin-form'],
    ['a backslash in front', '\\api', 'target-not-origin-form'],
    ['a network path', '//evil.test/x', 'path-empty-segment'],
    ['an empty segment inside', '/api//orders', 'path-empty-segment'],
    ['two slashes at the end', '/api/orders//', 'path-empty-segment'],
    ['two dots', '/api/../admin', 'path-dot-segment'],
    ['two dots at the end', '/api/orders/..', 'path-dot-segment'],
    ['two dots in front', '/../api', 'path-dot-segment'],
    ['two dots before the query', '/api/..?x', 'path-dot-segment'],
    ['one dot', '/api/./orders', 'path-dot-segment'],
    ['one dot at the end', '/api/.', 'path-dot-segment'],
    ['one dot before a slash at the end', '/api/./', 'path-dot-segment'],
    ['encoded dots', '/api/%2e%2e/admin', 'path-encoded-unreserved'],
    ['encoded dots in upper case', '/api/%2E%2E/admin', 'path-encoded-unreserved'],
    ['one dot plain, one encoded', '/api/.%2e/admin', 'path-encoded-unreserved'],
    ['one dot encoded, one plain', '/api/%2e./admin', 'path-encoded-unreserved'],
    ['one encoded dot', '/api/%2e/admin', 'path-encoded-unreserved'],
    ['an encoded letter', '/api/%61dmin', 'path-encoded-unreserved'],
    ['an encoded capital', '/%41PI/x', 'path-encoded-unreserved'],
    ['an encoded digit', '/api/%37', 'path-encoded-unreserved'],
    ['an encoded hyphen', '/api/a%2Db', 'path-encoded-unreserved'],
    ['an encoded underscore', '/api/a%5Fb', 'path-encoded-unreserved'],
    ['an encoded tilde', '/api/%7Eann', 'path-encoded-unreserved'],
    ['an encoded slash', '/api/a%2fb', 'path-encoded-delimiter'],
    ['an encoded slash in upper case', '/api/a%2Fb', 'path-encoded-delimiter'],
    ['a way up over an encoded slash', '/api/x/..%2fadmin', 'path-encoded-delimiter'],
    ['a network path of encoded slashes', '/api/%2f%2fevil', 'path-encoded-delimiter'],
    ['an encoded backslash', '/api/a%5cb', 'path-encoded-delimiter'],
    ['a way up over an encoded backslash', '/api/..%5c..%5cadmin', 'path-encoded-delimiter'],
    ['an encoded number sign', '/api/secret%23/bar', 'path-encoded-delimiter'],
    ['an encoded question mark', '/api/x%3fy', 'path-encoded-delimiter'],
    ['an encoded question mark in upper case', '/api/x%3Fy', 'path-encoded-delimiter'],
    ['an encoded semicolon', '/api/x%3bv=1', 'path-encoded-delimiter'],
    ['an encoded NUL', '/api/x%00.json', 'path-encoded-control'],
    ['an encoded line feed', '/api/x%0aX:1', 'path-encoded-control'],
    ['an encoded carriage return', '/api/x%0d%0aX:%201', 'path-encoded-control'],
    ['an encoded tab', '/api/x%09', 'path-encoded-control'],
    ['an encoded escape', '/api/%1b', 'path-encoded-control'],
    ['an encoded DEL', '/api/%7f', 'path-encoded-control'],
    ['an encoded C1 control', '/api/%c2%85', 'path-encoded-control'],
    ['dots encoded twice', '/api/%252e%252e/admin', 'path-encoded-twice'],
    ['a slash encoded twice', '/api/a%252fb', 'path-encoded-twice'],
    ['a letter encoded twice', '/api/%2561dmin', 'path-encoded-twice'],
    ['dots encoded three times', '/api/%25252e', 'path-encoded-twice'],
    ['encoding of the encoded digits', '/api/%25%32%65', 'path-encoded-unreserved'],
    ['a percent sign alone', '/api/%', 'path-percent-malformed'],
    ['one hex digit', '/api/%2', 'path-percent-malformed'],
    ['no hex digits', '/api/%zz', 'path-percent-malformed'],
    ['one wrong hex digit', '/api/%2g', 'path-percent-malformed'],
    ['a percent sign before a slash', '/api/%/x', 'path-percent-malformed'],
    ['a percent code cut by the query', '/api/%2?f', 'path-percent-malformed'],
    ['the form of IIS', '/api/%u002e%u002e/', 'path-percent-malformed'],
    ['an overlong slash', '/api/%c0%af', 'path-not-utf8'],
    ['an overlong dot', '/api/%c0%ae%c0%ae/', 'path-not-utf8'],
    ['an overlong slash of three bytes', '/api/%e0%80%af', 'path-not-utf8'],
    ['an overlong slash of four bytes', '/api/%f0%80%80%af', 'path-not-utf8'],
    ['a surrogate', '/api/%ed%a0%80', 'path-not-utf8'],
    ['beyond Unicode', '/api/%f4%90%80%80', 'path-not-utf8'],
    ['a byte that never occurs', '/api/%ff', 'path-not-utf8'],
    ['a continuation alone', '/api/%80', 'path-not-utf8'],
    ['a character cut off', '/api/%e2%82', 'path-not-utf8'],
    ['a character cut by a slash', '/api/%e2%82/%ac', 'path-not-utf8'],
    ['a character cut by a letter', '/api/%c3a', 'path-not-utf8'],
    ['Latin-1', '/api/caf%e9', 'path-not-utf8'],
    ['a backslash', '/api/..\\admin', 'path-backslash'],
    ['a parameter', '/api/orders;v=1', 'path-parameter'],
    ['dots with a parameter', '/api/..;/admin', 'path-parameter'],
    ['a number sign in the path', '/api/orders#x', 'target-fragment'],
    ['a number sign in the query', '/api/orders?a=1#x', 'target-fragment'],
    ['a space', '/api/a b', 'target-character'],
    ['a tab', '/api/a\tb', 'target-character'],
    ['a line break', '/api/a\r\nX: 1', 'target-character'],
    ['a NUL', '/api/a\0', 'target-character'],
    ['a raw byte over ASCII', '/api/caf\xe9', 'target-character'],
    ['quotes', '/api/"x"', 'target-character'],
    ['angle brackets', '/api/<x>', 'target-character'],
    ['braces', '/api/{x}', 'target-character'],
    ['a caret', '/api/^', 'target-character'],
    ['a backtick', '/api/`', 'target-character'],
    ['a space in the query', '/api/a?b c', 'target-character'],
    ['a raw byte over ASCII in the query', '/api/a?\xff', 'target-character'],
  ])('PX-03, PX-04, GW-05: refuses %s', (_case, raw, fault) => {
    expect(parseTarget(raw)).toBe(fault);
  });

  it('PX-28: takes a target of 8 KiB and refuses one byte more', () => {
    const longest = `/${'a'.repeat(longestTarget - 1)}`;

    expect(parseTarget(longest)).toEqual({ path: longest, search: '' });
    expect(parseTarget(`${longest}a`)).toBe('target-too-long');
  });

  it('GW-05: what it takes is what a WHATWG parser, a decoder and a normalizer make of it', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '/',
        '.',
        '..',
        '%2e',
        '%2f',
        '%5c',
        '%25',
        '%00',
        '%c3%a9',
        ';',
        '\\',
        '?',
        '#',
        'a',
        'B',
        '7',
        ' ',
        '~',
        '%',
      ),
      fc.string({ maxLength: 3 }),
      fc.integer({ min: 0, max: 255 }).map((byte) => `%${byte.toString(16).padStart(2, '0')}`),
    );
    const targets = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`);
    let taken = 0;
    fc.assert(
      fc.property(targets, (raw) => {
        const target = parseTarget(raw);
        if (typeof target === 'string') return;
        taken++;
        expect(target.path + target.search).toBe(raw);
        expect(new URL(raw, 'http://host.test').pathname).toBe(target.path);
        expect(decodeURIComponent(target.path).split('/')).toHaveLength(target.path.split('/').length);
        expect(decodeURIComponent(target.path)).not.toMatch(/%[0-9a-f]{2}/i);
      }),
      { numRuns: 20_000 },
    );
    expect(taken).toBeGreaterThan(500);
  });
});

describe('carriesAccessToken', () => {
  it.each([
    ['?access_token=evil'],
    ['?a=1&access_token=evil'],
    ['?access_token'],
    ['?a=1;access_token=evil'],
    ['?%61ccess_token=evil'],
    ['?access%5Ftoken=evil'],
    ['?access%5ftoken=evil'],
    ['?Access_Token=evil'],
    ['?+access_token=evil'],
    ['?access_token[]=evil'],
    ['?access_token%5B0%5D=evil'],
    ['?%zz=1&access_token=evil'],
  ])('PX-02: finds the token in %s', (search) => {
    expect(carriesAccessToken(search)).toBe(true);
  });

  it.each([[''], ['?'], ['?a=access_token'], ['?access_tokens=1'], ['?my_access_token=1'], ['?token=1'], ['?q=%']])(
    'PX-02: lets %s pass',
    (search) => {
      expect(carriesAccessToken(search)).toBe(false);
    },
  );
});
