/**
 * Which of the 16 384 slots of a cluster a key lies in, and which key a command is
 * about. Pure; the rule is that of the Redis Cluster specification.
 *
 * @module
 */

import type { RedisArgument } from './node.ts';

/** How many slots a cluster has. */
export const slotCount = 16_384;

/** The slot of a key: of its hash tag where it has one. */
export function slotOf(key: string): number {
  return crc16(Buffer.from(tagOf(key))) % slotCount;
}

const withoutKey = new Set(['PING', 'INFO', 'PUBLISH', 'WAIT']);
const keyAfterCount = new Set(['EVAL', 'EVALSHA']);

/** The first key of a command as this product writes it; `undefined` for commands about none. */
export function keyOf([name, first, , third]: readonly RedisArgument[]): string | undefined {
  const command = String(name).toUpperCase();
  if (withoutKey.has(command)) return undefined;
  return (keyAfterCount.has(command) ? third : first)?.toString();
}

// Between the first `{` and the next `}`, unless nothing lies there.
function tagOf(key: string): string {
  const start = key.indexOf('{');
  const end = start < 0 ? -1 : key.indexOf('}', start + 1);
  return end > start + 1 ? key.slice(start + 1, end) : key;
}

// CRC-16/XMODEM: polynomial 0x1021, starting at 0.
function crc16(bytes: Buffer): number {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) sum = sum & 0x8000 ? ((sum << 1) ^ 0x1021) & 0xffff : (sum << 1) & 0xffff;
  }
  return sum;
}
