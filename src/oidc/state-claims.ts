/**
 * Sees to it that a `state` is used once, and its code sent once (CB-02, CB-03).
 *
 * The claim lies in the store, for all instances. A claim that was not answered in
 * time may have taken place all the same; so its random name is remembered here,
 * and the same callback that comes again repeats it instead of losing to itself.
 *
 * @module
 */

import { randomToken } from '../base/random.ts';
import { hashOf, transactionLifetimeMs } from './transaction.ts';

/** Where one-time things are claimed. */
export interface OnceLedger {
  /** `true` for the first claim and for its repeats under the same id. Throws `store-unavailable`. */
  claimOnce(kind: 'state', value: string, claim: { readonly id: string; readonly ttlMs: number }): Promise<boolean>;
  /** Whether somebody claimed it. Claims nothing. Throws `store-unavailable`. */
  wasClaimed(kind: 'state', value: string): Promise<boolean>;
}

/** Claims of unknown outcome that are remembered; then the oldest is forgotten, and that sign-in begins anew. */
const maxRemembered = 1_000;
/** Longer than a transaction lives, whatever the clocks of the instances say. */
const ttlMs = 2 * transactionLifetimeMs;

/** Claims states for one process. */
export class StateClaims {
  readonly #ledger: OnceLedger;
  readonly #underWay = new Map<string, Promise<boolean>>();
  readonly #unanswered = new Map<string, string>();

  constructor(ledger: OnceLedger) {
    this.#ledger = ledger;
  }

  /**
   * Whether the caller is the one who may redeem the code of `state`. Of callers at
   * the same time one is, the others wait for its outcome. Throws `store-unavailable`.
   */
  async claim(state: string): Promise<boolean> {
    const key = hashOf(state);
    const leader = this.#underWay.get(key);
    if (leader !== undefined) {
      await leader; // when it fails nobody knows more
      return false;
    }
    const claim = this.#claim(state, key);
    this.#underWay.set(key, claim);
    try {
      return await claim;
    } finally {
      this.#underWay.delete(key);
    }
  }

  /** Whether the code of `state` was redeemed, or is being redeemed. Throws `store-unavailable`. */
  async wasClaimed(state: string): Promise<boolean> {
    return this.#ledger.wasClaimed('state', state);
  }

  async #claim(state: string, key: string): Promise<boolean> {
    const id = this.#unanswered.get(key) ?? randomToken(128);
    this.#remember(key, id);
    const isFirst = await this.#ledger.claimOnce('state', state, { id, ttlMs });
    this.#unanswered.delete(key);
    return isFirst;
  }

  #remember(key: string, id: string): void {
    const [oldest] = this.#unanswered.keys();
    if (this.#unanswered.size >= maxRemembered && oldest !== undefined) this.#unanswered.delete(oldest);
    this.#unanswered.set(key, id);
  }
}
