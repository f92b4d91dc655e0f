/**
 * The proofs that go with the token of one call (RFC 9449, 7): a new one each time
 * it is sent, with the nonce that the upstream gave last.
 *
 * An upstream that wants its nonce gets the call once more, whatever its method: the
 * challenge says that it was not carried out (RFC 9449, 9). A body goes with it where
 * it was small enough to be kept. The challenge never reaches the browser: it is between the two of us, and
 * a page that reads 401 would sign its person in again.
 *
 * @module
 */

import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { hasBody } from '../http/framing.ts';
import type { AuthorizedRequest } from '../http/inbound.ts';
import { asksForNonce, type DpopNonces } from '../keys/dpop-nonces.ts';
import { KeptBody } from './kept-body.ts';

/** What a call's proofs are made from. */
export interface CallProofParts {
  /** The upstream's, path included. */
  readonly url: string;
  readonly nonces: DpopNonces;
  readonly clock: Pick<Clock, 'now'>;
}

/** What an answer says of the proof: nothing, that it shall be made again, or that it is no use to try. */
export type ProofVerdict = 'none' | 'repeat' | 'refused';

/** The proofs of one call. */
export class CallProof {
  readonly #parts: CallProofParts;
  #kept: KeptBody | undefined;
  #wasRepeated = false;

  constructor(parts: CallProofParts) {
    this.#parts = parts;
  }

  /** Adds the proof for the next time that the call is sent; nothing for a token that needs none. */
  addTo(flat: string[], { prove, request }: AuthorizedRequest): void {
    if (prove === undefined) return;
    const { url, nonces, clock } = this.#parts;
    flat.push('dpop', prove({ method: request.method, url, nonce: nonces.for(url), now: clock.now() }));
  }

  /** What holds the body of a call that is proved, should it be sent once more: the same each time. */
  keptOf({ prove, request }: AuthorizedRequest): KeptBody | undefined {
    if (prove !== undefined) this.#kept ??= KeptBody.for(request);
    return this.#kept;
  }

  /** Takes the nonce of an answer, for the next call to the same upstream; `false` where it has none. */
  noteNonce(headers: IncomingHttpHeaders): boolean {
    return this.#parts.nonces.note(this.#parts.url, headers['dpop-nonce']);
  }

  /** Takes the nonce of an answer, and says what the answer means for the proof. */
  judge(status: number, { headers, of }: { headers: IncomingHttpHeaders; of: AuthorizedRequest }): ProofVerdict {
    if (of.prove === undefined) return 'none';
    const isNew = this.noteNonce(headers);
    if (status !== 401 || !asksForNonce(headers['www-authenticate'])) return 'none';
    const isAtHand = !hasBody(of.request.headers) || this.#kept?.bytes !== undefined;
    if (!isNew || this.#wasRepeated || !isAtHand) return 'refused';
    this.#wasRepeated = true;
    return 'repeat';
  }
}
