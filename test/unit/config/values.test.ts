/**
 * Texts as values, one row for each form that is taken or refused.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { nearestOf } from '../../../src/config/spelling.ts';
import {
  isSafeTransport,
  type Read,
  readBoolean,
  readDuration,
  readHost,
  readInteger,
  readOrigin,
  readRedisUrl,
  readResource,
  readScopes,
  readSize,
  readUrl,
  readVisible,
  readWords,
} from '../../../src/config/values.ts';

const refused = Symbol('refused');
const valueIn = <Value>(read: Read<Value>) => ('value' in read ? read.value : refused);

/** Texts that have a value, and texts that have none. */
function rows<Value>(taken: readonly (readonly [string, Value])[], notTaken: readonly string[]) {
  return [...taken, ...notTaken.map((text): readonly [string, typeof refused] => [text, refused])];
}

const port = (text: string) => readInteger(text, { from: 0, to: 65_535 });

describe('a duration', () => {
  it.each(
    rows(
      [
        ['1ms', 1],
        ['500ms', 500],
        ['30s', 30_000],
        ['15m', 900_000],
        ['8h', 28_800_000],
        ['1d', 86_400_000],
        ['24h', 86_400_000],
      ],
      [
        '25h',
        '2d',
        '0s',
        '00s',
        '01s',
        '-1s',
        '+1s',
        '1.5h',
        '1e3s',
        '30',
        '30 s',
        ' 30s',
        '30S',
        '30sec',
        '1h30m',
        's',
        '',
        '9999999999h',
        '30s\n',
        'Infinityh',
        'NaNs',
        '３０s',
      ],
    ),
  )('%j is %s', (text, value) => {
    expect(valueIn(readDuration(text))).toBe(value);
  });

  it('has a longest one where it is used', () => {
    expect(valueIn(readDuration('400d', { most: '400d' }))).toBe(400 * 86_400_000);
    expect(readDuration('401d', { most: '400d' })).toEqual({
      expected: 'a duration such as 500ms, 30s, 15m or 8h, and at most 400d',
    });
  });
});

describe('a size', () => {
  it.each(
    rows(
      [
        ['0', 0],
        ['1B', 1],
        ['64KB', 65_536],
        ['10MB', 10_485_760],
        ['2GB', 2_147_483_648],
      ],
      ['1', '0KB', '01KB', '-1KB', '1.5MB', '1 MB', '1mb', '1MiB', 'MB', '1e3KB', '1TB', ''],
    ),
  )('%j is %s', (text, value) => {
    expect(valueIn(readSize(text))).toBe(value);
  });
});

describe('a port', () => {
  it.each(
    rows(
      [
        ['0', 0],
        ['3000', 3000],
        ['65535', 65_535],
      ],
      ['65536', '-1', '3000.0', '0x50', '1e3', ' 80', '80 ', '', 'http', '９０'],
    ),
  )('%j is %s', (text, value) => {
    expect(valueIn(port(text))).toBe(value);
  });
});

describe('a switch', () => {
  it.each(
    rows(
      [
        ['true', true],
        ['false', false],
      ],
      ['TRUE', 'yes', 'no', '1', '0', 'on', ' true', ''],
    ),
  )('%j is %s', (text, value) => {
    expect(valueIn(readBoolean(text))).toBe(value);
  });
});

describe('an origin', () => {
  it.each(
    rows(
      [
        ['https://app.example', 'https://app.example'],
        ['https://app.example/', 'https://app.example'],
        ['HTTPS://APP.example:443', 'https://app.example'],
        ['http://localhost:3000', 'http://localhost:3000'],
        ['https://bücher.example', 'https://xn--bcher-kva.example'],
      ],
      [
        '*',
        'null',
        'app.example',
        '//app.example',
        'https://',
        'https:app.example',
        'https:/app.example',
        'https://app.example//',
        'https://app.example/a',
        'https://app.example?',
        'https://app.example#',
        'https://u@app.example',
        'https://u:p@app.example',
        'https://@app.example',
        'https://*.app.example',
        'ftp://app.example',
        'file:///etc',
        'javascript:alert(1)',
        'https://app.example:0x50',
        'https://app example',
        ' https://app.example',
        'https://app.example\n',
        'https://app.example\\a',
        'https:\\\\app.example',
        'https://[::1',
      ],
    ),
  )('TL-07: %j is %s', (text, value) => {
    expect(valueIn(readOrigin(text))).toBe(value);
  });
});

