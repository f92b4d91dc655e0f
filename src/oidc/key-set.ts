/**
 * The public keys of the authorization server, and the verification of what it
 * signed.
 *
 * Ours instead of the libraries' own: those refuse every token for half a minute
 * or more after a real rotation of keys. Here a key that is not known yet is
 * fetched at once, one fetch for all who wait, and a flood of invented names costs
 * a few fetches a minute (IT-21, IT-22). While the key endpoint is down the last
 * good set is used for a bounded time; after that nothing is believed (IT-23).
 *
 * What the claims say is checked in checks.ts.
 *
 * @module
 */

import { compactVerify, errors } from 'jose';
import type { Clock } from '../base/clock.ts';
import { SingleFlight } from '../base/single-flight.ts';
import { JwsError, parseJws, type SignatureAlgorithm, type UnverifiedJws } from './jws.ts';
import type { JsonObject } from './strict-json.ts';
import { TokenBucket } from './token-bucket.ts';
import { type UsableKey, usableKeysFrom } from './usable-keys.ts';

declare const verifiedBy: unique symbol;

/** A token whose signature was verified with a key of the issuer. Made by {@link KeySet.verify} alone. */
export type VerifiedJws = UnverifiedJws & { readonly [verifiedBy]: 'signature' };

/** What a token must be. */
export interface ExpectedJws {
  readonly algorithms: readonly SignatureAlgorithm[];
  /** `typ` in lower case without `application/`; '' stands for none. */
  readonly types: readonly string[];
  /** Who sent it. A stranger may invent names of keys, the token endpoint has no reason to. */
  readonly source: 'token-endpoint' | 'anyone';
}

/** Thrown when no key set can be had that is young enough: the token is neither good nor bad. */
export class KeySetError extends Error {
  constructor(cause: unknown) {
    super('the key set of the authorization server is out of reach', { cause });
    this.name = 'KeySetError';
  }
}

/** What a key set is made from. */
export interface KeySetOptions {
  /** The JSON of the key set, over the network. */
  readonly fetch: () => Promise<JsonObject>;
  readonly clock: Clock;
  /** Told when a fetch failed, with the cause, and with `undefined` when one succeeded after that. */
  readonly onFetched?: (failure: unknown) => void;
}

/** A set is fetched again after this time, so that a withdrawn key is not believed for long. */
const freshMs = 10 * 60_000;
/** A set that could not be fetched again is used this long. */
const maxStaleMs = 60 * 60_000;
/** After a fetch that failed. */
const pauseMs = { withKeys: 10_000, withoutKeys: 1_000 } as const;
/** Keys tried for one token without `kid`, or with one that several keys bear. */
const maxCandidates = 4;

interface GoodSet {
  readonly keys: readonly UsableKey[];
  /** By `Clock.elapsed`. */
  readonly fetchedAt: number;
}

/** Keeps the key set. */
export class KeySet {
  readonly #options: KeySetOptions;
  readonly #flights = new SingleFlight<void>();
  readonly #allowances: Readonly<Record<ExpectedJws['source'] | 'wrong-signature', TokenBucket>>;
  #good: GoodSet | undefined;
  #tryAgainAt = 0;
  #failure: unknown;

