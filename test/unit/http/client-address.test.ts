/**
 * The client's address: the nearest that is not one of our proxies.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import {
  clientAddressFrom,
  forwardedProtoFrom,
  parseAddress,
  TrustedProxies,
} from '../../../src/http/client-address.ts';

const proxies = new TrustedProxies(['10.0.0.0/8', '192.168.1.1', 'fd00::/8', '2001:db8:ff::1']);
const nobody = new TrustedProxies([]);

describe('clientAddressFrom', () => {
  it.each([
    //  case                                  peer                     X-Forwarded-For                          client
    ['no proxy', '203.0.113.9', undefined, '203.0.113.9'],
    ['a stranger that says who it is', '203.0.113.9', '1.2.3.4', '203.0.113.9'],
    ['a stranger that names our proxy', '203.0.113.9', '1.2.3.4, 10.0.0.1', '203.0.113.9'],
    ['our proxy without a word', '10.0.0.1', undefined, '10.0.0.1'],
    ['our proxy with an empty word', '10.0.0.1', '', '10.0.0.1'],
    ['one hop', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['two hops of ours', '10.0.0.1', '203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['three hops of ours', '10.0.0.1', '203.0.113.9,192.168.1.1,10.0.0.2', '203.0.113.9'],
    ['a client that wrote first', '10.0.0.1', '1.2.3.4, 203.0.113.9', '203.0.113.9'],
    ['a client that wrote our address', '10.0.0.1', '10.0.0.9, 203.0.113.9', '203.0.113.9'],
    ['a client that wrote a chain of ours', '10.0.0.1', '1.1.1.1, 10.0.0.9, 203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['a stranger between ours', '10.0.0.1', '10.0.0.3, 203.0.113.9, 10.0.0.2', '203.0.113.9'],
    ['all ours', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['no spaces', '10.0.0.1', '1.2.3.4,203.0.113.9', '203.0.113.9'],
    ['many spaces', '10.0.0.1', '1.2.3.4 ,   203.0.113.9  ', '203.0.113.9'],
    ['tabs', '10.0.0.1', '1.2.3.4,\t203.0.113.9\t', '203.0.113.9'],
    ['a port', '10.0.0.1', '203.0.113.9:51234', '203.0.113.9'],
    ['a port at our own hop', '10.0.0.1', '203.0.113.9, 10.0.0.2:443', '203.0.113.9'],
    ['IPv6', '10.0.0.1', '2001:db8::9', '2001:db8::9'],
    ['IPv6 in capitals', '10.0.0.1', '2001:DB8::9', '2001:db8::9'],
    ['IPv6 written out', '10.0.0.1', '2001:0db8:0000:0000:0000:0000:0000:0009', '2001:db8::9'],
    ['IPv6 in brackets', '10.0.0.1', '[2001:db8::9]', '2001:db8::9'],
    ['IPv6 in brackets with a port', '10.0.0.1', '[2001:db8::9]:51234', '2001:db8::9'],
    ['IPv6 with a zone', '10.0.0.1', 'fe80::9%eth0', 'fe80::9'],
    ['IPv6 in brackets with a zone', '10.0.0.1', '[fe80::9%eth0]:1', 'fe80::9'],
    ['a mapped client', '10.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
    ['a mapped client in capitals', '10.0.0.1', '::FFFF:203.0.113.9', '203.0.113.9'],
    ['a mapped client in hex', '10.0.0.1', '::ffff:cb00:7109', '203.0.113.9'],
    ['a mapped client written out', '10.0.0.1', '0:0:0:0:0:ffff:203.0.113.9', '203.0.113.9'],
    ['a mapped peer of ours', '::ffff:10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['a mapped peer that is a stranger', '::ffff:203.0.113.9', '1.2.3.4', '203.0.113.9'],
    ['a mapped hop of ours', '10.0.0.1', '203.0.113.9, ::ffff:10.0.0.2', '203.0.113.9'],
    ['an IPv6 peer of ours', 'fd00::1', '203.0.113.9', '203.0.113.9'],
    ['an IPv6 peer of ours with a zone', 'fd00::1%eth0', '203.0.113.9', '203.0.113.9'],
    ['one IPv6 address of ours', '2001:db8:ff::1', '203.0.113.9', '203.0.113.9'],
    ['its neighbour', '2001:db8:ff::2', '203.0.113.9', '2001:db8:ff::2'],
    ['the neighbour of one IPv4 address', '192.168.1.2', '203.0.113.9', '192.168.1.2'],
    ['the edge of the range', '10.255.255.255', '203.0.113.9', '203.0.113.9'],
    ['beyond the edge', '11.0.0.0', '203.0.113.9', '11.0.0.0'],
    ['a word', '10.0.0.1', 'unknown', '10.0.0.1'],
    ['a word behind our hop', '10.0.0.1', 'unknown, 10.0.0.2', '10.0.0.2'],
    ['a word before the client', '10.0.0.1', 'unknown, 203.0.113.9', '203.0.113.9'],
    ['an obfuscated name', '10.0.0.1', '_hidden', '10.0.0.1'],
    ['an empty hop', '10.0.0.1', '203.0.113.9, , 10.0.0.2', '10.0.0.2'],
    ['a comma at the end', '10.0.0.1', '203.0.113.9,', '10.0.0.1'],
    ['a comma alone', '10.0.0.1', ',', '10.0.0.1'],
    ['a short address', '10.0.0.1', '127.1', '10.0.0.1'],
    ['a hexadecimal address', '10.0.0.1', '0x7f.0.0.1', '10.0.0.1'],
    ['an octal address', '10.0.0.1', '0177.0.0.1', '10.0.0.1'],
    ['a decimal address', '10.0.0.1', '2130706433', '10.0.0.1'],
    ['an address with a zone that is IPv4', '10.0.0.1', '203.0.113.9%eth0', '10.0.0.1'],
    ['IPv4 in brackets', '10.0.0.1', '[203.0.113.9]', '10.0.0.1'],
    ['an open bracket', '10.0.0.1', '[2001:db8::9', '10.0.0.1'],
    ['quotes', '10.0.0.1', '"203.0.113.9"', '10.0.0.1'],
    ['the form of Forwarded', '10.0.0.1', 'for=203.0.113.9', '10.0.0.1'],
    ['a port that is none', '10.0.0.1', '203.0.113.9:port', '10.0.0.1'],
    ['a range', '10.0.0.1', '203.0.113.0/24', '10.0.0.1'],
    ['a line break', '10.0.0.1', '203.0.113.9\n1.2.3.4', '10.0.0.1'],
    ['something very long', '10.0.0.1', '1'.repeat(10_000), '10.0.0.1'],
    ['a peer that has gone', undefined, '203.0.113.9', '0.0.0.0'],
  ])('PX-08: with %s', (_case, peer, forwardedFor, client) => {
    expect(clientAddressFrom({ peer, forwardedFor, trusted: proxies })).toBe(client);
  });

  it('PX-08: believes nobody by default, loopback and private addresses included', () => {
    for (const peer of ['127.0.0.1', '10.0.0.1', '::1', 'fd00::1', '::ffff:127.0.0.1']) {
      const client = clientAddressFrom({ peer, forwardedFor: '1.2.3.4', trusted: nobody });
      expect(client).toBe(parseAddress(peer));
    }
  });

  it('PX-29: reads a list of 16 KiB that is all trusted in bounded time', () => {
    const start = performance.now();

    expect(clientAddressFrom({ peer: '10.0.0.1', forwardedFor: '10.0.0.1,'.repeat(1_800), trusted: proxies })).toBe(
      '10.0.0.1',
    );
    expect(
      clientAddressFrom({ peer: '10.0.0.1', forwardedFor: `1.1.1.1${',10.0.0.1'.repeat(1_800)}`, trusted: proxies }),
    ).toBe('1.1.1.1');
    expect(performance.now() - start).toBeLessThan(200);
  });
});

describe('TrustedProxies', () => {
  it('PX-08: understands ranges of both families and mapped ones', () => {
    const trusted = new TrustedProxies(['::ffff:172.16.0.0/108', '0.0.0.0/32', '2001:db8::/32']);

    expect(trusted.trusts('172.31.255.255')).toBe(true);
    expect(trusted.trusts('172.32.0.0')).toBe(false);
    expect(trusted.trusts('2001:db8:ffff::1')).toBe(true);
    expect(trusted.trusts('2001:db9::1')).toBe(false);
  });

  it.each([
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/x',
    '10.0.0/8',
    '10.0.0.0/8/8',
    'fe80::1%eth0',
    '::1/129',
    '',
    '/8',
    '*',
  ])('PX-08: refuses %s at the start', (entry) => {
    expect(() => new TrustedProxies([entry])).toThrow('not an address or CIDR range');
  });
});

describe('forwardedProtoFrom', () => {
  it.each([
    ['http', true, 'http'],
    ['https', true, 'https'],
    ['HTTP', true, 'http'],
    ['https, http', true, 'https'],
    [' http , https', true, 'http'],
    ['ftp', true, 'untold'],
    ['', true, 'untold'],
    [undefined, true, 'untold'],
    [undefined, false, undefined],
    ['http', false, undefined],
    ['https', false, undefined],
  ])('PX-08: reads %s (proxy trusted: %s) as %s', (forwardedProto, isTrusted, scheme) => {
    const peer = isTrusted ? '10.0.0.1' : '203.0.113.9';

    expect(forwardedProtoFrom({ peer, forwardedProto, trusted: proxies })).toBe(scheme);
  });
});
