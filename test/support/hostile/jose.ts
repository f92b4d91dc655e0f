/**
 * Makes JWTs, honest ones and every faulty kind: header, claims, key, signature
 * and serialisation can each be changed on their own.
 *
 * @module
 */

import { createHmac } from 'node:crypto';
import { type EncryptionOptions, encryptCompact } from './encryption.ts';
import { type HmacKeying, hmacKeyFor } from './hmac-keys.ts';
import { type Changes, changedObject, type JsonObject } from './json.ts';
import { type KeyHeaderAttack, keyHeadersFor } from './key-headers.ts';
import type { KeyRing, SigningAlg, SigningKey } from './keys.ts';
import type { LoggedRequest } from './log.ts';
import { signBytes } from './signature.ts';
import type { Trap } from './trap.ts';

/** The four spellings of `alg: none` that requirements name (RFC 8725, section 2.1). */
export const noneSpellings = ['none', 'None', 'NONE', 'nOnE'] as const;

/**
 * What is done to a finished signature. `flip-last`/`flip-first` change one byte,
 * `truncated` leaves half, `empty` leaves the two dots, `stripped` takes the last
 * dot too (two parts), `other` signs other claims. A function gets the bytes.
 */
export type SignatureSwitch =
  | 'flip-first'
  | 'flip-last'
  | 'truncated'
  | 'empty'
  | 'stripped'
  | 'other'
  | ((honest: Buffer) => Uint8Array);

/**
 * The form of the token. `flattened` and `general` are the JSON serialisations
 * (RFC 7515, section 7.2); `spaced` has a line break at the end of each part,
 * `padded` has base64 padding, `quoted` is a JSON string with its quotes.
 */
export type Serialization = 'compact' | 'flattened' | 'general' | 'spaced' | 'padded' | 'quoted';

/** Everything that can be changed about a JWT, apart from its claims. All of it can be combined. */
export interface JoseSwitches {
  /** Sign with another algorithm, validly: the key is added to the key set when there is none yet. */
  alg?: SigningAlg | undefined;
  /** Sign with this key (`keys.add(…)`, `createSigningKey(…)`), or with the attacker's, which has the honest `kid` and is in no key set. */
  key?: SigningKey | 'attacker' | undefined;
  /** HS256 keyed with a public text or the client secret, or with given bytes: algorithm confusion. */
  hmac?: HmacKeying | Uint8Array | undefined;
  /** No signature, and this as `alg`: one of `noneSpellings`, or any other text. */
  none?: string | undefined;
  /** Sign with the attacker's key and offer it in the header. */
  keyHeader?: KeyHeaderAttack | undefined;
  /**
   * Header members: `{ kid: undefined }`, `{ kid: '../../dev/null' }`, `{ typ: 'at+jwt' }`,
   * `{ crit: ['x'], x: 1 }`, `{ b64: false, crit: ['b64'] }`, `{ alg: 'PS256' }` (a lie about
   * the key). The signature covers them.
   */
  header?: Changes | undefined;
  /** The header's JSON text, before it is signed: `repeatMember('alg', 'none')`. */
  headerText?: ((json: string) => string | Uint8Array) | undefined;
  /** The payload's JSON text, before it is signed: `repeatMember('sub', 'bob')`. */
  payloadText?: ((json: string) => string | Uint8Array) | undefined;
  /** What is done to the signature afterwards. */
  signature?: SignatureSwitch | undefined;
  /** The form; `compact` by default. */
  serialization?: Serialization | undefined;
  /** Encrypts the finished token (RFC 7516). */
  encrypt?: EncryptionOptions | undefined;
  /** The whole token, last of all: an earlier one replayed, a number, or `(honest: string) => honest.slice(0, -1)`. */
  whole?: unknown;
}

/** What a JWT is made of before switches: header members beside `alg` and `kid`, and the claims as they shall stand. */
export interface JwtParts {
  readonly header: JsonObject;
  readonly claims: JsonObject;
  readonly by: JoseSwitches | undefined;
  readonly request?: LoggedRequest | undefined;
}