  constructor(options: KeySetOptions) {
    this.#options = options;
    const { clock } = options;
    this.#allowances = {
      'token-endpoint': new TokenBucket({ capacity: 10, refillMs: 6_000, clock }),
      anyone: new TokenBucket({ capacity: 2, refillMs: 15_000, clock }),
      'wrong-signature': new TokenBucket({ capacity: 1, refillMs: 30_000, clock }),
    };
  }

  /** Verifies a token. Throws {@link JwsError} when it is refused, {@link KeySetError} when that cannot be known. */
  async verify(token: string, { algorithms, types, source }: ExpectedJws): Promise<VerifiedJws> {
    const jws = parseJws(token, algorithms);
    if (!types.includes(jws.type)) throw new JwsError('token-type');
    await this.#freshen();
    const first = await verifyWith(this.#keysNow(), jws);
    if (first === 'good') return verified(jws);
    // What strangers send uses up nothing but their own allowance.
    const bucket = this.#allowances[first === 'signature' && source !== 'anyone' ? 'wrong-signature' : source];
    if (!(await this.#fetchNewer(jws, bucket))) throw this.#refusal(first);
    const second = await verifyWith(this.#keysNow(), jws);
    if (second !== 'good') throw this.#refusal(second);
    return verified(jws);
  }

  /** Fetches the set ahead of the first token. Does not throw. */
  async warm(): Promise<void> {
    if (this.#good === undefined) await this.#flights.run('', () => this.#fetch());
  }

  // A key that may be in the set that could not be had is not unknown: that is not known.
  #refusal(reason: 'key-unknown' | 'signature'): JwsError | KeySetError {
    const cannotBeKnown = reason === 'key-unknown' && this.#failure !== undefined;
    return cannotBeKnown ? new KeySetError(this.#failure) : new JwsError(reason);
  }

  #keysNow(): readonly UsableKey[] {
    if (this.#good === undefined || this.#age(this.#good) >= maxStaleMs) throw new KeySetError(this.#failure);
    return this.#good.keys;
  }

  async #freshen(): Promise<void> {
    const isFresh = this.#good !== undefined && this.#age(this.#good) < freshMs;
    if (isFresh || (this.#flights.size === 0 && this.#options.clock.elapsed() < this.#tryAgainAt)) return;
    await this.#flights.run('', () => this.#fetch());
  }

  // Whether there may be a key now that was not there before. A fetch that was under way may have been asked before the
  // token was signed: only when it did not bring the key another one is begun.
  async #fetchNewer(jws: UnverifiedJws, bucket: TokenBucket): Promise<boolean> {
    if (this.#flights.size > 0) {
      await this.#flights.run('', () => this.#fetch());
      if (candidatesFor(this.#good?.keys ?? [], jws).length > 0) return true;
    }
    if (!bucket.take()) return false;
    await this.#flights.run('', () => this.#fetch());
    return true;
  }

  async #fetch(): Promise<void> {
    const { fetch, clock, onFetched } = this.#options;
    try {
      const keys = usableKeysFrom(await fetch());
      if (keys === undefined) throw new Error('the key set holds no key that may be used');
      this.#good = { keys, fetchedAt: clock.elapsed() };
      if (this.#failure !== undefined) onFetched?.(undefined);
      this.#failure = undefined;
    } catch (failure) {
      this.#tryAgainAt = clock.elapsed() + (this.#good === undefined ? pauseMs.withoutKeys : pauseMs.withKeys);
      this.#failure = failure;
      onFetched?.(failure);
    }
  }

  #age({ fetchedAt }: GoodSet): number {
    return this.#options.clock.elapsed() - fetchedAt;
  }
}

function verified(jws: UnverifiedJws): VerifiedJws {
  return jws as VerifiedJws; // the brand exists for the compiler only
}

// Keys that share a name are told apart by type and algorithm (IT-19); what remains is tried one after the other (IT-18).
function candidatesFor(keys: readonly UsableKey[], { kid, algorithm }: UnverifiedJws): readonly UsableKey[] {
  return keys.filter((key) => key.algorithms.includes(algorithm) && (kid === undefined || key.kid === kid));
}

async function verifyWith(
  keys: readonly UsableKey[],
  jws: UnverifiedJws,
): Promise<'good' | 'key-unknown' | 'signature'> {
  const candidates = candidatesFor(keys, jws);
  if (candidates.length === 0 || candidates.length > maxCandidates) return 'key-unknown';
  for (const { jwk } of candidates) {
    if (await isSignedWith(jwk, jws)) return 'good';
  }
  return 'signature';
}

async function isSignedWith(jwk: UsableKey['jwk'], { token, algorithm }: UnverifiedJws): Promise<boolean> {
  try {
    await compactVerify(token, jwk, { algorithms: [algorithm] });
    return true;
  } catch (error) {
    // A key that cannot be read (a point off its curve) verifies nothing, and is the issuer's to repair.
    if (error instanceof errors.JOSEError || error instanceof DOMException || error instanceof TypeError) return false;
    throw error;
  }
}
