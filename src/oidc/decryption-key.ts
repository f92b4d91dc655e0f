/**
 * The keys with which encrypted tokens are opened, and the public half that the
 * authorization server encrypts to.
 *
 * They open and never sign: a key has one purpose (RFC 7517, 4.2).
 *
 * @module
 */

import { createPrivateKey, type KeyObject } from 'node:crypto';
import { Secret } from '../base/secret.ts';
import { pemBlocksIn } from '../config/key-files.ts';
import { publicJwkOf, thumbprintOf } from '../keys/jwk.ts';
import { wrapAlgorithms } from './jwe.ts';

/** A key that opens tokens. */
export interface DecryptionKey {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  /** The algorithms it can undo. */
  readonly algorithms: readonly string[];
  /** The public half, for `/.well-known/jwks.json`. */
  readonly publicJwk: Readonly<Record<string, unknown>>;
  readonly privateKey: KeyObject;
}

/** Reads the keys of a file, in its order. Throws, without repeating any of it, when one cannot be used. */
export function decryptionKeysFrom(pems: Secret): readonly DecryptionKey[] {
  return pemBlocksIn(pems.reveal()).map((pem) => decryptionKeyFrom(new Secret(pem)));
}

function decryptionKeyFrom(pem: Secret): DecryptionKey {
  const privateKey = createPrivateKey(pem.reveal());
  const isRsa = privateKey.asymmetricKeyType === 'rsa';
  const jwk = publicJwkOf(privateKey);
  const kid = thumbprintOf(jwk);
  return {
    kid,
    algorithms: isRsa ? wrapAlgorithms.rsa : wrapAlgorithms.agreement,
    publicJwk: { ...jwk, kid, use: 'enc', ...(isRsa ? { alg: 'RSA-OAEP-256' } : {}) },
    privateKey,
  };
}
