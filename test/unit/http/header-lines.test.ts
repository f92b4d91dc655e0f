/**
 * Header lines that another server could read otherwise.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { faultOfHeaderLines, mostHeaderLines } from '../../../src/http/header-lines.ts';

const browser = [
  ['Host', 'app.example'],
  ['Connection', 'keep-alive'],
  ['sec-ch-ua', '"Chromium";v="142", "Not A Brand";v="8"'],
  ['User-Agent', 'Mozilla/5.0'],
  ['Accept', '*/*'],
  ['Origin', 'https://app.example'],
  ['Sec-Fetch-Site', 'same-origin'],
  ['Content-Length', '2'],
  ['Content-Type', 'application/json'],
  ['Cookie', 'a=1; b=2'],
];
const faultOf = (...lines: readonly (readonly string[])[]) => faultOfHeaderLines(lines.flat());

describe('faultOfHeaderLines', () => {
  it('PX-22: takes what a browser sends', () => {
    expect(faultOf(...browser)).toBeUndefined();
  });

  it.each([
    [
      'a list header twice',
      [
        ['Accept', 'a/b'],
        ['accept', 'c/d'],
      ],
    ],
    [
      'X-Forwarded-For twice',
      [
        ['X-Forwarded-For', '1.1.1.1'],
        ['X-Forwarded-For', '2.2.2.2'],
      ],
    ],
    [
      'a header that nobody knows twice',
      [
        ['X-Any', '1'],
        ['x-any', '2'],
      ],
    ],
    ['a tab and bytes over ASCII in a value', [['X-Any', 'a\tb \xff']]],
    ['an empty value', [['X-Any', '']]],
    ['no headers', []],
  ])('PX-22: takes %s', (_case, lines) => {
    expect(faultOf(...lines)).toBeUndefined();
  });

  it.each([
    'X_Forwarded_User',
    'x_user_id',
    'X.Auth.User',
    'X-User_Id',
    'X-Forwarded-For_',
    'X-User!',
    "X-User'",
    'X-User ',
    ' X-User',
    'X User',
    'X-User\t',
    'X-User:',
    'X-Usér',
    'X-User\0',
    'X~User',
    '__proto__',
    '',
  ])('PX-09, PX-24: refuses the name "%s"', (name) => {
    expect(faultOf(...browser, [name, 'admin'])).toBe('header-name');
  });

  it.each(['\0', '\x01', '\n', '\r', '\r\n X: 1', '\x0b', '\x0c', '\x1b', '\x7f'])(
    'PX-24: refuses a value with the control character %j',
    (character) => {
      expect(faultOf(...browser, ['X-Any', `a${character}b`])).toBe('header-value');
    },
  );

  it.each([
    'Host',
    'Content-Length',
    'Transfer-Encoding',
    'Content-Type',
    'Authorization',
    'Proxy-Authorization',
    'DPoP',
    'Cookie',
    'Origin',
    'Sec-Fetch-Site',
    'Sec-Fetch-Mode',
    'Sec-Fetch-Dest',
    'X-CSRF-Token',
    'X-CSRF',
    'Expect',
    'Idempotency-Key',
    'X-Forwarded-Proto',
  ])('PX-22, PX-23: refuses %s twice, in whatever spelling', (name) => {
    const spellings = [name, name.toLowerCase(), name.toUpperCase()];
    for (const first of spellings) {
      for (const second of spellings) {
        expect(faultOf([first, 'a'], ['Accept', '*/*'], [second, 'a'])).toBe(`repeated-${name.toLowerCase()}`);
      }
      expect(faultOf([first, 'a'], ['Accept', '*/*'])).toBeUndefined();
    }
  });

  it('PX-28: takes 128 lines and no more', () => {
    const lines = Array.from({ length: mostHeaderLines }, (_item, at) => [`X-${at}`, 'a']);

    expect(faultOf(...lines)).toBeUndefined();
    expect(faultOf(...lines, ['X-More', 'a'])).toBe('header-count');
  });
});
