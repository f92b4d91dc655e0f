/**
 * Public keys as JWKs, and their names.
 *
 * @module
 */

import { createHash, createPublicKey, type KeyObject, type webcrypto } from 'node:crypto';

/** The public half of a key as a JWK (RFC 7517). */
export function publicJwkOf(key: KeyObject): webcrypto.JsonWebKey {
  return createPublicKey(key).export({ format: 'jwk' });
}

/** The thumbprint of a public key: over the required members, in the order of their names (RFC 7638, 3.2). */
export function thumbprintOf({ crv, e, kty, n, x, y }: webcrypto.JsonWebKey): string {
  const members = kty === 'RSA' ? { e, kty, n } : kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}
