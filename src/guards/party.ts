/**
 * Whose share a request takes where a limit counts by caller: that of its session,
 * or of the network its address lies in.
 *
 * An IPv6 customer has at least 2^64 addresses (RFC 6177, 2): counted one by one
 * they would be as many callers, each within every limit.
 *
 * @module
 */

import { parseAddress } from '../http/client-address.ts';
import type { AuthorizedRequest } from '../http/inbound.ts';

/** The session's id, or for a request without one the network as {@link networkOf} names it. */
export function partyOf({ request, session }: AuthorizedRequest): string {
  return session?.id ?? networkOf(request.clientAddress);
}

// RFC 6052, 2.1: an IPv4 caller whose address a translator has put behind this prefix. They are many, in one /64.
const translated = /^64:ff9b::(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})$/;

/**
 * The network that one customer has: an IPv4 address, also where it is written as
 * IPv6 (RFC 4291, 2.5.5.2; RFC 6052, 2.1), or the first 64 bits of an IPv6 one as
 * four groups. What is no address is its own network.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const canonical = parseAddress(address);
  if (canonical === undefined || !canonical.includes(':')) return canonical ?? address;
  const [, high, low] = translated.exec(canonical) ?? [];
  return low === undefined
    ? firstGroups(canonical)
    : ipv4From(Number.parseInt(high ?? '0', 16), Number.parseInt(low, 16));
}

function ipv4From(high: number, low: number): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}

// Of the form of RFC 5952: no zeros in front, one gap at the most.
function firstGroups(canonical: string): string {
  const [head = '', tail] = canonical.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return groups.slice(0, 4).join(':');
}
