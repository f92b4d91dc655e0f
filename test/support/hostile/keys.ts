/**
 * The signing keys of the hostile provider: which one signs, which ones the key
 * set shows, and every unseemly thing that can be done with them.
 *
 * What a key set answer looks like on the wire is changed by `script.jwks`; what
 * is changed here is real: after `rotate()` the new key signs.
 *
 * @module
 */

import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';

/** The algorithms the provider can sign with. `EdDSA` and `Ed25519` are two names of one thing (RFC 9864). */
export const signingAlgs = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'] as const;

/** One of {@link signingAlgs}. */
export type SigningAlg = (typeof signingAlgs)[number];

/** A key as it stands in a key set (RFC 7517). */
export type Jwk = Readonly<Record<string, unknown>>;

/** A key pair with its name and its algorithm. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlg;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** The public key as published: with `kid`, `alg` and `use`. */
  readonly jwk: Jwk;
}

/** How a key is to be made. */
export interface KeyOptions {
  /** What it signs with; `RS256` by default. */
  readonly alg?: SigningAlg | undefined;
  /** Its name; random by default. */
  readonly kid?: string | undefined;
  /** Bits of an RSA key; 2048 by default, 1024 for a weak one. */
  readonly modulusLength?: number | undefined;
  /** Members of the published JWK that differ: `{ use: 'enc' }`, `{ alg: 'PS256' }`, `{ alg: undefined }`. */
  readonly published?: Readonly<Record<string, unknown>> | undefined;
}

function createPair({ alg, modulusLength = 2048 }: KeyOptions): { publicKey: KeyObject; privateKey: KeyObject } {
  switch (alg) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'ES384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' });
    case 'EdDSA':
    case 'Ed25519':
      return generateKeyPairSync('ed25519');
    default:
      return generateKeyPairSync('rsa', { modulusLength });
  }
}

/** Makes a key pair. An RSA pair takes some 100 ms, the others next to nothing. */
export function createSigningKey(options: KeyOptions = {}): SigningKey {
  const { alg = 'RS256', kid = randomBytes(8).toString('base64url') } = options;
  const { publicKey, privateKey } = createPair({ ...options, alg });
  const jwk: Jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig', ...options.published };
  return { kid, alg, privateKey, publicKey, jwk };
}

/** How to rotate. */
export interface RotateOptions extends KeyOptions {
  /** `true` (default) keeps the old key in the key set beside the new one; `false` withdraws it at once. */
  readonly overlap?: boolean | undefined;
}

/** The keys of one provider. */
export class KeyRing {
  #active: SigningKey;
  #published: SigningKey[];
  #attacker: SigningKey | undefined;
  #rotation: RotateOptions | undefined;

  constructor(first: SigningKey) {
    this.#active = first;
    this.#published = [first];
  }

  /** The key that signs now. */
  get active(): SigningKey {
    return this.#active;
  }

  /** The keys of the key set, in its order. */
  get published(): readonly SigningKey[] {
    return this.#published;
  }

  /** A key that is in no key set, but bears the name of the active one. */
  get attacker(): SigningKey {
    this.#attacker ??= createSigningKey();
    return { ...this.#attacker, kid: this.#active.kid, jwk: { ...this.#attacker.jwk, kid: this.#active.kid } };
  }

  /** A new key signs from now on. It has the algorithm of the old one unless `alg` says otherwise. */
  rotate({ overlap = true, ...options }: RotateOptions = {}): SigningKey {
    const next = createSigningKey({ alg: this.#active.alg, ...options });
    this.#published = overlap ? [...this.#published, next] : [next];
    this.#active = next;
    return next;
  }

  /** Rotates at the next signature: after the client began its flow, right before its token is signed. */
  rotateBeforeNextSignature(options: RotateOptions = {}): void {
    this.#rotation = options;
  }

  /** The key for a signature that is due now; performs the rotation that was put off until then. */
  keyToSignWith(alg?: SigningAlg): SigningKey {
    const rotation = this.#rotation;
    this.#rotation = undefined;
    if (rotation) this.rotate(rotation);
    if (alg === undefined || alg === this.#active.alg) return this.#active;
    return this.#published.find((key) => key.alg === alg) ?? this.add({ alg });
  }

  /** Publishes one more key, which does not sign unless a test signs with it. */
  add(options: KeyOptions = {}): SigningKey {
    const key = createSigningKey(options);
    this.#published = [...this.#published, key];
    return key;
  }

  /** Takes a key out of the key set. The active key goes on signing even so. */
  withdraw(kid: string): void {
    this.#published = this.#published.filter((key) => key.kid !== kid);
  }

  /** Surrounds the active key with keys of other types that bear the same `kid`, so that only type and algorithm tell them apart. */
  addDecoys(): readonly SigningKey[] {
    const others = (['EdDSA', 'ES256', 'PS256'] as const).filter((alg) => alg !== this.#active.alg);
    const decoys = others.map((alg) => createSigningKey({ alg, kid: this.#active.kid }));
    this.#published = [...decoys.slice(0, 1), ...this.#published, ...decoys.slice(1)];
    return decoys;
  }

  /** Back to one key, the active one, in the set; a rotation that was put off is dropped. With `alg`, an active key of another algorithm is replaced. */
  reset(alg: SigningAlg = this.#active.alg): void {
    this.#rotation = undefined;
    if (this.#active.alg !== alg || this.#active.jwk.use !== 'sig') this.#active = createSigningKey({ alg });
    this.#published = [this.#active];
  }
}

/** Keys that must not be in a key set, or must be passed over, for `script.jwks.keys`. */
export const unseemlyKeys = {
  /** A symmetric key (`kty: oct`) of the given name. */
  symmetric: (kid: string): Jwk => ({
    kty: 'oct',
    kid,
    alg: 'HS256',
    use: 'sig',
    k: randomBytes(32).toString('base64url'),
  }),
  /** The key with its private members. */
  withPrivateMembers: (key: SigningKey): Jwk => ({ ...key.privateKey.export({ format: 'jwk' }), ...key.jwk }),
  /** A key of a type that no standard knows. */
  ofUnknownType: (kid: string): Jwk => ({ kty: 'XMSS-NEXT', kid, alg: 'XN256', use: 'sig', x: 'AAAA' }),
  /** An RSA key without a modulus. */
  broken: (kid: string): Jwk => ({ kty: 'RSA', kid, alg: 'RS256', use: 'sig', e: 'AQAB' }),
} as const;
