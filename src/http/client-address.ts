/**
 * Who called: the nearest address that is not one of our own proxies.
 *
 * `X-Forwarded-For` grows at its right end, so it is read from there, and only as
 * long as each address is that of a trusted proxy. What a client wrote into it
 * stands further left and is never reached.
 *
 * `Forwarded`, `X-Real-IP` and their many relatives are not read at all: who
 * does not set them must remove them, and few do.
 *
 * @module
 */

import { BlockList, isIP } from 'node:net';

/** What is known of the way a request came. */
export interface Hops {
  /** The address of the socket's other end; `undefined` when it is already gone. */
  readonly peer: string | undefined;
  /** `X-Forwarded-For`, its lines joined by commas. */
  readonly forwardedFor: string | undefined;
  readonly trusted: TrustedProxies;
}

/** The addresses whose word on where a request came from is taken. Made once. */
export class TrustedProxies {
  readonly #list = new BlockList();
  readonly #isEmpty: boolean;

  /** @param entries Addresses and CIDR ranges, as the configuration has them. Throws at one that is neither. */
  constructor(entries: readonly string[]) {
    this.#isEmpty = entries.length === 0;
    for (const entry of entries) this.#add(entry);
  }

  /** Whether no proxy is trusted. */
  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** Whether the address, as {@link parseAddress} writes it, is one of ours. */
  trusts(address: string): boolean {
    if (this.#isEmpty) return false;
    return this.#list.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
  }

  #add(entry: string): void {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    const width = family === 'ipv6' ? 128 : 32;
    const prefix = bits === undefined ? width : Number(bits);
    const isPrefix = bits === undefined || (/^\d{1,3}$/.test(bits) && prefix <= width);
    if (isIP(address) === 0 || address.includes('%') || !isPrefix || entry.split('/').length > 2) {
      throw new Error(`not an address or CIDR range: ${entry}`);
    }
    // Written as mapped, meant as IPv4: addresses are compared in that form.
    const ipv4 = family === 'ipv6' && prefix >= 96 ? ipv4Of(address) : undefined;
    if (ipv4 === undefined) this.#list.addSubnet(address, prefix, family);
    else this.#list.addSubnet(ipv4, prefix - 96, 'ipv4');
  }
}

/** The address of a peer that has already gone: it gets no answer, but a guard may still ask. */
const nobody = '0.0.0.0';

/**
 * The client's address: the peer, or the rightmost entry of `X-Forwarded-For`
 * that no trusted proxy of ours has. A list that is all trusted gives its first
 * entry; at an entry that is no address the reading stops at the last good one.
 */
export function clientAddressFrom({ peer, forwardedFor, trusted }: Hops): string {
  let address = parseAddress(peer ?? '') ?? nobody;
  if (forwardedFor === undefined || !trusted.trusts(address)) return address;
  for (let end = forwardedFor.length; end >= 0; ) {
    const comma = end === 0 ? -1 : forwardedFor.lastIndexOf(',', end - 1);
    const hop = parseAddress(forwardedFor.slice(comma + 1, end).trim());
    if (hop === undefined) return address;
    address = hop;
    if (!trusted.trusts(address)) return address;
    end = comma;
  }
  return address;
}

/** What is known of the transport a request came over. */
export interface Transport {
  readonly peer: string | undefined;
  /** `X-Forwarded-Proto`. */
  readonly forwardedProto: string | undefined;
  readonly trusted: TrustedProxies;
}

/** What a trusted proxy says that the browser spoke; `untold` when it says nothing that can be read. */
export type ForwardedProto = 'http' | 'https' | 'untold';

/** What the proxy nearest to the browser says that it spoke; `undefined` unless our peer is a trusted proxy. */
export function forwardedProtoFrom({ peer, forwardedProto, trusted }: Transport): ForwardedProto | undefined {
  if (trusted.isEmpty || !trusted.trusts(parseAddress(peer ?? '') ?? nobody)) return undefined;
  const [first = ''] = (forwardedProto ?? '').split(',', 1);
  const scheme = first.trim().toLowerCase();
  return scheme === 'http' || scheme === 'https' ? scheme : 'untold';
}

/**
 * One address in the one form that is compared and counted: without port,
 * brackets and zone, IPv4 when mapped, IPv6 compressed and in lower case.
 * `undefined` for everything else, such as `unknown`, `0x7f.1` and `127.1`.
 */
export function parseAddress(text: string): string | undefined {
  if (text.length > 64) return undefined;
  if (isIP(text) === 4) return text;
  const address = withoutZone(withoutPort(text));
  const family = isIP(address);
  if (family === 4) return address;
  return family === 6 ? (ipv4Of(address) ?? compressed(address)) : undefined;
}

const bracketed = /^\[([^\]]*:[^\]]*)\](?::\d{1,5})?$/;
const ipv4WithPort = /^([\d.]{7,15}):\d{1,5}$/;

function withoutPort(text: string): string {
  return bracketed.exec(text)?.[1] ?? ipv4WithPort.exec(text)?.[1] ?? text;
}

function withoutZone(address: string): string {
  const zone = address.indexOf('%');
  return zone < 0 || !address.includes(':') ? address : address.slice(0, zone);
}

// RFC 4291, 2.5.5.2. In both spellings: "::ffff:10.0.0.1" and "::ffff:a00:1".
const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

function ipv4Of(address: string): string | undefined {
  const [, high, low] = mapped.exec(compressed(address)) ?? [];
  if (high === undefined || low === undefined) return undefined;
  const bits = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return bits.flatMap((half) => [half >> 8, half & 0xff]).join('.');
}

/** RFC 5952, as WHATWG URL serializes it. */
function compressed(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}
