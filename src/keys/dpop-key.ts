/**
 * The key that tokens are bound to, and the proofs that are made with it (DPoP,
 * RFC 9449): P-256, by node:crypto, since each call to an upstream needs one.
 *
 * As text it is the private number alone, so that it can lie sealed beside the
 * tokens it belongs to. Which nonce goes into a proof is not decided here.
 *
 * @module
 */

import { createECDH, createHash, createPrivateKey, hkdfSync, type KeyObject, sign } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { randomSecretBytes, randomToken } from '../base/random.ts';
import { thumbprintOf } from './jwk.ts';

/** What a proof is for. */
export interface ProofFor {
  readonly method: string;
  /** The request's; query and fragment are left out of the proof (RFC 9449, 4.2). */
  readonly url: string;
  /** The server's, where it has given one. */
  readonly nonce?: string | undefined;
  /** Where the proof goes with a token. */
  readonly accessToken?: string | undefined;
  /** The instant, ms. */
  readonly now: number;
}

/** A key that tokens are bound to. */
export interface DpopKey {
  /** RFC 7638 thumbprint: `dpop_jkt`, and `cnf.jkt` of the tokens. */
  readonly thumbprint: string;
  /** A new proof, each with a name of its own. */
  proof(of: ProofFor): string;
}

/** The order of the group of P-256 (SEC 2, 2.4.2). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** Keys that were made usable, about 5 KB each; making one costs three times a proof. */
const known = new LRUCache<string, DpopKey>({ max: 4_000 });

/** The key that belongs to a secret, the same each time: its text. At least 32 bytes of chance make it. */
export function derivedDpopKey(secret: Buffer): string {
  // With 16 bytes more than the order has, no number is likelier than another (FIPS 186-5, A.2.1).
  const bits = Buffer.from(hkdfSync('sha256', secret, '', 'claimcheck dpop key', 48)).toString('hex');
  const number = (BigInt(`0x${bits}`) % (order - 1n)) + 1n;
  return Buffer.from(number.toString(16).padStart(64, '0'), 'hex').toString('base64url');
}

/** A new key: its text. */
export function randomDpopKey(): string {
  return derivedDpopKey(randomSecretBytes(32));
}

/** The key of a text that {@link derivedDpopKey} gave. Throws for another. */
export function dpopKeyOf(text: string): DpopKey {
  const seen = known.get(text);
  if (seen !== undefined) return seen;
  const made = new Es256Key(text);
  known.set(text, made);
  return made;
}

/** The key of a text, where there is one. */
export function dpopKeyIf(text: string | undefined): DpopKey | undefined {
  return text === undefined ? undefined : dpopKeyOf(text);
}

/** The hash of a token as it stands in a proof (RFC 9449, 4.2). */
function tokenHash(accessToken: string): string {
  return createHash('sha256').update(accessToken).digest('base64url');
}

class Es256Key implements DpopKey {
  readonly thumbprint: string;
  readonly #key: KeyObject;
  /** The same for all proofs of the key. */
  readonly #header: string;

  constructor(text: string) {
    const ecdh = createECDH('prime256v1');
    ecdh.setPrivateKey(text, 'base64url');
    const point = ecdh.getPublicKey(); // 0x04, x, y
    const x = point.subarray(1, 33).toString('base64url');
    const y = point.subarray(33).toString('base64url');
    const jwk = { crv: 'P-256', kty: 'EC', x, y };
    this.thumbprint = thumbprintOf(jwk);
    this.#key = createPrivateKey({ format: 'jwk', key: { ...jwk, d: text } });
    this.#header = part({ typ: 'dpop+jwt', alg: 'ES256', jwk });
  }

  proof({ method, url, nonce, accessToken, now }: ProofFor): string {
    const { origin, pathname } = new URL(url);
    const claims = {
      jti: randomToken(128),
      htm: method,
      htu: origin + pathname,
      iat: Math.floor(now / 1000),
      ath: accessToken === undefined ? undefined : tokenHash(accessToken),
      nonce,
    };
    const signed = `${this.#header}.${part(claims)}`;
    const signature = sign('sha256', Buffer.from(signed), { key: this.#key, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