describe('a URL', () => {
  it.each(
    rows(
      [
        ['https://login.example', 'https://login.example'],
        ['https://login.example/Realm/', 'https://login.example/Realm/'],
        ['http://127.0.0.1:4000', 'http://127.0.0.1:4000'],
      ],
      [
        'login.example',
        'https://u:p@login.example',
        'https://@login.example',
        'https://login.example?a=1',
        'https://login.example?',
        'https://login.example#a',
        'https://login.example#',
        'ws://login.example',
        'https:///login',
        'https://login.example/a b',
        '',
      ],
    ),
  )('TL-07: %j is %s', (text, value) => {
    expect(valueIn(readUrl(text))).toBe(value);
  });

  it.each([
    ['https://orders.internal', true],
    ['http://localhost:3000', true],
    ['http://app.localhost', true],
    ['http://127.9.9.9', true],
    ['http://[::1]', true],
    ['http://localhost.example', false],
    ['http://127.0.0.1.example', false],
    ['http://128.0.0.1', false],
    ['http://10.0.0.1', false],
    ['http://0.0.0.0', false],
    ['http://[::ffff:10.0.0.1]', false],
    ['http://2130706433', true],
  ])('TL-07: %s can go without more: %s', (url, answer) => {
    expect(isSafeTransport(url)).toBe(answer);
  });
});

describe('the URL of Redis', () => {
  it.each(
    rows(
      [
        ['redis://localhost', 'redis://localhost'],
        ['redis://127.0.0.1:6379', 'redis://127.0.0.1:6379'],
        ['redis://127.0.0.1:6379/', 'redis://127.0.0.1:6379/'],
        ['redis://[::1]:6379/0', 'redis://[::1]:6379/0'],
        ['rediss://redis.internal:6380/15', 'rediss://redis.internal:6380/15'],
        ['rediss://user:p%40ss%2Fword@redis.internal', 'rediss://user:p%40ss%2Fword@redis.internal'],
        ['rediss://:password@redis.internal', 'rediss://:password@redis.internal'],
        ['redis-sentinel://a:26379/main', 'redis-sentinel://a:26379/main'],
        ['rediss-sentinel://u:p@a,b/main?db=2', 'rediss-sentinel://u:p@a,b/main?db=2'],
        ['redis-cluster://a:6379', 'redis-cluster://a:6379'],
        ['rediss-cluster://u:p@a:1,[::1]:2', 'rediss-cluster://u:p@a:1,[::1]:2'],
      ],
      [
        'localhost:6379',
        'http://redis.internal',
        'redis:redis.internal',
        'redis:/redis.internal',
        'redis://',
        'redis:///0',
        'redis://redis.internal/main',
        'redis://redis.internal/0/1',
        'redis://redis.internal?db=1',
        'redis://redis.internal#0',
        'redis://:p%zz@redis.internal',
        'redis://u%zz:p@redis.internal',
        'redis://:pa/ss@redis.internal',
        'redis://:pa ss@redis.internal',
        'redis://redis.internal:99999',
        'unix:///run/redis',
        'redis-sentinel://a:26379',
        'redis-sentinel://a:26379/main?db=x',
        'redis-sentinel://a:26379/main?db=1&db=2',
        'redis-sentinel://a:26379/main?name=other',
        'redis-sentinel://a:26379/main?sentinel_user=u',
        'redis-sentinel://a:26379,/main',
        'redis+sentinel://a,b/main',
        'redis-cluster://a:6379/1',
        'redis-cluster://a:6379,b:99999',
        'redis-cluster://a:6379?db=1',
        'redis://a:6379,b:6379',
        'rediss://u:p@a:6379,b:6379/0',
      ],
    ),
  )('TL-06: %j is %s', (text, value) => {
    expect(valueIn(readRedisUrl(text))).toBe(value);
  });

  it('tells who names several servers in another form which forms there are, and of a comma in a password nothing', () => {
    const several = { expected: expect.stringMatching(/-sentinel:.*-cluster:/) };

    expect(readRedisUrl('redis+sentinel://a,b/main')).toEqual(several);
    expect(readRedisUrl('rediss://u:p@a:6379,b:6379')).toEqual(several);
    expect(valueIn(readRedisUrl('rediss://u:p,q@a:6379'))).toBe('rediss://u:p,q@a:6379');
  });
});

