/**
 * The keys with which the client proves itself (`private_key_jwt`, OIDC Core, 9),
 * and their public halves as they are published.
 *
 * @module
 */

import { createPrivateKey, generateKeyPairSync, type KeyObject, type webcrypto } from 'node:crypto';
import { Secret } from '../base/secret.ts';
import { pemBlocksIn } from '../config/key-files.ts';
import { publicJwkOf, thumbprintOf } from '../keys/jwk.ts';

/** What assertions are signed with (FAPI 2, 5.4.1; RS256 where a server knows nothing better). */
export type AssertionAlgorithm = 'PS256' | 'RS256' | 'ES256' | 'EdDSA' | 'Ed25519';

/** A key pair of ours that was found strong enough, and what it may sign with. */
export interface ClientKey {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  /** The public half, for `/.well-known/jwks.json`. */
  readonly publicJwk: Readonly<Record<string, unknown>>;
  /** The algorithm for a server that takes `supported`; its first choice is ours. `undefined`: any. */
  algorithmFor(supported: readonly string[] | undefined): AssertionAlgorithm;
  /** The private half for one algorithm, unextractable. */
  signingKey(algorithm: AssertionAlgorithm): webcrypto.CryptoKey;
}

/** Reads a key in PEM (PKCS#8). Throws, without repeating it, when it is none or too weak. */
export function clientKeyFrom(pem: Secret): ClientKey {
  const key = createPrivateKey(pem.reveal());
  const { kty, crv } = publicJwkOf(key);
  const choices = choicesFor(key);
  if (choices === undefined) throw new Error(`a client key of type ${kty} ${crv ?? ''} or of this size cannot be used`);
  const publicJwk = publicJwkOf(key);
  const kid = thumbprintOf(publicJwk);
  return {
    kid,
    publicJwk: { ...publicJwk, kid, use: 'sig', alg: choices[0] },
    algorithmFor: (supported) => choices.find((choice) => supported?.includes(choice)) ?? choices[0],
    signingKey: (algorithm) => key.toCryptoKey(parametersOf(algorithm), false, ['sign']),
  };
}

/**
 * Reads the keys of a file, in its order: the first signs, the others are published
 * beside it, so that a key is known before it is used and for a while after (CA-10).
 * Throws when one cannot be used, or when there is none.
 */
export function clientKeysFrom(pems: Secret): readonly [ClientKey, ...ClientKey[]] {
  const [first, ...others] = pemBlocksIn(pems.reveal());
  const read = (pem: string) => clientKeyFrom(new Secret(pem));
  return [read(first), ...others.map(read)];
}

/** A new P-256 key for ES256, in PEM (PKCS#8). */
export function newClientKeyPem(): Secret {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return new Secret(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
}

type Choices = readonly [AssertionAlgorithm, ...AssertionAlgorithm[]];

function choicesFor(key: KeyObject): Choices | undefined {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return modulusLength >= 2048 ? ['PS256', 'RS256'] : undefined;
    case 'ec':
      return namedCurve === 'prime256v1' ? ['ES256'] : undefined;
    case 'ed25519':
      return ['EdDSA', 'Ed25519'];
    default:
      return undefined;
  }
}

function parametersOf(algorithm: AssertionAlgorithm): webcrypto.RsaHashedImportParams | webcrypto.EcKeyImportParams {
  switch (algorithm) {
    case 'PS256':
      return { name: 'RSA-PSS', hash: 'SHA-256' };
    case 'RS256':
      return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    case 'ES256':
      return { name: 'ECDSA', namedCurve: 'P-256' };
    case 'EdDSA':
    case 'Ed25519':
      return { name: 'Ed25519', namedCurve: '' };
  }
}
