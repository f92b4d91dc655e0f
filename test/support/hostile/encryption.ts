/**
 * Encrypted tokens by hand (RFC 7516, RFC 7518): honest ones for a client that
 * published a key, and the two that cost the reader dear: a payload that inflates
 * without end (`zip`), and a PBES2 iteration count without end (RFC 8725bis).
 *
 * @module
 */

import {
  constants,
  createCipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import type { JsonObject } from './json.ts';
import type { Jwk } from './keys.ts';

/** Key agreement (RFC 7518, section 4.6). */
export type AgreementAlg = 'ECDH-ES' | 'ECDH-ES+A128KW' | 'ECDH-ES+A192KW' | 'ECDH-ES+A256KW';
/** Encryption of the content (RFC 7518, section 5.1). */
export type ContentAlg = keyof typeof contentKeyBytes;

/** How a token is encrypted. */
export interface EncryptionOptions {
  /** `RSA-OAEP-256` by default. `dir` uses `secret`; `PBES2` only pretends: the wrapped key is random, the price is in the count. */
  readonly alg?: AgreementAlg | 'RSA-OAEP-256' | 'RSA-OAEP' | 'RSA1_5' | 'dir' | 'PBES2-HS256+A128KW' | undefined;
  /** `A256GCM` by default. */
  readonly enc?: ContentAlg | undefined;
  /** The client's public key. */
  readonly to?: Jwk | undefined;
  /** The 32 bytes both know, for `dir`. */
  readonly secret?: Uint8Array | undefined;
  /** Compresses before encrypting (`zip: DEF`). */
  readonly zip?: boolean | undefined;
  /** White space put behind the payload before it is compressed: the size it inflates to. */
  readonly paddedTo?: number | undefined;
  /** The `p2c` of PBES2; two thousand million by default. */
  readonly iterations?: number | undefined;
  /** What is encrypted in place of the signed token: `(token) => …`. */
  readonly content?: ((token: string) => string) | undefined;
  /** Further header members, laid over the honest ones; `undefined` removes one. */
  readonly header?: JsonObject | undefined;
}

const contentKeyBytes = {
  A128GCM: 16,
  A192GCM: 24,
  A256GCM: 32,
  'A128CBC-HS256': 32,
  'A192CBC-HS384': 48,
  'A256CBC-HS512': 64,
} as const;

const rsa = {
  'RSA-OAEP-256': { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
  'RSA-OAEP': { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
  RSA1_5: { padding: constants.RSA_PKCS1_PADDING },
} as const;

/** The content's key, the wrapped form of it, and what the header must say for the reader to unwrap it. */
interface Wrapping {
  readonly key: Buffer;
  readonly wrapped: Buffer;
  readonly header: JsonObject;
}

function publicKeyOf({ alg, to }: EncryptionOptions): KeyObject {
  if (!to) throw new Error(`${alg} needs the public key of the client in \`to\``);
  return createPublicKey({ key: to, format: 'jwk' });
}

function lengthed(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, Buffer.from(text)]);
}

/** Concat KDF with SHA-256 (RFC 7518, section 4.6.2). */
function derivedKey(shared: Buffer, { name, bytes }: { readonly name: string; readonly bytes: number }): Buffer {
  const bits = Buffer.alloc(4);
  bits.writeUInt32BE(bytes * 8);
  const info = Buffer.concat([lengthed(name), lengthed(''), lengthed(''), bits]);
  const rounds = Array.from({ length: Math.ceil(bytes / 32) }, (_, at) =>
    createHash('sha256')
      .update(Buffer.from([0, 0, 0, at + 1]))
      .update(shared)
      .update(info)
      .digest(),
  );
  return Buffer.concat(rounds).subarray(0, bytes);
}

/** AES Key Wrap (RFC 3394). */
function wrapKey(key: Buffer, by: Buffer): Buffer {
  const cipher = createCipheriv(`id-aes${by.length * 8}-wrap`, by, Buffer.alloc(8, 0xa6));
  return Buffer.concat([cipher.update(key), cipher.final()]);
}

function ephemeralFor(to: KeyObject) {
  if (to.asymmetricKeyType === 'x25519') return generateKeyPairSync('x25519');
  return generateKeyPairSync('ec', { namedCurve: to.asymmetricKeyDetails?.namedCurve ?? '' });
}

function agreed(alg: AgreementAlg, options: EncryptionOptions & { readonly enc: ContentAlg }): Wrapping {
  const to = publicKeyOf(options);
  const { privateKey, publicKey } = ephemeralFor(to);
  const shared = diffieHellman({ privateKey, publicKey: to });
  const header = { epk: publicKey.export({ format: 'jwk' }) };
  const bytes = contentKeyBytes[options.enc];
  if (alg === 'ECDH-ES') {
    return { key: derivedKey(shared, { name: options.enc, bytes }), wrapped: Buffer.alloc(0), header };
  }
  const by = derivedKey(shared, { name: alg, bytes: Number(/A(\d+)KW/.exec(alg)?.[1]) / 8 });
  const key = randomBytes(bytes);
  return { key, wrapped: wrapKey(key, by), header };
}

function wrappingFor(options: EncryptionOptions & { readonly enc: ContentAlg }): Wrapping {
  const { alg = 'RSA-OAEP-256', enc, secret, iterations = 2_000_000_000 } = options;
  const key = randomBytes(contentKeyBytes[enc]);
  switch (alg) {
    case 'dir':
      return { key: secret ? Buffer.from(secret) : key, wrapped: Buffer.alloc(0), header: {} };
    case 'PBES2-HS256+A128KW':
      return { key, wrapped: randomBytes(40), header: { p2c: iterations, p2s: randomBytes(16).toString('base64url') } };
    case 'RSA-OAEP':
    case 'RSA-OAEP-256':
    case 'RSA1_5':
      return { key, wrapped: publicEncrypt({ key: publicKeyOf(options), ...rsa[alg] }, key), header: {} };
    default:
      return agreed(alg, options);
  }
}

interface Sealed {
  readonly iv: Buffer;
  readonly text: Buffer;
  readonly tag: Buffer;
}

/** AES-CBC with HMAC (RFC 7518, section 5.2): the first half of the key is for the tag. */
function sealedByCbc(plain: Buffer, { key, header }: { readonly key: Buffer; readonly header: Buffer }): Sealed {
  const half = key.length / 2;
  const iv = randomBytes(16);
  const cipher = createCipheriv(`aes-${half * 8}-cbc`, key.subarray(half), iv);
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  const bits = Buffer.alloc(8);
  bits.writeBigUInt64BE(BigInt(header.length * 8));
  const mac = createHmac(`sha${half * 16}`, key.subarray(0, half))
    .update(header)
    .update(iv)
    .update(text)
    .update(bits);
  return { iv, text, tag: mac.digest().subarray(0, half) };
}

function sealedByGcm(plain: Buffer, { key, header }: { readonly key: Buffer; readonly header: Buffer }): Sealed {
  const iv = randomBytes(12);
  const cipher = createCipheriv(`aes-${key.length * 8}-gcm` as 'aes-256-gcm', key, iv).setAAD(header);
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  return { iv, text, tag: cipher.getAuthTag() };
}

/** The compact JWE of a text. */
export function encryptCompact(text: string, options: EncryptionOptions): string {
  const { alg = 'RSA-OAEP-256', enc = 'A256GCM', to, zip, content = (token: string) => token } = options;
  const wrapping = wrappingFor({ ...options, enc });
  const members = {
    ...{ alg, enc, cty: 'JWT', kid: to?.['kid'], zip: zip ? 'DEF' : undefined },
    ...{ ...wrapping.header, ...options.header },
  };
  const header = Buffer.from(JSON.stringify(members)).toString('base64url');
  const padded = Buffer.from(content(text).padEnd(options.paddedTo ?? 0, ' '));
  const seal = enc.includes('CBC') ? sealedByCbc : sealedByGcm;
  const sealed = seal(zip ? deflateRawSync(padded) : padded, { key: wrapping.key, header: Buffer.from(header) });
  const parts = [wrapping.wrapped, sealed.iv, sealed.text, sealed.tag].map((part) => part.toString('base64url'));
  return [header, ...parts].join('.');
}
