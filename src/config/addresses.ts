/**
 * Addresses and ranges of proxies as text. Says which may be trusted at all; who
 * called is told in http/client-address.ts.
 *
 * @module
 */

import { BlockList, isIP } from 'node:net';
import { type Read, readList } from './values.ts';

/** Addresses and CIDR ranges, separated by commas. Ranges that hold a large part of the world are refused. */
export function readAddresses(text: string): Read<readonly string[]> {
  const value = readList(text, (item) => (isAddressOrRange(item) ? { value: item } : { expected: '' }));
  return value === undefined
    ? {
        expected:
          'addresses or CIDR ranges such as 10.0.0.0/8, separated by commas, none empty and none wider than /8 (IPv6: /7)',
      }
    : { value };
}

function isAddressOrRange(item: string): boolean {
  const [address = '', bits, more] = item.split('/');
  const family = isIP(address);
  if (family === 0 || more !== undefined || address.includes('%')) return false;
  if (bits === undefined) return true;
  const size = Number(bits);
  if (!/^\d{1,3}$/.test(bits) || size > (family === 4 ? 32 : 128)) return false;
  return size >= leastBits(address, { family, size });
}

// 10.0.0.0/8 and fc00::/7 are the widest private ranges; what maps IPv4 into IPv6 is as wide as it is there.
function leastBits(address: string, { family, size }: { readonly family: number; readonly size: number }): number {
  if (family === 4) return 8;
  return holdsMapped(address, size) ? 96 + 8 : 7;
}

// ::/7 holds ::ffff:0:0/96 (RFC 4291, 2.5.5.2), and so every IPv4 address, however it is written.
function holdsMapped(address: string, size: number): boolean {
  const mapped = new BlockList();
  mapped.addSubnet('::ffff:0:0', 96, 'ipv6');
  const range = new BlockList();
  range.addSubnet(address, size, 'ipv6');
  return mapped.check(address, 'ipv6') || range.check('::ffff:0:0', 'ipv6');
}
