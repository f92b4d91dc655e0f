/**
 * Whose share a request takes.
 *
 * @module
 */

import { describe, expect, it } from 'vitest';
import { networkOf, partyOf } from '../../../src/guards/party.ts';
import { clientAddressFrom, TrustedProxies } from '../../../src/http/client-address.ts';
import type { AuthorizedRequest } from '../../../src/http/inbound.ts';

describe('the network of an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:1:2:3:4:5', '2001:db8:0:1'],
    ['2001:0DB8:0000:0001::5', '2001:db8:0:1'],
    ['2001:db8::5', '2001:db8:0:0'],
    ['2001:db8::1:0:0:0:5', '2001:db8:0:1'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
    ['fe80::', 'fe80:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['1:2:3:4:5:6:7::', '1:2:3:4'],
  ])('LS-28: of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it.each([
    ['mapped', '::ffff:192.0.2.1'],
    ['mapped, in hex', '::FFFF:c000:201'],
    ['translated (RFC 6052)', '64:ff9b::192.0.2.1'],
    ['translated, in hex', '64:ff9b::c000:201'],
  ])('LS-28: is that of the IPv4 address where it is %s', (_how, address) => {
    expect(networkOf(address)).toBe('192.0.2.1');
  });

  it('LS-28: tells translated callers apart, and a neighbour of that prefix from them', () => {
    expect(networkOf('64:ff9b::2')).toBe('0.0.0.2');
    expect(networkOf('64:ff9b:0:1::c000:201')).toBe('64:ff9b:0:1');
    expect(networkOf('64:ff9b::')).not.toBe(networkOf('64:ff9b::192.0.2.1'));
  });
});

describe('the party of a request', () => {
  const trusted = new TrustedProxies(['127.0.0.1']);
  const requestFrom = (forwardedFor: string, id?: string) => {
    const clientAddress = clientAddressFrom({ peer: '127.0.0.1', forwardedFor, trusted });
    const session = id === undefined ? undefined : { id };
    return { request: { clientAddress }, session } as unknown as AuthorizedRequest; // no more of it is looked at
  };

  it('PX-29: is one for all addresses of a network, and another for the next network', () => {
    const parties = new Set(
      ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '[2001:db8:1:2::2]:443'].map((from) => partyOf(requestFrom(from))),
    );

    expect([...parties]).toEqual(['2001:db8:1:2']);
    expect(partyOf(requestFrom('2001:db8:1:3::1'))).not.toBe('2001:db8:1:2');
    expect(partyOf(requestFrom('::ffff:192.0.2.1'))).toBe(partyOf(requestFrom('192.0.2.1')));
    expect(partyOf(requestFrom('192.0.2.2'))).not.toBe(partyOf(requestFrom('192.0.2.1')));
  });

  it('PX-29: is the session where there is one, wherever it calls from', () => {
    expect(partyOf(requestFrom('2001:db8::1', 'session-a'))).toBe('session-a');
    expect(partyOf(requestFrom('192.0.2.1', 'session-a'))).toBe('session-a');
  });
});
