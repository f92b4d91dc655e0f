/**
 * The ID token of an answer: its signature, then its claims, then what they are
 * worth.
 *
 * The rules for the claims stand in checks.ts.
 *
 * @module
 */

import type { Clock } from '../base/clock.ts';
import type { Dialect } from '../config/config.ts';
import {
  checkRefreshedToken,
  checkSignInToken,
  type ExpectedIdToken,
  type IdTokenFault,
  idTokenClaimsOf,
  idTokenTypes,
} from './checks.ts';
import { GrantError, type IdTokenClaims } from './grant.ts';
import { JwsError, type SignatureAlgorithm } from './jws.ts';
import { type KeySet, KeySetError, type VerifiedJws } from './key-set.ts';
import type { PreviousSignIn, Redemption } from './provider-options.ts';
import type { TokenAnswer, TokenAnswerFault } from './token-answer.ts';

/** What ID tokens are judged with. */
export interface IdTokensOptions {
  readonly keys: Pick<KeySet, 'verify'>;
  readonly issuer: string;
  readonly clientId: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly dialect?: Pick<Dialect, 'trustedAudiences' | 'idTokenMaxAgeMs'> | undefined;
}

/** Judges ID tokens. */
export class IdTokens {
  readonly #options: IdTokensOptions;

  constructor(options: IdTokensOptions) {
    this.#options = options;
  }

  /** The claims of a sign-in. Throws {@link GrantError}: `invalid`, or `unreachable` when there are no keys to tell with. */
  async ofSignIn(
    answer: TokenAnswer,
    { redemption, algorithms }: { readonly redemption: Redemption; readonly algorithms: readonly SignatureAlgorithm[] },
  ): Promise<IdTokenClaims> {
    if (answer.idToken === undefined) throw refusal('id-token-missing', answer);
    const jws = await this.#verified(answer.idToken, { answer, algorithms });
    if (jws instanceof KeySetError) {
      throw new GrantError('unreachable', { reason: 'key-set', cause: jws, tokensToRevoke: tokensOf(answer) });
    }
    const code = redemption.callbackParameters.get('code') ?? '';
    const fault = checkSignInToken(jws, { ...this.#expected(answer), ...redemption, code });
    if (fault !== undefined) throw refusal(fault, answer);
    return idTokenClaimsOf(jws);
  }

  /** The claims of a refresh; `undefined` when it brought no ID token, or there are no keys to tell with. Throws {@link GrantError}. */
  async ofRefresh(
    answer: TokenAnswer,
    { previous, algorithms }: { readonly previous: PreviousSignIn; readonly algorithms: readonly SignatureAlgorithm[] },
  ): Promise<IdTokenClaims | undefined> {
    if (answer.idToken === undefined) return undefined;
    const jws = await this.#verified(answer.idToken, { answer, algorithms });
    if (jws instanceof KeySetError) return undefined;
    const expected = { ...this.#expected(answer), previous };
    const fault = previous.issuer === expected.issuer ? checkRefreshedToken(jws, expected) : 'id-token-issuer';
    if (fault !== undefined) throw refusal(fault, answer);
    return idTokenClaimsOf(jws);
  }

  async #verified(
    token: string,
    { answer, algorithms }: { readonly answer: TokenAnswer; readonly algorithms: readonly SignatureAlgorithm[] },
  ): Promise<VerifiedJws | KeySetError> {
    try {
      return await this.#options.keys.verify(token, { algorithms, types: idTokenTypes, source: 'token-endpoint' });
    } catch (error) {
      if (error instanceof KeySetError) return error;
      if (error instanceof JwsError) throw refusal(error.reason, answer, error);
      throw error;
    }
  }

  #expected({ accessToken }: TokenAnswer): ExpectedIdToken {
    const { issuer, clientId, clock, dialect } = this.#options;
    return {
      ...{ issuer, clientId, accessToken, now: clock.now() },
      trustedAudiences: dialect?.trustedAudiences ?? [],
      maxAgeMs: dialect?.idTokenMaxAgeMs,
    };
  }
}

function refusal(
  reason: IdTokenFault | TokenAnswerFault | JwsError['reason'],
  answer: TokenAnswer,
  cause?: unknown,
): GrantError {
  return new GrantError('invalid', { reason, cause, tokensToRevoke: tokensOf(answer) });
}

function tokensOf({ refreshToken, accessToken }: TokenAnswer): readonly string[] {
  return refreshToken === undefined ? [accessToken] : [refreshToken, accessToken];
}