/** What signing needs. */
export interface JoseContext {
  readonly keys: KeyRing;
  readonly trap: Trap;
  /** For `hmac: 'client-secret'`. */
  readonly clientSecret: string;
}

interface Signer {
  readonly alg: string;
  readonly kid: string;
  sign(input: string): Buffer;
}

function signerWith(key: SigningKey): Signer {
  return { alg: key.alg, kid: key.kid, sign: (input) => signBytes(Buffer.from(input), key) };
}

function chooseSigner(by: JoseSwitches, { keys, clientSecret }: JoseContext): Signer {
  if (by.key === 'attacker' || by.keyHeader !== undefined) return signerWith(keys.attacker);
  if (by.key) return signerWith(by.key);
  const key = keys.keyToSignWith(by.alg);
  if (by.none !== undefined) return { alg: by.none, kid: key.kid, sign: () => Buffer.alloc(0) };
  if (by.hmac === undefined) return signerWith(key);
  const sources = { key, published: keys.published, clientSecret };
  const secret = typeof by.hmac === 'string' ? hmacKeyFor(by.hmac, sources) : by.hmac;
  return { alg: 'HS256', kid: key.kid, sign: (input) => createHmac('sha256', secret).update(input).digest() };
}

function flipped(bytes: Buffer, index: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[index] = (copy[index] ?? 0) ^ 0x01;
  return copy;
}

function signatureOf(input: string, { signer, by }: { signer: Signer; by: SignatureSwitch | undefined }): Buffer {
  const honest = signer.sign(input);
  if (typeof by === 'function') return Buffer.from(by(honest));
  switch (by) {
    case 'flip-first':
      return flipped(honest, 0);
    case 'flip-last':
      return flipped(honest, honest.length - 1);
    case 'truncated':
      return honest.subarray(0, honest.length / 2);
    case 'other':
      return signer.sign(`${input}AA`);
    case 'empty':
    case 'stripped':
      return Buffer.alloc(0);
    default:
      return honest;
  }
}

function serialize(
  parts: readonly [string, string, string],
  { serialization = 'compact', signature: change }: JoseSwitches,
): string {
  const [header, payload, signature] = parts;
  const isStripped = change === 'stripped';
  switch (serialization) {
    case 'flattened':
      return JSON.stringify({ protected: header, payload, signature });
    case 'general':
      return JSON.stringify({ payload, signatures: [{ protected: header, signature }] });
    case 'spaced':
      return parts.join('\n.');
    case 'padded':
      return parts.map((part) => part.padEnd(Math.ceil(part.length / 4) * 4, '=')).join('.');
    case 'quoted':
      return JSON.stringify(parts.join('.'));
    default:
      return isStripped ? `${header}.${payload}` : parts.join('.');
  }
}

/** The token. It is text, unless `whole` makes something else of it. */
export function buildJwt({ header, claims, by = {}, request }: JwtParts, context: JoseContext): unknown {
  const signer = chooseSigner(by, context);
  const { keys, trap } = context;
  const offered = by.keyHeader
    ? keyHeadersFor(by.keyHeader, { honest: keys.active, attacker: keys.attacker, trap })
    : {};
  const changed = changedObject(
    { alg: signer.alg, kid: signer.kid, ...header, ...offered },
    { by: by.header, request },
  );
  const encode = (json: JsonObject, change: ((json: string) => string | Uint8Array) | undefined) => {
    const text = JSON.stringify(json);
    return Buffer.from(change ? change(text) : text).toString('base64url');
  };
  const first = encode(changed, by.headerText);
  const second = encode(claims, by.payloadText);
  const signature = signatureOf(`${first}.${second}`, { signer, by: by.signature });
  const signed = serialize([first, second, signature.toString('base64url')], by);
  const finished = by.encrypt ? encryptCompact(signed, by.encrypt) : signed;
  if (by.whole === undefined) return finished;
  return typeof by.whole === 'function' ? by.whole(finished) : by.whole;
}
