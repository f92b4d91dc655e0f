/**
 * Our cookies in a header that anybody may write to.
 *
 * @module
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mostLogins, readCookies } from '../../../src/http/cookies.ts';

const names = {
  session: '__Host-Http-claimcheck',
  loginPrefix: '__Host-Http-claimcheck-login-',
  pointerPrefix: '__Host-Http-claimcheck-began-',
  starts: '__Host-Http-claimcheck-starts',
};
const session = '__Host-Http-claimcheck=s%3Aabc.def';
const read = (header: string | undefined) => readCookies(header, names);

describe('readCookies', () => {
  it.each([
    ['alone', session],
    ['in front', `${session}; theme=dark`],
    ['at the end', `theme=dark; ${session}`],
    ['in between', `a=1; ${session}; b=2`],
    ['without spaces', `a=1;${session};b=2`],
    ['with tabs', `a=1;\t${session}\t;b=2`],
    ['with spaces around the equals sign', 'a=1; __Host-Http-claimcheck = s%3Aabc.def ; b=2'],
    ['behind empty pairs', `; ;; ${session};`],
    ['behind a pair without equals sign', `flag; ${session}`],
    ['behind a pair without name', `=x; ${session}`],
    ['behind a broken percent code', `a=%zz%; ${session}`],
    ['behind bytes over ASCII', `a=\xff\x80; ${session}`],
    ['behind a quoted semicolon, which parts all the same', `a="x; ${session}; b="`],
    ['behind __proto__', `__proto__=1; constructor=2; ${session}`],
    ['beside names that only look like ours', `__host-http-claimcheck=evil; xx__Host-Http-claimcheck=evil; ${session}`],
    ['beside a longer name', `__Host-Http-claimcheck2=evil; ${session}`],
    ['beside a value with our name', `a=__Host-Http-claimcheck=evil; ${session}`],
  ])('CK-07, CK-09: finds the session cookie %s', (_case, header) => {
    expect(read(header)).toMatchObject({ session: 's%3Aabc.def', isRepeated: false });
  });

  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['other cookies', 'a=1; b=2'],
    ['the name in lower case', '__host-http-claimcheck=x'],
    ['the name without its prefix', 'claimcheck=x'],
    ['the name without a value', '__Host-Http-claimcheck'],
    ['an empty value', '__Host-Http-claimcheck='],
    ['a value that no browser keeps', `__Host-Http-claimcheck=${'x'.repeat(4097)}`],
    ['the name inside a value', 'a=__Host-Http-claimcheck'],
    ['a no-break space before the name', '\xa0__Host-Http-claimcheck=x'],
    ['a quoted name', '"__Host-Http-claimcheck"=x'],
  ])('CK-06, CK-07: finds none in %s', (_case, header) => {
    expect(read(header)).toMatchObject({ session: undefined, isRepeated: false });
  });

  it.each([
    ['a second one behind', `${session}; __Host-Http-claimcheck=evil`],
    ['a second one in front', `__Host-Http-claimcheck=evil; ${session}`],
    ['the same twice', `${session}; ${session}`],
    ['an empty second one', `${session}; __Host-Http-claimcheck=`],
    ['an empty first one', `__Host-Http-claimcheck=; ${session}`],
    ['a second one with spaces', `${session};   __Host-Http-claimcheck  =x`],
    ['a login cookie twice', '__Host-Http-claimcheck-login-a=1; __Host-Http-claimcheck-login-a=2'],
    ['the starts cookie twice', '__Host-Http-claimcheck-starts=1; __Host-Http-claimcheck-starts=2'],
  ])('CK-06: sees %s', (_case, header) => {
    expect(read(header).isRepeated).toBe(true);
  });

  it('CK-06: collects the pending logins and the count of starts beside the session', () => {
    const own = read(
      `__Host-Http-claimcheck-login-AbC_-123=one; ${session}; __Host-Http-claimcheck-login-x=two; __Host-Http-claimcheck-starts=3; __Host-Http-claimcheck-login-=none`,
    );

    expect([...own.logins]).toEqual([
      ['__Host-Http-claimcheck-login-AbC_-123', 'one'],
      ['__Host-Http-claimcheck-login-x', 'two'],
    ]);
    expect(own).toMatchObject({ session: 's%3Aabc.def', starts: '3', isRepeated: false });
  });

  it('CK-09: keeps a bounded number of pending logins, and the session behind them', () => {
    const logins = Array.from({ length: 200 }, (_item, at) => `__Host-Http-claimcheck-login-${at}=x`).join('; ');

    expect(read(logins).logins.size).toBe(mostLogins);
    expect(read(`${logins}; ${session}`).session).toBe('s%3Aabc.def');
    expect(read(`${logins}; ${session}; ${session}`).isRepeated).toBe(true);
  });

  it('CK-09: finds what is there, once or twice, among 100 000 headers of garbage', () => {
    const garbage = fc.oneof(
      fc.constantFrom(
        ';',
        '=',
        ' ',
        '; ',
        '\t',
        '"',
        '%',
        '\0',
        '\xff',
        ',',
        'a',
        '__proto__',
        names.session,
        names.starts,
        '-login-',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    );
    const header = fc.array(garbage, { maxLength: 10 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(header, (text) => {
        const own = read(text);
        const pairs = text
          .split(';')
          .map((pair) => pair.split('='))
          .filter((parts) => parts.length > 1);
        const values = pairs
          .filter(([name = '']) => name.replace(/^[ \t]+|[ \t]+$/g, '') === names.session)
          .map(([, ...value]) => value.join('=').replace(/^[ \t]+|[ \t]+$/g, ''));
        if (values.length < 2) expect(own.session ?? '').toBe(values[0] ?? '');
        else expect(own.isRepeated).toBe(true);
      }),
      { numRuns: 100_000 },
    );
  });

  it('CK-09: reads the worst header of 16 KiB within 5 ms', () => {
    const worst = [
      `${';'.repeat(16_000)}${names.session}`,
      `${names.session};`.repeat(700),
      `${'a'.repeat(16_000)}${names.session}`,
      `${' ;'.repeat(8_000)}${names.session}=`,
      '='.repeat(16_000) + names.session,
    ];
    for (const header of worst) read(header);
    const start = performance.now();
    for (const header of worst) read(header);

    expect(performance.now() - start).toBeLessThan(5 * worst.length);
  });
});
