/**
 * Algorithm confusion: the texts an attacker uses as HMAC key, all of them public
 * (RFC 8725, section 2.1), and the client secret, which the provider also knows.
 *
 * @module
 */

import type { SigningKey } from './keys.ts';

/**
 * What an HS256 signature is keyed with. `spki-…` and `pkcs1-…` are spellings of
 * the public key: PEM as OpenSSL writes it, without the last line break, with
 * CRLF, in one line, the base64 alone, and DER. `modulus` and `exponent` are the
 * base64url texts of `n` and `e` (`x` and `crv` of other keys), `…-bytes` what
 * they stand for. `jwk` is the key as the key set shows it, `key-set` the whole set.
 */
export const hmacKeyings = [
  'spki-pem',
  'spki-pem-no-newline',
  'spki-pem-crlf',
  'spki-pem-one-line',
  'spki-base64',
  'spki-der',
  'pkcs1-pem',
  'pkcs1-pem-no-newline',
  'pkcs1-pem-crlf',
  'pkcs1-pem-one-line',
  'pkcs1-base64',
  'pkcs1-der',
  'modulus',
  'modulus-bytes',
  'exponent',
  'exponent-bytes',
  'kty',
  'alg',
  'kid',
  'jwk',
  'key-set',
  'client-secret',
  'empty',
] as const;

/** One of {@link hmacKeyings}. */
export type HmacKeying = (typeof hmacKeyings)[number];

/** What the texts are made of. */
export interface HmacSources {
  readonly key: SigningKey;
  readonly published: readonly SigningKey[];
  readonly clientSecret: string;
}

function pemSpelling(pem: string, spelling: string): string {
  switch (spelling) {
    case 'pem-no-newline':
      return pem.trimEnd();
    case 'pem-crlf':
      return pem.replaceAll('\n', '\r\n');
    case 'pem-one-line':
      return pem.replaceAll('\n', '');
    case 'base64':
      return pem.replaceAll(/-----[^-]+-----|\n/g, '');
    default:
      return pem;
  }
}

function publicKeyText(keying: string, { publicKey }: SigningKey): string | Buffer {
  const type = keying.startsWith('pkcs1-') ? 'pkcs1' : 'spki';
  if (type === 'pkcs1' && publicKey.asymmetricKeyType !== 'rsa')
    throw new Error(`${keying} needs an RSA key to sign with`);
  const spelling = keying.slice(type.length + 1);
  return spelling === 'der'
    ? publicKey.export({ type, format: 'der' })
    : pemSpelling(publicKey.export({ type, format: 'pem' }).toString(), spelling);
}

/** The bytes of the HMAC key. Throws for a PKCS#1 spelling of a key that is not RSA: there is none. */
export function hmacKeyFor(keying: HmacKeying, { key, published, clientSecret }: HmacSources): Buffer {
  const { jwk } = key;
  const modulus = String(jwk.n ?? jwk.x);
  const exponent = String(jwk.e ?? jwk.crv);
  switch (keying) {
    case 'modulus':
      return Buffer.from(modulus);
    case 'modulus-bytes':
      return Buffer.from(modulus, 'base64url');
    case 'exponent':
      return Buffer.from(exponent);
    case 'exponent-bytes':
      return Buffer.from(exponent, 'base64url');
    case 'kty':
    case 'alg':
    case 'kid':
      return Buffer.from(String(jwk[keying]));
    case 'jwk':
      return Buffer.from(JSON.stringify(jwk));
    case 'key-set':
      return Buffer.from(JSON.stringify({ keys: published.map((each) => each.jwk) }));
    case 'client-secret':
      return Buffer.from(clientSecret);
    case 'empty':
      return Buffer.alloc(0);
    default:
      return Buffer.from(publicKeyText(keying, key));
  }
}
