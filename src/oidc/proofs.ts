/**
 * Proofs of possession in requests to the authorization server (RFC 9449): at its
 * endpoints, and at UserInfo, which takes tokens as any service does.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import type { DpopKey } from '../keys/dpop-key.ts';
import { asksForNonce, DpopNonces } from '../keys/dpop-nonces.ts';
import type { Question } from './back-channel.ts';
import type { Answer, Endpoint } from './back-channel-answer.ts';

/** Adds proofs to requests, and remembers the nonces that are wanted in them. */
export class Proofs {
  readonly #clock: Pick<Clock, 'now'>;
  /** A server that has both roles keeps them apart, and so do we (RFC 9449, 9). */
  readonly #nonces = { server: new DpopNonces(), resource: new DpopNonces() };

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** The request with a proof of `key`; one that carries a token carries it as one that is bound. */
  prove(question: Question, key: DpopKey): Question {
    const { endpoint, url, method, headers } = question;
    const accessToken = tokenIn(headers);
    const nonce = this.#noncesOf(endpoint).for(url);
    const dpop = key.proof({ method, url, nonce, now: this.#clock.now(), accessToken });
    const bound = accessToken === undefined ? {} : { authorization: `DPoP ${accessToken}` };
    return { ...question, headers: { ...headers, ...bound, dpop } };
  }

  /** Takes the nonce of an answer, and says whether it was refused for want of it. */
  wantsNonce({ endpoint, url }: Question, { status, headers, json }: Answer): boolean {
    if (!this.#noncesOf(endpoint).note(url, headers['dpop-nonce'])) return false;
    if (status !== 400 && status !== 401) return false;
    return json?.['error'] === 'use_dpop_nonce' || asksForNonce(headers['www-authenticate']);
  }

  #noncesOf(endpoint: Endpoint): DpopNonces {
    return endpoint === 'user-info' ? this.#nonces.resource : this.#nonces.server;
  }
}

function tokenIn({ authorization }: Question['headers']): string | undefined {
  return /^Bearer (.+)$/.exec(authorization ?? '')?.[1];
}
