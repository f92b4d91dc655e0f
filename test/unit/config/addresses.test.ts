/**
 * Whose word on the caller's address may be taken, as it is written.
 *
 * @module
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAddresses } from '../../../src/config/addresses.ts';
import { TrustedProxies } from '../../../src/http/client-address.ts';

const refused = (text: string) => !('value' in readAddresses(text));

describe('TRUSTED_PROXIES', () => {
  it.each([
    ['one address', '10.0.0.7', ['10.0.0.7']],
    ['a private range', '10.0.0.0/8', ['10.0.0.0/8']],
    ['the private range of IPv6', 'fc00::/7', ['fc00::/7']],
    ['several, with and without spaces', '10.0.0.7,192.168.0.0/16, ::1', ['10.0.0.7', '192.168.0.0/16', '::1']],
    ['one twice', '10.0.0.7, 10.0.0.7', ['10.0.0.7']],
    ['a mapped private range', '::ffff:10.0.0.0/104', ['::ffff:10.0.0.0/104']],
    ['nobody', '', []],
  ])('TL-07: takes %s', (_name, text, value) => {
    expect(readAddresses(text)).toEqual({ value });
  });

  it.each([
    ['everybody', '0.0.0.0/0'],
    ['everybody over IPv6', '::/0'],
    ['half of everybody', '0.0.0.0/1'],
    ['a range around IPv4 as IPv6 writes it', '::/7'],
    ['a narrower one around it', '::/80'],
    ['IPv4 as IPv6 writes it', '::ffff:0:0/96'],
    ['the same, written out', '0:0:0:0:0:FFFF:0:0/96'],
    ['the same in halves', '::ffff:0.0.0.0/97'],
    ['one bit more than it', '::fffe:0:0/95'],
    ['a name', 'proxy.internal'],
    ['a word for everybody', '*'],
    ['an empty entry', '10.0.0.7,,10.0.0.8'],
    ['a comma at the end', '10.0.0.7,'],
    ['a range of nothing', '10.0.0.0/'],
    ['a range of more bits than there are', '10.0.0.0/33'],
    ['a negative range', '10.0.0.0/-1'],
    ['two ranges in one', '10.0.0.0/8/8'],
    ['an address with a zone', 'fe80::1%eth0'],
    ['an address with a port', '10.0.0.7:80'],
    ['an address in octal', '010.0.0.7'],
    ['a short address', '127.1'],
  ])('TL-07: refuses %s', (_name, text) => {
    expect(refused(text)).toBe(true);
    expect(refused('127.0.0.1')).toBe(false);
  });

  it('TL-07: never comes to trust every caller, whatever one range says', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('::', '::ffff:0:0', '::fffe:0:0', '0.0.0.0'));
    const entry = fc.tuple(address, fc.nat(128)).map(([start, bits]) => `${start}/${bits}`);
    const everywhere = Array.from({ length: 16 }, (_, at) => `${at * 16 + 1}.1.1.1`);

    fc.assert(
      fc.property(entry, (text) => {
        const read = readAddresses(text);
        const proxies = new TrustedProxies('value' in read ? read.value : []);
        expect(everywhere.filter((caller) => proxies.trusts(caller)).length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 2000 },
    );
  });
});
