/**
 * An encrypted token taken apart, before a private key is put to it: the compact form,
 * each part in its one spelling, an algorithm of the list, nothing compressed. Pure.
 *
 * Encryption says nothing of who wrote a token: with our public key anybody can. What is
 * inside must be a signed token, and it is judged like one that came in clear.
 *
 * @module
 */

import { isCanonical, JwsError, kidOf, readPart } from './jws.ts';

/**
 * How the content's key may be wrapped (RFC 7518, 4.1). Not RSA1_5, whose padding can be asked
 * about (RFC 8725, 3.2); not what is keyed with the client secret or a password, whose cost
 * the sender would choose (RFC 8725bis, PBES2).
 */
export const wrapAlgorithms = {
  rsa: ['RSA-OAEP-256', 'RSA-OAEP'],
  agreement: ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A192KW', 'ECDH-ES+A256KW'],
} as const;

/** How the content may be encrypted (RFC 7518, 5.1). */
const contentAlgorithms = [
  ...['A128GCM', 'A192GCM', 'A256GCM'],
  ...['A128CBC-HS256', 'A192CBC-HS384', 'A256CBC-HS512'],
] as const;

/** The header of an encrypted token, as far as it decides anything. */
export interface JweHead {
  readonly alg: string;
  readonly enc: string;
  readonly kid: string | undefined;
}

/** A signed token of the largest size that is read, in base64url. */
const maxLength = 96 * 1024;

/** Whether a token has the five parts of an encrypted one (RFC 7516, 3.1). */
export function isEncrypted(token: string): boolean {
  return token.split('.', 6).length === 5;
}

/** Reads the header. Throws {@link JwsError} for a token to which no key is put. */
export function readJweHead(token: string): JweHead {
  if (token.length > maxLength) throw new JwsError('token-too-large');
  const [header = '', ...others] = token.split('.');
  if (!others.every(isCanonical)) throw new JwsError('token-form');
  const head = readPart(header);
  if (head['crit'] !== undefined) throw new JwsError('token-critical');
  // A payload that inflates without end, at our cost (RFC 8725bis, 3.15).
  if (head['zip'] !== undefined) throw new JwsError('encryption-compressed');
  const { alg, enc, cty } = head;
  const all: readonly string[] = [...wrapAlgorithms.rsa, ...wrapAlgorithms.agreement];
  if (typeof alg !== 'string' || !all.includes(alg)) throw new JwsError('encryption-algorithm');
  const known = contentAlgorithms.find((name) => name === enc);
  if (known === undefined) throw new JwsError('encryption-algorithm');
  // A nested token says so (RFC 7519, 5.2); some servers forget to, and what is inside is looked at anyway.
  if (cty !== undefined && String(cty).toLowerCase() !== 'jwt') throw new JwsError('encryption-content');
  return { alg, enc: known, kid: kidOf(head) };
}

/** The signed token inside. Throws {@link JwsError} for anything else, claims without a signature among it. */
export function nestedTokenIn(plaintext: Uint8Array): string {
  const text = Buffer.from(plaintext).toString('latin1');
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) throw new JwsError('encryption-content');
  return text;
}
