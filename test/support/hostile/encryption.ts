/**
 * Encrypted tokens by hand (RFC 7516): honest ones for a client that registered a
 * key, and the two that cost the reader dear: a payload that inflates without
 * end (`zip`), and a PBES2 iteration count without end (RFC 8725bis).
 *
 * No ECDH-ES.
 *
 * @module
 */

import { constants, createCipheriv, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { JsonObject } from './json.ts';
import type { Jwk } from './keys.ts';

/** How a token is encrypted; always with A256GCM. */
export interface EncryptionOptions {
  /** `RSA-OAEP-256` by default. `dir` uses `secret`; `PBES2` only pretends: the wrapped key is random, the price is in the count. */
  readonly alg?: 'RSA-OAEP-256' | 'RSA-OAEP' | 'RSA1_5' | 'dir' | 'PBES2-HS256+A128KW' | undefined;
  /** The client's public RSA key. */
  readonly to?: Jwk | undefined;
  /** The 32 bytes both know, for `dir`. */
  readonly secret?: Uint8Array | undefined;
  /** Compresses before encrypting (`zip: DEF`). */
  readonly zip?: boolean | undefined;
  /** White space put behind the payload before it is compressed: the size it inflates to. */
  readonly paddedTo?: number | undefined;
  /** The `p2c` of PBES2; two thousand million by default. */
  readonly iterations?: number | undefined;
  /** Further header members, laid over the honest ones. */
  readonly header?: JsonObject | undefined;
}

const rsa = {
  'RSA-OAEP-256': { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
  'RSA-OAEP': { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
  RSA1_5: { padding: constants.RSA_PKCS1_PADDING },
} as const;

function wrappedKey(key: Buffer, { alg = 'RSA-OAEP-256', to }: EncryptionOptions): Buffer {
  if (alg === 'dir') return Buffer.alloc(0);
  if (alg === 'PBES2-HS256+A128KW') return randomBytes(40);
  if (!to) throw new Error(`${alg} needs the public key of the client in \`to\``);
  return publicEncrypt({ key: createPublicKey({ key: to, format: 'jwk' }), ...rsa[alg] }, key);
}

function headerFor({
  alg = 'RSA-OAEP-256',
  to,
  zip,
  iterations = 2_000_000_000,
  header,
}: EncryptionOptions): JsonObject {
  return {
    alg,
    enc: 'A256GCM',
    cty: 'JWT',
    ...(to?.kid === undefined ? {} : { kid: to.kid }),
    ...(zip ? { zip: 'DEF' } : {}),
    ...(alg === 'PBES2-HS256+A128KW' ? { p2c: iterations, p2s: randomBytes(16).toString('base64url') } : {}),
    ...header,
  };
}

/** The compact JWE of a text. */
export function encryptCompact(text: string, options: EncryptionOptions): string {
  const key = options.alg === 'dir' && options.secret ? Buffer.from(options.secret) : randomBytes(32);
  const plain = Buffer.from(text.padEnd(options.paddedTo ?? 0, ' '));
  const header = Buffer.from(JSON.stringify(headerFor(options))).toString('base64url');
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(header));
  const encrypted = Buffer.concat([cipher.update(options.zip ? deflateRawSync(plain) : plain), cipher.final()]);
  const parts = [wrappedKey(key, options), iv, encrypted, cipher.getAuthTag()].map((part) =>
    part.toString('base64url'),
  );
  return [header, ...parts].join('.');
}
