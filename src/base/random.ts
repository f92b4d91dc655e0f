/**
 * What nobody can guess: session secrets, handles, request ids.
 *
 * The only file that asks for randomness. It does not derive keys (see keys/).
 *
 * @module
 */

import { randomBytes } from 'node:crypto';

/** Uniformly random bytes from the system's generator. */
export function randomSecretBytes(length: number): Buffer {
  return randomBytes(length);
}

/** `bits` of randomness as base64url, without padding: 128 bits are 22 characters, 256 bits are 43. */
export function randomToken(bits: 128 | 256): string {
  return randomBytes(bits / 8).toString('base64url');
}

const pool = Buffer.alloc(16 * 256);
let next = pool.length;

/**
 * A name for one request: 128 random bits as lower-case hex (32 characters), so that it can name a trace as well
 * (W3C Trace Context, 3.2.2.3).
 *
 * Drawn from a block that is filled once in 256 times, since one call of the
 * system's generator for each request is dear. Not for secrets that outlive the request.
 */
export function randomRequestId(): string {
  if (next >= pool.length) {
    randomBytes(pool.length).copy(pool);
    next = 0;
  }
  next += 16;
  return pool.toString('hex', next - 16, next);
}

/** A number from 0 up to, not including, 1, for spreading things in time. Guessable: never for secrets. */
export function randomFraction(): number {
  return randomBytes(4).readUInt32BE() / 2 ** 32;
}