/** Texts of one kind of setting that are taken as they are, and texts that are refused. */
const plainTexts: readonly (readonly [
  name: string,
  read: (text: string) => Read<string>,
  taken: readonly string[],
  notTaken: readonly string[],
])[] = [
  [
    'a host',
    readHost,
    ['127.0.0.1', '0.0.0.0', '::', '::1', 'localhost', 'a-b.internal'],
    ['', '*', '127.1', '256.0.0.1', '[::1]', 'a_b', '-a', 'a.', 'a..b', 'a:80', 'http://a', 'a b'],
  ],
  [
    'a resource',
    readResource,
    ['https://orders.example', 'urn:orders', 'api://7f/read', 'https://a/b?c=d'],
    ['', 'orders', '/orders', 'https:', 'https://a#b', 'https://a b', '1a:b'],
  ],
  [
    'a visible text',
    readVisible,
    ['a', 'a b', '~!"#', "it's"],
    ['', ' ', ' a', 'a ', 'a\n', 'a\tb', 'ä', '\u0000', 'a\u007f'],
  ],
];

describe('a text of its own form', () => {
  it.each(plainTexts)('%s is taken as it is, or refused', (_name, read, taken, notTaken) => {
    expect(taken.map((text) => valueIn(read(text)))).toEqual(taken);
    expect(notTaken.map((text) => valueIn(read(text)))).toEqual(notTaken.map(() => refused));
  });
});

describe('a list of words', () => {
  it.each(
    rows(
      [
        ['name email', ['name', 'email']],
        ['name,email', ['name', 'email']],
        ['name ,  email', ['name', 'email']],
        ['name name', ['name']],
        [' name ', ['name']],
        ['https://claims.example/roles', ['https://claims.example/roles']],
        ['', []],
      ],
      ['name,,email', 'name,', 'na"me', 'na\\me', 'näme'],
    ),
  )('%j is %o', (text, value) => {
    expect(valueIn(readWords(text))).toEqual(value);
  });

  it.each([
    ['openid', ['openid']],
    ['profile openid', ['profile', 'openid']],
    ['profile', refused],
    ['openid2', refused],
    ['OPENID', refused],
    ['', refused],
  ])('as scopes, %j is %o', (text, value) => {
    expect(valueIn(readScopes(text))).toEqual(value);
  });
});

describe('what somebody meant', () => {
  it.each([
    ['exchanged', 'methids', 'methods'],
    ['too few', 'metods', 'methods'],
    ['too many', 'methodds', 'methods'],
    ['swapped', 'mehtods', 'methods'],
    ['swapped in a short word', 'ptah', 'path'],
    ['exchanged in a short word', 'bath', undefined],
    ['the word itself', 'methods', undefined],
    ['too short to tell', 'pat', undefined],
    ['too far', 'mthd', undefined],
    ['far too long', `methods${'s'.repeat(60)}`, undefined],
    ['two letters in a long word', 'insecurAllowHtpUpstream', 'insecureAllowHttpUpstream'],
    ['the nearer of two', 'max_bdy', 'max_body'],
  ])('is found by its letters: %s', (_case, word, meant) => {
    const known = ['path', 'methods', 'max_body', 'max_bid_y', 'insecureAllowHttpUpstream'];

    expect(nearestOf(word, known, { most: 2 })).toBe(meant);
  });
});
