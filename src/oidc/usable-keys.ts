/**
 * Which keys of a key set may verify what. Pure.
 *
 * A key is passed over when it is symmetric, weak, meant for something else, or
 * shows its private half: whoever reads the key set could then sign with it
 * (RFC 8725, 3.2; IT-20, IT-24). One such key does not spoil the others.
 *
 * @module
 */

import type { JWK } from 'jose';
import type { SignatureAlgorithm } from './jws.ts';
import { isJsonObject, type JsonObject } from './strict-json.ts';

/** A public key and the algorithms it may be used with. */
export interface UsableKey {
  readonly kid: string | undefined;
  readonly algorithms: readonly SignatureAlgorithm[];
  /** Only the members that make up the public key. */
  readonly jwk: JWK;
}

/** Far more keys than any rotation needs. */
const maxKeys = 128;

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

/** The keys of a JWK Set that may be used (RFC 7517, 5); `undefined` when it is no key set or holds none. */
export function usableKeysFrom(set: JsonObject): readonly UsableKey[] | undefined {
  const { keys } = set;
  if (!Array.isArray(keys) || keys.length > maxKeys) return undefined;
  const usable = keys.flatMap((key: unknown) => (isJsonObject(key) ? (usableKeyFrom(key) ?? []) : []));
  return usable.length === 0 ? undefined : usable;
}

function usableKeyFrom(key: JsonObject): UsableKey | undefined {
  const { kid, use, alg, key_ops } = key;
  if (kid !== undefined && typeof kid !== 'string') return undefined;
  if (use !== undefined && use !== 'sig') return undefined;
  if (key_ops !== undefined && !(Array.isArray(key_ops) && key_ops.includes('verify'))) return undefined;
  if (privateMembers.some((member) => Object.hasOwn(key, member))) return undefined;
  const shape = shapeOf(key);
  if (shape === undefined) return undefined;
  // `EdDSA` is the older name of `Ed25519` (RFC 9864): a key registered for one is good for both.
  const named = alg === 'EdDSA' || alg === 'Ed25519' ? edwards : shape.algorithms.filter((name) => name === alg);
  const algorithms = alg === undefined ? shape.algorithms : named.filter((name) => shape.algorithms.includes(name));
  return algorithms.length === 0 ? undefined : { kid, algorithms, jwk: shape.jwk };
}

const edwards: readonly SignatureAlgorithm[] = ['EdDSA', 'Ed25519'];

interface Shape {
  readonly algorithms: readonly SignatureAlgorithm[];
  readonly jwk: JWK;
}

function shapeOf({ kty, n, e, crv, x, y }: JsonObject): Shape | undefined {
  if (kty === 'RSA' && typeof n === 'string' && typeof e === 'string') {
    return isStrongModulus(n) ? { algorithms: ['RS256', 'PS256'], jwk: { kty, n, e } } : undefined;
  }
  if (kty === 'EC' && crv === 'P-256' && typeof x === 'string' && typeof y === 'string') {
    return { algorithms: ['ES256'], jwk: { kty, crv, x, y } };
  }
  if (kty === 'OKP' && crv === 'Ed25519' && typeof x === 'string') return { algorithms: edwards, jwk: { kty, crv, x } };
  return undefined;
}

// At least 2048 bits, leading zeros not counted; at most 8192, since what a key costs to use grows with it.
function isStrongModulus(n: string): boolean {
  const bytes = Buffer.from(n, 'base64url');
  const first = bytes.findIndex((byte) => byte !== 0);
  if (first === -1) return false;
  const bits = (bytes.length - first) * 8 - (Math.clz32(bytes[first] ?? 0) - 24);
  return bits >= 2048 && bits <= 8192;
}
