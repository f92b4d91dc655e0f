/**
 * Signing, verifying and hashing of JWS by hand, with node:crypto alone.
 *
 * A JOSE library would refuse to make most of what the hostile provider has to
 * make. Verifying is strict: it stands for the honest provider that checks
 * client assertions and DPoP proofs.
 *
 * @module
 */

import { constants, createHash, createPublicKey, sign, verify } from 'node:crypto';
import type { JsonObject } from './json.ts';
import type { Jwk, SigningKey } from './keys.ts';

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } as const;
const ecdsa = { dsaEncoding: 'ieee-p1363' } as const;

/** The signature of `input` with the key's own algorithm (RFC 7518, section 3; RFC 8037). */
export function signBytes(input: Uint8Array, { alg, privateKey }: Pick<SigningKey, 'alg' | 'privateKey'>): Buffer {
  switch (alg) {
    case 'RS256':
      return sign('sha256', input, privateKey);
    case 'PS256':
      return sign('sha256', input, { key: privateKey, ...pss });
    case 'ES256':
      return sign('sha256', input, { key: privateKey, ...ecdsa });
    case 'ES384':
      return sign('sha384', input, { key: privateKey, ...ecdsa });
    default:
      return sign(null, input, privateKey);
  }
}

/** The left half of the hash that belongs to `alg`, as `at_hash` and `c_hash` want it (OIDC Core, section 3.1.3.6). */
export function halfHash(value: string, alg: string): string {
  const name = alg.startsWith('Ed') ? 'sha512' : `sha${alg.slice(-3)}`;
  const digest = createHash(name).update(value).digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}

/** The RFC 7638 thumbprint (SHA-256, base64url) of a public key. */
export function thumbprintOf(jwk: Jwk): string {
  const names = { RSA: ['e', 'kty', 'n'], EC: ['crv', 'kty', 'x', 'y'] }[String(jwk.kty)] ?? ['crv', 'kty', 'x'];
  const canonical = JSON.stringify(Object.fromEntries(names.map((name) => [name, jwk[name]])));
  return createHash('sha256').update(canonical).digest('base64url');
}

/** A compact JWS taken apart; nothing is verified. */
export interface UnverifiedJws {
  readonly header: JsonObject;
  readonly claims: JsonObject;
  readonly signingInput: string;
  readonly signature: Buffer;
}

function parseObject(part: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    // `as`: an object that is no array is what JsonObject says, and no more.
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Takes a compact JWS apart; `undefined` when it is none, or when header or payload are no JSON objects. */
export function parseUnverifiedJws(compact: string): UnverifiedJws | undefined {
  const parts = compact.split('.');
  const [first = '', second = '', third = ''] = parts;
  const header = parseObject(first);
  const claims = parseObject(second);
  if (parts.length !== 3 || !header || !claims) return undefined;
  return { header, claims, signingInput: `${first}.${second}`, signature: Buffer.from(third, 'base64url') };
}

/** True when the signature was made with this public key and the algorithm of the header, which must be one of `signingAlgs`. */
export function verifiesWith({ header, signingInput, signature }: UnverifiedJws, jwk: Jwk): boolean {
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const input = Buffer.from(signingInput);
  switch (header.alg) {
    case 'RS256':
      return key.asymmetricKeyType === 'rsa' && verify('sha256', input, key, signature);
    case 'PS256':
      return key.asymmetricKeyType === 'rsa' && verify('sha256', input, { key, ...pss }, signature);
    case 'ES256':
      return jwk.crv === 'P-256' && verify('sha256', input, { key, ...ecdsa }, signature);
    case 'ES384':
      return jwk.crv === 'P-384' && verify('sha384', input, { key, ...ecdsa }, signature);
    case 'EdDSA':
    case 'Ed25519':
      return key.asymmetricKeyType === 'ed25519' && verify(null, input, key, signature);
    default:
      return false;
  }
}
