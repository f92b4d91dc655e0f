/**
 * The nonces that servers want to find in proofs (RFC 9449, 8 and 9): for each
 * server the one it gave last. Nonces of an authorization server and of a service
 * are told apart by having a collection each.
 *
 * @module
 */

import { LRUCache } from 'lru-cache';
import { challengesIn } from '../http/challenges.ts';

/** NQCHAR (RFC 9449, 8.1); what is longer than any nonce is not carried along. */
const nonceForm = /^[\x21\x23-\x5b\x5d-\x7e]{1,512}$/;

/** Servers that are remembered: those of the configuration, of which there are few. */
const mostServers = 256;

/** The last nonce of each server. */
export class DpopNonces {
  readonly #byOrigin = new LRUCache<string, string>({ max: mostServers });

  /** The nonce for the next proof to `url`; `undefined` while that server has given none. */
  for(url: string): string | undefined {
    return this.#byOrigin.get(originOf(url));
  }

  /** Takes what a server said in `DPoP-Nonce`. `false` when it said nothing that can be used. */
  note(url: string, said: string | readonly string[] | undefined): boolean {
    if (typeof said !== 'string' || !nonceForm.test(said)) return false;
    this.#byOrigin.set(originOf(url), said);
    return true;
  }
}

function originOf(url: string): string {
  return new URL(url).origin;
}

const scheme = /(?:^|[\s,])dpop\s/i;
const nonceError = /\berror\s*=\s*"?use_dpop_nonce\b/i;

/** Whether a `WWW-Authenticate` asks for a proof with a nonce, whatever the case of its scheme (RFC 9110, 11.1). */
export function asksForNonce(authenticate: string | readonly string[] | undefined): boolean {
  const challenges = challengesIn(authenticate);
  const at = challenges.search(scheme);
  return at >= 0 && nonceError.test(challenges.slice(at));
}
